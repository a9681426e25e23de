"""Retrieve goals under a random lamp, their colour read under another one, and in the usual light.

Lamps have a gain of 0.8 to 1 for each channel. Both episodes of a seed have the same objects.

    python bench/lamps.py --scenes 100
"""

from __future__ import annotations

from pathlib import Path

import common
import numpy as np
import tyro

from pushgrasp.errors import SimulatorFault, UserError
from pushgrasp.evaluation.trial import play
from pushgrasp.perception.colors import TABLE_COLOR
from pushgrasp.perception.goal import RGB, Goal
from pushgrasp.policy.load import load_policy
from pushgrasp.sim.randomise import DomainConfig
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.utils.threads import use_one_thread

GAINS = (0.8, 1.0)
ONE = (1.0, 1.0)
LAMPS = DomainConfig(
    mass=ONE, friction=ONE, size=ONE, color_turn=(0.0, 0.0), color_brightness=ONE,
    intensity=(0.8, 1.0), tint=GAINS,
)  # fmt: skip
HEADER = ("light", "scenes", "TCR, %", "wrong claims")


def under(lamp: np.ndarray, color: RGB) -> RGB:
    """Read a colour by a lamp."""
    r, g, b = (int(v) for v in np.rint(lamp * np.array(color)))
    return r, g, b


def main(scenes: int = 100, objects: int = 10, seed: int = 5000, out: Path | None = None) -> None:
    """Play every scene twice.

    Args:
        scenes: how many.
        objects: in each.
        seed: of the first one.
        out: JSON file for the result.
    """
    use_one_thread()
    policy = load_policy("default")
    results: dict[str, list[tuple[bool, bool]]] = {"usual": [], "two lamps": []}
    for number in range(seed, seed + scenes):
        lamp = np.random.default_rng(number).uniform(*GAINS, 3)
        for light, group in results.items():
            domain = None if light == "usual" else LAMPS
            try:
                scene = build_scene(SceneConfig("random", objects, seed=number, randomise=domain))
                told = Goal(color=under(lamp, scene.goal_rgb), table=under(lamp, TABLE_COLOR))
                result = play(scene, policy, goal=told if domain else None)
                group.append((result.success, result.claimed_success))
            except (SimulatorFault, UserError) as error:
                print(f"seed {number}, {light}: {error}")
                group.append((False, False))
    rows = [
        (
            light,
            str(len(group)),
            f"{100 * np.mean([success for success, _ in group]):.0f}",
            str(sum(claimed and not success for success, claimed in group)),
        )
        for light, group in results.items()
    ]
    answer = {
        "setting": common.setting(),
        "scenes": scenes,
        "seed": seed,
        "rows": [dict(zip(HEADER, row, strict=True)) for row in rows],
    }
    common.show(answer, HEADER, rows)
    common.save(answer, out)


if __name__ == "__main__":
    tyro.cli(main)
