"""Numbers as the report writes them; a value that does not exist is a dash."""

from __future__ import annotations

from collections.abc import Sequence

NONE = "–"


def percent(share: float | None) -> str:
    """97.4 of 0.974."""
    return NONE if share is None else f"{100 * share:.1f}"


def percents(interval: Sequence[float] | None) -> str:
    """95.6–98.5 of (0.956, 0.985)."""
    return numbers(interval and [100 * end for end in interval], 1).replace("100.0", "100")


def number(value: float | None, digits: int = 2) -> str:
    """With so many decimals."""
    return NONE if value is None else f"{value:.{digits}f}"


def numbers(interval: Sequence[float] | None, digits: int = 2, *, signed: bool = False) -> str:
    """Both ends of an interval."""
    if interval is None:
        return ""
    if signed:
        return " to ".join(difference(value, digits) for value in interval)
    return "–".join(f"{value:.{digits}f}" for value in interval)


def difference(value: float | None, digits: int = 2) -> str:
    """With its sign."""
    return NONE if value is None else f"{value:+.{digits}f}".replace("-", "−")


def p_value(p: float) -> str:
    """To three decimals; a very small one as less than a thousandth."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def seconds(value: float | None) -> str:
    """Milliseconds below one second, else seconds."""
    if value is None:
        return NONE
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s"


def plural(n: int, noun: str) -> str:
    """1 trial, 2 trials, 1,000 trials."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
