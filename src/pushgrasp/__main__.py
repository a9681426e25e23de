"""`python -m pushgrasp` is `pushgrasp`."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress

EXIT_INTERRUPTED = 130


def run() -> int:
    """Run the command line; Ctrl-C is caught while it is imported, too."""
    try:
        from .cli.main import main

        code = main()
    except KeyboardInterrupt:
        print("pushgrasp: interrupted", file=sys.stderr)
        code = EXIT_INTERRUPTED
    if code == EXIT_INTERRUPTED:
        _exit(code)
    return code


def _exit(code: int) -> None:
    """Exit with a code that the interpreter cannot replace.

    CPython ends by SIGINT whatever the exit code is if an interrupt has once passed through
    Python code run by an extension (`PyRun_String`), as while torch is being imported.
    """
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    raise SystemExit(run())
