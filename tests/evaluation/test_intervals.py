"""Intervals and the paired test, against known values and other programs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pushgrasp.evaluation.intervals import bootstrap, mcnemar, sign_flip, wilson


def test_wilson_known_values() -> None:
    assert wilson(95, 100) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 successes in 2"):
        wilson(3, 2)


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_rate_and_is_symmetric(n: int, data) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert low <= k / n <= high
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_bootstrap_of_a_mean_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(5).normal(4.0, 2.0, 400)
    interval = bootstrap(values.tolist())
    assert interval is not None
    half = 1.96 * values.std() / np.sqrt(400)
    assert interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_bootstrap_of_a_ratio_resamples_both_parts_together() -> None:
    interval = bootstrap(5 * [1, 0], 5 * [1, 9])  # 5 times 1 of 1 and 0 of 9
    assert interval is not None
    assert interval[0] < 0.1 < interval[1] < 0.5  # about 5 of 50; of shares it would be 0.5


def test_bootstrap_is_the_same_each_time() -> None:
    first = bootstrap([1, 2, 3, 9, 4])
    assert first is not None
    assert first == bootstrap([1, 2, 3, 9, 4])


def test_nothing_has_no_interval() -> None:
    assert bootstrap([]) is None
    assert bootstrap(6 * [0.0], 6 * [0.0]) is None


def test_too_little_and_no_spread_have_no_interval() -> None:
    assert bootstrap([1, 2, 3, 9]) is None
    grasps = [1, 2, 10, 3, 4, 6]
    assert bootstrap([g / 2 for g in grasps], grasps) is None  # one half, in every trial
    assert bootstrap(30 * [2.0]) is None


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_exact_binomial_test(only_a: int, only_b: int) -> None:
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(only_a, only_b) == pytest.approx(float(expected), rel=1e-9)


# --- trials that are not independent --------------------------------------------------------

# completed trials of 30 in each of the ten challenging scenes, as first published
DEFAULT = (30, 30, 30, 30, 29, 29, 30, 30, 29, 30)
PAPER = (24, 23, 30, 17, 23, 24, 25, 21, 17, 20)
NO_SWITCHING = (27, 22, 24, 16, 23, 23, 27, 13, 16, 21)
WANG = (18, 12, 25, 10, 23, 19, 25, 13, 8, 25)
GEOMETRIC = (25, 30, 30, 30, 21, 29, 30, 27, 26, 30)


@pytest.mark.parametrize(
    ("a", "b", "p", "low", "high"),
    [
        (DEFAULT, PAPER, 0.0039, 0.17, 0.31),
        (PAPER, WANG, 0.031, 0.05, 0.24),
        (DEFAULT, GEOMETRIC, 0.125, 0.01, 0.12),
        (PAPER, NO_SWITCHING, 0.375, -0.02, 0.11),
    ],
)
def test_ten_scenes_are_ten_units(
    a: tuple[int, ...], b: tuple[int, ...], p: float, low: float, high: float
) -> None:
    gains = [x - y for x, y in zip(a, b, strict=True)]
    assert sign_flip(gains) == pytest.approx(p, abs=5e-4)
    interval = bootstrap(gains, [30] * 10, range(10))
    assert interval == pytest.approx((low, high), abs=0.01)


@given(st.lists(st.integers(-30, 30), max_size=9))
def test_sign_flip_counts_all_signs(differences: list[int]) -> None:
    seen = abs(sum(differences))
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    assert sign_flip(differences) == pytest.approx(sum(s >= seen for s in sums) / len(sums))


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5))
def test_sign_flip_of_single_trials_is_mcnemars_test(a: int, b: int, alike: int) -> None:
    assert sign_flip([1] * a + [-1] * b + [0] * alike) == pytest.approx(mcnemar(a, b), rel=1e-6)


def test_clusters_are_resampled_with_all_their_trials() -> None:
    successes = [1.0] * 30 * 7 + [0.0] * 30 * 3  # ten scenes, three of which always fail
    scenes = [i // 30 for i in range(300)]
    trials, clusters = bootstrap(successes), bootstrap(successes, None, scenes)
    assert trials is not None
    assert clusters is not None
    assert clusters[0] < trials[0] < 0.7 < trials[1] < clusters[1]
    alone = bootstrap(successes, None, range(300))  # each trial its own cluster
    assert alone == trials
    assert bootstrap(successes[:120], None, scenes[:120]) is None  # four scenes
