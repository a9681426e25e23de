"""From a frame in hand to an action: the compact policy, DenseNet-121, and the naive way.

A decision is heightmap, segmentation, networks and selection. The naive way runs the
networks as the released code does: the trunks of both Q-networks, 16 rotations one at a time,
640 x 640 pixels, float32, always; its share of the rest is what it is for DenseNet-121.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import common
import numpy as np
import torch
import tyro

from pushgrasp.interfaces import RGBDFrame
from pushgrasp.perception.perceive import observe
from pushgrasp.policy.learned import Policy
from pushgrasp.policy.load import policy_names
from pushgrasp.policy.networks import QNetwork
from pushgrasp.policy.networks.base import Scenes
from pushgrasp.policy.networks.crops import crops
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.training.recipes import RECIPES, with_network
from pushgrasp.workspace import N_ROTATIONS, rotation_angle

NAIVE_PX, NAIVE_RESOLUTION = 640, 0.001  # the workspace at twice its resolution, padded

Goal = tuple[int, int, int]
Decide = Callable[[RGBDFrame, Goal], object]


def main(
    policy: str = "",
    objects: int = 20,
    scenes: int = 10,
    repeats: int = 5,
    dense: int = 3,
    naive: int = 2,
    threads: Annotated[int | None, tyro.conf.arg(help="of PyTorch; all cores if not given")] = None,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Time decisions.

    Args:
        policy: the compact policy; the first that comes with the package if not given.
        objects: in a scene.
        scenes: random scenes, a decision at the start of each.
        repeats: decisions of the compact policy in each scene.
        dense: decisions of DenseNet-121, in so many scenes.
        naive: decisions of the naive way, in so many scenes; each takes most of a minute.
        seed: of the first scene.
        out: file for the JSON.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    paper = with_network(RECIPES["paper"], "densenet121")
    compact = Policy.from_pretrained(policy) if policy else _shipped()
    densenet = Policy.random_init(paper.network, paper.decision, paper.primitive)
    ways: dict[str, Decide] = {
        "compact": _decider(compact),
        "densenet121": _decider(densenet),
        "naive": lambda frame, goal: _naive(densenet, frame, goal),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    looks: list[float] = []
    for k in range(scenes):
        scene = build_scene(SceneConfig(n_objects=objects, seed=seed + k))
        frame, goal = RayCamera(scene.world).capture(), scene.goal_rgb
        if k == 0:
            ways["compact"](frame, goal)  # the first time costs more
        counts = {"compact": repeats, "densenet121": int(k < dense), "naive": int(k < naive)}
        for way, decide in ways.items():
            times[way] += [_seconds(decide, frame, goal) for _ in range(counts[way])]
        looks += [_seconds(observe, frame, goal) for _ in range(repeats)]

    measured = {way: t for way, t in times.items() if t}
    medians = {way: statistics.median(t) for way, t in measured.items()}
    result = {
        "setting": common.setting(),
        "threads": torch.get_num_threads(),
        "policy": compact.name,
        "objects": objects,
        "observe_s": statistics.median(looks),
        "ways": {
            way: {
                "median_s": medians[way],
                "p95_s": float(np.percentile(t, 95)),
                "n": len(t),
                "times_faster_than": {
                    other: m / medians[way] for other, m in medians.items() if other != way
                },
            }
            for way, t in measured.items()
        },
    }
    slowest = max(medians.values())
    rows = [
        (
            way,
            f"{1e3 * medians[way]:.0f}",
            f"{1e3 * float(np.percentile(t, 95)):.0f}",
            len(t),
            f"{slowest / medians[way]:.1f}",
        )
        for way, t in measured.items()
    ]
    header = ("way", "median, ms", "95 % under, ms", "decisions", "times faster than the slowest")
    common.show(result, header, rows)
    common.save(result, out)


def _shipped() -> Policy:
    names = policy_names()
    if names:
        return Policy.from_pretrained(names[0])
    recipe = RECIPES["default"]  # untrained, it takes the same time
    return Policy.random_init(recipe.network, recipe.decision, recipe.primitive)


def _decider(policy: Policy) -> Decide:
    return lambda frame, goal: policy.decide(observe(frame, goal))


def _seconds(work: Decide, frame: RGBDFrame, goal: Goal) -> float:
    start = time.perf_counter()
    work(frame, goal)
    return time.perf_counter() - start


@torch.inference_mode()
def _naive(policy: Policy, frame: RGBDFrame, goal: Goal) -> None:
    observation = observe(frame, goal)
    scene = Scenes.of(observation, observation.goal)
    for network in policy.networks().values():
        maps = torch.cat([_naive_map(network, scene, r) for r in range(N_ROTATIONS)])
        maps.reshape(-1).argmax()


def _naive_map(network: QNetwork, scene: Scenes, rotation: int) -> torch.Tensor:
    """(1, 640, 640) Q of one rotation, turned back."""
    view = {
        "crop_px": NAIVE_PX,
        "crop_resolution": NAIVE_RESOLUTION,
        "workspace": scene.workspace,
    }
    height, width = scene.workspace.shape
    middle = torch.tensor([[(height - 1) / 2, (width - 1) / 2]])
    angle = torch.tensor([float(rotation_angle(rotation))])
    q = network(crops(network.planes(scene), middle, angle, **view))
    same = scene.workspace.resolution  # the map is turned back at its own resolution
    middle = torch.tensor([[(NAIVE_PX - 1) / 2] * 2])
    back = {**view, "crop_resolution": same}
    return crops(q[:, None], middle, -angle, **back)[:, 0]


if __name__ == "__main__":
    tyro.cli(main)
