"""The option that names the device for networks; its syntax is checked without PyTorch."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

import tyro


def _device(words: list[str]) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", words[0]):
        raise ValueError(f"there is no device {words[0]!r}; it is auto, cpu, cuda or cuda:N.")
    return words[0]


Device: TypeAlias = Annotated[
    str,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="DEVICE",
        instance_from_str=_device,
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda value: [value],
    ),
]
"""A device for networks: auto, cpu, cuda, cuda:1."""
