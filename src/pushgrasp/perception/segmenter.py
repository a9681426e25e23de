"""Protocol of what finds objects and the goal in a frame, and the check of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import RGBDFrame
from .goal import Goal


@dataclass(frozen=True)
class Segments:
    """Objects and the goal in a picture."""

    labels: npt.NDArray[np.int32]  # (H, W) 0 background or unknown, 1..n objects
    goal: npt.NDArray[np.bool_]  # (H, W) pixels of the goal


@runtime_checkable
class Segmenter(Protocol):
    """Finds objects and the goal in a picture."""

    def segment(self, frame: RGBDFrame, goal: Goal) -> Segments:
        """Segment a picture.

        Args:
            frame: the picture; (H, W) as its intrinsics say.
            goal: what the user asked for.
        Returns:
            Labels and the goal's mask, of the picture's size.
        """
        ...


def ask(segmenter: Segmenter, frame: RGBDFrame, goal: Goal) -> Segments:
    """Ask a segmenter about a picture and check what it answers.

    Raises:
        UserError: it answers with something else than `Segments` of the picture's size.
    """
    found = segmenter.segment(frame, goal)
    name = type(segmenter).__name__
    labels, mask = getattr(found, "labels", None), getattr(found, "goal", None)
    shape = frame.depth.shape
    for what, image in (("labels", labels), ("goal", mask)):
        size = None if image is None else np.shape(image)
        if size != shape:
            raise UserError(f"{name}.segment: {what} has shape {size}; the picture has {shape}")
    return Segments(np.asarray(labels, np.int32), np.asarray(mask, bool))
