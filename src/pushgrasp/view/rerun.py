"""An episode as a recording for the Rerun viewer: point cloud, maps, action and numbers over time.

Entities, logged at each action:

    world/cloud                       point cloud of the camera image
    world/camera                      the camera's pose and image
    world/push, world/grasp           the action: an arrow along its path, or the open jaw
    maps/color, maps/height           the heightmap; height in metres, NaN where unseen
    maps/objects                      labels, 0 for the background
    maps/goal, maps/target            masks, 0 or 1; the target is the goal or a surrogate
    maps/q_grasp, maps/q_push         best of the 16 rotations; NaN where not scored
    maps/.../none                     1 where those two and the height are NaN, else 0
    maps/action                       the action from above
    numbers/...                       Q values, the goal's pixels, clutter, seconds
    words, log                        the step in words

World coordinates are metres. Maps are (224, 224) with +x right and +y up, as in the decision
pictures: their first row is the heightmap's last. The timelines are `action`, from 1 as the
decision pictures are numbered, and `seconds` of wall time from the first image to the decision.
Both end with what was there after the last action.

Source: Rerun 0.41, https://rerun.io/docs/reference/types/archetypes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import UserError
from ..evaluation.steps import record_step
from ..interfaces import RGBDFrame
from ..perception.heightmap import ray_directions
from ..perception.observation import Observation
from ..primitives import moves
from ..utils.files import write_atomic
from ..workspace import Workspace
from .draw.actions import ActionGeometry, jaw_ends, push_shown
from .draw.panels import height_range, q_range
from .draw.sheet import UNSEEN
from .draw.words import action_words, headline, outcome_words, plain_words, target_words, went_well

try:
    import rerun as rr
    from rerun.components import Colormap

    from .rerun_layout import ACTION_COLOR, blueprint, styles
except ModuleNotFoundError as error:
    raise UserError(
        '--rerun needs the Rerun SDK, which is not installed. Install the extra "rerun" '
        "(pip install '.[rerun]' in the source folder), or leave the option out"
    ) from error

if TYPE_CHECKING:
    from ..policy.base import QMap
    from ..retrieve import Step

_NUMBERS = ("q_grasp", "q_push", "goal_visible_px", "occupancy", "decision_s", "action_s")
_FINGER = 0.06  # m of the jaw's fingers that is drawn
_MARGIN = 0.05  # m around the workspace that the cloud shows too
_TOP = 0.4  # m above the table; the raised hand is in the cloud
_EVERY = 2  # rows and columns of an image are thinned by this for the cloud


class Recording:
    """Records an episode step by step, in memory (up to 1 MB per step) until it is saved.

    Args:
        title: of the episode.
        geometry: what actions are drawn with.
    Raises:
        UserError: the SDK is switched off.
    """

    def __init__(self, title: str, geometry: ActionGeometry) -> None:
        self._geometry = geometry
        self._seconds = 0.0  # of wall time when the last action was over
        self._last: Step | None = None
        self._stream = rr.RecordingStream("pushgrasp")
        if not rr.is_enabled(self._stream):
            raise UserError("--rerun: the Rerun SDK is off; unset RERUN in the environment")
        self._stream.set_log_time_enabled(False)
        self._stream.set_log_tick_enabled(False)
        self._memory = self._stream.memory_recording()
        self._stream.send_recording_name(title)

    def add(
        self, step: Step, frame: RGBDFrame | None = None, *, lifted: bool | None = None
    ) -> None:
        """Record a step.

        Args:
            step: what was seen, decided and done.
            frame: the camera image that the decision was taken from; None leaves it out.
            lifted: not shown.
        """
        decision, log = step.decision, self._stream.log
        if self._last is None:
            self._once(step.observation.heightmap.workspace)
        self._time(step.index + 1, self._seconds + step.decision_s)
        self._look(step.observation, frame)
        log("maps/target", _mask(decision.target.mask))
        self._q_map("maps/q_grasp", decision.grasp_map, q_range(decision))
        self._q_map("maps/q_push", decision.push_map, q_range(decision))
        self._action(step)
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
        """Record the result, and write the file whole or not at all.

        Args:
            path: of the file; an older one is replaced.
            sentence: the result in words.
            frame: the camera's last image; None leaves it out.
        Raises:
            UserError: the file cannot be written.
        """
        if self._last is not None:
            self._time(self._last.index + 2, self._seconds)
            self._look(self._last.after, frame)
            for gone in ("maps/target", "maps/q_grasp", "maps/q_push"):
                self._stream.log(gone, rr.Clear(recursive=True))
            self._action(None)
        self._stream.log("words", rr.TextDocument(f"## {sentence}", media_type="text/markdown"))
        self._stream.log("log", rr.TextLog(sentence, level=rr.TextLogLevel.INFO))
        write_atomic(path, self._memory.drain_as_bytes())

    def _time(self, action: int, seconds: float) -> None:
        self._stream.set_time("action", sequence=action)
        self._stream.set_time("seconds", duration=seconds)

    def _once(self, workspace: Workspace) -> None:
        """Log the static entities."""
        self._stream.send_blueprint(blueprint(workspace.n_pixels))
        x, y, z, side = workspace.x_min, workspace.y_min, workspace.table_z, workspace.size
        square = [(x, y, z), (x + side, y, z), (x + side, y + side, z), (x, y + side, z), (x, y, z)]
        outline = rr.LineStrips3D([square], colors=UNSEEN, radii=0.001)
        for entity, what in {**styles(), "world/workspace": outline}.items():
            self._stream.log(entity, what, static=True)

    def _look(self, observation: Observation, frame: RGBDFrame | None) -> None:
        """Log the observation."""
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
        """Log values that the viewer shows as colours, and as numbers on hover."""
        image = rr.DepthImage(_up(values), meter=1.0, colormap=colors, depth_range=scale)
        self._stream.log(entity, image)
        none = rr.SegmentationImage(_up(np.isnan(values).astype(np.uint8)), opacity=1.0)
        self._stream.log(f"{entity}/none", none)

    def _q_map(self, entity: str, q_map: QMap | None, scale: tuple[float, float]) -> None:
        """Log the best rotation's Q at each pixel; clear the map if there is none."""
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

    def _action(self, step: Step | None) -> None:
        """Log the action in space and on the maps as executed, or clear it."""
        action = None if step is None else step.decision.action
        drawn: dict[str, rr.AsComponents] = dict.fromkeys(
            ("world/push", "world/grasp", "maps/action"), rr.Clear(recursive=False)
        )
        if step is not None and action is not None:
            workspace = step.observation.heightmap.workspace
            primitive = step.decision.primitive or self._geometry.primitive
            low = min(move.position[2] for move in moves(action, primitive, workspace))
            path = push_shown(step, self._geometry)
            if path is not None:
                starts, ends = (np.array([p]) for p in path)
                drawn["world/push"] = rr.Arrows3D(
                    origins=[(*starts[0], low)], vectors=[(*(ends - starts)[0], 0.0)],
                    colors=ACTION_COLOR, radii=0.003,
                )  # fmt: skip
            else:
                starts = jaw_ends(action, self._geometry.gripper)
                ends = np.broadcast_to(starts.mean(0), starts.shape)
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


