"""Scenes: a table with objects and a goal, built from a few settings and a seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ...errors import SimulatorFault, UserError
from ...interfaces import Camera
from ...perception.colors import PALETTE, parse_color
from ...workspace import Workspace
from ..cameras.light import Lamp
from ..cameras.ray import RayCamera
from ..cameras.views import ViewConfig, make_cameras
from ..cell import Cell, Tote
from ..model import ObjectSpec
from ..objects.novel import NOVEL
from ..objects.shapes import SHAPES, Shape
from ..randomise import Domain, DomainConfig, ObjectDomain, sample_domain, scaled
from ..robots.gantry import GantryModel
from ..robots.registry import make_robot, robot_model
from ..robots.robot import SimRobot
from ..world import MAX_PENETRATION, World
from .goals import choose_goal
from .layouts import PROCEDURAL, read_fixed
from .overlaps import check_walls
from .piles import drop_all, drop_placed
from .placed import PlacedObject, SceneFile

REST_CHECK = 0.5  # s after which `motion_m` is read

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class SceneConfig:
    """Which scene to build."""

    name: str = "random"
    """random, heap, random-novel, challenging-01 to -10, novel-01 to -06, or a file's path."""
    n_objects: int = 10
    """Objects of a procedural scene, 1 to 30."""
    goal: int | None = None
    """The goal's number: its place in the scene file from 0, whatever was left out, or in the
    order of dropping; None: the one that the file names, or else the first that can be."""
    sigma: float = 0.03
    """m, spread of the Gaussian that places the objects of a random scene."""
    seed: int = 0
    """Draws shapes, colours, places and orientations."""
    perturb: bool = False
    """Move each object of a fixed scene by about 2 mm and 2 degrees, and vary friction."""
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """m (x, y, z) added to the positions in a scene file; codes after VPG's add 0.1 m to y."""
    meshes: str | None = None
    """Folder in which a scene file's meshes are looked for, before the file's own."""
    drop: bool = False
    """Drop a scene file's objects one after another where it puts them, whatever their heights."""
    randomise: DomainConfig | None = None
    """Vary masses, frictions, sizes (in procedural scenes), colours and light by the seed."""
    workspace: Workspace | None = None
    """Where the robot works; None: the scene file's, or the standard one. Robot, cameras and
    objects follow it."""
    tote: Tote | None = None
    """Walls on the table around the workspace's centre; None: the scene file's, or none."""
    home: tuple[float, float, float] | None = None
    """m, tool at home, over the bin, where objects are let go; None: beside the workspace."""
    present: tuple[float, float, float] | None = None
    """m, tool where it shows what it holds; None: over the workspace's centre."""
    robot: str = "gantry"
    """One of `registry.ROBOTS`; all of them meet the same scene."""

    def __post_init__(self) -> None:
        for name in ("n_objects", "seed", "goal"):
            value = getattr(self, name)
            if not (isinstance(value, (int, np.integer)) or (name == "goal" and value is None)):
                raise UserError(f"{name} is {value!r}; it must be a whole number")


@dataclass
class Scene:
    """A settled world and its goal."""

    config: SceneConfig
    world: World
    goal: int  # its number, as in SceneConfig
    goal_rgb: RGB  # nominal; all that the robot is told
    visible_fraction: float  # of the goal, from the robot's cameras
    light: Lamp = field(default_factory=Lamp)
    motion_m: dict[str, float] = field(default_factory=dict)  # since the scene was loaded
    left_out: tuple[str, ...] = ()  # a sentence for each object of a file that is off the table
    notes: tuple[str, ...] = ()  # sentences on what is not as the file says

    @property
    def goal_name(self) -> str:
        """The goal's name in the world."""
        return _name(self.goal)

    @property
    def workspace(self) -> Workspace:
        """Where the robot works and looks."""
        return self.world.cell.workspace

    def visible_from(self, view: ViewConfig) -> float:
        """Return the share of the goal that the best of some cameras sees now (ground truth)."""
        body = self.world.model.body(self.goal_name).id
        cameras = [
            RayCamera(self.world, intrinsics=c.intrinsics, T_world_camera=c.T_world_camera)
            for c in view.cameras
        ] or [RayCamera(self.world, T_world_camera=self.world.cell.camera_pose)]
        return max(camera.visible_fraction(body) for camera in cameras)

    def make_robot(self) -> SimRobot:
        """Return the scene's robot, at home, its jaw open."""
        return make_robot(self.config.robot, self.world)

    def make_cameras(
        self,
        view: ViewConfig | None = None,
        *,
        white: float = 0.0,
        seed: int | None = None,
        checked: bool = True,
    ) -> list[Camera]:
        """Return the cameras that look at the scene; see `views.make_cameras`.

        Args:
            view: which; None for the default one.
            white: m of depth noise.
            seed: of the noise; None for the scene's.
            checked: False makes them even if they do not see what they must.
        """
        seed = self.config.seed if seed is None else seed
        view = view or ViewConfig()
        if checked:
            view.check(self.workspace, self.config.present)
        return make_cameras(
            self.world, view, self.light, workspace=self.workspace, white=white, seed=seed,
            checked=False,
        )  # fmt: skip


