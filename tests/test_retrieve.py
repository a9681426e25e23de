"""The loop: with a real camera, scripted decisions and an obedient hand; and once for real."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from simulated import BLUE, RED, UPRIGHT, world_of

from pushgrasp.errors import RobotError, UserError
from pushgrasp.interfaces import (
    Action,
    Command,
    GripperSpec,
    MoveJaw,
    MoveTo,
    Primitive,
    Region,
    Report,
    RGBDFrame,
)
from pushgrasp.perception.observation import Observation
from pushgrasp.perception.perceive import observe
from pushgrasp.policy.base import Memory, Target
from pushgrasp.policy.learned import Decision
from pushgrasp.policy.load import load_policy
from pushgrasp.primitives import TRAVEL_HEIGHT, PrimitiveConfig, moves, present
from pushgrasp.retrieve import MAX_REFUSALS, STOP_AFTER, End, Step, retrieve
from pushgrasp.sim.cameras.ray import RayCamera
from pushgrasp.sim.robots.gantry import Gantry
from pushgrasp.sim.scenes.build import SceneConfig, build_scene
from pushgrasp.sim.world import World
from pushgrasp.workspace import N_ROTATIONS, Workspace, rotation_angle

PRESENT = present(Workspace()).position
GOAL, OTHERS = "object_00", ("object_01", "object_02", "object_03")


def decide(observation: Observation, action: Action | None, why: str = "") -> Decision:
    target = Target(observation.goal, True, int(observation.goal.sum()), 0.0, "")
    return Decision(action, target, 0.5, 0.5, None, None, why)


class Script:
    """Decides as written, the last line again and again; remembers what it was told."""

    primitive = PrimitiveConfig()

    def __init__(self, *lines: Primitive | None) -> None:
        self._lines = lines
        self.memories: list[Memory | None] = []

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        self.memories.append(memory)
        line = self._lines[min(len(self.memories), len(self._lines)) - 1]
        if line is None:
            return decide(observation, None, "the script says so")
        # far apart in turn, so that one does not make another forgotten
        place = (-0.7 + 0.1 * (len(self.memories) % 5), 0.15, 0.02)
        actions = (Action(line, (0, 0), 0, place, 0.1 * i, 0.5) for i in range(100))
        return decide(observation, next(a for a in actions if a not in refused))


@dataclass
class Hand:
    """A robot that never misses: each grasp takes what comes next, or nothing.

    The world stands still but for what it carries.
    """

    world: World
    takes: Iterator[str | None]
    on_command: Callable[[Command], None] = lambda command: None
    refusing: Callable[[Sequence[MoveTo]], str] = lambda moves: ""
    reaches: Callable[[MoveTo], str] = lambda move: ""  # or why it does not get there
    grip: float = np.inf  # things that it can carry home before it lets one fall on the way
    falls: tuple[float, float, float] = (-0.4, -0.15, 0.0251)  # m, where to
    rest: float = 0.0  # m, the width of another thing that stays in the jaw when it does
    turns: float = 0.0  # m, the width to which the jaw closes on the way as the thing turns
    name = "hand"
    gripper = GripperSpec()

    def __post_init__(self) -> None:
        self.events: list[str] = []
        self.carried: str | None = None
        self._at, self._width = (-0.5, 0.46, 0.25), 0.11

    def execute(self, command: Command) -> Report:
        self.on_command(command)
        if not isinstance(command, MoveJaw):
            if why := self.reaches(command):
                self.events.append("short")
                return replace(self.state(), reached=False, reason=why)
            self._at = command.position
        elif self._at[2] < TRAVEL_HEIGHT:
            self.carried = next(self.takes)
            self._width = 0.05 if self.carried else 0.0
        else:
            self._width = 0.0  # for a push
        if self.carried:
            x, y, z = self._at
            self.world.place(self.carried, (x, y, z + 0.01), UPRIGHT)
        if self._at == PRESENT:
            self.events.append("present")
        return self.state()

    def refuses(self, moves: Sequence[MoveTo]) -> str:
        return self.refusing(moves)

    def home(self) -> Report:
        self.events.append("home")
        if self.carried and self.grip <= 0:
            self.world.place(self.carried, self.falls, UPRIGHT)
            self.carried, self._width = None, self.rest
        elif self.carried:
            self.world.remove(self.carried)
            self.grip -= 1
            self._width = self.turns or self._width
        arrived = self.state()
        self.carried, self._width = None, 0.11
        return arrived

    def state(self) -> Report:
        return Report(self._at, 0.0, self._width)

    def stop(self) -> None:
        self.events.append("stop")


class Eye(RayCamera):
    """A camera that tells the hand's diary when it looked."""

    def __init__(self, world: World, events: list[str]) -> None:
        super().__init__(world)
        self._events = events

    def capture(self, region: Region | None = None) -> RGBDFrame:
        self._events.append("look")
        return super().capture(region)


