"""Play scenes with a mixed behaviour and record every action for all goals."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from ...errors import RobotError, SimulatorFault
from ...perception.observation import Observation
from ...perception.perceive import Perception
from ...perception.segmentation import goal_mask, smooth_color
from ...policy.base import Decides, Memory, Resets
from ...policy.networks.compact import Compact
from ...policy.value.grasp_q import grasp_q
from ...policy.value.proposals import GRASP, PRIMITIVE, PUSH, Candidates, from_action, propose
from ...primitives import PrimitiveConfig, moves
from ...retrieve import act, look
from ...sim.scenes.build import Scene
from .records import Records
from .transitions import MAX_OBJECTS, PLAYED, SceneRecord, pack_height

MOST_ACTIONS = 24  # per scene
FEWEST_OBJECTS = 2  # at which a scene is done
NEAR = 0.08  # m round the goal's true place, for the candidates of Source.NEAR


class Source(IntEnum):
    """Where a played action comes from."""

    GRASP = 0  # a candidate grasp, drawn at random
    PUSH = 1  # a candidate push, drawn at random
    NEAR = 2  # a candidate near the goal's true place, drawn at random
    POLICY = 3  # the choice of one of the behaviour's policies


RANDOM_SHARES = {Source.GRASP: 0.43, Source.PUSH: 0.285, Source.NEAR: 0.285}
"""Probabilities of the sources of an action that is no policy's choice."""


