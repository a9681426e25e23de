"""The tool never leaves its box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgrasp.errors import UserError
from pushgrasp.hardware.fence import Fence

BOX = Fence((-0.8, -0.3, 0.001), (-0.2, 0.6, 0.4))
anywhere = st.tuples(*[st.floats(-2, 2)] * 3)


@given(anywhere)
def test_a_place_is_allowed_exactly_when_it_is_inside(point: tuple[float, float, float]) -> None:
    inside = all(lo <= p <= hi for lo, p, hi in zip(BOX.low, point, BOX.high, strict=True))
    assert (BOX.refuses(point) == "") == inside


@pytest.mark.parametrize("bad", [(np.nan, 0, 0.1), (np.inf, 0, 0.1), (-0.5, 0)])
def test_what_is_no_position_is_refused(bad: tuple[float, ...]) -> None:
    assert "not a position" in BOX.refuses(bad)


def test_the_reason_names_axis_and_distance() -> None:
    assert BOX.refuses((-0.5, 0.0, -0.004)).endswith("z is 5 mm below 0.001 m")
    assert BOX.refuses((-0.1, 0.0, 0.1)).endswith("x is 100 mm above -0.200 m")


def test_an_empty_box_is_refused() -> None:
    with pytest.raises(UserError, match="empty"):
        Fence((0, 0, 0), (1, 0, 1))
