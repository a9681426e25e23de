"""`python -m pushgrasp` is `pushgrasp`."""

from __future__ import annotations

import sys


def run() -> int:
    """Run the command line; Ctrl-C is caught while it is imported, too."""
    try:
        from .cli.main import main

        return main()
    except KeyboardInterrupt:
        print("pushgrasp: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(run())
