"""Pictures of training actions, for TensorBoard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..interfaces import Outcome
from ..perception.heightmap import Heightmap
from ..perception.observation import Observation
from ..policy.base import Decision, Target
from ..primitives import PrimitiveConfig
from ..retrieve import Step
from ..training.replay_buffer import PRIMITIVES, unpack_target
from ..workspace import Workspace
from .draw import panels
from .draw.actions import ActionGeometry
from .draw.sheet import BAD, GOOD, MUTED, Picture, Sheet, colored
from .draw.words import q_words

if TYPE_CHECKING:
    from ..training.messages import Sample

_SIDE = 360  # pixels of the map
_WORDS = 56  # pixels below it


def sample_picture(sample: Sample, workspace: Workspace, primitive: PrimitiveConfig) -> Picture:
    """Draw a training action: the scene from above, its target, the action, Q and reward.

    Args:
        sample: with an action.
        workspace: of the run.
        primitive: depths and lengths of the motions.
    Returns:
        (416, 360, 3) uint8 sRGB.
    """
    step = _as_step(sample, workspace)
    crop = panels.crop_of(step, _SIDE)
    sheet = Sheet(_SIDE, _SIDE + _WORDS)
    sheet.paste(panels.color_panel(step, crop, ActionGeometry(primitive)), 0, 0)
    record, action = sample.action, step.decision.action
    assert action is not None
    how = "explored" if record["explored"] else "greedy"
    q, reward = q_words(float(record["q"])), float(record["reward"])
    sheet.text(10, _SIDE + 18, f"{action.primitive}, {how}, Q {q}", 16, MUTED, anchor="lm")
    color = GOOD if reward > 0 else BAD
    sheet.text(10, _SIDE + 40, f"reward {reward:.2f}", 16, color, bold=True, anchor="lm")
    return sheet.picture()


def _as_step(sample: Sample, workspace: Workspace) -> Step:
    """Make a step of what the replay keeps of an action."""
    state, record = sample.observation, sample.action
    height = state["height"].astype(np.float32)
    labels = state["labels"].astype(np.int32)
    target = unpack_target(state["target"], workspace.shape)
    names = state.dtype.names or ()
    color = state["color"] if "color" in names else _shades(height, labels)
    seen = Observation(Heightmap(color, height, workspace), labels, labels > 0, target)
    action = seen.action(
        PRIMITIVES[int(record["primitive"])], int(record["rotation"]), int(record["row"]),
        int(record["column"]), q=float(record["q"]),
    )  # fmt: skip
    chosen = Target(target, True, int(target.sum()), 0.0, "")
    decision = Decision(action, chosen, np.nan, np.nan, None, None, "")
    return Step(0, seen, decision, Outcome(), seen, 0.0)


def _shades(height: np.ndarray, labels: np.ndarray) -> Picture:
    """Colour heights, for a replay that keeps no colours; the table stays dark."""
    top = max(0.05, float(np.nanmax(height, initial=0.0)))
    return np.where((labels > 0)[..., None], colored(height, 0.0, top, "cividis"), np.uint8(60))
