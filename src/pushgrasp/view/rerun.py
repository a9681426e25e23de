"""An episode as a recording for the viewer of Rerun: cloud, maps, action and numbers, in time.

Its entities, at each action:

    world/cloud                       the camera's picture in space
    world/camera                      where the camera stands, and its picture
    world/push, world/grasp           the action: an arrow over its way, or the open jaw
    maps/color, maps/height           the heightmap; height in metres, NaN where unseen
    maps/objects                      labels, 0 for the background
    maps/goal, maps/target            masks, 0 or 1; the target is the goal or in its place
    maps/q_grasp, maps/q_push         best of the 16 rotations; NaN where not scored
    maps/.../none                     where those two and the height are NaN, 0 or 1
    maps/action                       the action from above
    numbers/...                       Q values, the goal's pixels, clutter, seconds
    words, log                        the step in words

World coordinates are metres. Maps are as in the decision pictures, (224, 224) with +x right and
+y up: their first row is the heightmap's last. The timelines are `action`, from 1 as the
decision pictures are numbered, and `seconds` of wall time from the first picture to the moment
of the decision. The last moment of both is what was there in the end.

Source: Rerun 0.41, https://rerun.io/docs/reference/types/archetypes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..evaluation.steps import record_step
from ..interfaces import Action, RGBDFrame
from ..perception.observation import Observation
from ..utils.files import write_atomic
from ..utils.output import check_output_file
from ..workspace import Workspace
from .draw.canvas import UNSEEN
from .draw.panels import Lengths, height_range, q_range
from .draw.words import action_words, headline, outcome_words, target_words, went_well
from .space import action_ways, on_map, point_cloud

try:
    import rerun as rr
    from rerun.components import Colormap

    from .rerun_page import ACTION_COLOR, blueprint, styles
except ModuleNotFoundError as error:
    raise UserError(
        "--rerun needs the Rerun SDK, which is not installed; pip install 'pushgrasp[rerun]', or "
        "leave the option out"
    ) from error

if TYPE_CHECKING:
    from ..policy.base import QMap
    from ..retrieve import Step

_NUMBERS = ("q_grasp", "q_push", "goal_visible_px", "occupancy", "decision_s", "action_s")
_FINGER = 0.06  # m of the jaw's fingers that is drawn


def check_place(path: Path) -> None:
    """Whether a recording may be written to a file, before any work is done.

    Raises:
        UserError: it may not; the message says why.
    """
    check_output_file(path, "--rerun", ".rrd")


class Recording:
    """Takes an episode step by step; it is kept in memory, up to 1 MB a step, until it is saved.

    Args:
        title: of the episode.
        lengths: what actions are drawn with.
    Raises:
        UserError: the SDK is switched off.
    """

    def __init__(self, title: str, lengths: Lengths) -> None:
        self._lengths = lengths
        self._seconds = 0.0  # of wall time when the last action was over
        self._last: Step | None = None
        self._stream = rr.RecordingStream("pushgrasp")
        if not rr.is_enabled(self._stream):
            raise UserError("--rerun: the Rerun SDK is off; unset RERUN in the environment")
        self._stream.set_log_time_enabled(False)
        self._stream.set_log_tick_enabled(False)
        self._memory = self._stream.memory_recording()
        self._stream.send_recording_name(title)

    def add(self, step: Step, frame: RGBDFrame | None = None) -> None:
        """Record a step, and the camera's picture that its decision was taken from."""
        decision, log = step.decision, self._stream.log
        if self._last is None:
            self._once(step.observation.heightmap.workspace)
        self._time(step.index + 1, self._seconds + step.decision_s)
        self._look(step.observation, frame)
        log("maps/target", _mask(decision.target.mask))
        self._q_map("maps/q_grasp", decision.grasp_map, q_range(decision))
        self._q_map("maps/q_push", decision.push_map, q_range(decision))
        self._action(decision.action, step.observation.heightmap.workspace)
        record = record_step(step)
        for name in _NUMBERS:
            value = getattr(record, name)
            if value is not None:
                log(f"numbers/{name}", rr.Scalars(value))
        log("words", rr.TextDocument(_words(step), media_type="text/markdown"))
        level = rr.TextLogLevel.INFO if went_well(step) else rr.TextLogLevel.WARN
        log("log", rr.TextLog(f"{headline(step)}: {outcome_words(step)}", level=level))
        self._seconds += step.decision_s + step.action_s
        self._last = step

    def save(self, path: Path, sentence: str, frame: RGBDFrame | None = None) -> None:
        """Record how it ended, and write the file whole or not at all.

        Args:
            path: of the file; an older one is replaced.
            sentence: the result in words.
            frame: the camera's last picture; None leaves it out.
        Raises:
            UserError: the file cannot be written.
        """
        if self._last is not None:
            self._time(self._last.index + 2, self._seconds)
            self._look(self._last.after, frame)
            for gone in ("maps/target", "maps/q_grasp", "maps/q_push"):
                self._stream.log(gone, rr.Clear(recursive=True))
            self._action(None, self._last.after.heightmap.workspace)
        self._stream.log("words", rr.TextDocument(f"## {sentence}", media_type="text/markdown"))
        self._stream.log("log", rr.TextLog(sentence, level=rr.TextLogLevel.INFO))
        write_atomic(path, self._memory.drain_as_bytes())

    def _time(self, action: int, seconds: float) -> None:
        self._stream.set_time("action", sequence=action)
        self._stream.set_time("seconds", duration=seconds)

    def _once(self, workspace: Workspace) -> None:
        """What does not change."""
        self._stream.send_blueprint(blueprint(workspace.n_pixels))
        x, y, side = workspace.x_min, workspace.y_min, workspace.size
        square = [(x, y, 0), (x + side, y, 0), (x + side, y + side, 0), (x, y + side, 0), (x, y, 0)]
        outline = rr.LineStrips3D([square], colors=UNSEEN, radii=0.001)
        for entity, what in {**styles(), "world/workspace": outline}.items():
            self._stream.log(entity, what, static=True)

    def _look(self, observation: Observation, frame: RGBDFrame | None) -> None:
        """What was seen."""
        heightmap, log = observation.heightmap, self._stream.log
        log("maps/color", rr.Image(_up(heightmap.color)))
        scale = 0.0, height_range(heightmap)
        self._values("maps/height", heightmap.height, scale, Colormap.Inferno)
        log("maps/objects", rr.SegmentationImage(_up(observation.labels.astype(np.uint16))))
        log("maps/goal", _mask(observation.goal))
        if frame is not None:
            points, colors = point_cloud(frame, heightmap.workspace)
            log("world/cloud", rr.Points3D(points, colors=colors, radii=0.002))
            self._camera(frame)

    def _values(
        self,
        entity: str,
        values: npt.NDArray[np.float32],
        scale: tuple[float, float],
        colors: Colormap,
    ) -> None:
        """Numbers that the viewer shows in colours and, under the pointer, as they are."""
        image = rr.DepthImage(_up(values), meter=1.0, colormap=colors, depth_range=scale)
        self._stream.log(entity, image)
        none = rr.SegmentationImage(_up(np.isnan(values).astype(np.uint8)), opacity=1.0)
        self._stream.log(f"{entity}/none", none)

    def _q_map(self, entity: str, q_map: QMap | None, scale: tuple[float, float]) -> None:
        """The best of the rotations at each pixel; nothing if the network was not asked."""
        if q_map is None:
            self._stream.log(entity, rr.Clear(recursive=True))
            return
        best = q_map.max(0)
        shown = np.where(np.isfinite(best), best, np.float32(np.nan))
        self._values(entity, shown, scale, Colormap.Viridis)

    def _camera(self, frame: RGBDFrame) -> None:
        k, T = frame.intrinsics, frame.T_world_camera
        self._stream.log(
            "world/camera",
            rr.Transform3D(translation=T[:3, 3], mat3x3=T[:3, :3]),
            rr.Pinhole(
                focal_length=(k.fx, k.fy), principal_point=(k.cx, k.cy), width=k.width,
                height=k.height, image_plane_distance=0.1,
            ),
            rr.Image(frame.color).compress(jpeg_quality=85),
        )  # fmt: skip

    def _action(self, action: Action | None, workspace: Workspace) -> None:
        """The action in space and on the maps; what is not there is cleared."""
        drawn: dict[str, rr.AsComponents] = dict.fromkeys(
            ("world/push", "world/grasp", "maps/action"), rr.Clear(recursive=False)
        )
        if action is not None:
            starts, ends, low = action_ways(action, self._lengths, workspace)
            if action.primitive == "push":
                drawn["world/push"] = rr.Arrows3D(
                    origins=[(*starts[0], low)], vectors=[(*(ends - starts)[0], 0.0)],
                    colors=ACTION_COLOR, radii=0.003,
                )  # fmt: skip
            else:
                (x0, y0), (x1, y1) = starts
                high = low + _FINGER
                jaw = [(x0, y0, low), (x0, y0, high), (x1, y1, high), (x1, y1, low)]
                drawn["world/grasp"] = rr.LineStrips3D([jaw], colors=ACTION_COLOR, radii=0.003)
            start, end = on_map(starts, workspace), on_map(ends, workspace)
            drawn["maps/action"] = rr.Arrows2D(
                origins=start, vectors=end - start, colors=ACTION_COLOR, radii=1.0
            )
        for entity, what in drawn.items():
            self._stream.log(entity, what)


def _up(picture: npt.NDArray) -> npt.NDArray:
    """A map of the workspace with +y up."""
    return np.ascontiguousarray(picture[::-1])


def _mask(mask: npt.NDArray[np.bool_]) -> rr.SegmentationImage:
    return rr.SegmentationImage(_up(mask.astype(np.uint8)), opacity=0.35)


def _words(step: Step) -> str:
    """The step as a small page."""
    decision = step.decision
    why = (decision.action.why if decision.action else "") or decision.why
    rows = {
        "Outcome": outcome_words(step),
        "Target": target_words(decision),
        "Action": action_words(decision.action),
        "Why": why,
        "The robot refused": "; ".join(step.refusals),
    }
    lines = [f"**{name}:** {text}" for name, text in rows.items() if text]
    return "\n\n".join([f"## {step.index + 1}. {headline(step)}", *lines])
