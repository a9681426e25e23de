"""Scenes to compare candidates in: dropped piles, flat packings and walls, all from one seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...perception.colors import PALETTE
from ...sim.objects.shapes import SHAPES
from ...sim.scenes.build import SceneConfig
from ...utils.files import to_json, write_atomic

KEY = 5  # spawn key: seeds apart from those of scenes, training and evaluation
GAP = 0.001  # m between neighbours of a packing
RADIUS = 0.15  # m round its middle within which a packing stays
LYING = (float(np.sqrt(0.5)), 0.0, -float(np.sqrt(0.5)), 0.0)  # wxyz, the shapes' -x side down
MIX = (
    ("random", 0.6),
    ("heap", 0.15),
    ("random-novel", 0.1),
    ("packed", 0.1),
    ("walls", 0.05),
)

Rectangle = tuple[float, float, float, float]  # x, y, half-extents; m


def draw_scene(seed: int, index: int, folder: Path) -> tuple[SceneConfig, np.random.Generator]:
    """Return the scene of an index, and the generator for all else that is drawn in it.

    Args:
        seed: of the run.
        index: of the scene.
        folder: where a packing's scene file is written.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, index], spawn_key=(KEY,)))
    kind = str(rng.choice([name for name, _ in MIX], p=[share for _, share in MIX]))
    scene_seed = int(rng.integers(2**53))
    if kind in ("packed", "walls"):
        path = folder / f"{kind}-{seed}-{index}.json"
        write_atomic(path, to_json(packing(rng, walls=kind == "walls"), indent=1).encode())
        return SceneConfig(str(path), seed=scene_seed, perturb=True), rng
    n = int(rng.choice([10, 15, 20, 20, 25, 30]))
    deep = rng.random() < 0.7  # the earlier it fell, the deeper it lies
    goal = int(rng.integers(2 if deep else n // 2))
    return SceneConfig(kind, n, goal, seed=scene_seed), rng


def packing(rng: np.random.Generator, walls: bool = False) -> dict[str, object]:
    """Return a scene file's contents: blocks side by side round the goal, flat or as walls.

    Args:
        rng: draws shapes, sides and offsets.
        walls: all but the goal stand upright.
    """
    n = int(rng.integers(5, 13))
    colors = [list(PALETTE)[i] for i in rng.permutation(len(PALETTE))[:n]]
    turn = rng.uniform(0, 2 * np.pi)
    offset = rng.uniform(-0.04, 0.04, 2) + np.array([-0.5, 0.0])
    placed: list[Rectangle] = []
    objects: list[dict[str, object]] = []
    for _ in range(60 * n):
        if len(placed) == n:
            break
        name = str(rng.choice(list(SHAPES)))
        ex, ey, ez = SHAPES[name].extent
        upright = walls and bool(placed)
        along, across = (ex if upright else ez) / 2, ey / 2
        quarter = bool(rng.random() < 0.5)  # of a turn
        half = (across, along) if quarter else (along, across)
        spot = _beside(placed, half, rng) if placed else (0.0, 0.0, *half)
        if spot is None:
            continue
        placed.append(spot)
        yaw = turn + (np.pi / 2 if quarter else 0.0)
        x = offset[0] + spot[0] * np.cos(turn) - spot[1] * np.sin(turn)
        y = offset[1] + spot[0] * np.sin(turn) + spot[1] * np.cos(turn)
        objects.append(
            {
                "shape": name,
                "color": colors[len(placed) - 1],
                "position": [float(x), float(y), (ez if upright else ex) / 2 + 0.0005],
                "quaternion": _turned((1.0, 0.0, 0.0, 0.0) if upright else LYING, float(yaw)),
            }
        )
    return {"objects": objects, "goal": 0}


def _beside(
    placed: list[Rectangle], half: tuple[float, float], rng: np.random.Generator
) -> Rectangle | None:
    """Return where a block touches one that stands there and none other, if that is free."""
    x, y, hx, hy = placed[int(rng.integers(len(placed)))]
    side = int(rng.integers(4))
    sign = 1.0 if side % 2 else -1.0
    if side < 2:
        spot = (
            x + sign * (hx + half[0] + GAP),
            y + float(rng.uniform(-1, 1)) * 0.6 * (hy + half[1]),
        )
    else:
        spot = (
            x + float(rng.uniform(-1, 1)) * 0.6 * (hx + half[0]),
            y + sign * (hy + half[1] + GAP),
        )
    if np.hypot(*spot) > RADIUS:
        return None
    for ox, oy, ohx, ohy in placed:
        apart = max(abs(spot[0] - ox) - half[0] - ohx, abs(spot[1] - oy) - half[1] - ohy)
        if apart < 0.9 * GAP:
            return None
    return (*spot, *half)


def _turned(quaternion: tuple[float, float, float, float], yaw: float) -> list[float]:
    """Return a wxyz quaternion turned about the vertical."""
    w, x, y, z = quaternion
    c, s = float(np.cos(yaw / 2)), float(np.sin(yaw / 2))
    return [c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w]
