"""Planning trials, playing them on processes, and what is left behind."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from pushgrasp.cameras import CameraSpec
from pushgrasp.errors import UserError
from pushgrasp.evaluation import processes, runner
from pushgrasp.evaluation.processes import run_parallel
from pushgrasp.evaluation.records import TrialRecord, TrialSpec
from pushgrasp.evaluation.runner import evaluate
from pushgrasp.interfaces import Intrinsics
from pushgrasp.sim.camera import default_pose
from pushgrasp.sim.views import ViewConfig

PRESET = "4.obj 1.0 0.5 0.0 -0.5 0.0 0.025 0 0 0\n3.obj 0 0.5 0.9 -0.6 0.0 0.0125 0 1.5708 0\n"


def plan(scenes=("random",), objects=(10,), trials=4, seed=0, goal=None) -> list[TrialSpec]:
    return runner.plan_trials(scenes, objects, trials=trials, seed=seed, goal=goal)


# --- what the processes are given to do -------------------------------------------------


def play_quickly(_: str) -> runner.Play:
    """Records that follow from the spec alone, later trials sooner."""

    def play(spec: TrialSpec) -> TrialRecord:
        time.sleep(0.02 * ((spec.index + 1) % 3))
        success = spec.seed() % 3 > 0
        return TrialRecord(
            group=spec.group,
            index=spec.index,
            seed=spec.seed(),
            goal=f"object_{spec.goal:02d}",
            visible_fraction=0.5,
            success=success,
            claimed_success=success,
            reason="done",
            pushes=spec.seed() % 5,
            grasps=1,
            good_grasps=1,
        )

    return play


def die_once(marker: str) -> runner.Play:
    """The process of trial 1 dies the first time."""
    quick = play_quickly("")

    def play(spec: TrialSpec) -> TrialRecord:
        if spec.index == 1 and not os.path.exists(marker):
            Path(marker).touch()
            os._exit(7)
        return quick(spec)

    return play


def die_always(_: str) -> runner.Play:
    def play(_spec: TrialSpec) -> TrialRecord:
        os._exit(9)

    return play


def refuse(_: str) -> runner.Play:
    def play(_spec: TrialSpec) -> TrialRecord:
        raise UserError("no such thing")

    return play


def stumble(_: str) -> runner.Play:
    def play(_spec: TrialSpec) -> TrialRecord:
        raise ZeroDivisionError("a bug")

    return play


# --- planning ---------------------------------------------------------------------------


def test_groups_and_goals() -> None:
    specs = plan(("random", "heap"), (10, 20), trials=3)
    assert [s.group for s in specs[::3]] == ["random-10", "random-20", "heap-10", "heap-20"]
    assert [s.goal for s in specs[:3]] == [0, 1, 0]  # first and second placed, in turn
    assert {s.goal for s in plan(goal=4)} == {4}
    assert [s.goal for s in plan(objects=(1,), trials=2)] == [0, 0]
    assert not any(s.fixed for s in specs)


def test_a_preset_file_is_a_group(tmp_path: Path) -> None:
    path = tmp_path / "two-blocks.txt"
    path.write_text(PRESET)
    specs = plan((str(path),), (), trials=3)
    assert {(s.group, s.n_objects, s.goal, s.fixed) for s in specs} == {("two-blocks", 2, 0, True)}
    with pytest.raises(UserError, match="two groups would be called two-blocks"):
        plan((str(path), str(path)))


def test_the_goal_of_a_fixed_scene_lies_in_the_workspace(tmp_path: Path) -> None:
    outside = "4.obj 0 1 0 -0.9 0.0 0.025 0 0 0\n"
    path = tmp_path / "three-blocks.txt"
    path.write_text(outside + PRESET)
    assert {s.goal for s in plan((str(path),), ())} == {1}
    assert {s.goal for s in plan((str(path),), (), goal=2)} == {2}
    with pytest.raises(UserError, match=r"--goal 0: that object .* outside the workspace"):
        plan((str(path),), (), goal=0)
    path.write_text(outside)
    with pytest.raises(UserError, match="no object in the workspace"):
        plan((str(path),), ())


def test_seeds_depend_on_run_group_and_index_only() -> None:
    specs = plan(("random",), (10, 20), trials=50)
    seeds = [s.seed() for s in specs]
    assert len(set(seeds)) == 100
    assert max(seeds) < 2**53
    alone = plan(("random",), (20,), trials=7)
    assert [s.seed() for s in alone] == seeds[50:57]
    assert plan(seed=1)[0].seed() != seeds[0]
    assert len({specs[0].seed(attempt) for attempt in range(5)}) == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trials": 0}, "--trials 0: at least one"),
        ({"seed": -1}, "--seed -1"),
        ({"scenes": ()}, "no scene given; there are: random, heap"),
        ({"scenes": ("randm",)}, "no scene 'randm': it is neither a file nor one of random, heap"),
        ({"objects": ()}, "the scene random needs --objects"),
        ({"objects": (0,)}, "--objects 0: a scene has 1 to 30"),
        ({"objects": (31,)}, "--objects 31"),
        ({"goal": 10}, "--goal 10: random has 10 objects, so the goal is 0 to 9"),
        ({"objects": (5, 5)}, "two groups would be called random-5"),
    ],
)
def test_bad_settings(settings: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan(**settings)


# --- playing ----------------------------------------------------------------------------


def test_result_does_not_depend_on_the_number_of_workers(tmp_path: Path, monkeypatch) -> None:
    from pushgrasp.policy import Policy  # here, so that the processes need no PyTorch

    monkeypatch.setattr(runner, "load_player", play_quickly)
    monkeypatch.setattr(Policy, "from_pretrained", lambda name: None)
    summaries, lines, calls = [], [], []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        summary = runner.evaluate(
            "any",
            ["random"],
            [10, 20],
            trials=5,
            seed=3,
            workers=workers,
            out=out,
            progress=lambda done, total, record: calls.append((done, total)),
        )
        assert json.loads((out / "summary.json").read_text()) == summary
        text = (out / "trials.jsonl").read_text()
        lines.append(sorted(text.splitlines()))
        summaries.append({k: v for k, v in summary.items() if k != "wall_s"})
    assert summaries[0] == summaries[1]
    assert lines[0] == lines[1]
    assert len(lines[0]) == 10
    assert calls == 2 * [(i, 10) for i in range(1, 11)]
    group = summaries[0]["groups"][0]
    assert group["name"] == "random-10"
    assert set(group) >= {"trials", "completed", "tcr", "gsr", "mn", "faults"}


def test_bad_policy_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nosuchpolicy"):
        runner.evaluate(
            "nosuchpolicy", ["random"], [10], trials=1, seed=0, workers=1, out=tmp_path / "o"
        )
    with pytest.raises(UserError, match="--workers 0"):
        runner.evaluate("any", ["random"], [10], trials=1, seed=0, workers=0, out=tmp_path / "o")
    assert list(tmp_path.iterdir()) == []


def test_a_trial_whose_process_dies_is_played_again(tmp_path: Path, capfd) -> None:
    specs = plan(trials=3)
    records = list(run_parallel(specs, 1, die_once, str(tmp_path / "marker")))
    assert {r.index for r in records} == {0, 1, 2}
    assert "trial 1 of random-10: its process died (exit code 7)" in capfd.readouterr().err


def test_giving_up_on_a_trial_that_kills(monkeypatch) -> None:
    monkeypatch.setattr(processes, "MAX_DEATHS", 2)
    with pytest.raises(RuntimeError, match=r"trial 0 .*exit code 9\), 2 times in a row"):
        list(run_parallel(plan(trials=1), 1, die_always, ""))


@pytest.mark.parametrize(
    ("prepare", "error", "message"),
    [
        (refuse, UserError, "no such thing"),
        (stumble, RuntimeError, r"trial 0 of random-10 failed:(.|\n)*a bug"),
    ],
)
def test_what_a_process_says_of_an_error(monkeypatch, prepare, error, message: str) -> None:
    answers: list[Exception] = []
    specs = iter(plan(trials=1))

    class Connection:
        def recv(self) -> TrialSpec:
            for spec in specs:
                return spec
            raise EOFError

        def send(self, answer: Exception) -> None:
            answers.append(answer)

    monkeypatch.setattr(processes.signal, "signal", lambda *_: None)
    processes._work(Connection(), prepare, "")  # type: ignore[arg-type]
    with pytest.raises(error, match=message):
        raise answers[0]


def test_an_earlier_result_survives_what_cannot_be_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in runner.CONTENTS:
        (out / name).write_text("{}")
    how: dict[str, Any] = {"trials": 1, "seed": 0, "workers": 1, "out": out}
    scene = tmp_path / "twins.txt"
    scene.write_text("4.obj 1 0 0 -0.5 -0.1 0.0251 0 0 0\n4.obj 1 0 0 -0.5 0.1 0.0251 0 0 0\n")
    with pytest.raises(UserError, match="cannot tell apart"):
        evaluate("default", [str(scene)], [], **how)
    with pytest.raises(UserError, match="nothing on the table"):
        empty = CameraSpec("high", Intrinsics(4, 4, 4, 4, 2, 2), default_pose())
        evaluate("default", ["random"], [3], view=ViewConfig((empty,)), **how)
    assert [(out / name).read_text() for name in runner.CONTENTS] == ["{}", "{}"]


def test_a_goal_is_compared_with_the_others_not_the_default_one(tmp_path: Path) -> None:
    path = tmp_path / "twins.txt"
    path.write_text(
        "".join(
            f"4.obj {color} -0.5 {y} 0.0251 0 0 0\n"
            for color, y in (("1 0 0", -0.1), ("1 0 0", 0.0), ("0 0.4 1", 0.1))
        )
    )
    assert {s.goal for s in plan((str(path),), (), goal=2)} == {2}
    with pytest.raises(UserError, match="cannot tell apart"):
        plan((str(path),), (), goal=1)