class Behaviour:
    """Plays one scene.

    Args:
        scene: settled.
        policies: one of them is asked now and then, on behalf of a goal.
        rng: draws sources, candidates and goals.
        policy_share: probability that one of them is; the other sources share the rest.
        grasp_net: scores the candidate grasps; None: nothing does.
    """

    def __init__(
        self,
        scene: Scene,
        policies: list[Decides],
        rng: np.random.Generator,
        *,
        policy_share: float = 0.3,
        grasp_net: Compact | None = None,
    ) -> None:
        self._grasp_net = grasp_net
        self._scene, self._policies, self._rng = scene, policies, rng
        self._shares = {Source.POLICY: policy_share} | {
            source: (1 - policy_share) * share for source, share in RANDOM_SHARES.items()
        }
        self._robot, self._cameras = scene.make_robot(), scene.make_cameras()
        self._perception = Perception(scene.goal_rgb, scene.workspace)
        world = scene.world
        self._names = world.object_names
        self._goal = self._names.index(scene.goal_name)
        self._memory = Memory()
        self._seen: dict[str, list[Any]] = {k: [] for k in _LOOK}
        self._played: list[Records] = []

    def play(self, meta: dict[str, Any]) -> SceneRecord | None:
        """Play on until little is left; None if nothing was played.

        Args:
            meta: kept with the record.
        """
        ending = "cleared"
        try:
            self._reset()
            self._robot.home()
            seen, candidates, owner = self._look()
            for _ in range(MOST_ACTIONS):
                present = self._present()
                if present.sum() <= FEWEST_OBJECTS or not len(candidates):
                    break
                if not present[self._goal]:
                    self._goal = self._next_goal(owner, present)
                    self._reset()
                chosen = self._choose(seen, candidates, owner)
                if chosen is None:
                    break
                seen, candidates, owner = self._act(*chosen, seen, present)
        except (SimulatorFault, RobotError) as error:
            ending = f"fault: {error}"
        if not self._played:
            return None
        looks = {k: np.array(v) for k, v in self._seen.items() if k != "candidates"}
        return SceneRecord(
            **looks,
            played=np.stack(self._played),
            candidates=np.concatenate(self._seen["candidates"]),
            counts=np.array([len(c) for c in self._seen["candidates"]], np.int32),
            meta={**meta, "ending": ending},
        )

    def _reset(self) -> None:
        for policy in self._policies:
            if isinstance(policy, Resets):
                policy.reset()

    def _choose(
        self, seen: Observation, candidates: Candidates, owner: np.ndarray
    ) -> tuple[np.void, Source, PrimitiveConfig] | None:
        """Draw a source, and what it offers that the robot can do."""
        sources = list(self._shares)
        for _ in range(20):
            source = sources[int(self._rng.choice(len(sources), p=list(self._shares.values())))]
            found = self._offer(source, seen, candidates, owner)
            if found is None:
                continue
            candidate, primitive = found
            action = seen.action(
                "push" if candidate["primitive"] == PUSH else "grasp",
                int(candidate["rotation"]), int(candidate["row"]), int(candidate["column"]),
            )  # fmt: skip
            if not np.isfinite(action.position).all():
                continue
            if not self._robot.refuses(moves(action, primitive, self._scene.workspace)):
                return candidate, source, primitive
        return None

    def _offer(
        self, source: Source, seen: Observation, candidates: Candidates, owner: np.ndarray
    ) -> tuple[np.void, PrimitiveConfig] | None:
        rng = self._rng
        if source is Source.POLICY:
            policy = self._policies[int(rng.integers(len(self._policies)))]
            own = Observation(seen.heightmap, seen.labels, seen.objects, owner == self._goal + 1)
            decision = policy.decide(own, self._memory)
            if decision.action is None:
                return None
            primitive = decision.primitive or policy.primitive
            return self._with_q(from_action(decision.action, seen, primitive.push_length), seen)[
                0
            ], primitive
        if source is Source.NEAR:
            xy = self._scene.world.pose(self._names[self._goal])[0][:2]
            places = seen.heightmap.workspace.to_xy(candidates["row"], candidates["column"])
            some = candidates[np.hypot(*(places - xy).T) < NEAR]
        else:
            kind = GRASP if source is Source.GRASP else PUSH
            some = candidates[candidates["primitive"] == kind]
        if not len(some):
            return None
        candidate = some[int(rng.integers(len(some)))]
        length = float(candidate["length"]) or PRIMITIVE.push_length
        return candidate, PrimitiveConfig(grasp_depth=PRIMITIVE.grasp_depth, push_length=length)

    def _act(
        self,
        candidate: np.void,
        source: Source,
        primitive: PrimitiveConfig,
        seen: Observation,
        present: np.ndarray,
    ) -> tuple[Observation, Candidates, np.ndarray]:
        """Carry out a candidate and record it; returns the next look."""
        world = self._scene.world
        action = seen.action(
            "push" if candidate["primitive"] == PUSH else "grasp",
            int(candidate["rotation"]), int(candidate["row"]), int(candidate["column"]),
        )  # fmt: skip
        before = set(world.in_scene())
        outcome, _, _ = act(self._cameras, self._robot, action, seen, self._perception, primitive)
        self._memory = self._memory.after(action, outcome)
        gone = before - set(world.in_scene())
        taken = np.array([name in gone for name in self._names])
        record = np.zeros((), PLAYED)
        record["action"], record["source"], record["goal"] = candidate, source, self._goal
        n = len(self._names)
        record["taken"][:n] = taken
        record["lost"][:n] = present & ~taken & ~self._present()
        record["held"], record["changed"] = outcome.holding, outcome.changed
        result = self._look()
        self._played.append(record)
        return result

    def _look(self) -> tuple[Observation, Candidates, np.ndarray]:
        """Look at the table and record it; returns the candidates and the visible owners, too."""
        world = self._scene.world
        seen, _ = look(self._cameras, self._perception)
        smoothed = smooth_color(seen.heightmap.color)
        owner = np.zeros(seen.labels.shape, np.uint8)
        present = self._present()
        for i, name in enumerate(self._names):
            if present[i]:
                rgb = world.color(name)
                mask = goal_mask(seen.heightmap, rgb, objects=seen.objects, smoothed=smoothed)
                owner[mask] = i + 1
        candidates = self._with_q(propose(seen, self._robot.gripper), seen)
        parts = {
            "height": pack_height(seen.heightmap.height),
            "labels": np.minimum(seen.labels, 255).astype(np.uint8),
            "owner": owner,
            "poses": np.array([world.pose(n)[0] for n in self._names], np.float32),
            "present": present,
            "candidates": candidates,
        }
        for name, part in parts.items():
            self._seen[name].append(part)
        return seen, candidates, owner

    def _with_q(self, candidates: Candidates, seen: Observation) -> Candidates:
        if self._grasp_net is not None:
            candidates["q"] = grasp_q(self._grasp_net, seen, candidates)
        return candidates

    def _present(self) -> np.ndarray:
        """(n,) bool, the objects that are in the workspace."""
        world = self._scene.world
        inside = [
            not world.is_parked(n) and bool(self._scene.workspace.contains(world.pose(n)[0][:2]))
            for n in self._names
        ]
        return np.array(inside)

    def _next_goal(self, owner: np.ndarray, present: np.ndarray) -> int:
        """Draw the next goal, the less visible the likelier."""
        visible = np.bincount(owner.reshape(-1), minlength=MAX_OBJECTS + 1)[1 : len(present) + 1]
        weight = np.where(present, 1.0 / (50.0 + visible), 0.0)
        return int(self._rng.choice(len(present), p=weight / weight.sum()))


_LOOK = ("height", "labels", "owner", "poses", "present", "candidates")
