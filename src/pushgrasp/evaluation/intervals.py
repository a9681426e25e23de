"""Confidence intervals of rates, and tests of two policies in the same scenes.

Trials in perturbed copies of one scene are not independent: what makes the scene easy or hard for a
policy is in all of them. Over a family of scenes, the scene is therefore the unit that is resampled
(cluster bootstrap) and whose sign is flipped (permutation test).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

Interval = tuple[float, float]

RESAMPLES = 2000
"""Of a bootstrap."""
FEWEST = 5
"""Units (trials or scenes) below which there is no bootstrap: too few to show the spread."""


def wilson(successes: int, n: int) -> Interval:
    """Compute Wilson's 95 % score interval of a proportion.

    Args:
        successes: 0 to n.
        n: independent trials; 0 gives (0, 1).
    Returns:
        The lower and the upper end, 0 to 1.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes in {n} trials")
    if n == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest  # takes a second to import

    interval = binomtest(successes, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def bootstrap(
    numerators: Sequence[float],
    denominators: Sequence[float] | None = None,
    clusters: Sequence[Hashable] | None = None,
) -> Interval | None:
    """Compute the 95 % percentile interval of a mean, or of a ratio of sums.

    Args:
        numerators: one number per trial, in an order that does not depend on the run.
        denominators: the ratio's other part, one per trial; None: ones, which gives the mean.
        clusters: the scene of each trial: scenes are resampled, with all their trials; None:
            trials are resampled.
    Returns:
        The lower and the upper end, the same for the same numbers. None for fewer than FEWEST
        units, and where all resamples agree, which is no certainty.
    """
    above = np.asarray(numerators, float)
    below = np.ones(len(above)) if denominators is None else np.asarray(denominators, float)
    if clusters is not None:
        above, below = (_sums(values, clusters) for values in (above, below))
    n = len(above)
    if n < FEWEST:
        return None
    drawn = np.random.default_rng(0).integers(n, size=(RESAMPLES, n))
    sums = above[drawn].sum(axis=1), below[drawn].sum(axis=1)
    defined = sums[1] > 0
    if not defined.any():
        return None
    low, high = np.quantile(sums[0][defined] / sums[1][defined], (0.025, 0.975))
    return (float(low), float(high)) if low < high else None


def mcnemar(only_a: int, only_b: int) -> float:
    """Compute McNemar's exact two-sided p: do two policies differ in success on paired trials?

    Args:
        only_a: independent scenes in which only the first policy succeeded.
        only_b: those in which only the second did.
    """
    if only_a + only_b == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b).pvalue)


def sign_flip(differences: Sequence[int]) -> float:
    """Compute the exact two-sided p of a sign-flip test of paired scenes.

    If two policies were alike, the difference of every scene would have either sign with equal
    probability: p is the share of all 2**n choices of signs whose sum is at least as far from 0 as
    the one that was seen. The least possible p of n scenes is 2**(1 - n).

    Args:
        differences: of each scene: the trials that only the first policy completed less those
            that only the second did.
    """
    reach = sum(abs(d) for d in differences)
    sums = np.zeros(2 * reach + 1)  # probability of each sum; index `reach` is 0
    sums[reach] = 1.0
    for size in filter(None, map(abs, differences)):
        sums = (np.roll(sums, size) + np.roll(sums, -size)) / 2  # never wraps: see `reach`
    seen = abs(sum(differences))
    return min(1.0, float(sums[: reach - seen + 1].sum() + sums[reach + seen :].sum()))


def _sums(values: np.ndarray, clusters: Sequence[Hashable]) -> np.ndarray:
    """Sum per cluster, in the order of their first trials."""
    places: dict[Hashable, int] = {}
    index = [places.setdefault(cluster, len(places)) for cluster in clusters]
    return np.bincount(np.array(index, int), weights=values, minlength=len(places))
