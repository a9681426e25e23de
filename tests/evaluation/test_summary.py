"""What a run's trials come to, and the same as a table beside the paper's."""

from __future__ import annotations

import json
import random

import pytest
from test_settings import settings
from trial_players import record_of, trial

from pushgrasp.evaluation.config import EvaluationConfig
from pushgrasp.evaluation.intervals import sign_flip, wilson
from pushgrasp.evaluation.plan import plan_trials
from pushgrasp.evaluation.records import TrialRecord
from pushgrasp.evaluation.summary import summarise
from pushgrasp.evaluation.tables import write_table

POLICIES = ("default", "paper")


def records(trials: int = 6) -> list[TrialRecord]:
    config = EvaluationConfig(scenes=("random", "heap"), objects=(10, 20), trials=trials, seed=3)
    return [record_of(spec) for spec in plan_trials(config, POLICIES)]


def whole() -> dict:
    return settings(POLICIES, ("random", "heap"), (10, 20), trials=6)


def row(table: str, *beginning: str) -> list[str]:
    """The cells of the one row that begins so."""
    found = [line for line in table.splitlines() if line.startswith("| " + " | ".join(beginning))]
    assert len(found) == 1, found
    return [cell.strip() for cell in found[0].strip("|").split("|")]


def test_a_group_each_and_a_comparison_each() -> None:
    summary = summarise(whole(), records(), damaged_lines=2)
    assert json.loads(json.dumps(summary)) == summary
    names = ["random-10", "random-20", "heap-10", "heap-20"]
    assert [(g["policy"], g["name"]) for g in summary["groups"]] == [
        (policy, name) for policy in POLICIES for name in names
    ]
    assert [(c["group"], c["a"], c["b"], c["pairs"]) for c in summary["comparisons"]] == [
        (name, *POLICIES, 6) for name in names
    ]
    assert summary["totals"] == {
        "trials": 48,
        "faults": 0,
        "play_faults": 0,
        "wrong_claims": 0,
        "missed_claims": 0,
        "damaged_lines": 2,
    }
    assert summary["settings"] == whole()


def test_fixed_scenes_of_a_family_are_compared_together_by_the_scene() -> None:
    names = ("challenging-01", "challenging-02")
    specs = plan_trials(EvaluationConfig(scenes=names, trials=6, seed=3), POLICIES)
    played = [record_of(spec) for spec in specs]
    summary = summarise(settings(POLICIES, tuple(names), trials=6), played)
    found = {c["group"]: c for c in summary["comparisons"]}
    assert list(found) == [*names, "all challenging"]
    together = found["all challenging"]
    for what in ("pairs", "only_a", "only_b", "mn_pairs"):
        assert together[what] == sum(found[name][what] for name in names)
    gains = [found[name]["only_a"] - found[name]["only_b"] for name in names]
    assert together["p"] == sign_flip(gains)
    assert (together["scenes"], found[names[0]]["scenes"]) == (2, None)
    assert "| all challenging | " in write_table(summary)
    alone = summarise(settings(POLICIES, ("challenging-01",), trials=6), played[:6] + played[12:18])
    assert [c["group"] for c in alone["comparisons"]] == ["challenging-01"]


def test_order_does_not_matter() -> None:
    shuffled = random.Random(5).sample(records(), 48)
    assert summarise(whole(), shuffled) == summarise(whole(), records())


def test_an_unfinished_run_says_how_many_trials_it_has() -> None:
    some = [r for r in records() if r.policy == "default" and r.group == "random-20"][:4]
    summary = summarise(whole(), some)
    (group,) = summary["groups"]
    assert (group["policy"], group["trials"], group["wanted"]) == ("default", 4, 6)
    assert summary["comparisons"] == []
    table = write_table(summary)
    assert row(table, "default")[1] == "4 of 6"
    assert "No two policies have met the same scenes." in table


def test_a_run_without_a_trial_has_a_summary() -> None:
    summary = summarise(whole(), [])
    assert (summary["groups"], summary["totals"]["trials"]) == ([], 0)
    assert write_table(summary).startswith("# Results")


def test_three_policies_make_three_comparisons() -> None:
    three = settings(("a", "b", "c"), trials=1)
    summary = summarise(three, [trial(policy=name) for name in "abc"])
    assert [(c["a"], c["b"]) for c in summary["comparisons"]] == [
        ("a", "b"), ("a", "c"), ("b", "c"),
    ]  # fmt: skip


# --- the table --------------------------------------------------------------------------


def test_the_table_has_our_rates_under_the_papers() -> None:
    said = settings(("default",), objects=(10, 30), trials=4)
    good = [trial(i, grasps=2, group=g) for g in ("random-10", "random-30") for i in range(3)]
    bad = [trial(3, success=False, group=g) for g in ("random-10", "random-30")]
    table = write_table(summarise(said, good + bad))
    header = row(table, "method")
    assert header[2:] == ["TCR %, 10", "GSR %, 10", "MN, 10", "TCR %, 30", "GSR %, 30", "MN, 30"]
    assert row(table, "*the paper*")[1:] == [
        "500", "97.58", "47.36", "2.80", "73.27", "53.36", "5.80",
    ]  # fmt: skip
    assert row(table, "*the paper, no switching*")[2:5] == ["95.69", "43.00", "3.14"]
    assert row(table, "*Wang et al.")[5:] == ["58.35", "47.37", "9.61"]
    ours = row(table, "default")
    assert ours[1:3] == ["4 / 4", "75.0 (30.1 to 95.4)"]
    assert ours[3:5] == ["50.0", "2.00"]  # three alike have no interval
    assert row(table, "random-10", "default", "1") == ["random-10", "default", "1", "1"]


