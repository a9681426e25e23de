"""Imports of drivers' packages, with a sentence that names the pip command if one is missing."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from ..errors import UserError

_NEWEST_PYTHON = {"ur": (3, 12)}  # for which there are wheels


def need(module: str, extra: str, *, also: str = "") -> ModuleType:
    """Import a module of an extra.

    Args:
        module: its import name.
        extra: the extra of this package that installs it.
        also: a system package that it needs, as an apt command; "" for none.
    Raises:
        UserError: it is not installed or does not load; the message says what to run.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        system = f", and {also}" if also else ""
        if extra in _NEWEST_PYTHON and sys.version_info[:2] > (newest := _NEWEST_PYTHON[extra]):
            system += f", with Python {newest[0]}.{newest[1]}: there is no wheel for newer ones"
        raise UserError(
            f"the {extra} driver needs {module}, which cannot be imported ({error}); "
            f"run: pip install '.[{extra}]'{system}"
        ) from error
