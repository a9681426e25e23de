"""A policy of one's own; see docs/policies.md.

pushgrasp evaluate --policy default geometric examples/own_policy.py:TopDown \\
    --scenes random --objects 10 --trials 20 --out runs/mine
"""

import numpy as np

from pushgrasp.interfaces import Action
from pushgrasp.perception.observation import Observation


class TopDown:
    """Grasps the goal across its short side; while it is hidden, all that is as high as the top."""

    def act(self, observation: Observation) -> Action | None:
        height, mask = observation.heightmap.height, observation.goal
        if mask.sum() <= 5:
            mask = observation.objects & (height > np.nanmax(height) - 0.01)
        pixels = np.argwhere(mask)
        if not len(pixels):
            return None
        _, _, axes = np.linalg.svd(pixels - pixels.mean(0), full_matrices=False)
        down, right = axes[-1]  # the direction in which they spread least
        rotation = round(np.arctan2(down, right) / (2 * np.pi / 16)) % 16
        row, column = pixels[np.abs(pixels - pixels.mean(0)).sum(1).argmin()]
        return observation.action("grasp", rotation, int(row), int(column), why="across")
