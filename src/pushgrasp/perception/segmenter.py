"""Protocol of what finds objects and the goal in a frame, and the check of its answer."""

from __future__ import annotations

import inspect
import traceback
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import RGBDFrame
from ..workspace import Workspace
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
            frame: the picture; (H, W) as its intrinsics say. `frame.workspace` is where the
                robot works; its pose is corrected for the table's plane.
            goal: what the user asked for.
        Returns:
            Labels and the goal's mask, of the picture's size.
        """
        ...


def ask(segmenter: Segmenter, frame: RGBDFrame, goal: Goal, workspace: Workspace) -> Segments:
    """Ask a segmenter about a picture and check what it answers.

    Args:
        segmenter: of the user's.
        frame, goal: as for `Segmenter.segment`.
        workspace: given to the segmenter in the frame.
    Returns:
        Labels from 0 to the number of objects, without gaps, and the goal's mask.
    Raises:
        UserError: it fails, or answers with something else than `Segments` of the picture's size.
    """
    where = _place(segmenter)
    try:
        found: Any = segmenter.segment(replace(frame, workspace=workspace), goal)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{where} failed: {failure(error)}") from error
    if not (hasattr(found, "labels") and hasattr(found, "goal")):
        raise UserError(
            f"{where} returned a {type(found).__name__}; it must return Segments(labels, goal)"
        )
    shape = frame.depth.shape
    labels = _image(found.labels, shape, f"{where}: labels")
    mask = _image(found.goal, shape, f"{where}: goal")
    if labels.dtype.kind not in "iu" and not (np.mod(labels, 1) == 0).all():
        raise UserError(
            f"{where}: labels are {labels.dtype} with fractions; they must be whole numbers, 0 for "
            "the background and 1, 2, ... for the objects"
        )
    if labels.size and labels.min() < 0:
        raise UserError(
            f"{where}: a label is {labels.min()}; 0 is the background, 1, 2, ... are the objects"
        )
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise UserError(
            f"{where}: goal is {mask.dtype} from {mask.min():g} to {mask.max():g}; it must be a "
            "mask: compare it with a threshold, for example goal > 0.5"
        )
    return Segments(_without_gaps(labels), mask.astype(bool))


def failure(error: Exception) -> str:
    """Name an exception, and the line of code that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = str(error) or "no message"
    return f"{type(error).__name__}: {said} (in {last.filename}, line {last.lineno})"


def _place(segmenter: Segmenter) -> str:
    """Name a segmenter's file and method."""
    name = f"{type(segmenter).__name__}.segment"
    try:
        return f"{inspect.getfile(type(segmenter))}: {name}"
    except (TypeError, OSError):  # a class of an interactive session
        return name


def _image(given: Any, shape: tuple[int, ...], what: str) -> npt.NDArray[Any]:
    """Take an image of numbers of a shape; NaN is refused."""
    try:
        image = np.asarray(given)
    except Exception as error:  # a tensor on a GPU, for example
        raise UserError(f"{what} is no array: {error}") from error
    if image.dtype.kind not in "biuf":
        raise UserError(f"{what} is a {type(given).__name__}; it must be an array of numbers")
    if image.shape != shape:
        raise UserError(f"{what} has shape {image.shape}; the picture has {shape}")
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise UserError(f"{what} has numbers that are not finite")
    return image


def _without_gaps(labels: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Number labels from 1 without gaps in their order; 0 stays the background."""
    found, inverse = np.unique(labels, return_inverse=True)
    rank = np.arange(len(found), dtype=np.int32) + np.int32(len(found) > 0 and found[0] != 0)
    return rank[inverse].reshape(labels.shape)
