"""How sure a rate is: intervals and a test of two policies in the same scenes."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, sqrt

import numpy as np

RESAMPLES = 2000
"""Of a bootstrap."""
FEWEST = 5
"""Trials of which a bootstrap is taken; fewer hold too little of what might have been."""


def wilson(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Args:
        successes: 0 to n.
        n: trials; of none, nothing is known.
        z: standard deviations; the default is 95 %.
    Returns:
        The lower and the upper end, in 0 to 1.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} trials")
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    middle = p + z * z / (2 * n)
    spread = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = (middle - spread) / scale if successes else 0.0  # exact, whatever the rounding
    high = (middle + spread) / scale if successes < n else 1.0
    return low, high


def bootstrap(
    above: Sequence[float], below: Sequence[float] | None = None
) -> tuple[float, float] | None:
    """95 % percentile interval of a mean or of a ratio of sums, by resampling trials.

    Args:
        above: a number of each trial, in an order that does not depend on chance.
        below: the ratio's other part, of the same trials; None: ones, which makes it a mean.
    Returns:
        The lower and the upper end, the same for the same numbers. None for fewer than FEWEST
        trials, and where all resamples agree: that is not to know for certain.
    """
    if len(above) < FEWEST:
        return None
    numerators = np.asarray(above, float)
    denominators = np.ones(len(above)) if below is None else np.asarray(below, float)
    drawn = np.random.default_rng(0).integers(len(above), size=(RESAMPLES, len(above)))
    sums = numerators[drawn].sum(axis=1), denominators[drawn].sum(axis=1)
    defined = sums[1] > 0
    if not defined.any():
        return None
    low, high = np.quantile(sums[0][defined] / sums[1][defined], (0.025, 0.975))
    return (float(low), float(high)) if low < high else None


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p of McNemar's test: are two policies as often alone in their success?

    Args:
        only_a: scenes in which only the first succeeded.
        only_b: those in which only the second did.
    """
    n = only_a + only_b
    tail = sum(comb(n, k) for k in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / 2**n)
