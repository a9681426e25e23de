"""The segmenters by name: `color`, `depth`, and classes of users.

`color` and `depth` work on the map of all cameras together. A user's segmenter works on each
camera's picture; `carry` brings its labels into the map.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import RGBDFrame
from ..workspace import Workspace
from .carry import cells_of
from .depth_split import split_by_depth
from .goal import Appearance, Goal
from .heightmap import Heightmap, project_pixels
from .light import View, color_noise, estimate, table_color
from .matching import Match, find_goal
from .segmentation import label_objects, object_mask, smooth_color
from .segmenter import Segmenter, Segments, failure
from .walls import find_walls


@dataclass(frozen=True)
class SegmentationInput:
    """Input of a segmenter that works on the map."""

    heightmap: Heightmap
    objects: npt.NDArray[np.bool_]  # (H, W) raised cells, walls left out
    smoothed: npt.NDArray[np.float32]  # (H, W, 3)
    appearance: Appearance | None  # None: no goal is asked for
    view: View


class ColorSegmenter:
    """Connected regions of one colour are objects; the goal is found by its colours."""

    name = "color"
    splits_by_shape = False

    def labels(self, scene: SegmentationInput) -> npt.NDArray[np.int32]:
        """Label the objects of a map."""
        return label_objects(
            scene.heightmap, objects=scene.objects, smoothed=scene.smoothed, noise=scene.view.noise
        )

    def segment_map(self, scene: SegmentationInput) -> tuple[npt.NDArray[np.int32], Match]:
        """Label the objects of a map, and find the goal among them."""
        labels = self.labels(scene)
        if scene.appearance is None:
            return labels, Match(np.zeros(labels.shape, bool))
        match = find_goal(
            scene.heightmap, scene.objects, labels, scene.smoothed, scene.appearance, scene.view,
            by_shape=self.splits_by_shape,
        )  # fmt: skip
        return labels, match

    def segment(self, frame: RGBDFrame, goal: Goal) -> Segments:
        """Segment one picture; see `Segmenter`.

        A class of yours may call this with the frame that it was given. `frame.workspace` says
        where to look; None: the standard workspace.

        Raises:
            UserError: the frame has no depth, or shows nothing of the standard workspace.
        """
        workspace = frame.workspace or Workspace()
        heightmap, _ = project_pixels(frame, workspace)
        if frame.workspace is None and not heightmap.seen.any():
            raise UserError(
                "the frame shows nothing of the standard workspace; say where to look: "
                "dataclasses.replace(frame, workspace=...)"
            )
        objects = object_mask(heightmap)
        objects &= ~find_walls(heightmap, objects)
        smoothed = smooth_color(heightmap.color, objects)
        appearance = goal.appearance()
        reference = None if appearance is None else appearance.table
        view = estimate(table_color(heightmap, objects), reference, noise=color_noise([frame]))
        scene = SegmentationInput(heightmap, objects, smoothed, appearance, view)
        labels, match = self.segment_map(scene)
        cells, valid = cells_of(frame, heightmap)
        picture = np.where(valid, labels.reshape(-1)[cells], 0).astype(np.int32)
        return Segments(picture, valid & match.mask.reshape(-1)[cells])


class DepthSegmenter(ColorSegmenter):
    """As `color`, and touching objects of one colour are split where their shapes show it."""

    name = "depth"
    splits_by_shape = True

    def labels(self, scene: SegmentationInput) -> npt.NDArray[np.int32]:
        """Label the objects of a map."""
        return split_by_depth(super().labels(scene), scene.heightmap.height)


SEGMENTERS: dict[str, type[ColorSegmenter]] = {"color": ColorSegmenter, "depth": DepthSegmenter}


def works_on_map(segmenter: Segmenter) -> TypeGuard[ColorSegmenter]:
    """Check for a built-in segmenter; a subclass with another `segment` works on pictures."""
    method = type(segmenter).segment
    return isinstance(segmenter, ColorSegmenter) and method is ColorSegmenter.segment


def load_segmenter(source: str | Segmenter) -> Segmenter:
    """Make a segmenter.

    Args:
        source: "color", "depth", `FILE.py:CLASS`, or a segmenter, which is returned as it is.
            The class is made without arguments; the file's code runs here with all our rights.
    Raises:
        UserError: there is no such name, file or class, or what it makes has no `segment`.
    """
    if not isinstance(source, str):
        return _checked(source, type(source).__name__)
    if source in SEGMENTERS:
        return SEGMENTERS[source]()
    path, colon, name = source.rpartition(":")
    if not colon or not path.endswith(".py"):
        raise UserError(
            f"no segmenter {source!r}; there are: {', '.join(SEGMENTERS)}, or a class of yours as "
            "FILE.py:CLASS"
        )
    if not Path(path).is_file():
        raise UserError(f"{source}: there is no file {path}")
    return _checked(_make(Path(path), name, source), source)


def _make(path: Path, name: str, source: str) -> object:
    module_name = f"pushgrasp_segmenter_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
        if not hasattr(module, name):
            raise UserError(f"{source}: {path} has no class {name}")
        return getattr(module, name)()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{source}: {failure(error)}") from error


def _checked(made: object, name: str) -> Segmenter:
    if not isinstance(made, Segmenter):
        raise UserError(f"{name} is no segmenter: it needs a method segment(frame, goal)")
    return made
