"""Trials of an evaluation played again: found, played, compared."""

from __future__ import annotations

import dataclasses
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushgrasp.cli.main import main
from pushgrasp.errors import SimulatorFault, UserError
from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.groups import scene_groups
from pushgrasp.evaluation.plan import plan_trials
from pushgrasp.evaluation.policies import policy_entries
from pushgrasp.evaluation.records import TrialRecord, TrialSpec
from pushgrasp.evaluation.reproduce import difference, failed_trials, find_trial
from pushgrasp.evaluation.results import to_line
from pushgrasp.evaluation.settings import describe
from pushgrasp.evaluation.steps import StepRecord
from pushgrasp.evaluation.trial import EpisodeResult, run_trial
from pushgrasp.interfaces import Intrinsics
from pushgrasp.perception import camera_file as cameras
from pushgrasp.perception.camera_file import CameraSpec, look_at
from pushgrasp.policy.load import load_policy
from pushgrasp.retrieve import End
from pushgrasp.sim.robots.registry import gripper
from pushgrasp.utils.files import write_json

STEP = StepRecord(
    primitive="grasp", target_is_goal=True, goal_visible_px=300, position=(-0.5, 0.01, 0.05),
    yaw=0.3927, q=None, q_grasp=None, q_push=None, holding=False, holds_goal=False, changed=True,
    executed=True, lifted=False, why="by chance", decision_s=0.1, action_s=0.5,
)  # fmt: skip
STEPS = (STEP, dataclasses.replace(STEP, holding=True, holds_goal=True, lifted=True))
GOOD = EpisodeResult(
    success=True, claimed_success=True, end=End.GOAL_IN_HAND, reason="the goal is in the hand",
    grasps=2,
)  # fmt: skip
FOLDER = Path("results")
PRESET = "4.obj 1.0 0.5 0.0 -0.5 0.0 0.025 0 0 0\n3.obj 0 0.5 0.9 -0.6 0.0 0.0125 0 1.5708 0\n"

Results = tuple[dict[str, Any], list[TrialRecord]]


def record(spec: TrialSpec, end: End = GOOD.end, reason: str = GOOD.reason) -> TrialRecord:
    success = end is End.GOAL_IN_HAND
    return TrialRecord(
        policy=spec.policy, scene=spec.scene, group=spec.group, index=spec.index,
        seed=spec.seed(), goal=f"object_{spec.goal:02d}", visible_fraction=0.5, success=success,
        claimed_success=success, end=end, reason=reason, pushes=0, grasps=2,
        good_grasps=1, steps=STEPS,
    )  # fmt: skip


def results(
    policies: tuple[str, ...] = ("random", "geometric"),
    scenes: tuple[str, ...] = ("random", "challenging-01"),
    **settings: Any,
) -> Results:
    """A run whose trials have all been completed, but for random-3:1 of the last policy."""
    entries = policy_entries(policies)
    config = EvaluationConfig(scenes=scenes, objects=(3,), trials=3, seed=5, **settings)
    specs = plan_trials(config, [entry.name for entry in entries])
    last = entries[-1].name, "random-3", 1
    records = [
        record(s, End.FAILED_GRASPS, "5 grasps in a row failed") if s.key == last else record(s)
        for s in specs
    ]  # fmt: skip
    return describe(config, entries, scene_groups(config)), records


# --- finding a trial ----------------------------------------------------------------------


def test_a_trial_is_found_with_all_that_decided_about_it(tmp_path: Path):
    left = CameraSpec("left", Intrinsics(), look_at((-1, 0.2, 0.6), (-0.5, 0, 0)), "none")
    cameras.write_cameras(tmp_path / "left.json", [left])
    settings, records = results(
        robot="panda", cameras=tmp_path / "left.json", noise="d405", camera="opengl",
        randomise=True,
    )  # fmt: skip
    for trial, policy in (("random-3:1", "geometric"), ("challenging-01:2", "random")):
        chosen = find_trial(settings, records, trial, policy, FOLDER)
        spec = chosen.spec
        assert chosen.record.key == spec.key == (policy, *_split(trial))
        assert chosen.source == policy
        assert chosen.record.seed == spec.seed()
        assert (spec.robot, spec.randomise) == ("panda", True)
        assert (spec.n_objects, spec.perturb) == ((3, False) if "random" in trial else (20, True))
        assert spec.view.noise == "d405"
        assert spec.view.backend == "opengl"
        assert [c.describe() for c in spec.view.cameras] == [left.describe()]


