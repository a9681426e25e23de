"""What a run's trials come to, and the same as a table beside the paper's."""

from __future__ import annotations

import json
import random

from test_settings import settings
from trial_players import record_of, trial

from pushgrasp.evaluation.config import EvaluationConfig
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
        "wrong_claims": 0,
        "missed_claims": 0,
        "damaged_lines": 2,
    }
    assert summary["settings"] == whole()


def test_fixed_scenes_of_a_family_are_compared_together_too() -> None:
    names = ("challenging-01", "challenging-02")
    specs = plan_trials(EvaluationConfig(scenes=names, trials=6, seed=3), POLICIES)
    played = [record_of(spec) for spec in specs]
    summary = summarise(settings(POLICIES, tuple(names), trials=6), played)
    found = {c["group"]: c for c in summary["comparisons"]}
    assert list(found) == [*names, "all challenging"]
    together = found["all challenging"]
    for what in ("pairs", "only_a", "only_b", "mn_pairs"):
        assert together[what] == sum(found[name][what] for name in names)
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
        trial(i, policy=p, group=g, success=p == "default" or i == 0)
        for p in POLICIES for g in scenes for i in range(2)
    ]  # fmt: skip
    table = write_table(summarise(said, played))
    rates = table.split("## fixed scenes")[1].split("| GSR")[0]
    assert row(rates, "TCR %")[1:] == ["default", "paper"]
    assert row(rates, "challenging-02")[2].startswith("50.0 (")
    assert row(rates, "all")[1:] == ["100.0 (51.0 to 100.0)", "50.0 (15.0 to 85.0)"]


def test_every_row_of_a_table_has_as_many_cells() -> None:
    for block in write_table(summarise(whole(), records(4))).split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1
