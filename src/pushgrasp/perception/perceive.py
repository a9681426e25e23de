"""Frames to observations over an episode: what the first frame settles is kept for the rest.

The first frame settles the table's plane, the goal's colours if it is shown by a place in that
frame, and which cameras can be used. Later frames are taken as they come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..interfaces import Camera, Report, RGBDFrame
from ..workspace import Workspace
from .carry import to_map
from .first_frame import shown_goal
from .frame_format import check_frame
from .goal import RGB, Appearance, Goal
from .hand import HandView, look_into_hand
from .heightmap import Heightmap, project_pixels
from .light import View, color_noise, estimate, table_color
from .likeness import Regions, like_goal
from .matching import Match, goal_pixels
from .observation import Observation
from .rig import Rig, settle_rig
from .rivals import keep_one_thing, name_two_labels
from .segmentation import object_mask, smooth_color
from .segmenter import Segmenter, Segments, ask
from .segmenters import DepthSegmenter, SegmentationInput, load_segmenter, works_on_map
from .table_watch import TableWatch
from .walls import find_walls, spare_goal

SEVERAL = "the segmenter finds two goals: "


class Perception:
    """Turns the frames of one episode into observations.

    Args:
        goal: what to retrieve, or its colour; None to look without a goal.
        workspace: what to look at; None for the standard one.
        segmenter: a name, `FILE.py:CLASS`, or a segmenter.
    Raises:
        UserError: there is no such segmenter, or it cannot know the goal.
    """

    def __init__(
        self,
        goal: Goal | RGB | None,
        workspace: Workspace | None = None,
        segmenter: str | Segmenter = "color",
    ) -> None:
        self.workspace = Workspace() if workspace is None else workspace
        self.goal = None if goal is None else Goal.of(goal)
        self.segmenter = load_segmenter(segmenter)
        self._appearance = None if self.goal is None else self.goal.appearance()
        if self.goal is not None and works_on_map(self.segmenter):
            self.goal.check_visible()
        self._rig: Rig | None = None
        self._table = TableWatch()
        self._view: View | None = None
        self._noise = 0.0
        self._has_walls = False

    @property
    def appearance(self) -> Appearance | None:
        """The goal's colours; None while no frame has shown them, or without a goal."""
        return self._appearance

    def look(self, frames: RGBDFrame | Sequence[RGBDFrame]) -> Observation:
        """Turn frames of one moment into what a decision is made from.

        Args:
            frames: one for each camera, always in the same order.
        Raises:
            UserError: a frame cannot be right, or shows no table where the workspace is.
        """
        given = [frames] if isinstance(frames, RGBDFrame) else list(frames)
        if not given:
            raise UserError("no frame: at least one camera has to be given")
        notes: list[str] = []
        first = self._rig is None
        given = [check_frame(frame, self.workspace) for frame in given]
        if self._rig is None:
            in_first = self.goal is not None and self.goal.on_first_frame
            self._rig, said = settle_rig(given, self.workspace, shown_in_first=in_first)
            notes += said
        views, said = self._rig.views(given)
        notes += said
        return self._observe(views, notes, first)

    def look_into_hand(self, cameras: Sequence[Camera], hand: Report) -> HandView:
        """Look whether the goal is in the raised hand; see `hand.look_into_hand`."""
        blind = self._rig.blind if self._rig is not None else ()
        seeing = [c for i, c in enumerate(cameras) if i not in blind]
        return look_into_hand(seeing, hand, self._goal_in_picture)

    def _goal_in_picture(
        self, frame: RGBDFrame, shown: npt.NDArray[np.integer]
    ) -> npt.NDArray[np.bool_]:
        """Select the pixels, given by flat indices, of a frame of the hand that show the goal."""
        if self.goal is None:
            return np.zeros(len(shown), bool)
        if not works_on_map(self.segmenter):
            return ask(self.segmenter, frame, self.goal, self.workspace).goal.reshape(-1)[shown]
        if self._appearance is None:
            return np.zeros(len(shown), bool)
        view = self._view or estimate(None, None)
        return goal_pixels(frame.color.reshape(-1, 3)[shown], self._appearance, view)

    def _observe(self, frames: Sequence[RGBDFrame], notes: list[str], first: bool) -> Observation:
        heightmap, pixel = project_pixels(frames, self.workspace)
        raised = object_mask(heightmap)
        self._table.check(heightmap, raised, obscured=bool(notes) and not first)
        smoothed = smooth_color(heightmap.color, raised)
        reference = None if self._appearance is None else self._appearance.table
        shown = None
        table = table_color(heightmap, raised)
        if first and self.goal is not None and self.goal.on_first_frame:
            shown, said = shown_goal(self.goal, frames, heightmap, pixel, raised)
            notes += [said] if said else []
            self._appearance = Appearance.of_pixels(heightmap.color[shown], table)
            reference = table
        if first:
            self._noise = color_noise(frames)
        self._view = estimate(table, reference, noise=self._noise)
        if first and self._appearance is not None and shown is None and self._view.unknown:
            notes.append(self._view.unknown)
        asked, two = None, ""
        if not works_on_map(self.segmenter):
            asked = self._ask(frames, heightmap, pixel, raised)
            two = name_two_labels(asked[1], asked[0], smoothed, self.workspace)
        walls = np.zeros(raised.shape, bool)
        if first or self._has_walls:
            walls = find_walls(heightmap, raised)
            like = shown if asked is None else asked[1]
            walls, said = self._without_goal(walls, smoothed, like, shown=shown is not None)
            notes += [said] if said else []
            self._has_walls = bool(walls.any())
        objects = raised & ~walls
        scene = SegmentationInput(heightmap, objects, smoothed, self._appearance, self._view)
        if asked is not None:
            labels = np.where(walls, 0, asked[0]).astype(np.int32)
            match = Match(asked[1] & ~walls, ambiguous=SEVERAL + two if two else "")
        else:
            assert works_on_map(self.segmenter)
            labels, match = self.segmenter.segment_map(scene)
        if shown is not None:  # it was shown where the goal is
            doubts = match.doubts
            if match.ambiguous:
                said = "the one that was shown is taken now, but later either may be"
                doubts = (*doubts, f"{match.ambiguous}; {said}")
            said = self._several_shown(shown, scene, labels)
            match = Match(shown, (*doubts, said) if said else doubts)
        notes += match.doubts
        if match.ambiguous and not first:  # at the first look it stops the robot
            notes.append(f"{match.ambiguous}; either may be taken")
        return Observation(
            heightmap=heightmap, labels=labels, objects=objects, goal=match.mask, walls=walls,
            notes=tuple(notes), ambiguous=match.ambiguous,
        )  # fmt: skip

    def _without_goal(
        self,
        walls: npt.NDArray[np.bool_],
        smoothed: npt.NDArray[np.float32],
        like: npt.NDArray[np.bool_] | None,
        *,
        shown: bool,
    ) -> tuple[npt.NDArray[np.bool_], str]:
        """Take the goal out of the walls; `like` are its cells, None where colours tell it."""
        if not walls.any():
            return walls, ""
        if like is None:
            if self._appearance is None or self._view is None:
                return walls, ""
            like = like_goal(smoothed, walls, self._appearance, self._view.lights)
        return spare_goal(walls, like, self.workspace, shown=shown)

    def _ask(
        self,
        frames: Sequence[RGBDFrame],
        heightmap: Heightmap,
        pixel: npt.NDArray[np.int32],
        raised: npt.NDArray[np.bool_],
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Ask a user's segmenter about each picture; labels and goal are carried into the map."""
        goal = self.goal or Goal()
        found: list[Segments] = [
            ask(self.segmenter, frame, goal, self.workspace) for frame in frames
        ]
        return to_map(found, frames, heightmap, pixel, raised)

    def _several_shown(
        self, shown: npt.NDArray[np.bool_], scene: SegmentationInput, labels: npt.NDArray[np.int32]
    ) -> str:
        """Say which two things that touch lie where the goal was shown; "" if there is one."""
        two = ""
        if isinstance(self.segmenter, DepthSegmenter):
            regions = Regions.of(labels, scene.smoothed)
            same = np.zeros(len(regions.size))
            _, two = keep_one_thing(shown, regions, same, scene.heightmap, [], by_shape=True)
        elif not works_on_map(self.segmenter):
            two = name_two_labels(shown, labels, scene.smoothed, self.workspace)
        assert self.goal is not None
        return (
            two and f"{self.goal.describe()} shows two things, {two}; both are taken for the goal"
        )


def observe(
    frames: RGBDFrame | Sequence[RGBDFrame],
    goal: Goal | RGB | None,
    workspace: Workspace | None = None,
    *,
    segmenter: str | Segmenter = "color",
) -> Observation:
    """Turn frames of one moment into what a decision is made from.

    Every frame is taken for a first one; `Perception` keeps what the first one settles.

    Args:
        frames: one picture, or several of the same moment.
        goal: what to retrieve, or its colour, sRGB 0..255.
        workspace: what to look at; None for the standard one.
        segmenter: as for `Perception`.
    Raises:
        UserError: a frame cannot be right, or shows no table where the workspace is.
    """
    return Perception(goal, workspace, segmenter).look(frames)
