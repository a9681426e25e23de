"""The report's plots: marks, bars and parts are where their values are."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from pushgrasp.view.report.charts import (
    BarPart,
    Estimate,
    Series,
    bar_plot,
    el,
    nice_top,
    point_plot,
    stacked_bars,
)


def numbers_of(svg: str, element: str, attribute: str) -> list[float]:
    found = re.findall(rf"<{element}\b[^>]*?\b{attribute}=\"([^\"]*)\"", svg)
    return [float(value) for value in found]


def test_marks_and_intervals_stand_at_their_values():
    points = [Estimate(100, 50, 100, "a"), None, Estimate(0, 0, 25, "b")]
    svg = point_plot(["x", "y", "z"], [Series("p", 0, points)], top=100, label="l")
    top, bottom = numbers_of(svg, "line", "y1")[4], numbers_of(svg, "line", "y1")[0]
    assert numbers_of(svg, "circle", "cy") == [top, bottom]
    whiskers = re.findall(r'y1="([\d.]+)" y2="([\d.]+)" class="whisker"', svg)
    middle = (top + bottom) / 2
    wanted = [(middle, top), (bottom, bottom + (top - bottom) / 4)]
    assert [(float(a), float(b)) for a, b in whiskers] == wanted


def test_many_series_have_rows_of_their_own():
    points = [Estimate(50, 40, 60, "a"), Estimate(100, 90, 100, "b")]
    series = [Series(f"policy {k}", k, points) for k in range(8)]
    svg = point_plot(["x", "y"], series, top=100, label="l", notes=["n = 3", ""])
    assert "polyline" not in svg, "no line can cross another"
    rows = numbers_of(svg, "rect", "y")
    assert len(rows) == len(set(rows)) == 16
    assert "x (n = 3)" in svg
    left, right = numbers_of(svg, "line", "x1")[0], numbers_of(svg, "line", "x1")[4]
    assert numbers_of(svg, "circle", "cx") == [(left + right) / 2, right]


def test_bars_are_as_high_as_their_values():
    series = [Series("p", 0, [Estimate(50, None, None, "a"), None]),
              Series("q", 1, [Estimate(100, 90, 100, "b"), Estimate(0, 0, 5, "c")])]  # fmt: skip
    svg = bar_plot(["1", "2"], series, width=340, top=100, label="l", notes=["hidden", ""])
    half, full, least = numbers_of(svg, "rect", "height")
    assert full == pytest.approx(2 * half)
    assert 0 < least <= 1  # a thin line, so that it is seen that there is a bar
    assert "hidden" in svg


def test_stacked_parts_follow_each_other():
    parts = [BarPart(0.25, 0, "5", "a"), BarPart(0.01, 3, "1", "b"), BarPart(0.24, 1, "5", "c")]
    svg = stacked_bars([("default", parts, "10 of 20")], top=0.5, label="l", width=400)
    found = re.findall(r'x="([\d.]+)" y="19" width="([\d.]+)" height="16" class="part', svg)
    assert [(float(x), float(w)) for x, w in found] == [(0, 200), (200, 8), (208, 192)]
    assert len(re.findall('class="on-part"', svg)) == 2  # no number where it does not fit


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (0.3, 0.4), (1, 1), (9.61, 10), (10.2, 20), (55, 60), (100, 100)]
)
def test_an_axis_ends_at_a_round_number(highest: float, top: float):
    assert nice_top(highest) == pytest.approx(top)


def test_elements_escape_text_and_attributes():
    made = el("p", "a < b & c", el("b", "d"), title='"x"', hidden=None, data_n=1.0)
    assert made == '<p title="&#34;x&#34;" data-n="1">a &lt; b &amp; c<b>d</b></p>'
    assert isinstance(made, Markup)
