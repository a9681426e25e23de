"""Intervals and the paired test, against known values and other programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pushgrasp.evaluation.intervals import bootstrap, mcnemar, wilson


def test_wilson_known_values() -> None:
    assert wilson(95, 100) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 successes of 2"):
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
