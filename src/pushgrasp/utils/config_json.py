"""Configuration dataclasses from JSON, read strictly: errors name the wrong field."""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..errors import UserError
from .files import read_json

T = TypeVar("T")


@dataclass(frozen=True)
class FileFormat:
    """A kind of JSON file that says what it is in its fields `format` and `version`."""

    name: str  # "pushgrasp-policy"
    version: int
    kind: str  # in messages, with its article: "a policy's configuration"

    @property
    def header(self) -> dict[str, Any]:
        """The fields `format` and `version`, to be written first."""
        return {"format": self.name, "version": self.version}

    def read(self, path: str | Path) -> dict[str, Any]:
        """Read such a file and check these two fields; the others are not checked.

        Raises:
            UserError: the file is missing, not JSON, or of another format or version.
        """
        found = read_json(path)
        if not isinstance(found, dict) or found.get("format") != self.name:
            raise UserError(
                f"{path} is not {self.kind}: its format is not {self.name!r}. Such a file begins "
                f'with {{"format": "{self.name}", "version": {self.version}, ...'
            )
        if found.get("version") != self.version:
            raise UserError(
                f"{path} has format version {found.get('version')!r}; this pushgrasp reads "
                f"version {self.version}"
            )
        return found


def from_json(kind: type[T], value: object, where: str) -> T:
    """Build a configuration dataclass from parsed JSON, the inverse of `dataclasses.asdict`.

    A missing field takes its default, so files written before it was added stay valid. A field
    that was removed since stands in the dataclass's `RETIRED`; null, once its default, still loads.

    Args:
        kind: a dataclass of int, float, str, bool, Literal, Enum, None, tuples and dataclasses.
        value: the parsed JSON.
        where: the file and place, for the message.
    Raises:
        UserError: a field is unknown or lacks a default, or a value is of another type.
    """
    return _read(kind, value, where)


def _read(kind: Any, value: Any, where: str) -> Any:
    origin, choices = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _read_record(kind, value, where)
    if origin is Literal:
        if value in choices:
            return value
        raise UserError(f"{where} is {value!r}; it must be one of {', '.join(map(str, choices))}")
    if origin in (types.UnionType, typing.Union):  # a Literal or None is a typing.Union
        if value is None and type(None) in choices:
            return None
        (kind,) = (choice for choice in choices if choice is not type(None))
        return _read(kind, value, where)
    if origin is tuple:
        many = choices[-1] is Ellipsis
        if not isinstance(value, list | tuple) or not (many or len(value) == len(choices)):
            raise UserError(
                f"{where} is {value!r}; it must be a list" + ("" if many else f" of {len(choices)}")
            )
        kinds = [choices[0]] * len(value) if many else choices
        return tuple(
            _read(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True))
        )
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        values = [member.value for member in kind]
        if value in values:
            return kind(value)
        raise UserError(f"{where} is {value!r}; it must be one of {', '.join(map(str, values))}")
    if kind is float and type(value) is int:
        return float(value)  # files.read_json refuses integers that are too large
    if type(value) is not kind:
        raise UserError(f"{where} is {value!r}; it must be of type {kind.__name__}")
    if kind is float and not math.isfinite(value):
        raise UserError(f"{where} is {value!r}; it must be a finite number")
    return value


@functools.cache  # it evaluates every annotation again, and a file may hold thousands of records
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read_record(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise UserError(f"{where} is {value!r}; it must be an object with named fields")
    retired: tuple[str, ...] = getattr(kind, "RETIRED", ())
    for name in retired:
        if value.get(name) is not None:
            raise UserError(
                f"{where}: {name} is {value[name]!r}, but this setting was removed; only null, "
                "which is without it, can still be read"
            )
    value = {name: v for name, v in value.items() if name not in retired}
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(value.keys() - fields.keys()):
        raise UserError(
            f"{where} has the unknown field {unknown[0]!r}; there are: {', '.join(fields)}"
        )
    for name, field in fields.items():
        required = field.default is field.default_factory is dataclasses.MISSING
        if required and name not in value:
            raise UserError(f"{where} lacks the field {name!r}")
    kinds = _hints(kind)
    return kind(**{name: _read(kinds[name], v, f"{where}: {name}") for name, v in value.items()})


def check_range(config: object, name: str, low: float, high: float) -> None:
    """Check a number of a configuration dataclass; for its `__post_init__`.

    Raises:
        UserError: it is below `low` or above `high`.
    """
    value = getattr(config, name)
    if not low <= value <= high:
        raise UserError(f"{type(config).__name__}: {name} is {value}; it must be {low} to {high}")
