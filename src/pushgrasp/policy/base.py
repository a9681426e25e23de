"""What a policy answers: the next action, and what it was decided from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..interfaces import Action
from .targeting import Target

QMap = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Decision:
    """What to do next, and what it was decided from."""

    action: Action | None  # None: nothing can be done; see why
    target: Target  # what the action is about: the goal, or what was taken in its place
    q_grasp: float  # best Q_g over the goal or its stand-in; nan if there is none
    q_push: float  # Q_p of the best push; nan if there is none or none was needed
    grasp_map: QMap | None  # (16, H, W) Q_g over `target`; -inf where not considered
    push_map: QMap | None  # (16, H, W) mask-weighted Q_p; None if not computed
    why: str  # in words