def _split(trial: str) -> tuple[str, int]:
    group, index = trial.split(":")
    return group, int(index)


@pytest.mark.parametrize(
    ("trial", "policy", "sentence"),
    [
        ("random-3:3", "random", "random-3:0 to 2, challenging-01:0 to 2"),
        ("random-3", None, "no trial random-3; there are: random-3:0 to 2"),
        ("random-3:01", None, "no trial random-3:01"),
        ("random-4:0", None, "no trial random-4:0"),
        ("random-3:0", None, "by random, geometric: name one of them with --policy"),
        ("random-3:0", "default", "results has no trial by it, only by: random, geometric"),
        ("random-3:0", "nobody", "nobody"),
    ],
)
def test_a_trial_that_is_not_there_is_answered_with_those_that_are(
    trial: str, policy: str | None, sentence: str
):
    settings, records = results()
    with pytest.raises(UserError) as error:
        find_trial(settings, records, trial, policy, FOLDER)
    assert sentence in str(error.value)


def test_the_policy_need_not_be_named_where_only_one_played_the_trial():
    settings, records = results()
    mine = [r for r in records if r.key != ("random", "random-3", 0)]
    assert find_trial(settings, mine, "random-3:0", None, FOLDER).record.policy == "geometric"
    with pytest.raises(UserError, match=r"by random; there are: random-3:1 to 2"):
        find_trial(settings, mine, "random-3:0", "random", FOLDER)
    gap = [r for r in records if r.policy == "random" and r.index != 1]
    with pytest.raises(UserError, match=r"random-3:0 to 2 \(1 of them"):
        find_trial(settings, gap, "random-3:1", "random", FOLDER)


def test_files_of_two_runs_are_told():
    settings, records = results()
    foreign = [dataclasses.replace(r, seed=r.seed + 1) for r in records]
    with pytest.raises(UserError, match="not of one run"):
        find_trial(settings, foreign, "random-3:0", "random", FOLDER)
    faulty = [
        dataclasses.replace(r, seed=find_trial(settings, records, "random-3:0", "random", FOLDER)
                            .spec.seed(1), faults=("a fault",))
        if r.key == ("random", "random-3", 0) else r for r in records
    ]  # fmt: skip
    assert find_trial(settings, faulty, "random-3:0", "random", FOLDER).record.faults
    with pytest.raises(UserError, match="not of one run"):
        find_trial({**settings, "groups": []}, records, "random-3:0", "random", FOLDER)
    with pytest.raises(UserError, match="not of one run"):
        find_trial({**settings, "policies": []}, records[:1], "random-3:0", None, FOLDER)


def test_what_has_changed_since_is_said(monkeypatch: pytest.MonkeyPatch):
    settings, records = results(("geometric",))
    assert find_trial(settings, records, "random-3:0", None, FOLDER).changes == ()
    settings["policies"][0]["sha256"] = "abc"
    settings["program"] = "0.0.1"
    settings["machine"]["processor"] = "abacus"
    settings["commit"] = "0123abc"
    monkeypatch.setattr("pushgrasp.evaluation.reproduce.commit", lambda: "456789d")
    changed, program, code, processor = find_trial(
        settings, records, "random-3:0", None, FOLDER
    ).changes
    assert changed.startswith("the policy geometric has changed: its sha256 was abc, now ")
    assert "0.0.1" in program
    assert code.startswith("the commit was 0123abc, now 456789d")
    settings["resumed"] = [{"commit": "456789d"}]
    monkeypatch.setattr("pushgrasp.evaluation.reproduce.commit", lambda: None)  # no checkout
    assert len(find_trial(settings, records, "random-3:0", None, FOLDER).changes) == 3
    assert "abacus" in processor


