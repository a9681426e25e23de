"""A results folder: settings, trials as they end, and their summary."""

from __future__ import annotations

import dataclasses
import json
import lzma
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..utils.config_json import from_json
from ..utils.files import to_json, write_json
from ..utils.output import check_output_folder, only_writer
from .old_records import complete
from .records import Key, TrialRecord, TrialSpec
from .settings import SETTINGS, Settings, merge, read_settings

__all__ = ["ResultsFolder", "open_results", "read_settings", "read_trials"]

TRIALS, PICTURES, SUMMARY, TABLE = "trials.jsonl", "pictures", "summary.json", "table.md"
COMPRESSED = TRIALS + ".xz"


def strip_path(folder: Path, policy: str, group: str, index: int) -> Path:
    """Return where a trial's strip lies, e.g. pictures/default/random-20-0007.webp.

    Args:
        folder: of the results.
        policy, group, index: of the trial.
    """
    return folder / PICTURES / policy / f"{group}-{index:04d}.webp"


def read_trials(folder: str | Path) -> tuple[list[TrialRecord], list[str]]:
    """Read the trials of a results folder, from trials.jsonl or trials.jsonl.xz.

    Args:
        folder: the folder; without either file it has no trial yet.
    Returns:
        The records in the order of the file, and a sentence for each line that is left out: a
        damaged or cut one, one that is not of the run in settings.json, or a trial that was read
        before.
    Raises:
        UserError: the file, or settings.json, cannot be read at all.
    """
    belongs = _belongs(read_settings(folder)) if (Path(folder) / SETTINGS).exists() else None
    path = Path(folder) / TRIALS
    if not path.exists():
        path = Path(folder) / COMPRESSED
    if not path.exists():
        return [], []
    records: dict[Key, TrialRecord] = {}
    damaged: list[str] = []
    number = 0
    try:
        with lzma.open(path) if path.suffix == ".xz" else open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                where = f"{path}, line {number}"
                try:
                    record = parse_line(line, where)
                except UserError as error:
                    damaged.append(f"{error}; the line is left out")
                    continue
                wrong = ""
                if belongs is not None and not belongs(record):
                    wrong = f", seed {record.seed}, is not of this run"
                elif records.setdefault(record.key, record) is not record:
                    wrong = " is there before"
                if wrong:
                    what = f"trial {record.index} of {record.group} by {record.policy}"
                    damaged.append(f"{where}: {what}{wrong}; the line is left out")
    except (EOFError, lzma.LZMAError) as error:
        damaged.append(f"{path} is damaged after line {number} ({error}); the rest is left out")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    return list(records.values()), damaged


def parse_line(line: bytes, where: str) -> TrialRecord:
    """Parse a trial's record from its line.

    Raises:
        UserError: it is no JSON, or no trial's record; the message begins with `where`.
    """
    try:
        value = json.loads(line)
    except ValueError as error:  # of JSON, or of UTF-8
        raise UserError(f"{where} is cut or damaged: it is not JSON") from error
    if isinstance(value, dict):
        complete(value)
    return from_json(TrialRecord, value, where)


def to_line(record: TrialRecord) -> str:
    """Format a trial as a line: times to a millisecond, other numbers to four decimals.

    A goal of which anything is visible stays visible: its fraction is at least 0.0001.
    """
    fields = _rounded(dataclasses.asdict(record), 4)
    if record.visible_fraction > 0:
        fields["visible_fraction"] = max(fields["visible_fraction"], 1e-4)
    return to_json(fields) + "\n"


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v, 3 if k.endswith("_s") else digits) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v, digits) for v in value]
    return round(value, digits) if isinstance(value, float) else value


class ResultsFolder:
    """An open results folder; only this process writes to it.

    Args:
        folder: exists.
        settings: of the run, merged with those of earlier commands.
        file: its trials.jsonl, to append to without a buffer.
    """

    def __init__(self, folder: Path, settings: Settings, file: FileIO) -> None:
        self.folder, self.settings = folder, settings
        self._file = file
        if file.tell() and _last_byte(folder / TRIALS) != b"\n":
            self._write(b"\n")  # the last line was cut: begin a new one

    def read(self) -> tuple[list[TrialRecord], list[str]]:
        """Read the trials in the plan's order, and sentences on lines that are left out."""
        records, damaged = read_trials(self.folder)
        return in_order(self.settings, records), damaged

    def append(self, record: TrialRecord) -> None:
        """Add a trial, whole or not at all.

        Raises:
            UserError: the disk is full, or the file cannot be written.
        """
        self._write(to_line(record).encode())

    def _write(self, data: bytes) -> None:
        size = self._file.tell()
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            self._file.truncate(size)
            self._file.seek(size)
            raise UserError(
                f"cannot write {self.folder / TRIALS}: {error.strerror}; the trials before are "
                "kept: make room and continue with --resume"
            ) from error


@contextmanager
def open_results(out: str | Path, settings: Settings, *, resume: bool) -> Generator[ResultsFolder]:
    """Open a results folder for writing, its settings.json written first.

    Args:
        out: the folder; it may be missing.
        settings: as asked for now.
        resume: continue what is there.
    Raises:
        UserError: something else is there, or results that this run cannot continue; or nothing
            can be written; or another process is writing.
    """
    folder = Path(out).expanduser().absolute()
    is_old = (folder / SETTINGS).is_file()
    if not is_old:
        check_output_folder(out, (SETTINGS,), SETTINGS)
    elif not resume:
        raise UserError(
            f"--out {out} holds the results of an evaluation; continue it with --resume, or name "
            "a new or an empty folder"
        )
    if (folder / COMPRESSED).exists():
        raise UserError(
            f"--resume: the trials in {out} are compressed; unpack them first: "
            f"xz -d {Path(out) / COMPRESSED}"
        )
    with only_writer(folder):
        for partial in folder.glob(".*.partial"):  # what a kill left half written
            partial.unlink()
        if is_old:
            settings = merge(read_settings(folder), settings, out)
        write_json(folder / SETTINGS, settings)
        with _opened(folder / TRIALS) as file:
            yield ResultsFolder(folder, settings, file)


def in_order(settings: Settings, records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Sort a run's trials as they were planned, whatever the order in which they ended."""
    planned = enumerate(settings["groups"])
    order = {(group["policy"], group["name"]): i for i, group in planned}
    return sorted(records, key=lambda r: (order[r.policy, r.group], r.index))


def _belongs(settings: Settings) -> Callable[[TrialRecord], bool]:
    """Make a check that a trial is of a run: of one of its groups, its seed from the run's."""
    groups = {(group["policy"], group["name"]) for group in settings["groups"]}

    def belongs(record: TrialRecord) -> bool:
        spec = TrialSpec(record.group, record.index, record.scene, 0, 0, settings["seed"])
        known = (record.policy, record.group) in groups
        return known and record.seed == spec.seed(len(record.faults))

    return belongs


def _opened(path: Path) -> FileIO:
    try:
        return open(path, "ab", buffering=0)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error


def _last_byte(path: Path) -> bytes:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
