"""Candidate actions that a value network compares: a few good grasps and pushes per segment.

They depend on what is seen, not on which object is the goal, so one list serves every goal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...interfaces import Action, GripperSpec
from ...perception.observation import Observation
from ...perception.segmentation import MIN_HEIGHT
from ...primitives import PrimitiveConfig
from ...workspace import N_ROTATIONS, rotation_angle
from ..base import QMap
from ..geometric.antipodal import grasp_map
from ..geometric.jaw import HeightArray, highest_under, obstacles, shift, tip_height

PRIMITIVE = PrimitiveConfig(grasp_depth=0.03)
"""Of all candidates; a push's length is its own."""
LENGTHS = (0.10, 0.15, 0.20)  # m of a push's travel
STRIDE = 2  # of the rows and columns at which grasps are scored
MIN_PX = 30  # smaller segments are not acted on
GRASPS = 2  # per segment, in different directions
FREE_PUSHES = 3  # per segment, that start where nothing is seen to be in the way
ANY_PUSHES = 1  # per segment, in any direction
MORE_GRASPS, MORE_PUSHES = 4, 6  # of the goal, where the candidates are for one goal only
ASIDE_PX = 8.0  # of a push beside the segment's middle, at most

GRASP, PUSH = 0, 1
CANDIDATE = np.dtype(
    [
        ("primitive", np.uint8),  # GRASP or PUSH
        ("row", np.int16),
        ("column", np.int16),
        ("rotation", np.uint8),  # 0..15
        ("length", np.float32),  # m of a push's travel; 0 for a grasp
        ("score", np.float32),  # the planner's of a grasp, 0..1; of a push 1 if its start is free
        ("label", np.uint8),  # of the segment that it is aimed at; 0: none
        ("q", np.float32),  # GraspNet's Q_g of a grasp, see `grasp_q`; NaN: not known
    ]
)
Candidates = npt.NDArray[np.void]  # (N,) of CANDIDATE


