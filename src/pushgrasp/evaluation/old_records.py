"""Records of earlier versions: what they lack is filled in once, when they are read."""

from __future__ import annotations

import re
from typing import Any

from ..retrieve import End

_ENDS = (
    (r"the goal is in the hand", End.GOAL_IN_HAND),
    (r"\d+ grasps in a row failed", End.FAILED_GRASPS),
    (r"\d+ actions in a row changed nothing", End.NO_CHANGE),
    (r"the goal left the workspace", End.GOAL_LEFT),
    (r"\d+ actions, the most allowed|the most actions allowed", End.MAX_ACTIONS),
    (r"nothing to do: .*", End.NOTHING_TO_DO),
    (r"the robot stopped: .*", End.ROBOT_STOPPED),
)  # the sentences of the loop; what follows a colon may say anything
_BUILD_FAULTS = (
    "objects kept rolling out of the workspace",
    "the goal rolled out of the workspace while the scene settled",
)


_ACTIONS_PER_OBJECT = 3
_PROCEDURAL = re.compile(r"(?:random|heap|random-novel)-(\d+)")


def complete(record: dict[str, Any]) -> None:
    """Add `end`, `play_faults` and `action_limit` to a trial's record that lacks them.

    Args:
        record: parsed JSON of a TrialRecord; changed in place.
    """
    if "end" not in record:
        reason = str(record.get("reason", ""))
        ends = (end for words, end in _ENDS if re.fullmatch(words, reason, re.DOTALL))
        record["end"] = next(ends, None)
    if "play_faults" not in record:
        faults = record.get("faults")
        known = faults if isinstance(faults, list) else []
        record["play_faults"] = sum(fault not in _BUILD_FAULTS for fault in known)
    group = _PROCEDURAL.fullmatch(str(record.get("group", "")))
    if "action_limit" not in record and group:
        record["action_limit"] = _ACTIONS_PER_OBJECT * int(group[1])
