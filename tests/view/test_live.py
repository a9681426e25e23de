"""A live window shows the world as it moves, with the decision drawn into it."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import mujoco
import numpy as np
import pytest
from made_steps import WORKSPACE, make_step
from simulated import world_of

from pushgrasp.errors import UserError
from pushgrasp.interfaces import MoveTo
from pushgrasp.sim.cameras.window import Marker, Window
from pushgrasp.sim.robots.registry import make_robot
from pushgrasp.sim.world import World
from pushgrasp.view.draw.actions import ActionGeometry, push_shown
from pushgrasp.view.live import Shown, decision_markers

GEOMETRY = ActionGeometry()


class FakeViewer:
    """Stands for MuJoCo's viewer; remembers what it was given."""

    def __init__(self, model: Any, data: Any, **panels: bool) -> None:
        self.model, self.data, self.panels = model, data, panels
        self.user_scn = mujoco.MjvScene(model, maxgeom=20)
        self.opt, self.cam = mujoco.MjvOption(), mujoco.MjvCamera()
        self.running, self.texts = True, []
        self.seen: list[np.ndarray] = []

    def lock(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def sync(self) -> None:
        self.seen.append(self.data.body("tool").xpos.copy())

    def set_texts(self, texts: tuple[Any, ...]) -> None:
        self.texts.append(texts)

    def is_running(self) -> bool:
        return self.running

    def close(self) -> None:
        self.running = False


def opened(world: World, waits: list[float] | None = None) -> tuple[Window, FakeViewer]:
    made: list[FakeViewer] = []

    def launch(*args: Any, **kwargs: Any) -> FakeViewer:
        made.append(FakeViewer(*args, **kwargs))
        return made[-1]

    window = Window(world, launch, (waits if waits is not None else []).append)
    return window, made[0]


def test_a_window_follows_the_robot_at_the_pace_of_the_world() -> None:
    world, waits = world_of("cube"), []
    robot = make_robot("gantry", world)
    window, viewer = opened(world, waits)
    world.frame_period, world.frame_callback = 0.04, window.update
    start = world.data.time
    robot.execute(MoveTo((-0.5, 0.1, 0.25), 0.0))
    assert np.ptp([seen[1] for seen in viewer.seen]) == pytest.approx(0.36, abs=0.03)
    assert 0 < sum(waits) <= world.data.time - start
    assert viewer.panels == {"show_left_ui": False, "show_right_ui": False}


def test_a_decision_is_drawn_into_the_scene() -> None:
    window, viewer = opened(world_of("cube"))
    window.show([Marker("arrow", (0, 0, 0), (0.1, 0, 0), (1, 1, 1, 1))], "Pushing.")
    assert viewer.user_scn.ngeom == 1
    assert viewer.user_scn.geoms[0].type == mujoco.mjtGeom.mjGEOM_ARROW
    assert viewer.texts[-1][2] == "Pushing."
    window.show([], "Nothing.")
    assert viewer.user_scn.ngeom == 0


def test_the_episode_goes_on_when_the_window_is_closed() -> None:
    world = world_of("cube")
    robot = make_robot("gantry", world)
    window, viewer = opened(world)
    viewer.close()
    n = len(viewer.seen)
    world.frame_period, world.frame_callback = 0.04, window.update
    robot.execute(MoveTo((-0.5, 0.1, 0.25), 0.0))
    window.show([], "")
    assert len(viewer.seen) == n
    window.close()


def test_without_a_display_the_reason_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="neither DISPLAY nor WAYLAND_DISPLAY is set"):
        Window(world_of("cube"))

    def broken(*_: Any, **__: Any) -> None:
        raise mujoco.FatalError("could not initialize GLFW")

    with pytest.raises(UserError, match="no window can be opened: could not initialize GLFW"):
        Window(world_of("cube"), broken)


def test_markers_stand_on_goal_and_target_and_along_the_push() -> None:
    step = make_step("push", hidden=True)
    target, arrow = decision_markers(step.observation, step.decision, GEOMETRY)
    where = np.argwhere(step.decision.target.mask).mean(0)
    np.testing.assert_allclose(target.start[:2], WORKSPACE.to_xy(*where), atol=1e-6)
    path = push_shown(step, GEOMETRY)
    assert path is not None
    assert (arrow.start[:2], arrow.end[:2]) == path
    seen = decision_markers(make_step("grasp").observation, make_step("grasp").decision, GEOMETRY)
    assert [m.kind for m in seen] == ["ring", "bar", "bar", "bar"]


def test_a_shown_policy_decides_as_the_policy_does() -> None:
    step, shown = make_step("grasp"), []
    policy: Any = SimpleNamespace(
        primitive=GEOMETRY.primitive, decide=lambda *_args, **_kw: step.decision
    )
    watched = Shown(policy, lambda m, text: shown.append((m, text)), "red block", GEOMETRY)
    watched.reset()
    assert watched.decide(step.observation) is step.decision
    assert shown[0][1] == "The red block can be reached. Taking it."
