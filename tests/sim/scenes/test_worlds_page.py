"""The scene in docs/worlds.md works for who copies it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from drawn_meshes import binary_stl, box

from pushgrasp.policy.load import load_policy
from pushgrasp.retrieve import End, retrieve
from pushgrasp.sim.scenes.build import SceneConfig, build_scene

PAGE = Path(__file__).parents[3] / "docs/worlds.md"


def samples() -> list[Any]:
    """The page's JSON blocks about scenes: a scene, and an object that is a mesh."""
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [
        v
        for v in map(json.loads, blocks)
        if isinstance(v, dict) and ({"objects", "mesh"} & v.keys())
    ]


def test_the_pages_scene_settles_where_it_says(tmp_path: Path) -> None:
    scene, mesh = samples()
    path = tmp_path / "can.json"
    path.write_text(json.dumps(scene))
    built = build_scene(SceneConfig(str(path)))
    assert built.notes == built.left_out == ()
    assert max(built.motion_m.values()) < 0.002
    (tmp_path / mesh["mesh"]).write_bytes(binary_stl(box(40, 40, 59)))
    path.write_text(json.dumps({"objects": [*scene["objects"][::2], mesh]}))
    assert max(build_scene(SceneConfig(str(path))).motion_m.values()) < 0.003


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_pages_goal_is_retrieved(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "can.json"
    path.write_text(json.dumps(samples()[0]))
    scene = build_scene(SceneConfig(str(path), seed=seed, perturb=seed > 0))
    policy = load_policy("default")
    *_, last = retrieve(
        scene.make_cameras(), scene.make_robot(), policy, scene.goal_rgb, max_actions=6
    )
    assert last.end is End.GOAL_IN_HAND
