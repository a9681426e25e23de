"""Score two simple agents, and the policy that comes with the package, in the environment.

python examples/score_in_gym.py [EPISODES]
"""

import sys

import gymnasium
import numpy as np

from pushgrasp.env import to_numbers, to_observation
from pushgrasp.policy import Policy

policy, rng = Policy.from_pretrained("default"), np.random.default_rng(0)


def anywhere(seen):
    """Any grasp or push of any object."""
    return [rng.integers(2), rng.integers(16), *rng.choice(np.argwhere(seen["objects"]))]


def middle(seen):
    """Grasp the goal, or any object while it is hidden, near its middle, where it is narrow."""
    label = rng.choice(seen["labels"][seen["labels"] > 0])
    pixels = np.argwhere(seen["goal"] if seen["goal"].any() else seen["labels"] == label)
    offsets = pixels - pixels.mean(axis=0) + rng.normal(0, 3, 2)
    dy, dx = np.linalg.eigh(offsets.T @ offsets)[1][:, 0]
    return [0, round(np.arctan2(dy, dx) / (np.pi / 8)) % 16, *pixels[(offsets**2).sum(1).argmin()]]


def learned(seen):
    """What the package's own policy does, but without its memory of what has failed."""
    return to_numbers(policy.decide(to_observation(seen)).action)


episodes = int(sys.argv[1]) if len(sys.argv) > 1 else 20
env = gymnasium.make("pushgrasp.env:pushgrasp/Retrieve-v0", scenes=("random",), objects=(10,))
for agent in (anywhere, middle, learned):
    taken, actions = 0.0, 0
    for seed in range(episodes):
        seen, info = env.reset(seed=seed)
        over = False
        while not over:
            seen, reward, terminated, truncated, info = env.step(agent(seen))
            actions, over = actions + 1, terminated or truncated
        taken += float(reward)
    print(f"{agent.__name__:9} took {taken:.0f} goals of {episodes} with {actions} actions")
