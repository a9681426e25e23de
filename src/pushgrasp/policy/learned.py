"""A policy: two Q-networks and the numbers of its rule; from an observation to a decision.

On disk it is a folder: `config.json` (readable, small) and `model.safetensors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..interfaces import Action, Primitive
from ..perception.observation import Observation
from ..primitives import PrimitiveConfig
from .base import Decision, QMap
from .config import DecisionConfig, NetworkConfig
from .networks import QNetwork, build
from .pretrained import (
    VARIANTS,
    WEIGHTS,
    SavedPolicy,
    find_policy,
    load_strictly,
    read_policy,
    write_policy,
)
from .selection import (
    Memory,
    best,
    by_distance,
    choose,
    grasp_doubt,
    neighbours,
    push_doubt,
    smooth,
    suppress,
    weight_push,
)
from .targeting import Target, choose_target, occupancy

RULE_VERSION = 1
"""Part of every learned policy's hash: raise it whenever the same maps and numbers lead to another
decision."""


@dataclass(frozen=True)
class _Candidate:
    """The best action of a map."""

    target: Target
    q_map: QMap | None = None
    place: tuple[int, int, int] | None = None  # rotation, row, column
    q: float = np.nan  # unweighted


@dataclass
class Policy:
    """Decides. Its networks are in evaluation mode and are never changed by deciding."""

    network: NetworkConfig
    decision: DecisionConfig
    primitive: PrimitiveConfig
    grasp: QNetwork
    push: QNetwork | None  # None: not trained (yet); then it only grasps
    metadata: dict[str, Any] = field(default_factory=dict)  # of its training; plain JSON
    name: str = ""

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
        both_maps: bool = False,
    ) -> Decision:
        """Choose the next action.

        Args:
            observation: the look at the table.
            memory: of the actions before; None at the start.
            refused: actions that the robot has just said it cannot do.
            both_maps: compute the push map even where the rule does not need it, to show it.
        Returns:
            The decision; its action is None if there is nothing that could be done.
        """
        memory = memory or Memory()
        rule = self.decision
        avoid = (*refused, *(memory.failed if rule.avoid_repeats else ()))
        goal = self._target(observation)

        grasp = self._grasps(observation, [goal], avoid)[0]
        trust = rule.distrust**memory.failures_in_a_row
        trusted = grasp.q * trust
        doubt = grasp_doubt(trusted, goal.occupancy, rule)
        blocker = _Candidate(goal)
        if doubt and rule.clear_blockers:
            beside = self._grasps(observation, self._blockers(observation, goal), avoid)
            blocker = max([c for c in beside if c.place], key=lambda c: c.q, default=blocker)
        push = _Candidate(goal)
        blocked = bool(doubt) and not blocker.q > rule.blocker_threshold
        if blocked or both_maps:
            push = self._push(observation, goal, avoid)
        if blocked and rule.clear_blockers and push_doubt(push.q, memory.pushes_in_a_row, rule):
            blocker = self._any_sure_grasp(observation, goal, avoid) or blocker

        choice, why = choose(
            trusted, blocker.q, push.q, goal.occupancy, memory.pushes_in_a_row, rule
        )
        if trust < 1:
            why = f"{why} (counted {trust:.0%} after {memory.failures_in_a_row} failures)"
        chosen = {"target": grasp, "blocker": blocker, "push": push, None: grasp}[choice]
        primitive: Primitive = "push" if choice == "push" else "grasp"
        action = None
        if choice is not None and chosen.place is not None:
            action = observation.action(primitive, *chosen.place, q=chosen.q, why=why)
        return Decision(
            action=action,
            target=chosen.target,
            q_grasp=grasp.q,
            q_push=push.q,
            grasp_map=blocker.q_map if choice == "blocker" else grasp.q_map,
            push_map=push.q_map,
            why=why,
        )

    def _target(self, observation: Observation) -> Target:
        return choose_target(
            observation.goal,
            observation.labels,
            observation.heightmap.height,
            switch_px=self.decision.switch_px,
            switching=self.decision.switching,
        )

    def _blockers(self, observation: Observation, goal: Target) -> list[Target]:
        what = "the goal" if goal.is_goal else "the target"
        return [
            _stand_in(observation, goal, mask, f"clears the way: beside {what}")
            for mask in neighbours(observation.labels, goal.mask)
        ]

    def _any_sure_grasp(
        self, observation: Observation, goal: Target, avoid: Sequence[Action]
    ) -> _Candidate | None:
        """The nearest object that can be taken away, if the way cannot be cleared otherwise."""
        why = "clears the table: nothing nearer can be grasped"
        for label in by_distance(observation.labels, goal.mask):
            target = _stand_in(observation, goal, observation.labels == label, why)
            candidate = self._grasps(observation, [target], avoid)[0]
            if candidate.q > self.decision.blocker_threshold:
                return candidate
        return None

    def _grasps(
        self, observation: Observation, targets: Sequence[Target], avoid: Sequence[Action]
    ) -> list[_Candidate]:
        """The best grasp of each target."""
        seen = observation.heightmap.seen
        masks = [target.mask & seen for target in targets]
        if self.network.window == "workspace" and not self.grasp.sees_target and masks:
            union = np.logical_or.reduce(masks)
            whole = self.grasp.score(observation, union, union)  # one map serves them all
            maps = [np.where(mask, whole, np.float32(-np.inf)) for mask in masks]
        else:
            maps = [
                self.grasp.score(observation, target.mask, mask)
                for target, mask in zip(targets, masks, strict=True)
            ]
        candidates = []
        for target, q_map in zip(targets, maps, strict=True):
            q_map = smooth(q_map, self.decision.smooth_px)
            q_map = suppress(q_map, avoid, "grasp", observation.heightmap.workspace, self.decision)
            place = best(q_map)
            q = float(q_map[place]) if place else np.nan
            candidates.append(_Candidate(target, q_map, place, q))
        return candidates

    def _push(
        self, observation: Observation, target: Target, avoid: Sequence[Action]
    ) -> _Candidate:
        """The best push, wherever an object or the target is seen."""
        if self.push is None:
            return _Candidate(target)
        allowed = (observation.objects | target.mask) & observation.heightmap.seen
        scored = self.push.score(observation, target.mask, allowed)
        q_map = weight_push(scored, observation.objects, target.mask, self.decision)
        q_map = suppress(q_map, avoid, "push", observation.heightmap.workspace, self.decision)
        place = best(q_map)
        return _Candidate(target, q_map, place, float(scored[place]) if place else np.nan)

    def best_grasp(self, observation: Observation, mask: npt.NDArray[np.bool_]) -> float:
        """The highest Q_g over a (H, W) mask; 0, which no success is worth, if there is none."""
        values = smooth(self.grasp.score(observation, mask, mask), self.decision.smooth_px)
        highest = float(values.max())
        return highest if np.isfinite(highest) else 0.0

    @classmethod
    def random_init(
        cls,
        network: NetworkConfig | None = None,
        decision: DecisionConfig | None = None,
        primitive: PrimitiveConfig | None = None,
        *,
        seed: int = 0,
        with_push: bool = True,
        name: str = "random",
    ) -> Policy:
        """A policy with untrained networks; the same for the same seed.

        Raises:
            UserError: the network's configuration is impossible.
        """
        network = network or NetworkConfig()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            grasp = build(network, "grasp").eval()
            push = build(network, "push").eval() if with_push else None
        return cls(
            network=network,
            decision=decision or DecisionConfig(),
            primitive=primitive or PrimitiveConfig(),
            grasp=grasp,
            push=push,
            name=name,
        )

    @classmethod
    def from_pretrained(cls, source: str | Path, device: str | torch.device = "cpu") -> Policy:
        """Load a policy, ready to decide.

        Args:
            source: a folder, or the name of a policy that comes with the package.
            device: where its networks shall compute.
        Raises:
            UserError: there is no such policy, or its files are wrong, cut or altered.
        """
        folder = find_policy(source)
        saved = read_policy(folder)
        is_variant = str(source) in VARIANTS and folder.parent == WEIGHTS
        changes = VARIANTS[str(source)][1] if is_variant else {}
        policy = cls.random_init(
            saved.network,
            replace(saved.decision, **changes),
            saved.primitive,
            with_push="push" in saved.weights,
            name=str(source) if is_variant else folder.resolve().name,
        )
        policy.metadata = saved.metadata
        for part, network in policy.networks().items():
            load_strictly(network, saved.weights[part], folder)
            network.to(device)
        return policy

    def save_pretrained(self, folder: str | Path, *, half: bool = False) -> None:
        """Write the policy as a folder with `config.json` and `model.safetensors`.

        Args:
            folder: made if missing; other files in it stay.
            half: keep the kernels in 16 bits: half the size, and values change by about 0.1 %.
        Raises:
            UserError: the files cannot be written.
        """
        weights = {part: network.state_dict() for part, network in self.networks().items()}
        saved = SavedPolicy(self.network, self.decision, self.primitive, weights, self.metadata)
        write_policy(Path(folder), saved, half=half)

    def networks(self) -> dict[str, QNetwork]:
        """The networks there are, by primitive."""
        return {"grasp": self.grasp} | ({"push": self.push} if self.push else {})


def _stand_in(
    observation: Observation, goal: Target, mask: npt.NDArray[np.bool_], why: str
) -> Target:
    """Another object to act on for the goal's sake."""
    around = occupancy(mask, observation.heightmap.height)
    return Target(mask, False, goal.visible_px, around, why)
