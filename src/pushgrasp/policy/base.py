"""What all policies share: what they are asked, what they answer, and what they act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..interfaces import Action, Outcome, Primitive
from ..perception.observation import Observation
from ..primitives import PrimitiveConfig

Mask = npt.NDArray[np.bool_]
QMap = npt.NDArray[np.float32]
"""(16, H, W), one image per rotation; -inf where an action is not considered."""
Place = tuple[int, int, int]
"""Rotation, row and column of a Q map."""

FORGET_RADIUS = 0.10
"""m around an action that changed the scene within which earlier failures are forgotten: the length
of a push."""


class Decides(Protocol):
    """A policy, as the loop sees it."""

    primitive: PrimitiveConfig

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        """Choose the next action.

        Args:
            observation: the current look at the table.
            memory: of the earlier actions; None at the start of an episode.
            refused: actions that the robot has just said it cannot do.
        Returns:
            The decision; its action is None if there is nothing left to do.
        """
        ...


@runtime_checkable
class Resets(Protocol):
    """A policy that keeps something from one decision to the next."""

    def reset(self) -> None:
        """Forget the last episode; `retrieve` calls it at the start of each."""
        ...


@dataclass(frozen=True)
class Target:
    """The object to act on, and why."""

    mask: Mask  # (H, W) its pixels; none on an empty table
    is_goal: bool  # False: a surrogate, another object in the goal's place
    visible_px: int  # heightmap pixels of the goal that are seen
    occupancy: float  # 0 (free) to 1 (surrounded)
    why: str  # in words


@dataclass(frozen=True)
class Candidate:
    """The best action on a target, by one Q map."""

    primitive: Primitive
    target: Target
    q_map: QMap | None = None  # None: it was not scored
    place: Place | None = None  # None: no action is possible
    q: float = np.nan  # at that place, unweighted; NaN without one


@dataclass(frozen=True)
class Decision:
    """The next action, and what it was decided from."""

    action: Action | None  # None: nothing can be done; see why
    target: Target  # what the action is about: the goal or a surrogate
    q_grasp: float  # best Q_g over the current target; NaN if it offers no grasp
    q_push: float  # Q_p of the best push; NaN if there is none or none was needed
    grasp_map: QMap | None  # Q_g over `target`; of the current target if the action is a push
    push_map: QMap | None  # mask-weighted Q_p; None if not computed
    why: str  # in words
    primitive: PrimitiveConfig | None = None  # how the action is carried out; None: as usual


def make_decision(
    observation: Observation,
    chosen: Candidate,
    why: str,
    *,
    grasp: Candidate,
    push: Candidate | None = None,
) -> Decision:
    """Turn the chosen candidate into a decision.

    Args:
        observation: the current look at the table.
        chosen: without a place there is no action.
        why: it was chosen, in words.
        grasp: the best grasp of the current target.
        push: the best push; None if none was scored.
    """
    action = None
    if chosen.place is not None:
        action = observation.action(chosen.primitive, *chosen.place, q=chosen.q, why=why)
    return Decision(
        action=action,
        target=chosen.target,
        q_grasp=grasp.q,
        q_push=np.nan if push is None else push.q,
        grasp_map=chosen.q_map if chosen.primitive == "grasp" else grasp.q_map,
        push_map=None if push is None else push.q_map,
        why=why,
    )


@dataclass(frozen=True)
class Memory:
    """What a decision must know about the earlier actions of the episode."""

    failed: tuple[Action, ...] = ()
    """Failed grasps and pushes without effect, where the scene has not changed since."""
    pushes_in_a_row: int = 0
    failures_in_a_row: int = 0
    """Failed grasps since the last successful one."""

    def after(self, action: Action, outcome: Outcome) -> Memory:
        """Return the memory after an action was carried out."""
        pushes, failures = 0, 0
        if action.primitive == "push":
            pushes, failures = self.pushes_in_a_row + 1, self.failures_in_a_row
        elif not outcome.holding:
            failures = self.failures_in_a_row + 1
        if outcome.holding or outcome.changed:
            here = np.array(action.position[:2])
            kept = tuple(
                a for a in self.failed if np.hypot(*(here - a.position[:2])) > FORGET_RADIUS
            )
            return Memory(kept, pushes, failures)
        return Memory((*self.failed, action), pushes, failures)
