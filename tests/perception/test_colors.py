"""Every colour of a scene is told from every other and from the table, under the light."""

from __future__ import annotations

import dataclasses
from itertools import combinations
from typing import NamedTuple

import cv2
import mujoco
import numpy as np
import pytest

from pushgrasp.errors import UserError
from pushgrasp.perception.colors import (
    ANCESTOR_COLORS,
    PALETTE,
    TABLE_COLOR,
    color_name,
    format_color,
    parse_color,
)
from pushgrasp.perception.heightmap import project
from pushgrasp.perception.segmentation import (
    SAME_COLOR,
    goal_mask,
    label_objects,
    matches,
    object_mask,
)
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.workspace import Workspace

Color = tuple[int, int, int]
SETS = {
    "palette": [parse_color(c) for c in PALETTE.values()],
    "ancestors": [parse_color(c) for c in ANCESTOR_COLORS],
}


class World(NamedTuple):
    """What the camera looks at."""

    model: mujoco.MjModel
    data: mujoco.MjData


def angle(a: Color, b: Color) -> float:
    """Degrees between two colours' directions."""
    cosine = np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def cubes(colors: list[Color], seed: int) -> World:
    """Cubes of these colours in rows over a table, each turned at random."""
    spec = mujoco.MjSpec()
    plane = [*(c / 255 for c in TABLE_COLOR), 1]
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[5, 5, 0.1], rgba=plane)
    turns = np.random.default_rng(seed).normal(size=(len(colors), 4))
    for i, (color, turn) in enumerate(zip(colors, turns, strict=True)):
        place = [-0.69 + 0.075 * (i % 6), -0.17 + 0.085 * (i // 6), 0.05]
        body = spec.worldbody.add_body(pos=place, quat=turn)
        body.add_freejoint()
        rgba = [*(c / 255 for c in color), 1]
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.022] * 3, rgba=rgba)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return World(model, data)


@pytest.mark.parametrize("noise", [0.0, 3.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", SETS)
def test_every_object_is_found_by_its_colour_alone(name: str, seed: int, noise: float) -> None:
    colors = SETS[name]
    camera = RayCamera(cubes(colors, seed))
    frame = camera.capture()
    bodies = np.maximum(camera.true_bodies(), 0).astype(np.uint8)
    truth = project(dataclasses.replace(frame, color=np.dstack([bodies] * 3)), Workspace())
    rng = np.random.default_rng(seed)
    noisy = np.rint(frame.color + rng.normal(0, noise, frame.color.shape)).clip(0, 255)
    seen = project(dataclasses.replace(frame, color=noisy.astype(np.uint8)), Workspace())
    labels = label_objects(seen)
    masks = [goal_mask(seen, color) for color in colors]
    found = set()
    for i in range(len(colors)):
        own = truth.color[..., 0] == i + 1
        interior = cv2.erode(own.astype(np.uint8), np.ones((3, 3))) > 0
        assert interior.sum() > 40
        assert masks[i][interior].mean() > 0.97
        assert all(masks[j][own].mean() < 0.005 for j in range(len(colors)) if j != i)
        shares = np.bincount(labels[interior])
        assert shares.max() > 0.97 * interior.sum()
        found.add(int(shares.argmax()))
    table = (truth.color[..., 0] == 0) & seen.seen
    assert not any((mask & table).any() for mask in masks)
    assert len(found) == len(colors)
    assert 0 not in found
    assert not (object_mask(seen) & table).any()


@pytest.mark.parametrize(("name", "least"), [("palette", 10.0), ("ancestors", 5.5)])
def test_colours_are_apart_in_direction(name: str, least: float) -> None:
    assert min(angle(a, b) for a, b in combinations(SETS[name], 2)) > least
    assert min(angle(a, TABLE_COLOR) for a in SETS[name]) > least
    assert np.degrees(SAME_COLOR) < min(angle(a, b) for a, b in combinations(SETS[name], 2)) / 2


def test_no_object_colour_is_taken_for_grey_metal_or_table() -> None:
    greys = np.repeat(np.arange(256)[:, None], 3, 1)
    for color in SETS["palette"]:
        assert not matches(greys, color).any()
    for color in SETS["palette"] + SETS["ancestors"]:
        assert not matches(np.array(TABLE_COLOR), color)


def test_any_shade_matches_its_colour() -> None:
    shades = np.linspace(0.45, 1.1, 14)[:, None]
    for color in SETS["palette"] + SETS["ancestors"]:
        assert matches(np.clip(np.rint(shades * color), 0, 255)[:10], color).all()


def test_palette_has_30_colours_and_the_plain_names() -> None:
    assert len(PALETTE) == len(set(PALETTE.values())) == 30
    plain = {"red", "orange", "yellow", "green", "blue", "purple", "violet", "cyan", "pink"}
    assert plain | {"brown"} <= PALETTE.keys()
    first = [parse_color(c) for c in list(PALETTE.values())[:10]]
    assert min(angle(a, b) for a, b in combinations(first, 2)) > 11


def test_colours_are_read_and_written() -> None:
    assert parse_color(" Red ") == (235, 24, 24)
    assert parse_color("#59A14F") == (89, 161, 79)
    assert format_color(parse_color("#59a14f")) == "#59a14f"
    assert color_name(parse_color("mint")) == "mint"
    assert color_name((1, 2, 3)) == "#010203"
    for word in ("reed", "59a14f", "#59a14", "#59a14g", ""):
        with pytest.raises(UserError, match="red"):
            parse_color(word)
