"""Messages between the learner and its rollout workers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class SceneJob:
    """A scene to play."""

    stage: int  # index into the recipe's stages
    scene: int  # number of the scene in its stage; its seed follows from it
    epsilon: float  # probability of a random action
    grasp_threshold: float = 0.5  # Q_g*, above which a goal is grasped without a push


@dataclass(frozen=True)
class Sample:
    """One action and the state in which it was chosen."""

    observation: npt.NDArray[np.void]  # () record of `replay_buffer.observation_dtype`
    action: npt.NDArray[np.void]  # () record of dtype `replay_buffer.ACTION`
    follows: bool = False  # True if the scene's previous action led to this state
    seconds: dict[str, float] = field(default_factory=dict)  # spent since then, by kind of work


@dataclass(frozen=True)
class SceneEnd:
    """The end of a scene."""

    job: SceneJob
    fault: str = ""  # why it was aborted; its last action is discarded
    seconds: dict[str, float] = field(default_factory=dict)


Message = Sample | SceneEnd