@pytest.fixture
def world() -> World:
    """The red goal in the middle, right under the hand that shows; others round it."""
    world = world_of("cube", "cube", "cube", "cube")
    for name, xy in zip(
        (GOAL, *OTHERS), ((-0.5, 0.0), (-0.4, 0.1), (-0.6, 0.1), (-0.6, -0.1)), strict=True
    ):
        world.place(name, (*xy, 0.0251), UPRIGHT)
    return world


def play(
    world: World,
    policy: Script,
    takes: Sequence[str | None] = (),
    on_command: Callable[[Command], None] = lambda command: None,
    *,
    hand: dict[str, Any] | None = None,
    **limits: Any,
) -> tuple[list[Step], list[str]]:
    """The steps, and what the hand, with these habits, and the eye did."""
    hand_ = Hand(world, itertools.chain(takes, itertools.repeat(None)), on_command, **(hand or {}))
    steps = list(retrieve(Eye(world, hand_.events), hand_, policy, RED, **limits))
    return steps, hand_.events


# --- how it ends ---------------------------------------------------------------------------


def test_the_goal_in_the_hand_ends_it(world: World) -> None:
    steps, events = play(world, Script("grasp"), [GOAL])
    (step,) = steps
    assert (step.done, step.claimed_success) == (True, True)
    assert (step.end, step.reason) == (End.GOAL_IN_HAND, "the goal is in the hand")
    outcome = step.outcome
    assert (outcome.holding, outcome.holds_goal, outcome.changed) == (True, True, True)
    assert outcome.width == 0.05
    assert outcome.reports[-1].position == PRESENT
    assert step.observation.goal.sum() > 300
    assert not step.after.goal.any()
    assert events == ["home", "look", "present", "look", "home", "look"]
    assert world.is_parked(GOAL)


def test_something_else_in_the_hand_does_not(world: World) -> None:
    steps, _ = play(world, Script("grasp"), [OTHERS[0], OTHERS[1], GOAL])
    assert [s.claimed_success for s in steps] == [False, False, True]
    assert [s.done for s in steps] == [False, False, True]
    assert [s.outcome.holding for s in steps] == [True] * 3
    assert [s.outcome.holds_goal for s in steps] == [False, False, True]
    assert (steps[0].end, steps[0].reason) == (None, "")


def test_five_failed_grasps_in_a_row_end_it(world: World) -> None:
    steps, _ = play(world, Script("grasp"), [None, None, OTHERS[0]])
    assert len(steps) == 8
    assert [s.outcome.holding for s in steps] == [i == 2 for i in range(8)]
    assert [s.done for s in steps] == [False] * 7 + [True]
    assert (steps[-1].end, steps[-1].reason) == (End.FAILED_GRASPS, "5 grasps in a row failed")
    assert not any(s.claimed_success for s in steps)


def test_five_actions_that_change_nothing_end_it(world: World) -> None:
    pushes = itertools.count()

    def shove(command: Command) -> None:
        if isinstance(command, MoveJaw) and next(pushes) == 2:  # the third push
            world.place(OTHERS[0], (-0.38, 0.1, 0.0251), UPRIGHT)

    steps, _ = play(world, Script("push"), on_command=shove)
    assert len(steps) == 8
    assert [s.outcome.changed for s in steps] == [i == 2 for i in range(8)]
    assert steps[-1].end is End.NO_CHANGE
    assert steps[-1].reason == "5 actions in a row changed nothing"
    assert not any(s.outcome.holding for s in steps)


