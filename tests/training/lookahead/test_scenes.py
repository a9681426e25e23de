"""Scenes to compare candidates in: reproducible, buildable, apart from those of evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.training.lookahead.scenes import draw_scene, packing


def test_a_seed_and_an_index_give_one_scene(tmp_path: Path) -> None:
    drawn = [draw_scene(7, i, tmp_path)[0] for i in range(40)]
    assert drawn == [draw_scene(7, i, tmp_path)[0] for i in range(40)]
    kinds = {Path(c.name).stem.split("-7-")[0] for c in drawn}
    assert kinds == {"random", "heap", "random-novel", "packed", "walls"}
    assert len({c.seed for c in drawn}) == 40


@pytest.mark.parametrize("walls", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_packings_stand_where_they_are_put(tmp_path: Path, walls: bool, seed: int) -> None:
    contents = packing(np.random.default_rng(seed), walls=walls)
    path = tmp_path / "packing.json"
    path.write_text(json.dumps(contents))
    scene = build_scene(SceneConfig(str(path), seed=seed))
    assert len(scene.world.in_scene()) == len(contents["objects"]) >= 5  # type: ignore[arg-type]
    assert np.median(list(scene.motion_m.values())) < 0.003
