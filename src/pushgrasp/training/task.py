"""A training scene: observations, actions, and the ground truth for their labels."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from ..interfaces import Action
from ..perception.observation import Observation
from ..perception.perceive import Perception
from ..perception.regions import workspace_region
from ..primitives import run
from ..sim.scenes.build import SceneConfig, build_scene
from .recipes import Recipe

RGB = tuple[int, int, int]


class Timer:
    """Adds up seconds by kind of work."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, kind: str) -> Generator[None]:
        """Count the time of a block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = self._seconds.get(kind, 0.0) + time.perf_counter() - start
            self._seconds[kind] = spent

    def take(self) -> dict[str, float]:
        """Return the seconds since the last call."""
        taken, self._seconds = self._seconds, {}
        return taken


class TrainingTask(Protocol):
    """A scene and a robot, with the ground truth for labels."""

    def observe(self) -> Observation:
        """Observe the table with the robot at home; the goal mask is not used."""
        ...

    def objects(self) -> dict[str, RGB]:
        """Return the names and colours of the objects in the scene."""
        ...

    def act(self, action: Action) -> list[str]:
        """Execute an action and go home; returns the objects taken to the bin."""
        ...


class SimTask:
    """A simulated scene and robot; a TrainingTask.

    Args:
        config: the scene.
        recipe: how the robot acts.
        timer: counts the time of building, observing and acting.
    Raises:
        SimulatorFault: the scene cannot be built.
    """

    def __init__(self, config: SceneConfig, recipe: Recipe, timer: Timer) -> None:
        self._primitive, self._timer = recipe.primitive, timer
        with timer("scene"):
            scene = build_scene(config)
            self._world, self._workspace = scene.world, scene.workspace
            self._robot, (self._camera,) = scene.make_robot(), scene.make_cameras()
        self._perception = Perception(None, self._workspace)
        camera = self._camera
        self._region = workspace_region(self._workspace, camera.intrinsics, camera.T_world_camera)

    def observe(self) -> Observation:
        """See TrainingTask."""
        with self._timer("camera"):
            return self._perception.look(self._camera.capture(self._region))

    def objects(self) -> dict[str, RGB]:
        """See TrainingTask."""
        return {name: self._world.color(name) for name in self._world.in_scene()}

    def act(self, action: Action) -> list[str]:
        """See TrainingTask."""
        with self._timer("robot"):
            run(self._robot, action, self._primitive, self._workspace)
            before = self._world.in_scene()
            self._robot.home()
            return [name for name in before if self._world.is_parked(name)]
