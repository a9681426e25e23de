"""Learn to grasp with stable-baselines3 in the Gymnasium environment, and compare with chance.

    pip install stable-baselines3
    python examples/train_with_sb3.py --steps 1200 --episodes 50

A wrapper makes the problem small: the hand goes to the middle of the goal (of the highest object
while the goal is hidden), and the agent chooses one of eight directions for the jaw. It sees, for
each direction, how wide the object is and what stands where the fingers come down.
"""

from __future__ import annotations

import argparse
import warnings

import gymnasium
import numpy as np
from gymnasium import spaces

import pushgrasp as pushgrasp  # registers the environment; "as" says that no name of it is used

N_DIRECTIONS = 8  # 22.5 degrees apart; the jaw is symmetric
FINGER_PX = 29  # from the middle of the open jaw to a finger, 2 mm per pixel
PIXELS = np.indices((224, 224)).reshape(2, -1).T


class ChooseDirection(gymnasium.Wrapper):
    """Grasps the middle of the target in one of eight directions; 1 for an object in the jaw."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.action_space = spaces.Discrete(N_DIRECTIONS)
        self.observation_space = spaces.Box(-1.0, 1.0, (2 * N_DIRECTIONS,), np.float32)

    def reset(self, **kwargs):
        self._seen, info = self.env.reset(**kwargs)
        return self._features(), info

    def step(self, action):
        row, column = self._middle
        move = np.array([0, int(action), row, column])
        self._seen, _, terminated, truncated, info = self.env.step(move)
        lifted = float(info["truth"]["lifted"])  # a reward may use the ground truth, an agent not
        return self._features(), lifted, terminated, truncated, info

    def _features(self) -> np.ndarray:
        """Return the target's width and the height of what is in the fingers' way, by direction."""
        height = np.nan_to_num(self._seen["height"]).reshape(224, 224)
        mask = np.asarray(self._seen["goal"], bool)
        if mask.sum() <= 5:  # hidden: what surrounds the highest point
            objects = np.where(self._seen["objects"], height, 0)
            top = np.array(np.unravel_index(objects.argmax(), objects.shape))
            near = np.abs(PIXELS - top).max(1).reshape(224, 224) < 12
            mask = near & (objects > objects.max() - 0.015)
        pixels = np.argwhere(mask) if mask.any() else np.array([[112, 112]])
        middle = pixels.mean(0)
        self._middle = pixels[np.abs(pixels - middle).sum(1).argmin()]
        level = height[tuple(self._middle)]
        widths, obstacles = [], []
        for direction in range(N_DIRECTIONS):
            yaw = direction * np.pi / 8
            along = np.array([np.sin(yaw), np.cos(yaw)])  # row follows y, column follows x
            widths.append(np.ptp((pixels - middle) @ along) / 25 - 1)  # 50 pixels: too wide
            tips = [self._middle + side * FINGER_PX * along for side in (-1, 1)]
            patches = [_patch(height, tip).max(initial=0) for tip in tips]
            obstacles.append(20 * (max(patches) - max(level - 0.03, 0.004)))
        return np.clip([*widths, *obstacles], -1, 1).astype(np.float32)


def _patch(height: np.ndarray, tip: np.ndarray) -> np.ndarray:
    row, column = np.clip(np.rint(tip).astype(int), 6, 217)
    return height[row - 6 : row + 7, column - 6 : column + 7]


def make(objects: int) -> gymnasium.Env:
    """Make the environment."""
    env = gymnasium.make("pushgrasp/Retrieve-v0", scenes=("random",), objects=(objects,))
    return ChooseDirection(env)


def score(env: gymnasium.Env, choose, episodes: int) -> str:
    """Play episodes; the same seeds for every agent."""
    grasps = held = goals = 0
    for seed in range(10_000, 10_000 + episodes):
        (seen, info), over = env.reset(seed=seed), False
        while not over:
            seen, reward, terminated, truncated, info = env.step(choose(seen))
            grasps, held, over = grasps + 1, held + reward, terminated or truncated
        goals += info["truth"]["success"]
    return f"{held:.0f} of {grasps} grasps held; {goals} of {episodes} goals retrieved"


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn to grasp with stable-baselines3")
    parser.add_argument("--steps", type=int, default=1200, help="grasps to learn from")
    parser.add_argument("--episodes", type=int, default=50, help="to compare in")
    parser.add_argument("--objects", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    warnings.filterwarnings("ignore", module="gymnasium")
    from stable_baselines3 import DQN

    env = make(arguments.objects)
    rng = np.random.default_rng(arguments.seed)
    before = score(env, lambda _: rng.integers(N_DIRECTIONS), arguments.episodes)
    print("random directions ", before)
    model = DQN(
        "MlpPolicy", env, seed=arguments.seed, gamma=0.0, learning_rate=1e-3, batch_size=64,
        buffer_size=5_000, learning_starts=50, train_freq=1, gradient_steps=4,
        target_update_interval=200, exploration_fraction=0.6, exploration_final_eps=0.05,
        policy_kwargs={"net_arch": [64, 64]},
    )  # fmt: skip
    model.learn(arguments.steps)
    after = score(env, lambda seen: model.predict(seen, deterministic=True)[0], arguments.episodes)
    print("learned directions", after)


if __name__ == "__main__":
    main()
