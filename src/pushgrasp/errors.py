"""What the package raises when the caller, not the package, has to act."""

from __future__ import annotations


class UserError(Exception):
    """Bad input: a sentence that names the value, what was expected and what to do.

    The command line prints the sentence and exits with code 2.
    """


class SimulatorFault(Exception):
    """The simulator did something impossible; the trial says nothing about the policy."""


class RobotError(Exception):
    """A robot could not do what it was told; it has stopped."""
