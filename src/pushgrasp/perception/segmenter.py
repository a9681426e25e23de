"""What finds objects and the goal: the protocol, the two that come with the package, and yours.

`color` and `depth` work on the map of all cameras together. A segmenter of a third party,
`FILE.py:CLASS`, works on each camera's picture; its labels are carried into the map as colours
are, and labels of one thing in two pictures are joined.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import RGBDFrame
from ..workspace import Workspace
from .depth_split import split_by_depth
from .goal import Appearance, Goal
from .heightmap import Heightmap, project_pixels, ray_directions
from .light import View, color_noise, estimate, table_color
from .matching import Match, find_goal
from .segmentation import (
    MIN_GOAL_PX,
    MIN_HEIGHT,
    MIN_REGION_PX,
    label_objects,
    object_mask,
    smooth_color,
)

SAME_HEIGHT = 0.015  # m; a pixel this near to its cell's height shows what the cell shows
JOIN_SHARE = 0.3  # of the smaller one's cells that two cameras' labels share: one thing


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


@dataclass(frozen=True)
class Scene:
    """What a segmenter of the map is given."""

    heightmap: Heightmap
    objects: npt.NDArray[np.bool_]  # (H, W) raised cells, walls left out
    smoothed: npt.NDArray[np.float32]  # (H, W, 3)
    appearance: Appearance | None  # None: no goal is asked for
    view: View


class ColorSegmenter:
    """Connected regions of one colour are objects; the goal is found by its colours."""

    name = "color"

    def labels(self, scene: Scene) -> npt.NDArray[np.int32]:
        """Label the objects of a map."""
        return label_objects(
            scene.heightmap, objects=scene.objects, smoothed=scene.smoothed, noise=scene.view.noise
        )

    def segment_map(self, scene: Scene) -> tuple[npt.NDArray[np.int32], Match]:
        """Label the objects of a map, and find the goal among them."""
        labels = self.labels(scene)
        if scene.appearance is None:
            return labels, Match(np.zeros(labels.shape, bool))
        match = find_goal(
            scene.heightmap, scene.objects, labels, scene.smoothed, scene.appearance, scene.view
        )
        return labels, match

    def segment(self, frame: RGBDFrame, goal: Goal) -> Segments:
        """Segment one picture of a table at z = 0; see `Segmenter`."""
        workspace = Workspace()
        heightmap, _ = project_pixels(frame, workspace)
        objects, smoothed = object_mask(heightmap), smooth_color(heightmap.color)
        appearance = goal.appearance()
        reference = None if appearance is None else appearance.table
        view = estimate(table_color(heightmap, objects), reference, noise=color_noise([frame]))
        scene = Scene(heightmap, objects, smoothed, appearance, view)
        labels, match = self.segment_map(scene)
        cells, valid = _cells_of(frame, heightmap)
        picture = np.where(valid, labels.reshape(-1)[cells], 0).astype(np.int32)
        return Segments(picture, valid & match.mask.reshape(-1)[cells])


class DepthSegmenter(ColorSegmenter):
    """As `color`, and touching objects of one colour are split where their shapes show it."""

    name = "depth"

    def labels(self, scene: Scene) -> npt.NDArray[np.int32]:
        """Label the objects of a map."""
        return split_by_depth(super().labels(scene), scene.heightmap.height)


SEGMENTERS: dict[str, type[ColorSegmenter]] = {"color": ColorSegmenter, "depth": DepthSegmenter}


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
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            f"{source}: {type(error).__name__}: {error} (in {last.filename}, line {last.lineno})"
        ) from error


def _checked(made: object, name: str) -> Segmenter:
    if not isinstance(made, Segmenter):
        raise UserError(f"{name} is no segmenter: it needs a method segment(frame, goal)")
    return made


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


def carry(
    segments: Sequence[Segments],
    frames: Sequence[RGBDFrame],
    heightmap: Heightmap,
    pixel: npt.NDArray[np.int32],
    objects: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Carry labels and the goal from the pictures into the map.

    Raised cells that no label covers are objects by their geometry: connected regions.

    Args:
        segments, frames: of each camera.
        heightmap, pixel: as `project_pixels` gives them.
        objects: (H, W) raised cells.
    Returns:
        (H, W) int32 labels, 1 for the largest, and (H, W) bool the goal.
    """
    offsets = np.cumsum([0, *(int(s.labels.max(initial=0)) for s in segments)])
    numbered = zip(segments, offsets, strict=False)
    flat = np.concatenate(
        [np.where(s.labels > 0, s.labels + o, 0).reshape(-1) for s, o in numbered]
    )
    wanted = np.concatenate([s.goal.reshape(-1) for s in segments])
    seen = (pixel >= 0) & objects
    labels = np.where(seen, flat[np.maximum(pixel, 0)], 0)
    if len(frames) > 1:
        labels = _joined(labels, segments, frames, heightmap, offsets)
    rest = objects & (labels == 0)
    _, geometry = cv2.connectedComponents(rest.view(np.uint8), connectivity=8)
    labels = np.where(rest, int(offsets[-1]) + np.asarray(geometry), labels)
    goal = seen & wanted[np.maximum(pixel, 0)]
    _, parts, stats, _ = cv2.connectedComponentsWithStats(goal.view(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= MIN_GOAL_PX
    large[0] = False
    return _by_size(labels), large[np.asarray(parts, np.intp)]


def _joined(
    labels: npt.NDArray[np.integer],
    segments: Sequence[Segments],
    frames: Sequence[RGBDFrame],
    heightmap: Heightmap,
    offsets: npt.NDArray[np.integer],
) -> npt.NDArray[np.integer]:
    """One label for a thing that several cameras see, by the cells that their labels share."""
    maps = []
    for found, frame, offset in zip(segments, frames, offsets, strict=False):
        own, pixel = project_pixels(frame, heightmap.workspace)
        with np.errstate(invalid="ignore"):
            same = np.abs(own.height - heightmap.height) < SAME_HEIGHT
        here = found.labels.reshape(-1)[np.maximum(pixel, 0)]
        maps.append(np.where(same & (pixel >= 0) & (here > 0), here + offset, 0))
    into = np.arange(int(offsets[-1]) + 1)
    sizes = [np.bincount(m.reshape(-1), minlength=len(into)) for m in maps]
    for i, a in enumerate(maps):
        for j in range(i):
            both = (a > 0) & (maps[j] > 0)
            pairs, shared = np.unique(
                np.stack([a[both], maps[j][both]]), axis=1, return_counts=True
            )
            for (p, q), n in zip(pairs.T, shared, strict=True):
                if n > JOIN_SHARE * min(sizes[i][p], sizes[j][q]):
                    first, second = _root(into, int(p)), _root(into, int(q))
                    into[max(first, second)] = min(first, second)
    roots = np.array([_root(into, k) for k in range(len(into))])
    return roots[labels]


def _root(into: npt.NDArray[np.integer], k: int) -> int:
    while into[k] != k:
        k = int(into[k])
    return k


def _by_size(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Number labels by falling size; those under MIN_REGION_PX are background."""
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] >= MIN_REGION_PX]
    rank = np.zeros(len(sizes), np.int32)
    rank[order] = np.arange(1, len(order) + 1)
    return rank[labels]


def _cells_of(
    frame: RGBDFrame, heightmap: Heightmap
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """(H, W) flat index of each pixel's cell, and which pixels show a thing, its sides too."""
    workspace = heightmap.workspace
    T = frame.T_world_camera
    points = (ray_directions(frame.intrinsics) * frame.depth[..., None]) @ T[:3, :3].T + T[:3, 3]
    cells = workspace.to_pixel(points[..., :2])
    n = workspace.n_pixels
    inside = ((cells >= 0) & (cells < n)).all(-1) & (frame.depth > 0)
    flat = np.where(inside, cells[..., 0] * n + cells[..., 1], 0)
    with np.errstate(invalid="ignore"):
        under = points[..., 2] < heightmap.height.reshape(-1)[flat] + SAME_HEIGHT
    return flat, inside & under & (points[..., 2] > MIN_HEIGHT)
