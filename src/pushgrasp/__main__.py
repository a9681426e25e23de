"""`python -m pushgrasp` is `pushgrasp`."""

from .cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