def build_scene(config: SceneConfig) -> Scene:
    """Build a scene and let it settle.

    Args:
        config: which one.
    Returns:
        The settled scene; its goal lies in the workspace, and so do all other objects unless a
        file places them elsewhere.
    Raises:
        UserError: impossible settings, or a scene file that cannot be read.
        SimulatorFault: the pile could not be built; another seed may do.
    """
    robot = robot_model(config.robot)
    rng = _rng(config)
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    if config.name in PROCEDURAL:
        cell = Cell(config.workspace or Workspace(), config.tote, config.home, config.present)
        goal = _check(config)
        colors = dict(enumerate(_draw_colors(rng, config.n_objects)))
        domain = _domain(config, len(colors))
        world = _pile(config, list(colors.values()), domain, rng, cell)
    else:
        scene = _read(config)
        cell = Cell(scene.workspace, config.tote or scene.tote, config.home, config.present)
        check_walls(scene.objects, cell, config.name)
        goal = choose_goal(scene, config.goal, config.name)
        colors = {number: placed.color for number, placed in scene.objects.items()}
        left_out, notes = tuple(scene.left_out.values()), scene.notes
        domain = _domain(config, len(colors))
        world = _loaded(config, scene.objects, domain, rng, cell)
    before = {n: world.pose(n)[0] for n in world.in_scene()}
    if config.name in PROCEDURAL or config.drop:
        world.step(round(REST_CHECK / world.model.opt.timestep))
    else:
        world.settle(max_time=4.0)
    motion = {n: float(np.linalg.norm(world.pose(n)[0] - p)) for n, p in before.items()}
    if config.robot != "gantry":
        world = world.with_robot(robot)
    if not cell.workspace.contains(world.pose(_name(goal))[0][:2]):
        raise SimulatorFault("the goal rolled out of the workspace while the scene settled")
    camera = RayCamera(world, T_world_camera=cell.camera_pose)
    visible = camera.visible_fraction(world.model.body(_name(goal)).id)
    world.max_penetration = MAX_PENETRATION
    world.peak_penetration = world.peak_speed = 0.0
    light = domain.light.rotated(cell.yaw)  # with the camera
    return Scene(config, world, goal, colors[goal], visible, light, motion, left_out, notes)


def object_colors(config: SceneConfig) -> dict[int, RGB]:
    """Return the nominal colours of a scene's objects, without building it.

    Args:
        config: the scene; its goal does not matter.
    Returns:
        sRGB 0..255, by the objects' numbers.
    Raises:
        UserError: as for `build_scene`.
    """
    if config.name in PROCEDURAL:
        _check(dataclasses.replace(config, goal=0))
        return dict(enumerate(_draw_colors(_rng(config), config.n_objects)))
    objects = _read(config).objects
    return {number: placed.color for number, placed in objects.items()}


def goal_number(config: SceneConfig) -> int:
    """Return the number of a scene's goal, without building it.

    Raises:
        UserError: as for `build_scene`.
    """
    if config.name in PROCEDURAL:
        return _check(config)
    return choose_goal(_read(config), config.goal, config.name)


def _name(number: int) -> str:
    return f"object_{number:02d}"


def _read(config: SceneConfig) -> SceneFile:
    """Read a fixed scene and move it to the workspace that is asked for."""
    scene = read_fixed(config.name, offset=config.offset, meshes=config.meshes, drop=config.drop)
    return scene if config.workspace is None else scene.moved_to(config.workspace)


