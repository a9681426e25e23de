"""Runs a command as a user would, in this process."""

from __future__ import annotations

import pytest

from pushgrasp.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Run a command.

    Returns:
        Exit code, and what it wrote to stdout and stderr.
    """
    try:
        code = main(argv)
    except SystemExit as stop:  # the parser's own way out
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err
