"""Errors that the caller has to act on."""

from __future__ import annotations


class UserError(Exception):
    """Bad input: a sentence that names the value, what was expected and what to do.

    The command line prints the sentence and exits with code 2.
    """


class SimulatorFault(Exception):
    """The simulation became unphysical; the trial says nothing about the policy."""


class RobotError(Exception):
    """A robot could not carry out a command and has stopped."""
