"""Records of played actions that serve any object of the scene as the goal.

A scene is one `.npz` file: T looks at the table and T - 1 actions, each between two looks. What
came of an action does not depend on which object is the goal, so the file says which objects the
jaw took, and where each object is seen; goals are chosen when learning (hindsight).
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...perception.heightmap import Heightmap
from ...perception.observation import Observation
from ...policy.value.proposals import CANDIDATE, Candidates
from ...utils.files import write_atomic
from ...workspace import Workspace

UNSEEN = 65535
UNIT = 1e-5  # m per step of a stored height
MAX_OBJECTS = 30

PLAYED = np.dtype(
    [
        ("action", CANDIDATE),
        ("source", np.uint8),  # see `play.Source`
        ("goal", np.int16),  # what the behaviour was after; -1: nothing
        ("taken", np.bool_, (MAX_OBJECTS,)),  # by the jaw
        ("lost", np.bool_, (MAX_OBJECTS,)),  # left the workspace otherwise
        ("held", np.bool_),  # the jaw holds something, as the robot believes
        ("changed", np.bool_),  # the camera saw the scene change
    ]
)


@dataclass
class SceneRecord:
    """What was seen and done in one scene; T looks, T - 1 actions."""

    height: npt.NDArray[np.uint16]  # (T, H, W) steps of UNIT; UNSEEN where nothing was seen
    labels: npt.NDArray[np.uint8]  # (T, H, W) 0 background, 1..n segments
    owner: npt.NDArray[np.uint8]  # (T, H, W) 0, or 1 + the object whose colour is seen
    poses: npt.NDArray[np.float32]  # (T, n_objects, 3) m; ground truth
    present: npt.NDArray[np.bool_]  # (T, n_objects) in the workspace; ground truth
    played: npt.NDArray[np.void]  # (T - 1,) of PLAYED
    candidates: Candidates  # of all looks, one after another
    counts: npt.NDArray[np.int32]  # (T,) candidates of each look
    meta: dict[str, Any] = field(default_factory=dict[str, Any])

    def __len__(self) -> int:
        return len(self.played)

    def save(self, path: Path) -> None:
        """Write the file; it is there whole or not at all."""
        payload = io.BytesIO()
        arrays = {k: v for k, v in vars(self).items() if k != "meta"}
        np.savez_compressed(payload, meta=np.array(json.dumps(self.meta)), **arrays)
        write_atomic(path, payload.getvalue())

    @classmethod
    def load(cls, path: Path) -> SceneRecord:
        """Read a file."""
        with np.load(path, allow_pickle=False) as arrays:
            parts = {k: arrays[k] for k in arrays.files if k != "meta"}
            return cls(**parts, meta=json.loads(str(arrays["meta"])))

    @staticmethod
    def count(path: Path) -> int:
        """Return the number of actions in a file."""
        with np.load(path, allow_pickle=False) as arrays:
            return len(arrays["played"])

    def observation(self, t: int, goal: int, workspace: Workspace | None = None) -> Observation:
        """Return look t as a policy sees it that is after one object."""
        height = unpack_height(self.height[t])
        color = np.zeros((*height.shape, 3), np.uint8)
        labels = self.labels[t].astype(np.int32)
        return Observation(
            Heightmap(color, height, workspace or Workspace()),
            labels,
            labels > 0,
            self.owner[t] == goal + 1,
        )


def pack_height(height: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Return heights (m, NaN where unseen) as whole numbers of UNIT."""
    steps = np.rint(np.nan_to_num(height, nan=0.0) / UNIT).clip(0, UNSEEN - 1)
    return np.where(np.isfinite(height), steps, UNSEEN).astype(np.uint16)


def unpack_height(steps: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Return heights in m, NaN where unseen; the inverse of `pack_height`."""
    return np.where(steps == UNSEEN, np.nan, steps * np.float32(UNIT)).astype(np.float32)
