"""The numbers of a value policy, and the `config.json` that holds them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...utils.config_json import FileFormat, check_range, from_json
from ..config import CONFIG

VALUE_FORMAT = FileFormat("pushgrasp-value-policy", 1, "a value policy's configuration")
VERSION = 1
"""Raise it when equal weights lead to another decision: it is part of the policy's hash."""


@dataclass(frozen=True)
class ValueConfig:
    """From the values of candidates to an action."""

    base: str = "default"
    """Learned policy whose GraspNet scores candidates and whose choice is a candidate, too."""
    margin: float = 0.04
    """By which a candidate's value must be higher than the base's choice to be taken."""
    patience: int = 2
    """Failed grasps in a row after which the base's choice is taken."""

    def __post_init__(self) -> None:
        check_range(self, "margin", 0.0, 1.0)
        check_range(self, "patience", 1, 1_000)


@dataclass(frozen=True)
class SavedValue:
    """The content of a value policy's `config.json`."""

    decision: ValueConfig
    sha256: str  # of the file with the weights
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])  # of the training; plain JSON

    @property
    def content(self) -> dict[str, Any]:
        """Return what is written."""
        return {
            **VALUE_FORMAT.header,
            "sha256": self.sha256,
            "decision": asdict(self.decision),
            "metadata": self.metadata,
        }


def read_value_config(folder: Path) -> SavedValue:
    """Read a value policy's `config.json` and check it; the weights are not touched.

    Raises:
        UserError: the file is missing, damaged or of another kind; the message says why.
    """
    path = folder / CONFIG
    found = VALUE_FORMAT.read(path)
    return SavedValue(
        from_json(ValueConfig, found.get("decision"), f"{path}: decision"),
        from_json(str, found.get("sha256"), f"{path}: sha256"),
        from_json(dict, found.get("metadata", {}), f"{path}: metadata"),
    )
