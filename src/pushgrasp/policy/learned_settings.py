"""Settings of a learned policy that a user changes: "default,max_pushes=3,grasp_depth=0.025"."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import UserError
from ..primitives import PrimitiveConfig
from ..utils.config_changes import split_setting, unknown_name
from ..utils.config_json import from_json
from .config import DecisionConfig, PolicyConfig

_RULE = tuple(field.name for field in dataclasses.fields(DecisionConfig))
_PRIMITIVE = tuple(field.name for field in dataclasses.fields(PrimitiveConfig))


def split_settings(source: str) -> tuple[str, list[str]]:
    """Split "NAME,A=1,B=2" into the name and ["A=1", "B=2"].

    A comma in a folder's name is part of it, unless all that follows are settings.
    """
    name, *parts = source.split(",")
    while parts and not all("=" in part for part in parts):
        name = f"{name},{parts.pop(0)}"
    return name, parts


def parse_settings(settings: Sequence[str], policy: str) -> dict[str, Any]:
    """Parse settings of the rule (`DecisionConfig`) and the primitives (`PrimitiveConfig`).

    Args:
        settings: "NAME=VALUE" each.
        policy: its name, for messages.
    Raises:
        UserError: a name is unknown (the message lists the valid ones), is given twice, or a
            value is of another type or out of range.
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        name, value = split_setting(setting)
        if name not in (*_RULE, *_PRIMITIVE):
            raise unknown_name(name, (*_RULE, *_PRIMITIVE), f"policy {policy}")
        if name in changes:
            raise UserError(f"policy {policy}: {name} is set twice; set it once")
        kind = DecisionConfig if name in _RULE else PrimitiveConfig
        changes[name] = getattr(from_json(kind, {name: value}, f"policy {policy}"), name)
    return changes


def with_changes(
    config: PolicyConfig, changes: Mapping[str, Any]
) -> tuple[DecisionConfig, PrimitiveConfig]:
    """Return a policy's rule and primitives with the changes of `parse_settings`."""
    rule = {name: value for name, value in changes.items() if name in _RULE}
    primitive = {name: value for name, value in changes.items() if name in _PRIMITIVE}
    return replace(config.decision, **rule), replace(config.primitive, **primitive)
