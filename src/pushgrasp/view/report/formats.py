"""Formats of the report's numbers; a missing value is a dash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NONE = "–"


def percent(share: float | None) -> str:
    """Format a share in percent: 97.4 for 0.974."""
    return NONE if share is None else f"{100 * share:.1f}"


def percents(interval: Sequence[float] | None) -> str:
    """Format an interval in percent: 95.6–98.5 for (0.956, 0.985)."""
    return numbers(interval and [100 * end for end in interval], 1).replace("100.0", "100")


def number(value: float | None, digits: int = 2) -> str:
    """Format a number with so many decimals."""
    return NONE if value is None else f"{value:.{digits}f}"


def numbers(interval: Sequence[float] | None, digits: int = 2, *, signed: bool = False) -> str:
    """Format both ends of an interval."""
    if interval is None:
        return ""
    if signed:
        return " to ".join(signed_number(value, digits) for value in interval)
    return "–".join(f"{value:.{digits}f}" for value in interval)


def signed_number(value: float | None, digits: int = 2) -> str:
    """Format a number with its sign."""
    return NONE if value is None else f"{value:+.{digits}f}".replace("-", "−")


def p_value(p: float) -> str:
    """Format a p value to three decimals, or as less than 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def seconds(value: float | None) -> str:
    """Format a time: milliseconds below one second, else seconds."""
    if value is None:
        return NONE
    return f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s"


def trial_counts(groups: Sequence[dict[str, Any] | None]) -> str:
    """Count the trials of each group, once if all have as many; see evaluation.metrics."""
    known = [group for group in groups if group is not None]
    counts = [
        f"{g['trials']:,}" if g["trials"] == g["wanted"] else f"{g['trials']:,} of {g['wanted']:,}"
        for g in known
    ]
    if len(set(counts)) > 3:
        return f"{min(g['trials'] for g in known):,} to {max(g['trials'] for g in known):,}"
    return counts[0] if len(set(counts)) == 1 else " / ".join(counts)