def test_failed_grasps_and_idle_pushes_add_up_as_unchanged(world: World) -> None:
    steps, _ = play(world, Script("grasp", "push", "grasp", "push", "grasp"))
    assert len(steps) == 5
    assert steps[-1].reason == "5 actions in a row changed nothing"


def test_what_is_taken_from_the_dark_is_a_change(world: World) -> None:
    world.remove(OTHERS[2])  # as good as hidden
    steps, _ = play(world, Script("grasp"), [OTHERS[2]], max_actions=1)
    height = [h.heightmap.height for h in (steps[0].observation, steps[0].after)]
    assert np.array_equal(*height, equal_nan=True)
    assert steps[0].outcome.changed


def test_pushes_between_do_not_undo_failed_grasps(world: World) -> None:
    xs = itertools.cycle([-0.38, -0.42])

    def shove(command: Command) -> None:
        if isinstance(command, MoveJaw):
            world.place(OTHERS[0], (next(xs), 0.1, 0.0251), UPRIGHT)

    steps, _ = play(world, Script("grasp", "grasp", "push", "grasp"), on_command=shove)
    assert len(steps) == 6
    assert steps[-1].reason == "5 grasps in a row failed"


def test_the_limits_are_settings(world: World) -> None:
    steps, _ = play(world, Script("grasp"), stop_after_failures=2)
    assert (len(steps), steps[-1].reason) == (2, "2 grasps in a row failed")
    steps, _ = play(world, Script("push"), stop_after_unchanged=1)
    assert (len(steps), steps[-1].reason) == (1, "1 actions in a row changed nothing")
    steps, _ = play(world, Script("push"), max_actions=3)
    assert (len(steps), steps[-1].reason) == (3, "3 actions, the most allowed")
    assert steps[-1].end is End.MAX_ACTIONS
    assert not steps[-1].claimed_success


def test_nothing_to_do_ends_it(world: World) -> None:
    steps, events = play(world, Script("push", None))
    assert [s.done for s in steps] == [False, True]
    last = steps[-1]
    assert last.end is End.NOTHING_TO_DO
    assert last.reason == "nothing to do: the script says so"
    assert (last.outcome.executed, last.claimed_success) == (False, False)
    assert last.after is last.observation
    assert events[-1] == "look"  # it did not move again


# --- what it passes on ---------------------------------------------------------------------


def test_a_step_begins_where_the_last_ended(world: World) -> None:
    steps, _ = play(world, Script("push"), max_actions=4)
    assert [s.index for s in steps] == [0, 1, 2, 3]
    for step, following in itertools.pairwise(steps):
        assert following.observation is step.after
    assert all(s.decision_s > 0 and s.action_s > 0 for s in steps)


def test_a_policy_with_a_state_is_reset_before_its_first_look(world: World) -> None:
    class Keeps(Script):
        def reset(self) -> None:
            self.memories.clear()

    policy = Keeps("push")
    for _ in range(2):
        play(world, policy, max_actions=2)
        assert len(policy.memories) == 2


def test_it_remembers_what_failed(world: World) -> None:
    script = Script("grasp", "push", "grasp", "grasp")
    steps, _ = play(world, script, [None, OTHERS[2]], max_actions=4)
    actions = [s.decision.action for s in steps]
    assert script.memories[0] == Memory()
    assert script.memories[1] == Memory((actions[0],), failures_in_a_row=1)  # type: ignore[arg-type]
    assert script.memories[2] == Memory((actions[0], actions[1]), 1, 1)  # type: ignore[arg-type]
    assert script.memories[3] is not None
    assert script.memories[3].pushes_in_a_row == 0
    assert script.memories[3].failures_in_a_row == 0
    assert actions[2] not in script.memories[3].failed