def test_the_papers_figures_stand_beside_its_own_scenes_only() -> None:
    heap = settings(("default",), ("heap",), (10,), trials=1)
    assert "the paper" not in write_table(summarise(heap, [trial(group="heap-10")]))
    five = settings(("default",), ("random",), (5,), trials=1)
    assert "the paper" not in write_table(summarise(five, [trial(group="random-5")]))


def test_fixed_scenes_have_a_row_each_and_one_together() -> None:
    scenes = ("challenging-01", "challenging-02")
    said = settings(POLICIES, scenes, (), trials=2)
    played = [
        trial(i, policy=p, group=g, scene=g, success=p == "default" or i == 0)
        for p in POLICIES for g in scenes for i in range(2)
    ]  # fmt: skip
    table = write_table(summarise(said, played))
    rates = table.split("## fixed scenes")[1].split("| GSR")[0]
    assert row(rates, "TCR %")[1:] == ["default", "paper"]
    assert row(rates, "challenging-02")[2].startswith("50.0 (")
    family = table.split("## all challenging")[1].split("##")[0]
    assert row(family, "default")[1:4] == ["2", "4", "100.0"]
    assert row(family, "paper")[1:4] == ["2", "4", "50.0"]  # two scenes are too few for an interval


def test_a_family_has_wider_intervals_than_its_trials() -> None:
    """Thirty copies of a scene that all fail alike say little about other scenes."""
    scenes = tuple(f"challenging-{i:02d}" for i in range(1, 11))
    said = settings(("default",), scenes, (), trials=30)
    played = [
        trial(i, group=g, scene=g, success=n >= 3) for n, g in enumerate(scenes) for i in range(30)
    ]
    (family,) = summarise(said, played)["families"]
    assert (family["scenes"], family["trials"], family["tcr"]) == (10, 300, 0.7)
    low, high = family["tcr_ci95"]
    assert low <= 0.4
    assert high >= 0.9
    assert wilson(210, 300) == pytest.approx((0.646, 0.749), abs=1e-3)


def test_figures_published_by_others_stand_above_a_family() -> None:
    scenes = ("challenging-01", "challenging-02")
    published = {"challenging": [{"method": "Xu et al.", "tcr": 99.0, "gsr": 90.0, "mn": 2.77}]}
    said = settings(("default",), scenes, (), trials=1) | {"published": published}
    table = write_table(summarise(said, [trial(0, group=g) for g in scenes]))
    family = table.split("## all challenging")[1].split("##")[0]
    assert row(family, "*Xu et al.*")[1:] == ["", "", "99.00", "90.00", "2.77"]


def test_faults_are_told_and_counted_as_failures_too() -> None:
    said = settings(("default",), trials=4)
    faults = ("objects kept rolling out", "deep penetration (13 mm)")
    played = [trial(i) for i in range(3)] + [trial(3, faults=faults, play_faults=1)]
    summary = summarise(said, played)
    (group,) = summary["groups"]
    assert (group["tcr"], group["tcr_faults_failed"]) == (1.0, 0.8)
    assert (group["faults"], group["play_faults"]) == (2, 1)
    assert (summary["totals"]["faults"], summary["totals"]["play_faults"]) == (2, 1)
    trials = write_table(summary).split("## trials")[1]
    assert row(trials, "random-10", "default")[3:6] == ["1", "1", "80.0"]


def test_a_table_says_how_many_comparisons_it_makes() -> None:
    names = ("challenging-01", "challenging-02")
    specs = plan_trials(EvaluationConfig(scenes=names, trials=6, seed=3), tuple("abc"))
    said = settings(("a", "b", "c"), names, trials=6)
    table = write_table(summarise(said, [record_of(spec) for spec in specs]))
    assert "These are 9 comparisons, and no p is corrected" in table
    assert "Over the 2 scenes of a family (all ...), p is of an exact sign-flip test" in table
    assert "its least possible value is 0.5." in table
    alone = write_table(summarise(settings(POLICIES, trials=6), records()))
    assert "This is one comparison. In a group, p is of McNemar's exact test" in alone


def test_the_table_names_the_cameras_and_what_noise_each_has() -> None:
    front, back = {"name": "front", "noise": "d405"}, {"name": "back", "noise": None}
    cases = (
        ([], "", "camera default (no noise), ray;"),
        ([], "d405", "camera default (noise d405), ray;"),
        ([front, back], "", "cameras front (noise d405), back (no noise), ray;"),
        ([front, back], "d405-averaged", "front (noise d405), back (noise d405-averaged), ray;"),
        ([front | {"noise": "none"}], "d405", "camera front (no noise), ray;"),
        ([front | {"noise": {"white": 0.001}}], "", "camera front (noise of its own), ray;"),
    )
    for cameras, noise, words in cases:
        said = settings(cameras=cameras, noise=noise)
        assert words in write_table(summarise(said, []))


def test_every_row_of_a_table_has_as_many_cells() -> None:
    for block in write_table(summarise(whole(), records(4))).split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_one_file_with_two_goals_is_one_scene_of_its_family() -> None:
    said = settings(("default",), ("challenging-01", "challenging-02"), (), trials=2)
    groups = [group["name"] for group in said["groups"]]
    played = [trial(i, group=g, scene="a.txt") for g in groups for i in range(2)]
    (family,) = summarise(said, played)["families"]
    assert (family["scenes"], family["trials"]) == (1, 4)
