"""The blocks: sizes, frames, and that they rest where they are put."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from pushgrasp.sim.objects.shapes import DENSITY, SHAPES, Part, Shape, add_to_spec

GREY = (0.5, 0.5, 0.5, 1.0)
X_UP = (np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0)  # wxyz, turns the shape's x axis up


def corners(part: Part) -> np.ndarray:
    """(N, 3) points whose hull is the part, in the shape's frame."""
    if part.kind == "mesh":
        points = part.vertices
    elif part.kind == "box":
        points = np.array(np.meshgrid(*[(-s, s) for s in part.size])).reshape(3, -1).T
    else:
        turn = np.linspace(0.0, 2 * np.pi, 361)
        rim = part.size[0] * np.stack([np.cos(turn), np.sin(turn)], 1)
        points = np.concatenate(
            [np.column_stack([rim, np.full(len(rim), z * part.size[1])]) for z in (-1, 1)]
        )
    return Rotation.from_quat(np.roll(part.quaternion, -1)).apply(points) + part.position


HULLS = {
    name: [ConvexHull(corners(part)).equations for part in shape.parts]
    for name, shape in SHAPES.items()
}


def inside(name: str, point: np.ndarray, tolerance: float) -> int:
    """In how many parts of a shape, each grown by the tolerance in m, the point lies."""
    return sum(bool(np.all(h[:, :3] @ point + h[:, 3] <= tolerance)) for h in HULLS[name])


def world(*objects: tuple[Shape, tuple, tuple]) -> tuple[mujoco.MjModel, mujoco.MjData]:
    """A table with shapes at (position, quaternion wxyz)."""
    spec = mujoco.MjSpec()
    spec.option.timestep = 0.002
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10.0
    spec.option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[1, 1, 0.1])
    for shape, position, quaternion in objects:
        body = spec.worldbody.add_body(pos=position, quat=quaternion)
        body.add_freejoint()
        add_to_spec(spec, body, shape, rgba=GREY)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_extent_and_centre(shape: Shape) -> None:
    points = np.concatenate([corners(part) for part in shape.parts])
    np.testing.assert_allclose(np.ptp(points, axis=0), shape.extent, atol=2e-6)
    np.testing.assert_allclose(points.max(0) + points.min(0), 0.0, atol=2e-6)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_mass_is_volume_times_density(shape: Shape) -> None:
    model, _ = world((shape, (0, 0, 1), (1, 0, 0, 0)))
    assert model.body_mass[1] == pytest.approx(shape.volume * DENSITY, rel=1e-4)


def test_measured_volumes() -> None:
    """Against the ancestors' meshes, whose bevelled edges take up to 2 %."""
    measured = {"triangle": 122.2, "arch": 198.3, "tile": 61.3, "brick": 123.0, "cube": 123.6}
    measured |= {"long": 248.5, "half_cylinder": 48.2, "cylinder": 78.3}
    for name, cm3 in measured.items():
        assert SHAPES[name].volume * 1e6 == pytest.approx(cm3, rel=0.025), name


@given(
    st.tuples(st.floats(-0.0249, 0.0249), st.floats(-0.0249, 0.0249), st.floats(-0.0499, 0.0499))
)
def test_arch_is_a_block_less_a_half_cylinder(point: tuple[float, float, float]) -> None:
    x, _, z = point
    radius = np.hypot(x + 0.025, z)
    count = inside("arch", np.array(point), 1e-9)
    if radius < 0.025 * np.cos(np.pi / 16) - 1e-6:  # within the chords
        assert count == 0
    elif radius > 0.025 + 1e-6:
        assert count >= 1  # no gap
        assert inside("arch", np.array(point), -1e-6) <= 1  # no overlap


@pytest.mark.parametrize("name", ["arch", "half_cylinder", "triangle", "cylinder"])
def test_compiled_surface_is_where_the_parts_are(name: str) -> None:
    """Rays down the shape's x axis hit its profile: the compiler moves meshes' frames."""
    model, data = world((SHAPES[name], (0, 0, 1), X_UP))
    geom = np.zeros(1, np.int32)

    def top(x: float, y: float) -> float:
        """Height in the shape's frame, x up, over a point of its plane; NaN past its edge."""
        ray = (np.array([x, y, 2.0]), np.array([0.0, 0.0, -1.0]))
        distance = mujoco.mj_ray(model, data, *ray, None, 0, -1, geom)
        return 1.0 - distance if distance >= 0 else float("nan")

    profile = {
        "arch": lambda z: 0.025,
        "half_cylinder": lambda z: -0.0125 + np.sqrt(0.025**2 - z**2),
        "triangle": lambda z: 0.02545 - abs(z),
        "cylinder": lambda z: 0.025,
    }[name]
    for z in (-0.0203, -0.0101, 0.0052, 0.0149, 0.0201):
        assert top(z, 0.004) == pytest.approx(profile(z), abs=2e-4)


def test_arch_opens_towards_minus_x() -> None:
    model, data = world((SHAPES["arch"], (0, 0, 1), X_UP))
    geom = np.zeros(1, np.int32)
    for z in (-0.02, -0.003, 0.0, 0.011):
        up = (np.array([z, 0.0, 0.5]), np.array([0.0, 0.0, 1.0]))
        roof = 0.5 + mujoco.mj_ray(model, data, *up, None, 1, -1, geom) - 1.0
        assert roof == pytest.approx(-0.025 + np.sqrt(0.025**2 - z**2), abs=1e-3)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_rests_and_bears_a_block(shape: Shape) -> None:
    flat = shape.name in ("triangle", "half_cylinder")  # nothing stands on these
    cube = SHAPES["cube"]
    objects = [(shape, (0, 0, shape.extent[0] / 2), X_UP)]
    if not flat:
        objects.append((cube, (0, 0, shape.extent[0] + 0.025), X_UP))
    model, data = world(*objects)
    start = data.qpos.copy()
    mujoco.mj_step(model, data, 750)
    moved = np.abs((data.qpos - start).reshape(-1, 7))
    assert moved[:, :3].max() < 1e-3
    assert moved[:, 3:].max() < 5e-3


def test_meshes_are_shared() -> None:
    arch = SHAPES["arch"]
    model, _ = world((arch, (0, 0, 0.1), X_UP), (arch, (0.2, 0, 0.1), X_UP))
    n_meshes = sum(part.kind == "mesh" for part in arch.parts)
    assert model.nmesh == n_meshes >= 6
    assert model.ngeom == 1 + 2 * len(arch.parts)


def test_contact_settings_reach_the_geoms() -> None:
    spec = mujoco.MjSpec()
    add_to_spec(
        spec,
        spec.worldbody.add_body(),
        SHAPES["arch"],
        rgba=GREY,
        friction=(0.7, 0.01, 0.001),
        solref=(0.03, 1.0),
        solimp=(0.8, 0.9),
        condim=6,
        group=2,
    )
    model = spec.compile()
    assert set(model.geom_condim) == {6}
    assert set(model.geom_group) == {2}
    np.testing.assert_allclose(model.geom_friction, [[0.7, 0.01, 0.001]] * model.ngeom)
    np.testing.assert_allclose(model.geom_solref, [[0.03, 1.0]] * model.ngeom)
    np.testing.assert_allclose(model.geom_solimp, [[0.8, 0.9, 0.001, 0.5, 2.0]] * model.ngeom)
