"""What forked playouts leave behind: states, and actions with the number of actions to go.

A scene is one `.npz` file with two record arrays, `states` and `samples`, and `meta`, JSON.
"""

from __future__ import annotations

import io
import json
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...perception.observation import Observation
from ...utils.files import write_atomic

Records = npt.NDArray[np.void]
SIDE = 224  # px


class Kind(IntEnum):
    """Where a candidate comes from."""

    POLICY = 0  # what the playing policy chooses here
    GOAL = 1  # a grasp of the goal
    NEARBY = 2  # the best grasp of an object near the goal
    CHANCE_GRASP = 3  # a grasp drawn at random
    PUSH = 4  # among the best pushes
    CHANCE_PUSH = 5  # a push drawn at random
    GEOMETRIC = 6  # what the hand-written planner chooses
    PLAYOUT = 7  # a later action of a playout


class Ending(IntEnum):
    """How a playout ended."""

    GOAL_OUT = 0
    GAVE_UP = 1  # too many failures, or nothing left to do
    GOAL_LOST = 2  # it left the workspace other than in the jaw
    CAPPED = 3  # the most actions that are played
    FAULT = 4  # of the simulator: says nothing


STATE = np.dtype(
    [
        ("height", np.float16, (SIDE, SIDE)),  # m, NaN where unseen
        ("labels", np.uint8, (SIDE, SIDE)),  # 0 background, 1..n objects
        ("goal", np.uint8, (SIDE * SIDE // 8,)),  # bits of the goal's mask
        ("objects", np.uint8),  # in the scene
        ("step", np.uint8),  # actions before this state
        ("compared", np.bool_),  # its candidates were compared; else it is of a playout
    ]
)
SAMPLE = np.dtype(
    [
        ("state", np.int32),  # index into the file's states
        ("primitive", np.uint8),  # 0 grasp, 1 push
        ("row", np.int16),
        ("column", np.int16),
        ("rotation", np.uint8),  # 0..15
        ("length", np.float32),  # m of a push's travel
        ("depth", np.float32),  # m below the chosen point
        ("kind", np.uint8),
        ("candidate", np.int16),  # the same for the plays of one candidate; -1 in playouts
        ("q", np.float32),  # what the network of its kind says; NaN if it was not asked
        ("n", np.uint8),  # actions until the goal is out, this one included; 0: never
        ("ending", np.uint8),
        ("held", np.bool_),  # this action took something away
    ]
)


def pack_state(observation: Observation, objects: int, step: int, compared: bool) -> Records:
    """Return one state as a record of shape ()."""
    record = np.zeros((), STATE)
    record["height"] = observation.heightmap.height
    record["labels"] = np.minimum(observation.labels, 255)
    record["goal"] = np.packbits(observation.goal)
    record["objects"], record["step"], record["compared"] = objects, step, compared
    return record


def goal_masks(states: Records) -> npt.NDArray[np.bool_]:
    """Return the (N, H, W) goal masks of states."""
    bits = np.unpackbits(states["goal"], axis=-1, count=SIDE * SIDE)
    return bits.reshape(-1, SIDE, SIDE).astype(bool)


def values(samples: Records, gamma: float) -> npt.NDArray[np.float32]:
    """Return gamma^(n-1), and 0 where the goal never came out."""
    n = samples["n"].astype(np.float32)
    return np.where(n > 0, gamma ** (n - 1), np.float32(0.0)).astype(np.float32)


def save_scene(path: Path, states: Records, samples: Records, meta: dict[str, Any]) -> None:
    """Write one scene's file; it is there whole or not at all."""
    payload = io.BytesIO()
    np.savez_compressed(payload, states=states, samples=samples, meta=np.array(json.dumps(meta)))
    write_atomic(path, payload.getvalue())


def load_scene(path: Path) -> tuple[Records, Records, dict[str, Any]]:
    """Read one scene's file: states, samples, meta."""
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["states"], arrays["samples"], json.loads(str(arrays["meta"]))
