"""Domains: within their ranges, seeded, and harmless to what finds the goal."""

from __future__ import annotations

import dataclasses

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.perception.colors import ANCESTOR_COLORS, PALETTE, parse_color
from pushgrasp.perception.segmentation import matches
from pushgrasp.sim.cameras.light import LIGHT, Lamp
from pushgrasp.sim.objects.shapes import SHAPES, add_to_spec
from pushgrasp.sim.randomise import DomainConfig, ObjectDomain, sample_domain, scaled

COLORS = [parse_color(c) for c in (*PALETTE.values(), *ANCESTOR_COLORS)]
STILL = DomainConfig(
    mass=(1, 1), friction=(1, 1), size=(1, 1), color_turn=(0, 0), color_brightness=(1, 1),
    lamp_cone=0.0, ambient=(0.55, 0.55), intensity=(1, 1), tint=(1, 1),
)  # fmt: skip


def angle(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """rad between two colours' directions."""
    cross = np.linalg.norm(np.cross(a, b))
    return float(np.arctan2(cross, np.dot(a, b)))


@given(seed=st.integers(0, 10**9), n=st.integers(0, 30))
def test_a_domain_lies_within_its_ranges(seed: int, n: int) -> None:
    config = DomainConfig()
    domain = sample_domain(config, np.random.default_rng(seed), n)
    assert len(domain.objects) == n
    for thing in domain.objects:
        for name in ("mass", "friction", "size", "color_brightness", "color_turn"):
            low, high = getattr(config, name)
            assert low <= getattr(thing, name) <= high
    light = domain.light
    assert light.towards @ LIGHT >= np.cos(config.lamp_cone) - 1e-9
    assert light.towards[2] > 0  # from above
    intensity = light.ambient + light.diffuse
    assert config.intensity[0] - 1e-9 <= intensity <= config.intensity[1] + 1e-9
    assert config.ambient[0] - 1e-9 <= light.ambient / intensity <= config.ambient[1] + 1e-9
    assert all(config.tint[0] <= t <= config.tint[1] for t in light.tint)


@given(seed=st.integers(0, 10**9))
def test_one_seed_gives_one_domain_and_more_objects_change_no_other(seed: int) -> None:
    few, same, many = (
        sample_domain(DomainConfig(), np.random.default_rng(seed), n) for n in (4, 4, 9)
    )
    assert few == same
    assert few.light == many.light
    assert few.objects == many.objects[:4]
    assert few != sample_domain(DomainConfig(), np.random.default_rng(seed + 1), 4)


def test_ranges_of_no_width_change_nothing() -> None:
    domain = sample_domain(STILL, np.random.default_rng(0), 3)
    usual = Lamp()
    assert np.allclose(domain.light.towards, usual.towards)
    assert np.allclose((domain.light.ambient, domain.light.diffuse), (0.55, 0.45))
    for thing in domain.objects:
        assert dataclasses.replace(thing, color_heading=0.0) == ObjectDomain()
        assert all(thing.color(color) == color for color in COLORS)


@given(seed=st.integers(0, 10**9), index=st.integers(0, len(COLORS) - 1))
def test_a_colour_turns_by_what_was_drawn(seed: int, index: int) -> None:
    nominal = COLORS[index]
    (thing,) = sample_domain(DomainConfig(), np.random.default_rng(seed), 1).objects
    color = thing.color(nominal)
    rounding = 0.5 * np.sqrt(3) / np.linalg.norm(color)
    assert angle(color, nominal) <= thing.color_turn + rounding + 1e-9
    brightness = np.linalg.norm(color) / np.linalg.norm(nominal)
    assert np.isclose(brightness, thing.color_brightness, atol=2 * rounding)


@settings(max_examples=200)
@given(
    seed=st.integers(0, 10**9),
    index=st.integers(0, len(COLORS) - 1),
    normal=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1),
)
def test_the_nominal_colour_still_finds_the_goal_and_no_other_object(
    seed: int, index: int, normal: tuple[float, float, float]
) -> None:
    """Whatever the domain, whichever way a face looks; 1.2 degrees stay for a camera's noise."""
    nominal = COLORS[index]
    domain = sample_domain(DomainConfig(), np.random.default_rng(seed), 1)
    unit = np.array([normal]) / np.linalg.norm(normal)
    seen = domain.light.shade(np.array([domain.objects[0].color(nominal)], float), unit)
    assert matches(np.rint(seen), nominal, tolerance=np.radians(1.5)).all()
    own = COLORS[:30] if index < 30 else COLORS[30:]  # colours that scenes put together
    assert not any(matches(np.rint(seen), c).any() for c in own if c != nominal)


def test_black_stays_black() -> None:
    assert ObjectDomain(color_turn=0.1).color((0, 0, 0)) == (0, 0, 0)


def mass_and_box(shape_name: str, factor: float) -> tuple[float, np.ndarray]:
    spec = mujoco.MjSpec()
    body = spec.worldbody.add_body()
    body.add_freejoint()
    shape = scaled(SHAPES[shape_name], factor)
    add_to_spec(spec, body, shape, rgba=(1, 0, 0, 1))
    model = spec.compile()
    return float(model.body_mass[1]), np.array(shape.extent)


@pytest.mark.parametrize("name", list(SHAPES))
def test_a_scaled_shape_is_the_same_one_larger(name: str) -> None:
    shape, large = SHAPES[name], scaled(SHAPES[name], 1.1)
    assert np.isclose(large.volume, 1.1**3 * shape.volume)
    assert np.isclose(large.mass, 1.1**3 * shape.mass)
    assert (large.density, large.rolls) == (shape.density, shape.rolls)
    one, two = mass_and_box(name, 1.0), mass_and_box(name, 1.1)
    assert np.isclose(two[0], 1.1**3 * one[0])
    assert np.allclose(two[1], 1.1 * one[1])


def test_two_sizes_of_one_shape_stand_in_one_model() -> None:
    spec = mujoco.MjSpec()
    for factor in (1.0, 0.9, 1.1):
        body = spec.worldbody.add_body()
        body.add_freejoint()
        add_to_spec(spec, body, scaled(SHAPES["triangle"], factor), rgba=(1, 0, 0, 1))
    masses = spec.compile().body_mass[1:]
    assert np.allclose(masses / masses[0], [1.0, 0.9**3, 1.1**3])


def test_a_factor_of_one_is_the_shape_itself() -> None:
    assert scaled(SHAPES["cube"], 1.0) is SHAPES["cube"]
    for factor in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UserError, match="above 0"):
            scaled(SHAPES["cube"], factor)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"mass": (1.4, 0.7)}, "mass is 1.4 to 0.7"),
        ({"friction": (0.0, 1.0)}, "friction"),
        ({"size": (-1.0, 1.0)}, "size"),
        ({"color_brightness": (0.9, 1.2)}, "clip"),
        ({"intensity": (0.9, 1.1)}, "clip"),
        ({"lamp_cone": 2.0}, "lamp_cone"),
        ({"tint": (0.9, float("nan"))}, "tint"),
    ],
)
def test_impossible_ranges_are_refused(change: dict, word: str) -> None:
    with pytest.raises(UserError, match=word):
        DomainConfig(**change)
