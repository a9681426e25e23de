"""Imports the package before any test imports torch, for the setting of OpenMP that it makes."""

from hypothesis import settings

import pushgrasp  # noqa: F401

# A machine under load is no reason to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