def on_map(xy: npt.NDArray[np.float64], workspace: Workspace) -> npt.NDArray[np.float64]:
    """Convert (n, 2) m, world frame, to x and y in pixels from a map's upper left corner."""
    column, row = (xy - (workspace.x_min, workspace.y_min)).T / workspace.resolution
    return np.stack([column, workspace.n_pixels - row], axis=1)


def point_cloud(
    frame: RGBDFrame, workspace: Workspace
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Return (N, 3) points in m, world frame, in and around the workspace, and (N, 3) colours."""
    some = np.s_[::_EVERY, ::_EVERY]
    color, depth = frame.color[some], frame.depth[some]
    rays = ray_directions(frame.intrinsics)[some]
    valid = (depth > 0) & (depth < np.inf)  # False for NaN
    points = (rays[valid] * depth[valid][:, None]) @ frame.T_world_camera[:3, :3].T
    points += frame.T_world_camera[:3, 3]
    near = workspace.contains(points[:, :2], _MARGIN) & (points[:, 2] < workspace.table_z + _TOP)
    return points[near].astype(np.float32), color[valid][near]


def _up(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Flip a map of the workspace to +y up."""
    return np.ascontiguousarray(picture[::-1])


def _mask(mask: npt.NDArray[np.bool_]) -> rr.SegmentationImage:
    return rr.SegmentationImage(_up(mask.astype(np.uint8)), opacity=0.35)


def _words(step: Step) -> str:
    """Describe the step as a small page of Markdown."""
    decision = step.decision
    why = (decision.action.why if decision.action else "") or decision.why
    rows = {
        "Outcome": outcome_words(step),
        "Target": target_words(decision),
        "Action": action_words(decision.action),
        "Why": plain_words(why),
        "The robot refused": "; ".join(step.refusals),
    }
    lines = [f"**{name}:** {text}" for name, text in rows.items() if text]
    return "\n\n".join([f"## {step.index + 1}. {headline(step)}", *lines])
