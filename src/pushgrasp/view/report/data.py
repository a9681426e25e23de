"""The input of a report: one or more folders of results, read together."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image, UnidentifiedImageError

from ...errors import UserError
from ...evaluation.records import TrialRecord
from ...evaluation.results import (
    PICTURES,
    SUMMARY,
    in_order,
    read_settings,
    read_trials,
    strip_path,
)
from ...evaluation.settings import KEPT, differing_scene
from ...evaluation.summary import summarise
from ...utils.files import read_json
from ..draw.strip import CELL

MOST_BYTES = 2_000_000
"""Largest strip that is read; one of 100 steps has 300,000 bytes."""


@dataclass(frozen=True)
class EvaluationRun:
    """One evaluation: its folder and settings."""

    folder: Path
    settings: dict[str, Any]
    trials_per_minute: float | None  # from its summary; None if that has none


@dataclass(frozen=True)
class Results:
    """The trials of all folders, and their summary."""

    runs: list[EvaluationRun]
    records: list[TrialRecord]
    folders: list[Path]  # of each record
    summary: dict[str, Any]  # see evaluation.summary
    damaged: list[str]  # sentences on what was left out


@dataclass(frozen=True)
class StripFile:
    """The file of a strip."""

    data: bytes
    columns: int  # pictures side by side
    rows: int

    @property
    def base64(self) -> Markup:
        """The file's bytes, encoded for a page."""
        return Markup(base64.b64encode(self.data).decode())


def read_results(folders: Sequence[str | Path]) -> Results:
    """Read folders of results and combine their trials.

    Args:
        folders: one or more.
    Raises:
        UserError: one holds no results; a trial is in two of them; or trials that would share a
            row of the tables were played under different settings or by different policies.
    """
    if not folders:
        raise UserError("no folder is named; name the folders of one or more evaluations")
    runs: list[EvaluationRun] = []
    records: list[TrialRecord] = []
    homes: list[Path] = []
    damaged: list[str] = []
    where: dict[tuple[str, str, int], Path] = {}
    for folder in map(Path, folders):
        settings = read_settings(folder)
        run = EvaluationRun(folder, settings, _speed(folder))
        for earlier in runs:
            _check_alike(earlier, run)
        unsorted, sentences = read_trials(folder)
        found = in_order(settings, unsorted)
        for record in found:
            before = where.setdefault(record.key, folder)
            if before is not folder:
                raise UserError(
                    f"trial {record.index} of {record.group} by {record.policy} is in {before} and "
                    f"in {folder}; a report counts each trial once: name one of the two folders"
                )
        runs.append(run)
        records += found
        homes += [folder] * len(found)
        damaged += sentences
    summary = summarise(_together(runs), records, len(damaged))
    return Results(runs, records, homes, summary, damaged)


def read_strip(folder: Path, record: TrialRecord) -> StripFile | None:
    """Read the strip of a trial; None if there is no valid file."""
    pictures = folder.resolve() / PICTURES
    path = strip_path(folder.resolve(), record.policy, record.group, record.index)
    try:
        if not path.resolve().is_relative_to(pictures) or path.stat().st_size > MOST_BYTES:
            return None
        data = path.read_bytes()
        with Image.open(io.BytesIO(data), formats=["WEBP"]) as image:
            width, height = image.size
    except (OSError, ValueError, UnidentifiedImageError):
        return None
    columns, rows = width // CELL, height // CELL
    whole = (columns * CELL, rows * CELL) == (width, height)
    return StripFile(data, columns, rows) if whole and columns * rows >= len(record.steps) else None


def _check_alike(one: EvaluationRun, other: EvaluationRun) -> None:
    """Check that two runs may share rows of the tables."""
    hashes = {p["name"]: p["sha256"] for p in one.settings["policies"]}
    for policy in other.settings["policies"]:
        if hashes.get(policy["name"], policy["sha256"]) != policy["sha256"]:
            raise UserError(
                f"the policy {policy['name']} differs in sha256 between {one.folder} and "
                f"{other.folder}; make a report of each"
            )
    groups = {group["name"]: group for group in one.settings["groups"]}
    for group in other.settings["groups"]:
        if key := differing_scene(groups.get(group["name"], group), group):
            raise UserError(
                f"the group {group['name']} has {key} {groups[group['name']][key]} in "
                f"{one.folder} and {group[key]} in {other.folder}; make a report of each"
            )
    rows = [{(g["policy"], g["name"]) for g in run.settings["groups"]} for run in (one, other)]
    shared = sorted({name for _, name in rows[0]} & {name for _, name in rows[1]})
    kept = [key for key in KEPT if key != "seed" or rows[0] & rows[1]]  # other policies may differ
    differing = [key for key in kept if one.settings[key] != other.settings[key]]
    if shared and differing:
        raise UserError(
            f"{one.folder} and {other.folder} both have trials of {shared[0]}, but differ in "
            f"{', '.join(differing)}; make a report of each"
        )


def _together(runs: Sequence[EvaluationRun]) -> dict[str, Any]:
    """Combine the settings of runs, their groups ordered by policy."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for group in (group for run in runs for group in run.settings["groups"]):
        key = group["policy"], group["name"]
        wanted = max(group["trials"], groups[key]["trials"] if key in groups else 0)
        groups[key] = {**group, "trials": wanted}
    policies = {p["name"]: p for run in runs for p in run.settings["policies"]}
    order = list(policies)
    rows = sorted(groups.values(), key=lambda g: order.index(g["policy"]))
    published = {k: v for run in runs for k, v in run.settings.get("published", {}).items()}
    return {
        **runs[0].settings,
        "published": published,
        "policies": list(policies.values()),
        "groups": rows,
    }


def _speed(folder: Path) -> float | None:
    """Read the trials per minute from the summary that the evaluation wrote."""
    path = folder / SUMMARY
    if not path.is_file():
        return None
    summary = read_json(path)
    speed = summary.get("trials_per_minute") if isinstance(summary, dict) else None
    return float(speed) if isinstance(speed, int | float) else None
