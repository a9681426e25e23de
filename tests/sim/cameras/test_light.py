"""Light on surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.sim.cameras.light import Lamp

UNIT = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1)


def test_the_default_is_the_lamp_that_was_always_there() -> None:
    light = Lamp()
    lamp = np.array([-0.45, -0.30, 0.84]) / np.linalg.norm([-0.45, -0.30, 0.84])
    normals = np.random.default_rng(0).normal(size=(100, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    colors = np.random.default_rng(1).uniform(0, 255, (100, 3))
    expected = colors * (0.55 + 0.45 * np.maximum(normals @ lamp, 0))[:, None]
    assert (light.shade(colors, normals) == expected).all()


@given(direction=UNIT, normal=UNIT, ambient=st.floats(0, 1), diffuse=st.floats(0, 1))
def test_shading_dims_and_keeps_the_colours_direction(
    direction: tuple[float, float, float],
    normal: tuple[float, float, float],
    ambient: float,
    diffuse: float,
) -> None:
    light = Lamp(direction, ambient, (1 - ambient) * diffuse)
    color = np.array([[200.0, 100.0, 50.0]])
    unit = np.array([normal]) / np.linalg.norm(normal)
    share = light.shade(color, unit) / color
    assert np.allclose(share, share[0, 0])
    assert ambient - 1e-9 <= share[0, 0] <= 1 + 1e-9
    towards = light.shade(color, light.towards[None])
    assert (light.shade(color, unit) <= towards + 1e-9).all()  # brightest where it faces the lamp


def test_tint_and_bright_lamps() -> None:
    up = np.array([[0.0, 0.0, 1.0]])
    warm = Lamp((0, 0, 2), 0.5, 0.5, (1.0, 0.9, 0.8))
    assert np.allclose(warm.shade(np.array([[100.0, 100.0, 100.0]]), up), [[100, 90, 80]])
    bright = Lamp((0, 0, 1), 1.0, 1.0)
    assert np.allclose(bright.shade(np.array([[200.0, 100.0, 0.0]]), up), [[255, 200, 0]])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"direction": (0.0, 0.0, 0.0)}, "direction"),
        ({"direction": (np.nan, 0.0, 0.0)}, "direction"),
        ({"ambient": -0.1}, "0 or more"),
        ({"tint": (1.0, -1.0, 1.0)}, "0 or more"),
    ],
)
def test_impossible_lights_are_refused(change: dict, word: str) -> None:
    with pytest.raises(UserError, match=word):
        Lamp(**change)


def test_a_rotated_light_shades_a_rotated_surface_alike() -> None:
    light, color = Lamp(tint=(1.0, 0.9, 0.8)), np.array([[200.0, 150.0, 100.0]])
    normal = np.array([[0.6, 0.3, np.sqrt(1 - 0.45)]])
    turned = normal * (-1, -1, 1)
    assert np.allclose(light.shade(color, normal), light.rotated(np.pi).shade(color, turned))
    assert light.rotated(0.0) is light
