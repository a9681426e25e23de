"""Scenes: what lies on the table, built from a few settings and a seed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ..colors import PALETTE, parse_color
from ..errors import SimulatorFault, UserError
from ..workspace import Workspace
from .camera import RayCamera
from .gantry import GantryModel
from .presets import PlacedObject, challenging_names, read_challenging, read_preset
from .robot import SimRobot
from .robots import make_robot, robot_model
from .shapes import SHAPES, Shape
from .world import MAX_PENETRATION, ObjectSpec, World

DROP_CLEARANCE = 0.01  # m between a new object and what lies under it
HEAP_HALF_SIDE = 0.0125  # m, the released code's central square
MAX_REDROPS = 10  # times that what rolled off the workspace, mostly cylinders, is dropped again
REST_CHECK = 0.5  # s after which `motion_m` is read


@dataclass(frozen=True)
class SceneConfig:
    """Which scene to build."""

    name: str = "random"
    """random, heap, challenging-01 to challenging-10, or the path of a preset file."""
    n_objects: int = 10
    """Objects of a random or heap scene, 1 to 30; others bring their own."""
    goal: int = 0
    """Index of the goal among the scene's objects, in the order of placing."""
    sigma: float = 0.03
    """m, spread of the Gaussian that places the objects of a random scene."""
    seed: int = 0
    """Draws shapes, colours, places and orientations."""
    perturb: bool = False
    """Move each object of a fixed scene by about 2 mm and 2 degrees, and vary friction."""
    robot: str = "gantry"
    """gantry, ur5e or panda; all of them meet the same scene."""
    dressed: bool = False
    """Show an arm in its maker's meshes, where they are installed; only videos show them."""


@dataclass
class Scene:
    """A settled world and its goal."""

    config: SceneConfig
    world: World
    goal: int
    visible_fraction: float  # of the goal, from the default camera
    motion_m: dict[str, float] = field(default_factory=dict)  # since the scene was loaded
    left_out: tuple[str, ...] = ()  # lines of a preset file that lie off the table

    @property
    def goal_name(self) -> str:
        """The goal's name."""
        return self.world.object_names[self.goal]

    def make_robot(self) -> SimRobot:
        """The scene's robot, at home, its jaw open."""
        return make_robot(self.config.robot, self.world)

    @property
    def goal_rgb(self) -> tuple[int, int, int]:
        """The goal's colour, sRGB 0..255: all that the robot is told."""
        return self.world.color(self.goal_name)


def build_scene(config: SceneConfig, workspace: Workspace | None = None) -> Scene:
    """Build a scene and let it settle.

    Args:
        config: which one.
        workspace: where on the table; None for the standard one.
    Returns:
        The scene, at rest, its goal in the workspace, and all else too unless a file says
        otherwise.
    Raises:
        UserError: impossible settings, or a preset file that cannot be read.
        SimulatorFault: the pile could not be built; another seed may do.
    """
    workspace = workspace or Workspace()
    robot = robot_model(config.robot, dressed=config.dressed)
    rng = _rng(config)
    if config.name in ("random", "heap"):
        _check(config)
        world = _dropped(config, rng, workspace)
        before = {n: world.pose(n)[0] for n in world.in_scene()}
        world.step(round(REST_CHECK / world.model.opt.timestep))
        left_out: tuple[str, ...] = ()
    else:
        placed, left_out = _read(config, workspace)
        if not 0 <= config.goal < len(placed):
            raise UserError(
                f"--goal {config.goal}: {config.name} has {len(placed)} objects on the table, "
                f"so the goal is 0 to {len(placed) - 1}"
            )
        if not workspace.contains(placed[config.goal].position[:2]):
            raise UserError(
                f"--goal {config.goal}: that object of {config.name} lies outside the workspace, "
                "where the robot does not look; inside are "
                + ", ".join(
                    str(i) for i, p in enumerate(placed) if workspace.contains(p.position[:2])
                )
            )
        world = _loaded(placed, config.perturb, rng)
        before = {n: world.pose(n)[0] for n in world.in_scene()}
        world.settle(max_time=4.0)
    motion = {n: float(np.linalg.norm(world.pose(n)[0] - p)) for n, p in before.items()}
    goal_name = world.object_names[config.goal]
    if not workspace.contains(world.pose(goal_name)[0][:2]):
        raise SimulatorFault("the goal rolled out of the workspace while the scene settled")
    if config.robot != "gantry":
        world = world.with_robot(robot)
    camera = RayCamera(world)
    visible = camera.visible_fraction(int(world.body_ids[config.goal]))
    world.max_penetration = MAX_PENETRATION
    world.peak_penetration = world.peak_speed = 0.0
    return Scene(config, world, config.goal, visible, motion, left_out)


def object_colors(
    config: SceneConfig, workspace: Workspace | None = None
) -> list[tuple[int, int, int]]:
    """The colours that a scene's objects have, without building it.

    Args:
        config: the scene; its goal does not matter.
        workspace: where on the table.
    Returns:
        sRGB 0..255, in the order of the objects.
    Raises:
        UserError: as for `build_scene`.
    """
    if config.name in ("random", "heap"):
        _check(dataclasses.replace(config, goal=0))
        return _draw_colors(_rng(config), config.n_objects)
    return [placed.color for placed in _read(config, workspace or Workspace())[0]]


