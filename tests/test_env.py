"""The Gymnasium environment: its contract, its seeds, what an action does and what it is worth."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pushgrasp import env as module
from pushgrasp.env import RetrieveEnv, to_arrays, to_numbers, to_observation
from pushgrasp.errors import SimulatorFault, UserError
from pushgrasp.evaluation import trial
from pushgrasp.evaluation.episode import Episode
from pushgrasp.perception.heightmap import Heightmap
from pushgrasp.perception.observation import Observation
from pushgrasp.policy.base import Decision, Memory
from pushgrasp.policy.config import DecisionConfig
from pushgrasp.policy.rule import choose_target
from pushgrasp.training.recipes import RECIPES
from pushgrasp.workspace import Workspace

ID = "pushgrasp.env:pushgrasp/Retrieve-v0"
GOAL, OTHER = (-0.5, 0.0), (-0.6, 0.1)  # m
GRASP, PUSH = 0, 1


@pytest.fixture
def cubes(tmp_path: Path) -> str:
    """A file with two cubes, far apart; the goal is red."""
    path = tmp_path / "cubes.txt"
    path.write_text(
        "\n".join(
            f"4.obj {c} {x} {y} 0.026 0 0 0" for c, (x, y) in (("1 0 0", GOAL), ("0 0.4 1", OTHER))
        )
    )
    return str(path)


@pytest.fixture
def table(cubes: str) -> Iterator[RetrieveEnv]:
    env = RetrieveEnv(scenes=cubes)
    env.reset(seed=0)
    yield env
    env.close()


def at(primitive: int, xy: tuple[float, float], rotation: int = 0) -> list[int]:
    return [primitive, rotation, *Workspace().to_pixel(xy).tolist()]


def episode(env: RetrieveEnv) -> Episode:
    assert env._episode is not None
    return env._episode


def on_an_object(seen: dict[str, Any], n: int) -> list[int]:
    """A made-up action, the same for the same sight."""
    pixels = np.argwhere(seen["objects"])
    return [n % 2, n % 16, *pixels[n * 997 % len(pixels)].tolist()]


def test_it_keeps_gymnasiums_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RetrieveEnv.metadata, "render_modes", ["rgb_array"])  # human: a display
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make(ID, objects=(2,))
        check_env(env.unwrapped)
    env.close()


def test_one_seed_gives_one_course_of_events() -> None:
    envs = [gym.make(ID, scenes=("random", "heap"), objects=(3, 4)) for _ in range(2)]
    first = [env.reset(seed=5) for env in envs]
    assert data_equivalence(*first, exact=True)
    seen = first[0][0]
    for n in range(3):
        turns = [env.step(on_an_object(seen, n)) for env in envs]
        assert data_equivalence(*turns, exact=True)
        seen = turns[0][0]
    again = [env.reset() for env in envs]
    assert data_equivalence(*again, exact=True)
    assert again[0][1]["truth"]["seed"] != first[0][1]["truth"]["seed"]
    other, _ = envs[0].reset(seed=6)
    assert not data_equivalence(first[0][0], other)


class Threads(gym.Wrapper):
    @property
    def threads(self) -> int:
        import torch

        return torch.get_num_threads()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vectors_of_it_work(mode: str) -> None:
    """And, for the same seeds, do the same: reset, three actions in vain, reset."""
    envs: Any = gym.make_vec(
        ID, num_envs=2, vectorization_mode=mode, objects=(1,), reward="paper", wrappers=[Threads]
    )
    seen, info = envs.reset(seed=3)
    assert envs.observation_space.contains(seen)
    assert list(info["max_actions"]) == [3, 3]
    for n in range(3):
        actions = np.array([[PUSH, 0, *np.argwhere(s == 0)[0]] for s in seen["seen"]])
        seen, rewards, terminated, truncated, info = envs.step(actions)
        assert rewards.tolist() == [-0.5, -0.5]
        assert not terminated.any()
        assert truncated.tolist() == [n == 2] * 2
    seen, rewards, terminated, truncated, info = envs.step(actions)  # NEXT_STEP: it is reset
    assert rewards.tolist() == [0, 0]
    assert not (terminated | truncated).any()
    single = gym.make(ID, objects=(1,))
    single.reset(seed=4)
    expected, _ = single.reset()
    assert np.array_equal(seen["color"][1], expected["color"])
    if mode == "async":
        assert envs.get_attr("threads") == (1, 1)
    envs.close()


def test_taking_the_goal_ends_it(table: RetrieveEnv) -> None:
    _, reward, terminated, truncated, info = table.step(at(GRASP, OTHER))
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert info["executed"]
    assert info["holding"]
    assert info["changed"]
    assert not info["claimed"]
    assert info["truth"] == {"success": False, "lifted": True}
    seen, reward, terminated, truncated, info = table.step(at(GRASP, GOAL))
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info["claimed"]
    assert info["truth"] == {"success": True, "lifted": True}
    assert (info["goal"], info["goal_rgb"].tolist()) == ("#ff0000", [255, 0, 0])
    assert info["reason"] == "the goal was taken"
    assert not seen["objects"].any()
    with pytest.raises(gym.error.ResetNeeded):
        table.step(at(GRASP, GOAL))


def test_actions_in_vain_count_and_end_it(table: RetrieveEnv) -> None:
    seen, _ = table.reset(seed=0)
    began = episode(table).scene.world.data.time
    unseen = [GRASP, 0, *np.argwhere(seen["seen"] == 0)[0]]
    _, reward, _, truncated, info = table.step(unseen)
    assert (reward, truncated, info["executed"]) == (0.0, False, False)
    assert info["refused"] == "nothing was seen at that pixel"
    assert episode(table).scene.world.data.time == began
    _, _, _, _, info = table.step(at(GRASP, (-0.4, -0.1)))  # bare table: the jaw closes on air
    assert info["executed"]
    assert not info["holding"]
    assert not info["changed"]
    for _ in range(3):
        assert not truncated
        _, _, terminated, truncated, info = table.step(unseen)
    assert truncated
    assert not terminated
    assert info["reason"] == "5 grasps in a row failed"


def test_a_robot_may_refuse(table: RetrieveEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = episode(table)._robot.robot
    monkeypatch.setattr(robot, "refuses", lambda moves: f"{len(moves)} moves out of reach")
    _, reward, _, _, info = table.step(at(PUSH, GOAL))
    assert (info["executed"], info["changed"], reward) == (False, False, 0.0)
    assert info["refused"] == "5 moves out of reach"


def test_a_goal_that_leaves_ends_it(table: RetrieveEnv) -> None:
    world = episode(table).scene.world
    world.place(episode(table).scene.goal_name, (-0.9, 0.3, 0.026), (1, 0, 0, 0))
    _, reward, terminated, truncated, info = table.step(at(PUSH, (-0.4, -0.1)))
    assert (reward, terminated, truncated) == (0.0, True, False)
    assert info["reason"] == "the goal left the workspace"


@pytest.mark.parametrize(
    ("values", "reward"), [((0.2, 0.5), 0.5), ((0.5, 0.55), -0.5), ((0.5, 0.5), -0.5)]
)
def test_the_papers_reward_of_a_push(cubes, monkeypatch, values, reward) -> None:
    """Equation 3: the gain is that of the new image; the ring round a lone cube stays empty."""
    env = RetrieveEnv(scenes=cubes, reward="paper")
    first, _ = env.reset(seed=0)

    def value(seen: Observation) -> float:
        return values[0] if np.array_equal(seen.heightmap.color, first["color"]) else values[1]

    monkeypatch.setattr(env, "_grasp_value", value)
    _, paid, _, _, info = env.step(at(PUSH, GOAL))
    assert info["changed"]
    assert paid == reward


def test_the_papers_reward_of_a_grasp(cubes: str) -> None:
    """Equation 4."""
    env = RetrieveEnv(scenes=cubes, reward="paper")
    env.reset(seed=0)
    rewards = [env.step(at(GRASP, xy))[1] for xy in ((-0.4, -0.1), OTHER, GOAL)]
    assert rewards == [-1.0, 0.0, 1.0]


def test_the_shipped_networks_value_the_goal(table: RetrieveEnv) -> None:
    seen = episode(table).observation
    value = table._grasp_value(seen)
    assert 0.3 < value <= 1  # it stands alone
    hidden = Observation(seen.heightmap, seen.labels, seen.objects, np.zeros_like(seen.goal))
    assert table._grasp_value(hidden) == 0


def test_faults(cubes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, seeds = module.build_scene, []

    def spoilt(config: Any) -> Any:
        seeds.append(config.seed)
        if len(seeds) % 3:
            raise SimulatorFault("thrown")
        return real(config)

    monkeypatch.setattr(module, "build_scene", spoilt)
    env = RetrieveEnv(scenes=cubes)
    before, info = env.reset(seed=0)
    assert info["truth"]["faults"] == 2
    assert len(set(seeds)) == 3
    assert info["truth"]["seed"] == seeds[-1]

    def thrown(action: Any) -> Any:
        raise SimulatorFault("the state became NaN")

    monkeypatch.setattr(episode(env), "act", thrown)
    seen, reward, terminated, truncated, info = env.step(at(PUSH, GOAL))
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["fault"] == "the state became NaN"
    assert data_equivalence(before, seen, exact=True)
    monkeypatch.setattr(module, "build_scene", lambda config: thrown(config))
    with pytest.raises(SimulatorFault, match="all 10 scenes ended in a fault"):
        env.reset()


def test_options_choose_the_scene(table: RetrieveEnv, cubes: str) -> None:
    _, info = table.reset(seed=1, options={"scene": cubes, "goal": 1})
    assert (info["goal"], info["truth"]["scene"]) == ("#0066ff", cubes)
    _, info = table.reset(options={"scene": "random", "objects": 2})
    assert info["max_actions"] == 6
    with pytest.raises(UserError, match="no option 'goals'"):
        table.reset(options={"goals": 1})
    with pytest.raises(UserError, match="goal 7"):
        table.reset(options={"goal": 7})


def test_render_and_close(cubes: str) -> None:
    env: Any = gym.make(ID, scenes=cubes, render_mode="rgb_array")
    with pytest.raises(gym.error.ResetNeeded):
        env.unwrapped.render()
    env.reset(seed=0)
    first = env.render()
    assert isinstance(first, np.ndarray)
    assert first.shape == (360, 640, 3)
    env.step(at(PUSH, GOAL))
    assert not np.array_equal(first, env.render())
    env.close()
    env.close()
    with pytest.raises(gym.error.ResetNeeded):
        env.unwrapped.step(at(PUSH, GOAL))
    env.reset()


def test_a_window_follows_the_robot(cubes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    class FakeWindow:
        def __init__(self, world: Any) -> None:
            events.append("open")

        def show(self, markers: Any, text: str) -> None:
            events.append(text)

        def update(self) -> None:
            events.append("moved")

        def close(self) -> None:
            events.append("close")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("pushgrasp.sim.cameras.window.Window", FakeWindow)
    env: Any = gym.make(ID, scenes=cubes, render_mode="human")
    env.reset(seed=0)
    env.step(at(PUSH, GOAL))
    assert env.render() is None
    env.reset(seed=1)
    env.close()
    assert events[:3] == ["open", "push", "moved"]
    assert [e for e in events if e in ("open", "close")] == ["open", "close"] * 2
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="needs a display"):
        RetrieveEnv(render_mode="human")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"robot": "crane"}, "no robot 'crane'"),
        ({"scenes": "pile"}, "no scene 'pile'"),
        ({"scenes": ()}, "no scene given"),
        ({"objects": 31}, "objects 31: a scene has 1 to 30"),
        ({"reward": "dense"}, "reward 'dense': it is one of sparse, paper"),
        ({"render_mode": "ansi"}, "render_mode 'ansi': it is None or 'human' or 'rgb_array'"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        RetrieveEnv(**settings)


@pytest.mark.parametrize(
    "action", [[2, 0, 0, 0], [0, 16, 0, 0], [0, 0, -1, 0], [0, 0, 0], [0.0, 0.0, 1.0, 1.0]]
)
def test_bad_actions(table: RetrieveEnv, action: list[Any]) -> None:
    with pytest.raises(UserError, match=r"it is four integers.* below \[2, 16, 224, 224\]"):
        table.step(action)


def test_another_workspace(cubes: str, tmp_path: Path) -> None:
    path = tmp_path / "workspace.json"
    path.write_text('{"x_min": 0.3, "y_min": -0.1, "size": 0.36, "table_z": 0.16}')
    env = RetrieveEnv(scenes=cubes, workspace=path, reward="paper", policy="default")
    seen, info = env.reset(seed=1)
    assert env.workspace == Workspace(0.3, -0.1, 0.36, table_z=0.16)
    assert seen in env.observation_space
    assert seen["height"].shape == (180, 180)
    observation = to_observation(seen, env.workspace)
    pixels = np.argwhere(observation.goal)
    assert len(pixels) > 300
    goal = env.workspace.to_xy(*pixels.mean(0))
    assert goal == pytest.approx(env.workspace.center, abs=0.02)  # as in the standard one
    row, column = np.rint(pixels.mean(0)).astype(int).tolist()
    seen, reward, _, _, info = env.step([PUSH, 0, row, column])
    assert info["executed"]
    assert math.isfinite(reward)
    row, column = np.rint(np.argwhere(seen["goal"]).mean(0)).astype(int).tolist()
    _, _, terminated, _, info = env.step([GRASP, 0, row, column])
    assert terminated
    assert info["truth"]["success"]
    env.close()


heights = st.one_of(st.just(math.nan), st.floats(0, 0.375, width=32))


@given(
    height=arrays(np.float32, (224, 224), elements=heights, fill=heights),
    place=st.tuples(st.integers(0, 15), st.integers(0, 223), st.integers(0, 223)),
    primitive=st.sampled_from(module.PRIMITIVES),
)
def test_arrays_and_observations_are_one(height, place, primitive) -> None:
    objects = height > 0.006
    map_ = Heightmap(np.full((224, 224, 3), 7, np.uint8), height, Workspace())
    seen = Observation(map_, objects.astype(np.int32), objects, height > 0.1)
    back = to_observation(to_arrays(seen))
    np.testing.assert_array_equal(back.heightmap.height, height)
    for name in ("labels", "objects", "goal"):
        np.testing.assert_array_equal(getattr(back, name), getattr(seen, name))
    assert to_arrays(seen) in module._observation_space(Workspace())
    rotation, row, column = place
    action = seen.action(primitive, rotation, row, column)
    assert to_numbers(action).tolist() == [module.PRIMITIVES.index(primitive), *place]


class Scripted:
    """A policy of sorts, the same in both loops; it remembers nothing."""

    primitive = RECIPES["default"].primitive

    def __init__(self) -> None:
        self.chosen: list[list[int]] = []

    def decide(self, observation: Observation, memory: Memory | None = None, *, refused=()):
        numbers = on_an_object(to_arrays(observation), 5 + len(self.chosen))
        self.chosen.append(numbers)
        primitive, rotation, row, column = numbers
        name = module.PRIMITIVES[primitive]
        action = observation.action(name, rotation, row, column)
        goal = choose_target(observation, DecisionConfig())
        return Decision(action, goal, 0.0, 0.0, None, None, "")


def test_an_episode_goes_as_an_evaluation_does() -> None:
    env, agent = RetrieveEnv(objects=4), Scripted()
    seen, _ = env.reset(seed=2)
    verdict = trial.play(module.build_scene(episode(env).scene.config), agent)
    n, over, reward, info = 0, False, 0.0, {}
    while not over:
        assert on_an_object(seen, 5 + n) == agent.chosen[n]
        seen, reward, terminated, truncated, info = env.step(agent.chosen[n])
        n, over = n + 1, terminated or truncated
    assert n == len(agent.chosen) > 1
    assert bool(reward) == verdict.success
    assert verdict.success or info["reason"] == verdict.reason


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_import_is_light_and_registers() -> None:
    for imports in ("pushgrasp, gymnasium", "gymnasium, pushgrasp"):
        code = (
            f"import sys, {imports}\n"
            "print(gymnasium.spec('pushgrasp/Retrieve-v0').entry_point, "
            "bool({'torch', 'mujoco'} & sys.modules.keys()))"
        )
        assert run_python(code) == "pushgrasp.env:RetrieveEnv False\n"


def test_a_missing_gymnasium_is_named() -> None:
    said = run_python("import sys; sys.modules['gymnasium'] = None; import pushgrasp.env")
    assert "pip install gymnasium" in said


@pytest.mark.slow
def test_the_example_runs() -> None:
    example = Path(__file__).parents[1] / "examples" / "score_in_gym.py"
    done = subprocess.run(
        [sys.executable, example, "1"], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("goals of 1") == 2
