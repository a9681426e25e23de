"""Records of earlier versions, completed when they are read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trial_players import trial

from pushgrasp.evaluation.old_records import complete
from pushgrasp.evaluation.results import parse_line, to_line
from pushgrasp.retrieve import End


def old(**values: Any) -> dict[str, Any]:
    """A trial's record as it was before ends and commits were kept."""
    record = json.loads(to_line(trial(success=False, **values)))
    for name in ("end", "play_faults", "commit"):
        del record[name]
    return record


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("the goal is in the hand", End.GOAL_IN_HAND),
        ("5 grasps in a row failed", End.FAILED_GRASPS),
        ("5 actions in a row changed nothing", End.NO_CHANGE),
        ("the goal left the workspace", End.GOAL_LEFT),
        ("30 actions, the most allowed", End.MAX_ACTIONS),
        ("the most actions allowed", End.MAX_ACTIONS),
        ("nothing to do: no grasp is seen", End.NOTHING_TO_DO),
        ("nothing to do: the goal left the workspace, I think", End.NOTHING_TO_DO),
        ("nothing to do: 2 grasps in a row failed", End.NOTHING_TO_DO),
        ("the robot stopped: joint 3", End.ROBOT_STOPPED),
        ("the cat took it", None),
    ],
)
def test_an_end_is_found_by_its_sentence(reason: str, end: End | None) -> None:
    record = old(reason=reason)
    assert parse_line(json.dumps(record).encode(), "").end is end


def test_faults_of_building_are_known_by_their_sentence() -> None:
    built = ("objects kept rolling out of the workspace",)
    played = ("deep penetration (13 mm)", "an object was thrown (4.0 m/s)")
    record = old(reason="", faults=played + built)
    assert parse_line(json.dumps(record).encode(), "").play_faults == 2


@pytest.mark.parametrize(("group", "limit"), [("heap-20", 60), ("challenging-01", None)])
def test_the_action_limit_follows_from_the_number_of_objects(group: str, limit: int | None) -> None:
    record = {key: value for key, value in old(group=group).items() if key != "action_limit"}
    assert parse_line(json.dumps(record).encode(), "").action_limit == limit


def test_a_record_that_says_it_is_left_as_it_is() -> None:
    record = {"end": "no_change", "reason": "5 grasps in a row failed", "play_faults": 0}
    complete(record)
    assert record == {
        "end": "no_change", "reason": "5 grasps in a row failed", "play_faults": 0,
    }  # fmt: skip


def test_a_damaged_record_is_left_to_the_reader() -> None:
    record: dict[str, Any] = {"faults": 3}
    complete(record)
    assert record["play_faults"] == 0