def _rng(config: SceneConfig) -> np.random.Generator:
    if config.seed < 0:
        raise UserError(f"--seed {config.seed}: a seed is 0 or more")
    return np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(0,)))


def _draw_colors(rng: np.random.Generator, n: int) -> list[tuple[int, int, int]]:
    colors = list(PALETTE.values())
    return [parse_color(colors[i]) for i in rng.permutation(len(colors))[:n]]


def _check(config: SceneConfig) -> None:
    if not 1 <= config.n_objects <= len(PALETTE):
        raise UserError(
            f"--objects {config.n_objects}: a scene has 1 to {len(PALETTE)} objects, "
            "each in a colour of its own"
        )
    if not 0 <= config.goal < config.n_objects:
        raise UserError(
            f"--goal {config.goal}: the scene has {config.n_objects} objects, "
            f"so the goal is 0 to {config.n_objects - 1}"
        )
    if not 0 < config.sigma <= 0.1:
        raise UserError(f"--sigma {config.sigma}: the spread is above 0 and at most 0.1 m")


def _read(config: SceneConfig, workspace: Workspace) -> tuple[list[PlacedObject], tuple[str, ...]]:
    if config.name in challenging_names():
        return read_challenging(config.name), ()
    path = Path(config.name)
    if not path.is_file():
        raise UserError(
            f"no scene {config.name!r}: it is neither a file nor one of random, heap, "
            f"{', '.join(challenging_names())}"
        )
    placed, left_out = read_preset(path, workspace)
    return placed, tuple(left_out)


def _dropped(config: SceneConfig, rng: np.random.Generator, workspace: Workspace) -> World:
    """Objects fall one after another onto what is already there."""
    shapes, colors = list(SHAPES.values()), _draw_colors(rng, config.n_objects)
    world = World(
        [
            ObjectSpec(f"object_{i:02d}", shapes[rng.integers(len(shapes))], color)
            for i, color in enumerate(colors)
        ],
        GantryModel(),
    )
    for i in range(config.n_objects):
        _drop(world, i, config, rng, workspace)
        world.step(75)  # 0.15 s: it has landed, if not come to rest
    for _ in range(MAX_REDROPS):
        world.settle(max_time=2.0)
        lost = [
            i
            for i, name in enumerate(world.object_names)
            if not workspace.contains(world.pose(name)[0][:2], margin=-0.02)
        ]
        if not lost:
            return world
        for i in lost:
            world.remove(world.object_names[i])
        for i in lost:
            _drop(world, i, config, rng, workspace)
            world.step(150)
    raise SimulatorFault("objects kept rolling out of the workspace")


def _drop(
    world: World, i: int, config: SceneConfig, rng: np.random.Generator, workspace: Workspace
) -> None:
    center = np.array(workspace.center)
    while True:
        if config.name == "heap":
            xy = center + rng.uniform(-HEAP_HALF_SIDE, HEAP_HALF_SIDE, 2)
        else:
            xy = center + rng.normal(0.0, config.sigma, 2)
        if workspace.contains(xy, margin=-0.05):
            break
    rotation = Rotation.random(None, rng)
    name = world.object_names[i]
    top, reach = _top_under(world, xy, i), _half_height(world.objects[i].shape, rotation)
    x, y, z, w = rotation.as_quat()
    world.place(name, (*xy, top + reach + DROP_CLEARANCE), (w, x, y, z))


def _top_under(world: World, xy: npt.NDArray[np.float64], i: int) -> float:
    """Height in m that the falling object's bounding circle may meet."""
    radius = 0.5 * float(np.linalg.norm(world.objects[i].shape.extent))
    top = 0.0
    for other in world.in_scene():
        position, quaternion = world.pose(other)
        shape = world.objects[world.object_names.index(other)].shape
        own = 0.5 * float(np.linalg.norm(shape.extent))
        if np.linalg.norm(position[:2] - xy) < radius + own:
            turn = Rotation.from_quat(np.roll(quaternion, -1))
            top = max(top, position[2] + _half_height(shape, turn))
    return top


def _half_height(shape: Shape, rotation: Rotation) -> float:
    """Half the height in m of a rotated shape's bounding box."""
    return float(np.abs(rotation.as_matrix()[2]) @ (0.5 * np.array(shape.extent)))


def _loaded(placed: list[PlacedObject], perturb: bool, rng: np.random.Generator) -> World:
    """Objects stand where a file says."""
    world = World(
        [ObjectSpec(f"object_{i:02d}", p.shape, p.color) for i, p in enumerate(placed)],
        GantryModel(),
    )
    for name, p in zip(world.object_names, placed, strict=True):
        position = np.array(p.position)
        turn = Rotation.from_quat(np.roll(np.array(p.quaternion), -1))
        if perturb:
            position[:2] += rng.normal(0.0, 0.002, 2)
            turn = Rotation.from_rotvec((0, 0, rng.normal(0.0, np.radians(2.0)))) * turn
        x, y, z, w = turn.as_quat()
        world.place(name, position, (w, x, y, z))
    if perturb:
        world.model.geom_friction[:, 0] *= rng.uniform(0.9, 1.1)
    return world
