"""Play scenes with a mixed behaviour, and keep every action as a sample for all goals.

One file per scene; the same command goes on where it stopped. Run it more than once at a time with
different seeds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tyro

from pushgrasp.errors import SimulatorFault, UserError
from pushgrasp.policy.load import load_policy
from pushgrasp.sim.robots.registry import gripper
from pushgrasp.sim.scenes.build import build_scene
from pushgrasp.training.lookahead.play import SHARES, Behaviour, Source
from pushgrasp.training.lookahead.scenes import draw_scene
from pushgrasp.utils.threads import use_one_thread


@dataclass
class Settings:
    """Of a run."""

    out: Path
    """Folder for the scenes' files."""
    policies: tuple[str, ...] = ("default", "geometric")
    """Whose choices are played among others, on behalf of a goal."""
    policy_share: float = 0.3
    """Of the actions, that are the policies' choices; the others are candidates drawn at random."""
    seed: int = 30001
    """Scenes and choices follow from it."""
    scenes: int = 1_000_000
    """Scenes at most."""
    minutes: float = 600.0
    """After which no new scene is begun."""


def main(settings: Settings) -> None:
    """Collect."""
    use_one_thread()
    settings.out.mkdir(parents=True, exist_ok=True)
    policies = [load_policy(p, gripper("gantry")) for p in settings.policies]
    began, n_actions, n_scenes = time.monotonic(), 0, 0
    cpu = time.process_time()
    rest = (1 - settings.policy_share) / (1 - SHARES[Source.POLICY])
    shares = {k: rest * v for k, v in SHARES.items()} | {Source.POLICY: settings.policy_share}
    for index in range(settings.scenes):
        if (time.monotonic() - began) / 60 > settings.minutes:
            break
        path = settings.out / f"play-{settings.seed}-{index:05d}.npz"
        if path.exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            config, rng = draw_scene(settings.seed, index, Path(folder))
            try:
                scene = build_scene(config)
            except (SimulatorFault, UserError) as error:
                print(f"scene {index}: {error}", file=sys.stderr)
                continue
        scene.world.skip_free_motion = True
        kind = Path(config.name).name.split("-")[0] if "/" in config.name else config.name
        meta = {"scene": kind, "objects": len(scene.world.object_names), "seed": config.seed}
        record = Behaviour(scene, policies, rng, shares).play(meta)
        if record is None:
            continue
        record.save(path)
        n_scenes, n_actions = n_scenes + 1, n_actions + len(record)
        minutes = (time.monotonic() - began) / 60
        taken = record.played["taken"].any(1).mean()
        print(
            f"{minutes:6.1f} min: {n_scenes} scenes, {n_actions} actions, "
            f"{n_actions / minutes:.0f} actions/min, "
            f"{n_actions / (time.process_time() - cpu):.2f} per s of CPU; {kind}, "
            f"{meta['objects']}: {len(record)} actions, {taken:.2f} took something, "
            f"{record.meta['ending']}",
            flush=True,
        )


if __name__ == "__main__":
    main(tyro.cli(Settings))