def test_foreign_code_runs_only_if_it_is_named(tmp_path: Path):
    path = tmp_path / "own.py"
    path.write_text("class Own:\n    def act(self, observation): return None\n")
    settings, records = results((f"{path}:Own",))
    for policy in (None, "Own"):
        with pytest.raises(UserError, match=rf"if you trust it, name it: --policy {path}:Own"):
            find_trial(settings, records, "random-3:0", policy, FOLDER)
    chosen = find_trial(settings, records, "random-3:0", f"{path}:Own", FOLDER)
    assert chosen.source == f"{path}:Own"
    assert chosen.changes == ()
    moved = tmp_path / "elsewhere.py"
    moved.write_text(path.read_text() + "# changed\n")
    chosen = find_trial(settings, records, "random-3:0", f"{moved}:Own", FOLDER)
    assert chosen.source == f"{moved}:Own"
    assert "has changed" in chosen.changes[0]


def test_failures_are_listed_with_their_causes():
    settings, records = results()
    (line,) = failed_trials(settings, records, None, FOLDER)
    assert line.split("  ") == [
        "random-3:1", "geometric", "5 failed grasps", "5 grasps in a row failed"
    ]  # fmt: skip
    assert failed_trials(settings, records, "random", FOLDER) == []
    with pytest.raises(UserError, match="random, geometric"):
        failed_trials(settings, records, "default", FOLDER)


# --- comparing ----------------------------------------------------------------------------


def compared(
    steps: tuple[StepRecord, ...], result: EpisodeResult = GOOD, visible: float = 0.5
) -> str:
    _, records = results()
    return difference(records[0], visible, steps, result)


def test_what_is_the_same_does_not_differ():
    off = dataclasses.replace(STEP, position=(-0.50004, 0.01, 0.05), yaw=0.39270, decision_s=9.0)
    assert compared((off, STEPS[1])) == ""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"primitive": "push"}, "action 2 was a grasp at (-0.5000, 0.0100, 0.0500) m"),
        ({"position": (-0.5, 0.012, 0.05)}, "now a grasp at (-0.5000, 0.0120, 0.0500) m"),
        ({"yaw": 0.7854}, "yaw 0.3927, now"),
        ({"holds_goal": False}, "action 2 had holds_goal True, now False"),
        ({"changed": False}, "changed"),
        ({"lifted": False}, "lifted"),
        ({"executed": False}, "executed"),
        ({"target_is_goal": False}, "target_is_goal"),
    ],
)
def test_the_first_difference_is_named(change: dict[str, Any], sentence: str):
    assert sentence in compared((STEP, dataclasses.replace(STEPS[1], **change)))


def test_a_difference_of_the_scene_or_of_the_end_is_named():
    assert compared(STEPS, visible=0.51) == "the goal was 0.5000 visible at first, now 0.5100"
    assert compared(STEPS[:1]) == f"1 action instead of 2: it ended: {GOOD.reason}"
    assert "3 actions instead of 2" in compared((*STEPS, STEP))
    missed = dataclasses.replace(GOOD, claimed_success=False)
    assert compared(STEPS, missed) == "the result's claimed_success was True and is now False"


# --- playing ------------------------------------------------------------------------------


def play(folder: Path, policy: str, scene: str, objects: int, **situation: Any) -> None:
    """A folder of results of one trial."""
    entries = policy_entries([policy])
    config = EvaluationConfig(scenes=(scene,), objects=(objects,), trials=1, seed=2, **situation)
    specs = plan_trials(config, [entry.name for entry in entries])
    trial = run_trial(specs[0], load_policy(policy, gripper(specs[0].robot)))
    folder.mkdir()
    write_json(folder / "settings.json", describe(config, entries, scene_groups(config)))
    (folder / "trials.jsonl").write_text(to_line(trial))


@pytest.fixture
def played(tmp_path: Path, one_thread: None) -> Path:
    play(tmp_path / "results", "random", "random", 2)
    return tmp_path / "results"


def change(folder: Path, alter: Callable[[dict[str, Any]], None]) -> None:
    line = json.loads((folder / "trials.jsonl").read_text())
    alter(line)
    (folder / "trials.jsonl").write_text(json.dumps(line) + "\n")


