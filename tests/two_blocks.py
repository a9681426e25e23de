"""Records of a scene of two blocks, as if it had been played."""

from __future__ import annotations

import numpy as np
from drawn_scenes import Block, draw

from pushgrasp.policy.value.proposals import CANDIDATE, GRASP
from pushgrasp.training.lookahead.transitions import PLAYED, SceneRecord, pack_height


def two_blocks(seed: int) -> SceneRecord:
    """Two blocks far apart, of which a grasp takes the one that it is aimed at."""
    rng = np.random.default_rng(seed)
    side = rng.uniform(0.06, 0.12)
    blocks = (Block(-side, rng.uniform(-0.05, 0.05)), Block(side, rng.uniform(-0.05, 0.05)))
    first = int(rng.integers(2))
    looks = [draw(blocks), draw((blocks[1 - first],)), draw(())]
    owners = [looks[0].labels, (looks[1].labels > 0) * (2 - first), looks[2].labels]
    played, present = np.zeros(2, PLAYED), np.ones((3, 2), bool)
    candidates, counts = [], []
    for t, taken in enumerate((first, 1 - first)):
        place = np.argwhere(owners[t] == taken + 1).mean(0).round().astype(int)
        grasp = np.array((GRASP, *place, 0, 0.0, 0.8, 1, 0.9), CANDIDATE)
        played[t]["action"], played[t]["taken"][taken] = grasp, True
        present[t + 1 :, taken] = False
        candidates.append(grasp)
        counts.append(1)
    poses = np.array([[(-0.5 + b.x, b.y, 0.02) for b in blocks]] * 3, np.float32)
    return SceneRecord(
        np.stack([pack_height(o.heightmap.height) for o in looks]),
        np.stack([o.labels for o in looks]).astype(np.uint8),
        np.stack(owners).astype(np.uint8),
        poses, present, played, np.array(candidates), np.array([*counts, 0], np.int32),
        {"scene": "drawn"},
    )  # fmt: skip
