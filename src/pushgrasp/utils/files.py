"""Text and JSON files, read strictly and written whole or not at all."""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError

_MAX_DIGITS = 300  # of an integer in a JSON file; more would not fit into a float either


def write_atomic(path: str | Path, content: bytes | str) -> None:
    """Write a file whole or not at all; an older one stays until the new one is complete.

    The content goes to a temporary file beside the target, with a unique name, and is renamed:
    several threads or processes, on several machines, may write the same file.

    Args:
        path: target; its folder is created if missing.
        content: bytes, or text to be encoded as UTF-8.
    Raises:
        UserError: the path is not writable, or the disk is full.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    beside = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from error
    finally:
        with suppress(OSError):  # already renamed unless something went wrong
            beside.unlink()


def temporary_beside(path: Path) -> Path:
    """Return an unused hidden path in the same folder, `.NAME.XXXXXXXX.partial`."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def write_json(path: str | Path, value: object) -> None:
    """Write a value as indented JSON; see `to_json` and `write_atomic`."""
    write_atomic(path, to_json(value, indent=2) + "\n")


def to_json(value: object, indent: int | None = None) -> str:
    """Encode a value as strict JSON: NumPy values as plain ones, NaN and infinity as null.

    Args:
        value: made of dicts, sequences, strings, numbers, None, paths and NumPy arrays.
        indent: spaces per level; None for a single line.
    """
    return json.dumps(_plain(value), indent=indent, allow_nan=False, ensure_ascii=False)


def read_text(path: str | Path, kind: str = "text file", max_bytes: int | None = None) -> str:
    """Read a UTF-8 text file; a byte-order mark is dropped and line ends become newlines.

    Args:
        path: the file.
        kind: name of such a file in messages, such as "scene file".
        max_bytes: refuse longer files; None for no limit.
    Raises:
        UserError: the file is missing, unreadable, too long or not text.
    """
    path = Path(path)
    try:
        if max_bytes is not None and path.stat().st_size > max_bytes:
            raise UserError(f"{path} is not a {kind}: it is longer than {max_bytes:,} bytes")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"cannot read the {kind} {path}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a {kind}: it is not text ({error.reason})") from error


def read_json(path: str | Path, kind: str = "JSON file", max_bytes: int | None = None) -> Any:
    """Read the value in a JSON file; a field that occurs twice in an object is an error.

    Args:
        path, kind, max_bytes: see `read_text`.
    Raises:
        UserError: the file is missing, unreadable, too long or not JSON; the message says where.
    """
    text = read_text(path, kind, max_bytes)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise UserError(f"{path} has the field {twice!r} twice in one object; keep one")
        return value

    def integer(digits: str) -> int:
        if len(digits) > _MAX_DIGITS:
            raise UserError(f"{path} is not a {kind}: it has a number of {len(digits)} digits")
        return int(digits)

    try:
        return json.loads(text, object_pairs_hook=unique, parse_int=integer)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UserError(f"{path} is not a {kind}: {error.msg} at {place}") from error
    except RecursionError as error:
        raise UserError(f"{path} is not a {kind}: it is nested too deeply") from error


def reason(error: OSError) -> str:
    """Return the system's message for an error, such as "No space left on device"."""
    return error.strerror or str(error)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
