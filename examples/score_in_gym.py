"""Score random actions, and the policy that comes with the package: examples/score_in_gym.py [N]"""

import sys

import gymnasium
import numpy as np

from pushgrasp import load_policy
from pushgrasp.env import to_numbers, to_observation

policy, rng = load_policy("default"), np.random.default_rng(0)


def anywhere(seen):
    """Any grasp or push of any object."""
    return [rng.integers(2), rng.integers(16), *rng.choice(np.argwhere(seen["objects"]))]


def learned(seen):
    """What the package's own policy does, but without its memory of what has failed."""
    action = policy.decide(to_observation(seen)).action
    return to_numbers(action) if action else anywhere(seen)


episodes = int(sys.argv[1]) if len(sys.argv) > 1 else 20
env = gymnasium.make("pushgrasp/Retrieve-v0", scenes=("random",), objects=(10,))
for agent in (anywhere, learned):
    taken = actions = 0
    for seed in range(episodes):
        (seen, info), over = env.reset(seed=seed), False
        while not over:
            seen, reward, terminated, truncated, info = env.step(agent(seen))
            taken, actions, over = taken + reward, actions + 1, terminated or truncated
    print(f"{agent.__name__:9} took {taken:.0f} goals of {episodes} with {actions} actions")
