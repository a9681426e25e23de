"""A scene to train in: what the robot sees and does there, and the truth that labels it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ..interfaces import Action
from ..perception.observation import Observation, observe
from ..perception.regions import workspace_region
from ..primitives import run
from ..sim.scenes.build import SceneConfig, build_scene
from .recipes import Recipe

RGB = tuple[int, int, int]


class Clock:
    """Seconds spent, by kind of work."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, kind: str) -> Iterator[None]:
        """Count the time of a block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = self._seconds.get(kind, 0.0) + time.perf_counter() - start
            self._seconds[kind] = spent

    def take(self) -> dict[str, float]:
        """The seconds since the last call."""
        taken, self._seconds = self._seconds, {}
        return taken


class Table(Protocol):
    """A scene to train in, with the truth that labels it."""

    def look(self) -> Observation:
        """What the robot sees, out of its own way; the goal mask is not used."""
        ...

    def objects(self) -> dict[str, RGB]:
        """Names and colours of the objects in the scene."""
        ...

    def act(self, action: Action) -> list[str]:
        """Carry out an action and go home; returns what the jaw carried to the bin."""
        ...


class SimTable:
    """A simulated scene and robot.

    Raises:
        SimulatorFault: the scene could not be built.
    """

    def __init__(self, config: SceneConfig, recipe: Recipe, clock: Clock) -> None:
        self._primitive, self._clock = recipe.primitive, clock
        with clock("scene"):
            scene = build_scene(config)
            self._world, self._workspace = scene.world, scene.workspace
            self._robot, (self._camera,) = scene.make_robot(), scene.make_cameras()
        camera = self._camera
        self._region = workspace_region(self._workspace, camera.intrinsics, camera.T_world_camera)

    def look(self) -> Observation:
        """See `Table.look`."""
        with self._clock("camera"):
            return observe(self._camera.capture(self._region), (0, 0, 0), self._workspace)

    def objects(self) -> dict[str, RGB]:
        """See `Table.objects`."""
        return {name: self._world.color(name) for name in self._world.in_scene()}

    def act(self, action: Action) -> list[str]:
        """See `Table.act`."""
        with self._clock("robot"):
            run(self._robot, action, self._primitive, self._workspace)
            before = self._world.in_scene()
            self._robot.home()
            return [name for name in before if self._world.is_parked(name)]
