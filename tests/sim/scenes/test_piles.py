"""Piles: objects fall, land apart, come to rest inside, and what rolls out is dropped again."""

from __future__ import annotations

import numpy as np
import pytest

from pushgrasp.errors import SimulatorFault
from pushgrasp.sim.cell import Cell
from pushgrasp.sim.model import ObjectSpec
from pushgrasp.sim.objects.novel import NOVEL
from pushgrasp.sim.objects.shapes import SHAPES, Shape
from pushgrasp.sim.scenes import piles
from pushgrasp.sim.scenes.piles import MAX_REDROPS, drop_all
from pushgrasp.sim.world import World
from pushgrasp.workspace import Workspace

OUT = (-0.5, 0.3, 0.06)  # m


def specs(*shapes: Shape) -> list[ObjectSpec]:
    return [ObjectSpec(f"object_{i:02d}", shape, (255, 0, 0)) for i, shape in enumerate(shapes)]


@pytest.fixture
def drops(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which objects were dropped, in turn."""
    drop, calls = piles._drop, []

    def watched(world: World, i: int, *rest) -> None:
        calls.append(i)
        drop(world, i, *rest)

    monkeypatch.setattr(piles, "_drop", watched)
    return calls


@pytest.mark.parametrize("sigma", [None, 0.03, 0.1])
def test_a_pile_lies_in_the_workspace_at_rest(sigma: float | None) -> None:
    shapes = [SHAPES["cube"], SHAPES["brick"], NOVEL["can"], NOVEL["bowl"], SHAPES["cylinder"]]
    world = drop_all(specs(*shapes), sigma, np.random.default_rng(4), Cell())
    places = np.array([world.pose(name)[0] for name in world.object_names])
    assert world.in_scene() == list(world.object_names)
    assert Workspace().contains(places[:, :2]).all()
    assert world.peak_penetration < 0.01  # nothing was put into another
    world.step(250)
    after = np.array([world.pose(name)[0] for name in world.object_names])
    assert np.abs(after - places).max() < 2e-3


def test_objects_fall_from_just_above_what_lies_there() -> None:
    world = World(specs(SHAPES["cube"], SHAPES["cube"]), piles.GantryModel())
    rng = np.random.default_rng(0)
    piles._drop_at_random(world, 0, None, rng)
    low = world.pose("object_00")[0][2]
    assert 0.025 < low < 0.025 * np.sqrt(3) + piles.DROP_CLEARANCE + 1e-9
    piles._drop_at_random(world, 1, None, rng)
    assert world.pose("object_01")[0][2] > low + 0.025 + 0.025  # clear of it
    world.step(1)
    assert world.peak_penetration == 0


def test_the_table_may_be_smoother() -> None:
    world = drop_all(specs(SHAPES["cube"]), 0.03, np.random.default_rng(0), Cell(), 0.7)
    assert world.model.geom("table").friction[0] == pytest.approx(0.35)


def test_what_rolls_out_is_dropped_again(drops: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    drop = piles._drop

    def roll(world: World, i: int, *rest) -> None:
        drop(world, i, *rest)
        if len(drops) == 2:
            world.place(world.object_names[i], OUT, (1, 0, 0, 0))

    monkeypatch.setattr(piles, "_drop", roll)
    cubes = specs(*[SHAPES["cube"]] * 3)
    world = drop_all(cubes, 0.03, np.random.default_rng(1), Cell())
    assert drops == [0, 1, 2, 1]
    assert world.in_scene() == list(world.object_names)
    assert Workspace().contains(world.pose("object_01")[0][:2])


def test_what_keeps_rolling_out_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def always(world: World, i: int, *rest) -> None:
        calls.append(i)
        world.place(world.object_names[i], OUT, (1, 0, 0, 0))

    monkeypatch.setattr(piles, "_drop", always)
    with pytest.raises(SimulatorFault, match="kept rolling out"):
        drop_all(specs(SHAPES["cube"]), 0.03, np.random.default_rng(1), Cell())
    assert len(calls) == 1 + MAX_REDROPS
