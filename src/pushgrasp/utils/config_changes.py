"""Settings by name: replace single values of a configuration, as `--set stages.2.n_samples=500`."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from ..errors import UserError
from .config_json import from_json

T = TypeVar("T")

_WORDS = {"none": None, "true": True, "false": False}
_LARGEST_INTEGER = 2**63


def with_settings(config: T, settings: Sequence[str], what: str) -> T:
    """Return a configuration with some values replaced.

    Args:
        config: a configuration dataclass that `from_json` can read back.
        settings: "NAME=VALUE" each. A name joins fields and positions in lists, from 0, by dots:
            "stages.2.n_samples". A value is JSON, a word, or a list without brackets: "10,20". A
            single value stands for a list of one.
        what: the configuration, for messages: "recipe default".
    Raises:
        UserError: a name is unknown (the message lists the valid ones), or a value does not fit.
    """
    tree: dict[str, Any] = dataclasses.asdict(config)  # pyright: ignore[reportArgumentType]
    for setting in settings:
        name, value = split_setting(setting)
        _replace(tree, name, value, what)
    return from_json(type(config), tree, what)


def split_setting(setting: str) -> tuple[str, Any]:
    """Split "NAME=VALUE" into the name and the parsed value.

    Raises:
        UserError: there is no name or no "=", or the value is an integer that is too large.
    """
    name, sign, text = setting.partition("=")
    if not (name.strip() and sign):
        raise UserError(f"{setting!r} is no setting; write NAME=VALUE")
    return name.strip(), _parse(text.strip())


def unknown_name(name: str, names: Iterable[str], what: str) -> UserError:
    """Return the error for a name that a configuration does not have; it lists the valid ones."""
    valid = list(names)
    close = difflib.get_close_matches(name, valid, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return UserError(f"{what} has no setting {name!r}{hint} The settings are: {', '.join(valid)}")


def _parse(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = json.loads(text)
    except ValueError:  # a word, or a number of thousands of digits
        return [_parse(part.strip()) for part in text.split(",")] if "," in text else text
    except RecursionError:
        raise UserError(f"{text[:40]}... is nested too deeply for a setting") from None
    if isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
        raise UserError(f"{text[:40]} is too large for a setting")
    return value


def _replace(tree: dict[str, Any], name: str, value: Any, what: str) -> None:
    """Replace one value in nested dicts and tuples, which become lists."""
    *parents, last = name.split(".")
    node: Any = tree
    where = what
    for part in parents:
        key = _key(node, part, where)
        if isinstance(node[key], tuple):
            node[key] = list(node[key])
        node, where = node[key], f"{where}{': ' if where == what else '.'}{part}"
        if not isinstance(node, dict | list):
            raise UserError(f"{where} is a single value; it has no setting {last!r}")
    key = _key(node, last, where)
    if isinstance(node[key], tuple | list) and not isinstance(value, list):
        value = [value]
    node[key] = value


def _key(node: dict[str, Any] | list[Any], part: str, where: str) -> Any:
    if isinstance(node, dict):
        if part not in node:
            raise unknown_name(part, node, where)
        return part
    if not (part.isdecimal() and part.isascii() and int(part) < len(node)):
        raise UserError(f"{where} has no entry {part!r}; the entries are 0 to {len(node) - 1}")
    return int(part)