def test_it_looks_at_the_table_only_from_home(world: World) -> None:
    _, events = play(world, Script("grasp", "push"), [OTHERS[0]], max_actions=3)
    before = [events[i - 1] for i, event in enumerate(events) if event == "look"]
    assert before == ["home", "present", "home", "home", "home"]


# --- what a robot cannot do ----------------------------------------------------------------


def test_planning_is_no_time_to_decide(world: World) -> None:
    answers = iter(["no", "no", ""])

    def slow(way: Sequence[MoveTo]) -> str:
        time.sleep(0.2)
        return next(answers)

    (step,) = play(world, Script("grasp"), hand={"refusing": slow}, max_actions=1)[0]
    assert len(step.refusals) == 2
    assert step.planning_s >= 0.6
    assert step.decision_s < 0.6


def test_what_is_refused_gives_way_to_the_next_best(world: World) -> None:
    asked: list[Sequence[MoveTo]] = []

    def refusing(way: Sequence[MoveTo]) -> str:
        asked.append(way)
        return f"reason {len(asked)}" if len(asked) < 3 else ""

    script = Script("grasp")
    steps, events = play(world, script, [GOAL], hand={"refusing": refusing})
    (step,) = steps
    assert step.refusals == ("reason 1", "reason 2")
    assert step.claimed_success
    assert step.decision.action is not None
    assert step.decision.action.yaw == pytest.approx(0.0)  # the script moves on by a place each
    assert [m for m in script.memories if m != Memory()] == []  # a refusal is no failure
    assert len(asked) == 3
    whole = moves(step.decision.action, script.primitive, Workspace())
    assert tuple(asked[-1]) == whole  # it is asked about the whole action
    assert events.count("home") == 2  # nothing moved for what was refused


def test_the_policy_is_told_all_that_was_refused_so_far(world: World) -> None:
    told: list[tuple[Action, ...]] = []

    class Stubborn(Script):
        def decide(self, observation, memory=None, *, refused=()):
            told.append(tuple(refused))
            action = Action("push", (0, 0), 0, (-0.5, 0.15, 0.02), 0.1 * len(refused), 0.5)
            return decide(observation, action)

    def refusing(way: Sequence[MoveTo]) -> str:
        return "not so" if way[0].yaw < 0.25 else ""

    steps, _ = play(world, Stubborn("push"), hand={"refusing": refusing}, max_actions=2)
    assert [len(t) for t in told] == [0, 1, 2, 3] * 2  # with each picture it begins anew
    assert [a.yaw for a in told[3]] == pytest.approx([0.0, 0.1, 0.2])
    assert [s.refusals for s in steps] == [("not so",) * 3] * 2
    assert [s.decision.action.yaw for s in steps if s.decision.action] == pytest.approx([0.3, 0.3])


def test_refusals_come_to_an_end(world: World) -> None:
    script = Script("grasp")
    steps, events = play(world, script, hand={"refusing": lambda way: "an arm is short"})
    (step,) = steps
    assert len(script.memories) == len(step.refusals) == MAX_REFUSALS
    assert set(step.refusals) == {"an arm is short"}
    assert (step.done, step.claimed_success) == (True, False)
    assert step.decision.action is None
    assert step.reason == (
        f"nothing to do: the robot refused {MAX_REFUSALS} actions, "
        "the last one since an arm is short"
    )
    assert events == ["home", "look"]


def test_a_policy_that_runs_out_of_ideas_ends_it_with_the_refusals(world: World) -> None:
    steps, _ = play(world, Script("grasp", "grasp", None), hand={"refusing": lambda way: "no"})
    (step,) = steps
    assert step.refusals == ("no", "no")
    assert step.reason == "nothing to do: the script says so"


# --- what does not go as planned -----------------------------------------------------------


@pytest.mark.parametrize("primitive", ["grasp", "push"])
def test_a_place_that_is_not_reached_is_left_alone(world: World, primitive: Primitive) -> None:
    sent: list[Command] = []
    steps, _ = play(
        world,
        Script(primitive),
        [GOAL],
        sent.append,
        hand={"reaches": lambda move: "7 mm short"},
        max_actions=1,
    )
    (step,) = steps
    assert len(sent) == 1  # over the place, and no further
    outcome = step.outcome
    assert (outcome.executed, outcome.reason) == (False, "7 mm short")
    assert len(outcome.reports) == 1
    assert not outcome.holding  # though the jaw stands wide open
    assert not outcome.holds_goal
    assert not outcome.changed
    assert not step.claimed_success


