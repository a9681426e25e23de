"""Imports the package before any test imports torch, for the setting of OpenMP that it makes."""

import pushgrasp  # noqa: F401
