"""Output files and folders: checked before any work is done, written whole or not at all."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import UserError
from .files import reason, temporary_beside


def check_output_file(path: str | Path, option: str, *endings: str) -> Path:
    """Check that a file may be written at a place, before any work is done.

    Args:
        path: the file; it may be missing, or an earlier one to replace. "~" is expanded.
        option: the option that named it, for the message.
        endings: suffixes that its name may have, such as ".rrd".
    Returns:
        The expanded path.
    Raises:
        UserError: the suffix is another one, the path is a folder, or nothing can be written
            there.
    """
    expanded = Path(path).expanduser()
    if expanded.suffix.lower() not in endings:
        listed = endings[0] if len(endings) == 1 else f"one of {', '.join(endings)}"
        raise UserError(f"{option} {path}: the file's name must end in {listed}")
    if expanded.is_dir():
        raise UserError(f"{option} {path} is a folder; name a file")
    parent = next(p for p in expanded.absolute().parents if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise UserError(f"{option} {path} cannot be written: {parent} is not a writable folder")
    return expanded


def check_output_folder(path: str | Path, contents: Collection[str], marker: str) -> Path:
    """Check that results may be put at a place, before any work is done.

    Args:
        path: the folder to create; it may be missing, empty, or hold earlier results of the
            same kind. "~" is expanded.
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
        raise UserError(f"--out {path} cannot be created: {parent} is not a writable folder")
    return folder


@contextmanager
def output_folder(
    path: str | Path, contents: Collection[str], marker: str
) -> Generator[Path, None, None]:
    """Create a folder of results that appears whole when the block ends, or not if it raises.

    The results are gathered in a hidden folder beside their place. Earlier results of the same
    kind are replaced at the end; anything else that is there is refused at the start. Earlier
    results that a kill in the middle of the replacement has left aside are put back first.

    Args:
        path, contents, marker: as for `check_output_folder`.
    Yields:
        The folder to write into.
    Raises:
        UserError: see `check_output_folder`; also when the disk is full at the end.
    """
    _recover(Path(path).expanduser().absolute())
    folder = check_output_folder(path, contents, marker)
    partial = temporary_beside(folder)
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"--out {path} cannot be created: {reason(error)}") from error
    try:
        yield partial
        check_output_folder(folder, contents, marker)
        _swap(partial, folder)
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from error
    finally:
        _remove(partial)


def _remove(folder: Path) -> None:
    """Remove a folder in which an interrupted encoder may still create its file."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


@contextmanager
def only_writer(folder: Path) -> Generator[None, None, None]:
    """Lock a folder for this process.

    Args:
        folder: created if missing.
    Raises:
        UserError: another process holds the lock, or the folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"--out {folder} cannot be created: {reason(error)}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"another process is writing to {folder}; wait or stop it") from error
        yield
    finally:
        os.close(descriptor)


def _swap(new: Path, place: Path) -> None:
    """Rename a folder to its place; what was there is removed only once the new one stands."""
    old = new.with_suffix(".old")
    if place.exists():
        os.rename(place, old)
    try:
        os.rename(new, place)
    except OSError:
        if old.exists():
            os.rename(old, place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _recover(place: Path) -> None:
    """Complete a `_swap` that was killed between its two renames, or before its cleanup."""
    left = re.compile(rf"\.{re.escape(place.name)}\.[0-9a-f]{{8}}\.old")
    with suppress(OSError):  # no such folder yet, or nothing may be renamed in it
        for old in sorted(place.parent.iterdir()):
            if left.fullmatch(old.name) and place.exists():
                shutil.rmtree(old, ignore_errors=True)
            elif left.fullmatch(old.name):
                os.rename(old, place)