def test_a_robot_that_never_gets_there_is_not_tried_for_ever(world: World) -> None:
    script = Script("grasp")
    steps, _ = play(world, script, hand={"reaches": lambda move: "7 mm short"})
    assert len(steps) == STOP_AFTER
    assert steps[-1].reason == f"{STOP_AFTER} grasps in a row failed"
    assert script.memories[1] is not None
    assert script.memories[1].failed == (steps[0].decision.action,)


def test_what_is_lost_on_the_way_to_the_bin_is_not_claimed(world: World) -> None:
    steps, events = play(world, Script("grasp"), [GOAL, GOAL], hand={"grip": 0}, max_actions=2)
    assert [s.claimed_success for s in steps] == [False, False]
    assert [s.outcome.holding for s in steps] == [False, False]
    assert [s.outcome.holds_goal for s in steps] == [False, False]
    assert steps[0].outcome.changed  # it lies elsewhere now
    assert steps[0].outcome.executed
    assert events.count("present") == 2  # in the hand it was seen
    assert not world.is_parked(GOAL)


@pytest.mark.parametrize(("rest", "y"), [(0.05, -0.15), (0.02, 0.6)])  # on the table, or off it
def test_the_goal_that_falls_while_another_thing_stays_in_the_jaw_is_not_claimed(
    world: World, rest: float, y: float
) -> None:
    hand = {"grip": 0, "rest": rest, "falls": (-0.5, y, 0.0251)}
    steps, _ = play(world, Script("grasp"), [GOAL], hand=hand, max_actions=1)
    assert steps[0].outcome.holding  # a spoon that was in the goal, a cup
    assert steps[0].after.goal.any() == (y < 0)
    assert not steps[0].claimed_success


def test_a_goal_that_turns_in_the_jaw_on_the_way_is_claimed(world: World) -> None:
    steps, _ = play(world, Script("grasp"), [GOAL], hand={"grip": 1, "turns": 0.03}, max_actions=1)
    assert steps[0].claimed_success


def test_what_goes_from_the_dark_into_the_dark_changed_nothing(world: World) -> None:
    world.remove(OTHERS[2])  # as good as hidden
    habits = {"grip": 0, "falls": (-0.5, 0.6, 0.0251)}
    steps, _ = play(world, Script("grasp"), [OTHERS[2]], hand=habits, max_actions=1)
    assert not steps[0].outcome.holding
    assert not steps[0].outcome.changed


def test_what_is_kept_on_the_way_is(world: World) -> None:
    takes = [OTHERS[0], OTHERS[1]]
    steps, _ = play(world, Script("grasp"), takes, hand={"grip": 1}, max_actions=2)
    assert [s.outcome.holding for s in steps] == [True, False]


# --- what goes wrong -----------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RobotError("a person stands there")])
def test_the_robot_is_stopped_when_it_is_interrupted(world: World, error: BaseException) -> None:
    def interrupt(command: Command) -> None:
        raise error

    hand = Hand(world, itertools.repeat(None), interrupt)
    with pytest.raises(type(error)):
        list(retrieve(RayCamera(world), hand, Script("grasp"), RED))
    assert hand.events[-1] == "stop"


