"""Imports of packages that an extra installs."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import UserError


def need(module: str, extra: str) -> Any:
    """Import a module of an extra.

    Args:
        module: its import name.
        extra: the extra of this package that installs it.
    Raises:
        UserError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(
            f"this needs {module.partition('.')[0]}, which is not installed. Install the extra "
            f"\"{extra}\": pip install '.[{extra}]' in the source folder"
        ) from error