def _rng(config: SceneConfig) -> np.random.Generator:
    if config.seed < 0:
        raise UserError(f"seed {config.seed}: a seed is 0 or more")
    return np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(0,)))


def _draw_colors(rng: np.random.Generator, n: int) -> list[RGB]:
    colors = list(PALETTE.values())
    return [parse_color(colors[i]) for i in rng.permutation(len(colors))[:n]]


def _check(config: SceneConfig) -> int:
    """Check a procedural scene's settings and return its goal's number."""
    if any(config.offset) or config.meshes is not None or config.drop:
        raise UserError(
            f"{config.name} is drawn at random; offset, meshes and drop are for scene files"
        )
    goal = config.goal or 0
    if not 1 <= config.n_objects <= len(PALETTE):
        raise UserError(
            f"objects {config.n_objects}: a scene has 1 to {len(PALETTE)} objects, "
            "each in a colour of its own"
        )
    if not 0 <= goal < config.n_objects:
        raise UserError(
            f"goal {goal}: the scene has {config.n_objects} objects, "
            f"so the goal is 0 to {config.n_objects - 1}"
        )
    if not 0 < config.sigma <= 0.1:
        raise UserError(f"sigma {config.sigma}: the spread is above 0 and at most 0.1 m")
    return goal


def _domain(config: SceneConfig, n_objects: int) -> Domain:
    """Draw the randomised physics and colours, from a separate RNG stream."""
    if config.randomise is None:
        return Domain((ObjectDomain(),) * n_objects, Lamp())
    rng = np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(1,)))
    return sample_domain(config.randomise, rng, n_objects)


def _table_friction(config: SceneConfig) -> float:
    """Return the table's factor: of two surfaces the rougher counts, so no object is smoother."""
    return 1.0 if config.randomise is None else config.randomise.friction[0]


def _pile(
    config: SceneConfig,
    colors: list[RGB],
    domain: Domain,
    rng: np.random.Generator,
    cell: Cell,
) -> World:
    kinds = list((NOVEL if config.name == "random-novel" else SHAPES).values())
    shapes = [
        scaled(kinds[rng.integers(len(kinds))], domain.objects[i].size) for i in range(len(colors))
    ]
    objects = _objects(shapes, colors, domain, range(len(shapes)))
    sigma = None if config.name == "heap" else config.sigma
    return drop_all(objects, sigma, rng, cell, _table_friction(config))


def _objects(
    shapes: Sequence[Shape], colors: Sequence[RGB], domain: Domain, numbers: Iterable[int]
) -> list[ObjectSpec]:
    return [
        ObjectSpec(
            _name(number),
            shape if d.mass == 1 else dataclasses.replace(shape, density=d.mass * shape.density),
            d.color(color),
            d.friction,
        )
        for number, shape, color, d in zip(numbers, shapes, colors, domain.objects, strict=True)
    ]


def _loaded(
    config: SceneConfig,
    objects: Mapping[int, PlacedObject],
    domain: Domain,
    rng: np.random.Generator,
    cell: Cell,
) -> World:
    """Build the world of a file; sizes are not randomised, or the objects would not fit."""
    placed = list(objects.values())
    specs = _objects([p.shape for p in placed], [p.color for p in placed], domain, objects)
    world = World(specs, GantryModel(), _table_friction(config), cell)
    poses = [_pose(p, rng if config.perturb else None) for p in placed]
    if config.perturb:
        world.vary_friction(rng.uniform(0.9, 1.1))
    if config.drop:
        drop_placed(world, [(position[:2], rotation) for position, rotation in poses])
        world.settle(max_time=4.0)
        return world
    for name, (position, rotation) in zip(world.object_names, poses, strict=True):
        x, y, z, w = rotation.as_quat()
        world.place(name, position, (w, x, y, z))
    return world


def _pose(
    placed: PlacedObject, rng: np.random.Generator | None
) -> tuple[npt.NDArray[np.float64], Rotation]:
    """Return an object's (3,) position in m and rotation, perturbed if there is an RNG."""
    position: npt.NDArray[np.float64] = np.array(placed.position)
    rotation = Rotation.from_quat(np.roll(np.array(placed.quaternion), -1))
    if rng is not None:
        position[:2] += rng.normal(0.0, 0.002, 2)
        rotation = Rotation.from_rotvec((0, 0, rng.normal(0.0, np.radians(2.0)))) * rotation
    return position, rotation
