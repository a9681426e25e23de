"""What the learner and its rollout workers send each other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class SceneJob:
    """Play one scene."""

    stage: int  # index into the recipe's stages
    scene: int  # number of the scene in its stage; its seed follows from it
    epsilon: float  # probability of a random action
    grasp_threshold: float = 0.5  # Q_g*, above which a goal is grasped without a push


@dataclass(frozen=True)
class Sample:
    """One action and the state it was chosen in."""

    observation: npt.NDArray[np.void]  # () record of `replay_buffer.observation_dtype`
    action: npt.NDArray[np.void]  # () record of dtype `replay_buffer.ACTION`
    follows: bool = False  # the state is the one that this scene's previous sample led to
    seconds: dict[str, float] = field(default_factory=dict)  # spent since then, by kind of work


@dataclass(frozen=True)
class SceneEnd:
    """A scene is over."""

    job: SceneJob
    fault: str = ""  # why it was aborted; its last action is not counted
    seconds: dict[str, float] = field(default_factory=dict)


Message = Sample | SceneEnd