def test_a_trial_comes_out_the_same_and_its_film_changes_nothing(played: Path, capsys):
    out, trial = played.parent / "out", json.loads((played / "trials.jsonl").read_text())
    (played / "trials.jsonl").rename(played / "a")
    (played / "trials.jsonl.xz").write_bytes(lzma.compress((played / "a").read_bytes()))
    (played / "a").unlink()
    assert main(["replay", str(played), "random-2:0", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    n = len(trial["steps"])
    assert text.splitlines()[-1] == f"The same {n} action{'s' * (n != 1)} as recorded."
    assert (out / "video.mp4").read_bytes()[4:8] == b"ftyp"
    assert len(os.listdir(out / "pictures")) >= n
    episode = json.loads((out / "episode.json").read_text())
    assert (episode["seed"], episode["policy"]) == (trial["seed"], "random")
    assert episode["success"] == trial["success"]


def test_another_outcome_than_the_recorded_one_is_an_exit_code(played: Path, capsys):
    def moved(line: dict[str, Any]) -> None:
        line["steps"][0]["position"][0] += 0.002

    change(played, moved)
    argv = ["replay", str(played), "random-2:0", "--out", str(played.parent / "out"), "--no-video"]
    assert main(argv) == 1
    assert "Not as recorded: action 1 was a " in capsys.readouterr().out
    assert (played.parent / "out" / "episode.json").exists()


def test_a_fault_now_is_a_difference(played: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    from pushgrasp.sim.scenes import build

    def fail(_config: object) -> None:
        raise SimulatorFault("it burst")

    monkeypatch.setattr(build, "build_scene", fail)
    out = played.parent / "out"
    assert main(["replay", str(played), "random-2:0", "--out", str(out)]) == 1
    assert "the simulator failed: it burst" in capsys.readouterr().out
    assert not out.exists()


def test_the_command_lists_failures_and_warns(tmp_path: Path, capsys):
    settings, records = results()
    settings["policies"][1]["sha256"] = "abc"
    write_json(tmp_path / "settings.json", settings)
    (tmp_path / "trials.jsonl").write_text("".join(map(to_line, records)) + '{"cut')
    assert main(["replay", str(tmp_path), "failures"]) == 0
    out, err = capsys.readouterr()
    assert out.split()[:2] == ["random-3:1", "geometric"]
    assert out.count("\n") == 1
    assert "trials.jsonl, line 13" in err
    assert main(["replay", str(tmp_path), "failures", "--policy", "random"]) == 0
    assert capsys.readouterr().out == "no trial failed\n"
    assert main(["replay", str(tmp_path), "random-3:9", "--policy", "random"]) == 2
    assert "there are: random-3:0 to 2" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "nowhere"), "failures"]) == 2
    assert sorted(os.listdir(tmp_path)) == ["settings.json", "trials.jsonl"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "scene", "situation"),
    [
        ("default", "heap", {"noise": "d405-averaged", "randomise": True}),
        ("geometric", "random", {"robot": "panda"}),
        ("default", "", {"robot": "ur5e"}),
    ],
)
def test_arms_with_meshes_and_noise_are_reproduced(
    policy: str, scene: str, situation: dict[str, Any], tmp_path: Path, one_thread: None, capsys
):
    blocks = tmp_path / "blocks.txt"
    blocks.write_text(PRESET)
    play(tmp_path / "results", policy, scene or str(blocks), 3, **situation)
    trial = f"{scene}-3:0" if scene else "blocks:0"
    argv = ["replay", str(tmp_path / "results"), trial, "--out", str(tmp_path / "out")]
    assert main(argv) == 0, capsys.readouterr().out


def test_cameras_are_read_back_from_the_settings(tmp_path: Path):
    both = tuple(
        CameraSpec(name, Intrinsics(), look_at((-1, y, 0.5), (-0.5, 0, 0)))
        for name, y in (("left", 0.3), ("right", -0.3))
    )
    cameras.write_cameras(tmp_path / "both.json", both)
    settings, _ = results(cameras=tmp_path / "both.json")
    back = cameras.parse_cameras(settings["cameras"], "settings.json")
    assert [c.describe() for c in back] == [c.describe() for c in both]
    with pytest.raises(UserError, match=r"settings\.json: camera 0"):
        cameras.parse_cameras([{"name": "left"}], "settings.json")
    with pytest.raises(UserError, match="must be a list"):
        cameras.parse_cameras({}, "settings.json")
