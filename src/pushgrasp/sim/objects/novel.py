"""Everyday things that no policy was trained with, and every shape by its name."""

from __future__ import annotations

from ...errors import UserError
from .kitchen import KITCHEN
from .shapes import SHAPES, Shape
from .workshop import WORKSHOP

NOVEL: dict[str, Shape] = {shape.name: shape for shape in (*KITCHEN, *WORKSHOP)}
"""The novel shapes by name."""


def find_shape(name: str) -> Shape:
    """A block or a novel shape.

    Args:
        name: a key of SHAPES or NOVEL.
    Raises:
        UserError: there is none of that name; the message lists those there are.
    """
    shape = SHAPES.get(name) or NOVEL.get(name)
    if shape is None:
        raise UserError(
            f"no shape {name!r}; the blocks are {', '.join(SHAPES)}; "
            f"the novel shapes are {', '.join(sorted(NOVEL))}"
        )
    return shape
