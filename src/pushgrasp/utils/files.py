"""Files that are either whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import fcntl
import json
import math
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError


def write_atomic(path: str | Path, content: bytes | str) -> None:
    """Write a file whole or not at all; an older one stays until the new one is complete.

    Args:
        path: where; its folder is made if missing.
        content: bytes, or text to be written as UTF-8.
    Raises:
        UserError: the place cannot be written, or the disk is full.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        with suppress(OSError):  # gone already unless something went wrong
            beside.unlink()


def write_json(path: str | Path, value: object) -> None:
    """Write a value as indented JSON; see `to_json` and `write_atomic`."""
    write_atomic(path, to_json(value, indent=2) + "\n")


def to_json(value: object, indent: int | None = None) -> str:
    """A value as strict JSON: NumPy numbers and arrays as plain ones, NaN and infinity as null.

    Args:
        value: made of dicts, sequences, strings, numbers, None, paths and NumPy arrays.
        indent: spaces a level; None for a single line.
    """
    return json.dumps(_plain(value), indent=indent, allow_nan=False, ensure_ascii=False)


def read_json(path: str | Path) -> Any:
    """The value in a JSON file.

    Raises:
        UserError: the file is missing, unreadable or not JSON; the message says where.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {_reason(error)}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a JSON file: it is not text") from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path} is not a JSON file: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error


def check_output_file(path: str | Path, option: str, ending: str) -> None:
    """Whether a file may be written at a place, before any work is done.

    Args:
        path: of the file; it may be missing, or one to replace.
        option: that named it, for the message.
        ending: that its name must have, such as ".rrd".
    Raises:
        UserError: its name ends otherwise, it is a folder, or nothing can be written there.
    """
    file = Path(path).expanduser().absolute()
    if file.suffix != ending:
        raise UserError(f"{option} {path}: the file's name must end in {ending}")
    if file.is_dir():
        raise UserError(f"{option} {path} is a folder; name a file")
    parent = next(p for p in file.parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise UserError(f"{option} {path} cannot be written: {parent} is not a folder to write in")


def check_output_folder(path: str | Path, contents: Collection[str], marker: str) -> Path:
    """Whether results may be put at a place, before any work is done.

    Args:
        path: the folder that the results shall become; it may be missing, empty, or hold
            earlier results of the same kind.
        contents: names of the files and folders that such results consist of.
        marker: the one of them that all such results have.
    Returns:
        The absolute path.
    Raises:
        UserError: something else is there, or nothing can be written there.
    """
    folder = Path(path).expanduser().absolute()
    if folder.exists() or folder.is_symlink():
        if not folder.is_dir() or folder.is_symlink():
            raise UserError(f"--out {path} is not a folder; name a new or an empty one")
        if folder.samefile(Path.cwd()) or os.path.ismount(folder):
            raise UserError(f"--out {path} cannot be replaced as a whole; name a folder inside it")
        found = {entry.name for entry in folder.iterdir()}
        if found and (marker not in found or not found <= set(contents)):
            other = ", ".join(sorted(found - set(contents))[:3]) or f"no {marker}"
            raise UserError(
                f"--out {path} holds something else ({other}); name a new or an empty folder"
            )
    parent = next(p for p in folder.parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise UserError(f"--out {path} cannot be made: {parent} is not a folder to write in")
    return folder


@contextmanager
def output_folder(path: str | Path, contents: Collection[str], marker: str) -> Iterator[Path]:
    """A folder of results that appears whole when the block ends, and not at all if it raises.

    The results are gathered in a hidden folder beside their place. Earlier results of the
    same kind are replaced at the end; anything else that is there is refused at the start.

    Args:
        path, contents, marker: as for `check_output_folder`.
    Yields:
        The folder to write into.
    Raises:
        UserError: see `check_output_folder`; also when the disk is full at the end.
    """
    folder = check_output_folder(path, contents, marker)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        partial.chmod(0o777 & ~_umask())
    except OSError as error:
        raise UserError(f"--out {path} cannot be made: {_reason(error)}") from error
    try:
        yield partial
        check_output_folder(folder, contents, marker)
        _swap(partial, folder)
    except OSError as error:
        raise UserError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone.

    Args:
        folder: made if missing.
    Raises:
        UserError: another process holds it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"--out {folder} cannot be made: {_reason(error)}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"another process is writing to {folder}; wait or stop it") from error
        yield
    finally:
        os.close(descriptor)


def _swap(new: Path, place: Path) -> None:
    old = new.with_name(new.name + ".old")
    if place.exists():
        os.rename(place, old)
    try:
        os.rename(new, place)
    except OSError:
        if old.exists():
            os.rename(old, place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