@pytest.mark.parametrize("n_homes", [1, 2])
def test_an_action_in_which_the_robot_stops_is_a_step(world: World, n_homes: int) -> None:
    """It may stop on its way to the bin, the goal in its jaw: that is no success."""

    class Stops(Hand):
        def home(self) -> Report:
            if self.events.count("home") == n_homes:
                raise RobotError("joint 3 is too hot")
            return super().home()

    takes = itertools.chain([OTHERS[0]] * (n_homes - 1), [GOAL])
    hand, steps = Stops(world, takes), []
    with pytest.raises(RobotError, match="joint 3"):
        for step in retrieve(RayCamera(world), hand, Script("grasp"), RED):
            steps.append(step)
            assert ("stop" in hand.events) == step.done  # before a reader takes its time
    assert len(steps) == n_homes
    last = steps[-1]
    assert (last.end, last.claimed_success) == (End.ROBOT_STOPPED, False)
    assert last.reason == "the robot stopped: joint 3 is too hot"
    assert last.decision.action is not None
    assert (last.outcome.executed, last.outcome.reason) == (False, "joint 3 is too hot")
    assert last.after is last.observation
    assert last.action_s > 0


def test_a_robot_that_cannot_begin_has_no_step(world: World) -> None:
    class Stops(Hand):
        def home(self) -> Report:
            raise RobotError("no power")

    with pytest.raises(RobotError, match="no power"):
        next(retrieve(RayCamera(world), Stops(world, iter(())), Script("grasp"), RED))


def test_the_robot_is_stopped_when_nobody_wants_to_go_on(world: World) -> None:
    hand = Hand(world, itertools.repeat(None))
    steps = retrieve(RayCamera(world), hand, Script("push"), RED)
    next(steps)
    assert "stop" not in hand.events
    steps.close()  # type: ignore[attr-defined]
    assert hand.events[-1] == "stop"


def test_an_end_is_not_a_stop(world: World) -> None:
    _, events = play(world, Script("push"), max_actions=1)
    assert "stop" not in events


def test_a_hand_that_no_camera_can_see_is_not_claimed_and_the_outcome_says_why(
    world: World,
) -> None:
    class TooClose(RayCamera):
        """No depth of the raised hand, as from a camera that needs more distance."""

        def capture(self, region: Region | None = None) -> RGBDFrame:
            frame = super().capture(region)
            return replace(frame, depth=np.where(frame.depth < 0.6, 0, frame.depth))

    hand = Hand(world, itertools.chain([GOAL], itertools.repeat(None)))
    (step,) = retrieve(TooClose(world), hand, Script("grasp"), RED, max_actions=1)
    assert step.outcome.executed
    assert step.outcome.holding
    assert not step.claimed_success
    assert "no camera saw the hand" in step.outcome.reason


@pytest.mark.parametrize("depth", [np.nan, 0.0])
def test_a_picture_without_depth_is_told(world: World, depth: float) -> None:
    class Blind(RayCamera):
        def capture(self, region: Region | None = None) -> RGBDFrame:
            frame = super().capture(region)
            nothing = np.full_like(frame.depth, depth)
            return RGBDFrame(frame.color, nothing, frame.intrinsics, frame.T_world_camera)

    hand = Hand(world, itertools.repeat(None))
    with pytest.raises(UserError, match="no depth"):
        list(retrieve(Blind(world), hand, Script("grasp"), RED))
    assert hand.events == ["home", "stop"]


def test_an_empty_table_is_told(world: World) -> None:
    for name in (GOAL, *OTHERS):
        world.remove(name)
    hand = Hand(world, itertools.repeat(None))
    script = Script("grasp")
    with pytest.raises(UserError, match="nothing on the table"):
        list(retrieve(RayCamera(world), hand, script, RED))
    assert script.memories == []


def test_a_table_that_empties_is_the_policys_business(world: World) -> None:
    for name in OTHERS:
        world.remove(name)
    hand = Hand(world, iter([GOAL]))
    steps = list(retrieve(RayCamera(world), hand, Script("grasp", None), BLUE))
    assert [s.reason for s in steps] == ["", "nothing to do: the script says so"]
    assert not steps[-1].observation.objects.any()


# --- for real ------------------------------------------------------------------------------