def propose(observation: Observation, gripper: GripperSpec, *, focus: bool = False) -> Candidates:
    """Propose candidates in one look at the table; the same look gives the same candidates.

    Args:
        observation: what is seen; its goal does not matter unless `focus`.
        gripper: the robot's jaw.
        focus: propose more for the goal, where it is seen.
    Returns:
        (N,) of CANDIDATE, grasps first; N is 0 if nothing is seen.
    """
    rng = np.random.default_rng(_entropy(observation))
    labels, seen = observation.labels, observation.heightmap.seen
    sizes = np.bincount(labels[seen])
    segments = [int(n) for n in np.flatnonzero(sizes >= MIN_PX) if n > 0]
    scores = grasp_map(observation, gripper, PRIMITIVE, stride=STRIDE)[: N_ROTATIONS // 2]
    free = free_starts(observation, gripper)
    found: list[tuple[int, int, int, int, float, float, int]] = []
    for label in segments:
        places = np.nonzero((labels == label) & seen)
        found += _grasps(scores, places, label, GRASPS)
    for label in segments:
        places = np.nonzero((labels == label) & seen)
        found += _pushes(free, places, label, rng, FREE_PUSHES, ANY_PUSHES)
    goal = np.nonzero(observation.goal & seen)
    if focus and len(goal[0]):
        label = int(labels[goal[0][0], goal[1][0]])
        found += _grasps(scores, goal, label, MORE_GRASPS)
        found += _pushes(free, goal, label, rng, MORE_PUSHES, MORE_PUSHES)
    return _as_candidates(found)


def free_starts(observation: Observation, gripper: GripperSpec) -> npt.NDArray[np.bool_]:
    """Find where a push may start: the closed jaw comes down on nothing that is seen.

    Returns:
        (16, H, W) bool, for the pixel that the push goes through.
    """
    height = observation.heightmap.height
    resolution = observation.heightmap.workspace.resolution
    tips = tip_height(height, PRIMITIVE.push_depth, PRIMITIVE)
    limit = np.maximum(tips, np.float32(MIN_HEIGHT))
    solid = np.where(observation.heightmap.seen, obstacles(observation), np.float32(0))
    half = (gripper.finger_thickness, gripper.finger_breadth / 2)
    free = np.zeros((N_ROTATIONS, *height.shape), bool)
    for rotation in range(N_ROTATIONS // 2):
        angle = float(rotation_angle(rotation))
        jaw: HeightArray = highest_under(solid, half, angle, resolution, slack=0.5)
        behind = PRIMITIVE.push_behind / resolution * np.array([np.sin(angle), np.cos(angle)])
        for sign, which in ((-1, rotation), (1, rotation + N_ROTATIONS // 2)):
            rows, columns = np.rint(sign * behind).astype(int)
            with np.errstate(invalid="ignore"):
                free[which] = shift(jaw, int(rows), int(columns)) <= limit
    return free


def to_action(observation: Observation, candidate: np.void, *, why: str = "") -> Action:
    """Return a candidate as an action of the look that it was proposed in."""
    primitive = "push" if candidate["primitive"] == PUSH else "grasp"
    rotation, row, column = (int(candidate[n]) for n in ("rotation", "row", "column"))
    return observation.action(primitive, rotation, row, column, why=why)


def from_action(
    action: Action, observation: Observation, push_length: float = PRIMITIVE.push_length
) -> Candidates:
    """Return another policy's action as (1,) candidate; the planner's score of it is not known."""
    push = action.primitive == "push"
    (row, column), length = action.pixel, push_length if push else 0.0
    label = observation.labels[row, column]
    return _as_candidates([(push, row, column, action.rotation, length, np.nan, label)])


def _as_candidates(rows: Sequence[tuple[int, int, int, int, float, float, int]]) -> Candidates:
    return np.array([(*row, np.nan) for row in rows], CANDIDATE)


def _grasps(
    scores: QMap, places: Sequence[npt.NDArray[np.intp]], label: int, most: int
) -> list[tuple[int, int, int, int, float, float, int]]:
    """Return the best grasp of a segment, and the best ones across it."""
    here = scores[:, places[0], places[1]].copy()  # (8, n)
    found: list[tuple[int, int, int, int, float, float, int]] = []
    n = len(here)
    for _ in range(most):
        rotation, i = (int(k) for k in np.unravel_index(here.argmax(), here.shape))
        if here[rotation, i] <= 0:
            break
        row, column = int(places[0][i]), int(places[1][i])
        found.append((GRASP, row, column, rotation, 0.0, float(here[rotation, i]), label))
        for near in (-1, 0, 1):
            here[(rotation + near) % n] = 0.0
    return found


def _pushes(
    free: npt.NDArray[np.bool_],
    places: Sequence[npt.NDArray[np.intp]],
    label: int,
    rng: np.random.Generator,
    n_free: int,
    n_any: int,
) -> list[tuple[int, int, int, int, float, float, int]]:
    """Return pushes through or beside the middle of a segment, spread over the directions."""
    rows, columns = (np.asarray(axis, np.float32) for axis in places)
    middle = np.array([rows.mean(), columns.mean()])
    found: list[tuple[int, int, int, int, float, float, int]] = []
    chosen: list[int] = []
    for k, rotation in enumerate(int(r) for r in rng.permutation(N_ROTATIONS)):
        angle = float(rotation_angle(rotation))
        aside = rng.uniform(-ASIDE_PX, ASIDE_PX) * np.array([np.cos(angle), -np.sin(angle)])
        to = middle + aside
        i = int(((rows - np.float32(to[0])) ** 2 + (columns - np.float32(to[1])) ** 2).argmin())
        row, column = int(places[0][i]), int(places[1][i])
        is_free = bool(free[rotation, row, column])
        length = float(rng.choice(LENGTHS))
        if any((rotation - c) % N_ROTATIONS in (0, 1, N_ROTATIONS - 1) for c in chosen):
            continue
        if k >= n_any:
            if not is_free or not n_free:
                continue
            n_free -= 1
        chosen.append(rotation)
        found.append((PUSH, row, column, rotation, length, float(is_free), label))
    return found


def _entropy(observation: Observation) -> int:
    """Hash what is seen."""
    content = np.ascontiguousarray(observation.heightmap.height).tobytes()
    return int.from_bytes(hashlib.sha256(content).digest()[:16], "little")
