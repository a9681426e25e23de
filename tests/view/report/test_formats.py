"""Numbers as the report writes them."""

from __future__ import annotations

from pushgrasp.view.report.formats import percents, seconds


def test_missing_values_are_dashes():
    assert seconds(None) == "–"
    assert seconds(0.0804) == "80 ms"
    assert percents(None) == ""
    assert percents((0.8672, 1.0)) == "86.7–100"
