"""Played scenes as arrays to learn from: looks, their candidates, and actions with goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...interfaces import Outcome
from ...policy.base import Memory
from ...policy.value.policy import repeats
from ...policy.value.proposals import GRASP, Candidates, to_action
from ...policy.value.views import Bytes, Goals, table
from ...workspace import Workspace
from .transitions import MAX_OBJECTS, SceneRecord, unpack_height


@dataclass
class Store:
    """L looks and N actions; all objects of a scene are goals."""

    tables: Bytes  # (L, h, w, 3), see `views.table`
    n_segments: npt.NDArray[np.int64]  # (L,)
    visible: npt.NDArray[np.int64]  # (L, MAX_OBJECTS) heightmap pixels seen of each object
    center: npt.NDArray[np.float32]  # (L, MAX_OBJECTS, 2) their middles, row and column
    tries: npt.NDArray[np.int64]  # (L, MAX_OBJECTS) earlier grasps aimed at each, all in vain
    present: npt.NDArray[np.bool_]  # (L, MAX_OBJECTS) in the workspace
    pixel: npt.NDArray[np.float32]  # (L, MAX_OBJECTS, 2) true row and column
    candidates: Candidates  # without those that the policy's memory forbids
    first: npt.NDArray[np.int64]  # (L + 1,) where each look's candidates begin
    scene: npt.NDArray[np.int64]  # (L,) index of the scene
    look: npt.NDArray[np.int64]  # (N,) before each action; the look after it is the next
    action: Candidates  # (N,)
    source: npt.NDArray[np.uint8]  # (N,)
    behind: npt.NDArray[np.int64]  # (N,) the behaviour's goal
    taken: npt.NDArray[np.bool_]  # (N, MAX_OBJECTS)
    lost: npt.NDArray[np.bool_]  # (N, MAX_OBJECTS)
    kinds: list[str]  # of the scenes

    def of(self, scenes: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Return the actions of some scenes."""
        return np.flatnonzero(np.isin(self.scene[self.look], scenes))

    def goals(self, looks: npt.NDArray[np.int64], objects: npt.NDArray[np.int64]) -> Goals:
        """Return objects (N, G) of looks (N,) as goals."""
        rows = looks[:, None]
        return Goals(
            owner=(objects + 1).astype(np.uint8),
            visible_px=self.visible[rows, objects],
            center=self.center[rows, objects],
            tries=self.tries[rows, objects],
            n_segments=self.n_segments[looks],
        )

    def here(self, look: int) -> Candidates:
        """Return the candidates of a look."""
        return self.candidates[self.first[look] : self.first[look + 1]]


def load_store(folders: Sequence[Path], most: int = 0) -> Store:
    """Read all scenes of some folders.

    Args:
        folders: of `play-*.npz` files.
        most: actions at most, in the order of the scenes' numbers; 0: all.
    """
    found = (path for folder in folders for path in folder.glob("play-*.npz"))
    paths = sorted(found, key=lambda path: (path.stem.split("-")[-1], path.stem))
    parts: dict[str, list[np.ndarray]] = {k: [] for k in _LOOKS + _ACTIONS}
    kinds: list[str] = []
    n_looks = n_actions = 0
    for path in paths:
        record = SceneRecord.load(path)
        for name, array in _arrays(record, len(kinds), n_looks).items():
            parts[name].append(array)
        kinds.append(str(record.meta["scene"]))
        n_looks, n_actions = n_looks + len(record.height), n_actions + len(record)
        if most and n_actions >= most:
            break
    joined = {k: np.concatenate(v) for k, v in parts.items()}
    first = np.concatenate([[0], np.cumsum(joined.pop("counts"))])
    return Store(**joined, first=first, kinds=kinds)


_LOOKS = (
    "tables", "n_segments", "visible", "center", "tries", "present", "pixel", "candidates",
    "counts", "scene",
)  # fmt: skip
_ACTIONS = ("look", "action", "source", "behind", "taken", "lost")


def _arrays(record: SceneRecord, scene: int, offset: int) -> dict[str, np.ndarray]:
    n, n_objects = len(record.height), record.present.shape[1]
    tables = np.stack(
        [
            table(unpack_height(h), labels, owner)
            for h, labels, owner in zip(record.height, record.labels, record.owner, strict=True)
        ]
    )
    visible = np.zeros((n, MAX_OBJECTS), np.int64)
    center = np.zeros((n, MAX_OBJECTS, 2), np.float32)
    rows, columns = (i.reshape(-1) for i in np.indices(record.owner.shape[1:]))
    for t, owner in enumerate(record.owner):
        flat = owner.reshape(-1)
        count = np.bincount(flat, minlength=MAX_OBJECTS + 1)[1 : MAX_OBJECTS + 1]
        visible[t] = count
        for k, image in enumerate((rows, columns)):
            total = np.bincount(flat, image, minlength=MAX_OBJECTS + 1)[1 : MAX_OBJECTS + 1]
            center[t, :, k] = total / np.maximum(count, 1)
    present = np.zeros((n, MAX_OBJECTS), bool)
    present[:, :n_objects] = record.present
    pixel = np.zeros((n, MAX_OBJECTS, 2), np.float32)
    w = Workspace()
    from_corner = record.poses[..., :2] - np.array([w.x_min, w.y_min])
    pixel[:, :n_objects] = (from_corner / w.resolution - 0.5)[..., ::-1]
    played = record.played
    tries = np.zeros((n, MAX_OBJECTS), np.int64)
    for t, action in enumerate(played["action"]):
        tries[t + 1] = tries[t]
        aim = record.owner[t, action["row"], action["column"]]
        if action["primitive"] == GRASP and aim:
            tries[t + 1, aim - 1] += 1
    look = np.repeat(np.arange(n), record.counts)
    allowed = ~_forbidden(record)
    return {
        "tables": tables,
        "n_segments": record.labels.reshape(n, -1).max(1).astype(np.int64),
        "visible": visible,
        "center": center,
        "tries": tries,
        "present": present,
        "pixel": pixel,
        "candidates": record.candidates[allowed],
        "counts": np.bincount(look[allowed], minlength=n).astype(np.int64),
        "scene": np.full(n, scene, np.int64),
        "look": offset + np.arange(len(played)),
        "action": played["action"],
        "source": played["source"],
        "behind": played["goal"].astype(np.int64),
        "taken": played["taken"],
        "lost": played["lost"],
    }


def _forbidden(record: SceneRecord) -> npt.NDArray[np.bool_]:
    """Find the candidates of all looks that repeat what has failed, as a policy remembers it."""
    memory, forbidden = Memory(), np.zeros(len(record.candidates), bool)
    ends = np.cumsum(record.counts)
    for t, played in enumerate(record.played):
        action = to_action(record.observation(t, 0), played["action"])
        outcome = Outcome(holding=bool(played["held"]), changed=bool(played["changed"]))
        memory = memory.after(action, outcome)
        here = np.s_[ends[t] : ends[t + 1]]
        forbidden[here] = repeats(record.candidates[here], memory.failed, Workspace())
    return forbidden