class Aim:
    """Grasps the middle of what is seen of the goal, across its shorter side."""

    primitive = PrimitiveConfig(grasp_depth=0.03)

    def decide(
        self,
        observation: Observation,
        memory: Memory | None = None,
        *,
        refused: Sequence[Action] = (),
    ) -> Decision:
        pixels = np.argwhere(observation.goal)
        if not len(pixels):
            return decide(observation, None, "the goal is hidden")
        middle = pixels.mean(0)
        row, column = (int(v) for v in pixels[np.abs(pixels - middle).sum(1).argmin()])
        _, sides = np.linalg.eigh(np.cov((pixels - middle).T))
        rows, columns = sides[:, 0]
        rotation = round(np.arctan2(rows, columns) / rotation_angle(1)) % N_ROTATIONS
        x, y = Workspace().to_xy(row, column).tolist()
        z = float(observation.heightmap.height[row, column])
        yaw = float(rotation_angle(rotation))
        action = Action("grasp", (row, column), rotation, (x, y, z), yaw, 1.0)
        return decide(observation, action)


def episode(config: SceneConfig) -> tuple[World, str, list[Step]]:
    scene = build_scene(config)
    camera, robot = RayCamera(scene.world), Gantry(scene.world)
    steps = list(retrieve(camera, robot, Aim(), scene.goal_rgb))
    return scene.world, scene.goal_name, steps


def test_a_goal_in_the_open_is_retrieved_and_a_seed_tells_the_episode_to_the_bit() -> None:
    config = SceneConfig(n_objects=3, sigma=0.1, seed=1)
    world, goal, steps = episode(config)
    assert steps[-1].claimed_success
    assert world.is_parked(goal)  # in the bin: it was true
    assert sorted([*world.in_scene(), goal]) == list(world.object_names)
    again, _, repeated = episode(config)
    assert (again.data.qpos == world.data.qpos).all()
    assert len(repeated) == len(steps)
    for a, b in zip(steps, repeated, strict=True):
        assert a.decision.action == b.decision.action
        assert a.outcome == b.outcome
        assert (a.after.heightmap.color == b.after.heightmap.color).all()
        assert np.array_equal(a.after.heightmap.height, b.after.heightmap.height, equal_nan=True)


def test_what_is_not_brought_home_is_not_claimed(world: World) -> None:
    class Stuck(Hand):
        def home(self) -> Report:
            report = super().home()
            stuck = "stop" not in self.events and "present" in self.events
            return replace(report, width=0.05, reached=not stuck)

    steps = list(retrieve(RayCamera(world), Stuck(world, iter([GOAL])), Script("grasp", None), RED))
    assert not any(s.claimed_success or s.outcome.holding for s in steps)


FRANKA = Workspace(x_min=0.276)  # x from 0.276 to 0.724 m, before a robot at the origin
RAISED = Workspace(table_z=0.16)


@pytest.mark.parametrize(
    ("workspace", "robot"),
    [(FRANKA, "gantry"), (FRANKA, "panda"), (RAISED, "gantry"), (RAISED, "ur5e")],
)
@pytest.mark.parametrize("policy", ["geometric", "default"])
def test_the_goal_is_retrieved_from_another_workspace(
    workspace: Workspace, robot: str, policy: str
) -> None:
    scene = build_scene(SceneConfig("random", 4, seed=2, workspace=workspace, robot=robot))
    *_, last = retrieve(
        scene.make_cameras(), scene.make_robot(), load_policy(policy), scene.goal_rgb,
        workspace=scene.workspace,
    )  # fmt: skip
    assert last.end is End.GOAL_IN_HAND
    assert scene.world.is_parked(scene.goal_name)  # in the bin, by the ground truth
    action = last.decision.action
    assert action is not None
    assert workspace.contains(action.position[:2])
    assert workspace.table_z < action.position[2] < workspace.table_z + 0.2


@pytest.mark.parametrize("policy", ["geometric", "default", "paper", "random"])
def test_policies_decide_in_a_workspace_of_another_size(policy: str) -> None:
    workspace = Workspace(0.3, -0.1, 0.3)
    scene = build_scene(SceneConfig("random", 4, seed=2, workspace=workspace))
    observation = observe([c.capture() for c in scene.make_cameras()], scene.goal_rgb, workspace)
    assert observation.heightmap.height.shape == (150, 150)
    action = load_policy(policy).decide(observation).action
    assert action is not None
    assert max(action.pixel) < 150
    assert workspace.contains(action.position[:2])
