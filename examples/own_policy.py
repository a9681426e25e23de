"""A policy of your own; see docs/policies.md.

pushgrasp evaluate --policy default geometric examples/own_policy.py:TopDown \\
    --scenes random --objects 10 --trials 20 --out runs/mine
"""

import numpy as np

from pushgrasp import Action, Observation, PrimitiveConfig

JAW = 31  # pixels of 2 mm from the middle of the open jaw to a finger


class TopDown:
    """Grasps across short sides, where both fingers find room: the goal, else what is highest."""

    primitive = PrimitiveConfig(grasp_depth=0.03)

    def __init__(self) -> None:
        self.tried: set[tuple[int, int, int]] = set()

    def reset(self) -> None:
        """Forget the last episode."""
        self.tried.clear()

    def act(self, observation: Observation) -> Action | None:
        """Take the first object, goal first, that has a grasp with room and was not tried."""
        height = np.nan_to_num(observation.heightmap.height)
        labels = observation.labels
        regions = [labels == n for n in range(1, labels.max() + 1)]
        regions = [mask for mask in regions if mask.sum() > 30]
        regions.sort(key=lambda mask: -float(np.percentile(height[mask], 95)))
        goal = [observation.goal] if observation.goal.sum() > 5 else []
        for turn in (0, 4, 2, 6):  # in steps of 22.5 degrees from across the short side
            for mask in [*goal, *regions]:
                pixels = np.argwhere(mask)
                off = pixels - pixels.mean(0)
                _, _, axes = np.linalg.svd(off, full_matrices=False)
                down, right = axes[-1]  # the direction in which they spread least
                rotation = (round(np.arctan2(down, right) / (2 * np.pi / 16)) + turn) % 16
                row, column = (int(i) for i in pixels[np.abs(off).sum(1).argmin()])
                key = (row // 8, column // 8, rotation % 8)
                if key not in self.tried and has_room(height, row, column, rotation):
                    self.tried.add(key)
                    return observation.action("grasp", rotation, row, column, why="it has room")
        return None


def has_room(height: np.ndarray, row: int, column: int, rotation: int) -> bool:
    """Check that both fingers come down beside the object on something lower."""
    yaw = rotation * 2 * np.pi / 16
    reach = JAW * np.array([np.sin(yaw), np.cos(yaw)])
    for side in (reach, -reach):
        r, c = np.clip(np.rint(np.add((row, column), side)).astype(int), 5, 218)
        if height[r - 5 : r + 6, c - 5 : c + 6].max() > max(height[row, column] - 0.03, 0.01):
            return False
    return True
