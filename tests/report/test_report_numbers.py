"""Numbers, bars and charts of the paper."""

from __future__ import annotations

import math
import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.report import numbers
from station.report.bars import WIDTH, Scale, limit_bar
from station.report.chart import MOST_POINTS, Chart, Line, draw, thin

THIN = "\u202f"
finite = st.floats(-1e9, 1e9)


@pytest.mark.parametrize(
    ("value", "uncertainty", "bound", "text"),
    [
        (0.023456, 0.00123, None, "0.0235 ± 0.0012 %"),
        (80.71, 1.23, None, "80.7 ± 1.2 %"),
        (7200.0, 0.0, None, "7200 %"),
        (-70.123, 0.1, None, "−70.12 ± 0.10 %"),
        (0.002, 0.0001, "below", "< 0.002 %"),
        (9999.0, None, "above", "> 9999 %"),
        (None, None, None, "—"),
        (123.0, 45.0, None, "123 ± 45 %"),
    ],
)
def test_a_value_is_shown_to_the_digits_of_its_uncertainty(
    value: float | None, uncertainty: float | None, bound: str | None, text: str
) -> None:
    assert numbers.measured(value, uncertainty, bound, "%").replace(THIN, " ") == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (None, 0.1, "≤ 0.1 V"),
        (5.0, None, "≥ 5 V"),
        (-50.0, 50.0, "−50 to 50 V"),
        (None, 0.0, "≤ 0 V"),
        (None, None, "—"),
        (3.0, 3.0, "= 3 V"),
    ],
)
def test_limits_in_signs(low: float | None, high: float | None, text: str) -> None:
    assert numbers.limits(low, high, "V", "to").replace(THIN, " ") == text


@given(finite)
def test_a_number_reads_back_to_four_digits(value: float) -> None:
    shown = float(numbers.number(value).replace("−", "-"))
    assert shown == pytest.approx(value, rel=6e-4, abs=1e-12)


def test_times() -> None:
    assert numbers.duration(7385.2) == "2:03:05" and numbers.duration(12.0) == "0:12"
    assert numbers.local_time("2026-11-22T03:52:10.123Z") == "2026-11-22 03:52:10"
    assert numbers.local_time("yesterday") == "yesterday"


@pytest.mark.parametrize(
    ("stamp", "zone"), [("9999-12-31T23:59:59Z", "Asia/Shanghai"), ("0001-01-01T00:00:00Z", "America/New_York")]
)
def test_a_stamp_without_a_local_time_comes_back_as_it_is(stamp: str, zone: str) -> None:
    assert numbers.local_time(stamp, ZoneInfo(zone)) == stamp


limits = st.tuples(st.none() | finite, st.none() | finite).filter(
    lambda pair: pair != (None, None) and (None in pair or pair[0] < pair[1])  # type: ignore[operator]
)


@given(limits, finite, finite)
def test_a_bars_scale_rises_and_stays_on_the_bar(
    pair: tuple[float | None, float | None], one: float, other: float
) -> None:
    scale = Scale(*pair)
    a, b = scale.at(min(one, other)), scale.at(max(one, other))
    assert 0.0 < a <= b < 1.0


@given(limits, finite)
def test_inside_the_limits_is_inside_the_allowed_stretch(pair: tuple[float | None, float | None], value: float) -> None:
    low, high = pair
    begin, end = Scale(low, high).allowed()
    inside = (low is None or value >= low) and (high is None or value <= high)
    place = Scale(low, high).at(value)
    if inside:
        assert begin - 1e-9 <= place <= end + 1e-9 or place in (0.02, 0.98)


def test_a_bar_without_value_or_limit_is_empty_and_a_bad_one_has_another_shape() -> None:
    assert limit_bar(None, 0.0, 1.0, None, "PASS") == ""
    assert limit_bar(1.0, None, None, None, "PASS") == ""
    assert limit_bar(math.nan, 0.0, 1.0, None, "FAIL") == ""
    assert "<circle" in limit_bar(0.5, 0.0, 1.0, 0.2, "PASS")
    bad = limit_bar(7.0, 0.0, 1.0, 0.2, "FAIL")
    assert "<circle" not in bad and 'class="bad"' in bad
    assert all(float(x) <= WIDTH for x in re.findall(r' x[12]?="([\d.]+)"', bad))


def test_thinning_keeps_the_dip_that_lasts_one_second() -> None:
    y = [28.3] * 7200
    y[4711] = 0.01
    line = thin(Line("left", [float(second) for second in range(7200)], y), "time")
    assert len(line.x) <= MOST_POINTS + 2 and (4711.0, 0.01) in zip(line.x, line.y, strict=True)
    assert list(line.x) == sorted(line.x)


def test_left_out_seconds_break_the_line() -> None:
    x = [float(second) for second in (*range(50), *range(80, 130))]
    svg = draw(Chart("t", "x", "y", (Line("", x, [1.0] * 100),), x_kind="time"))
    (path,) = re.findall(r'class="line s0" d="([^"]+)"', svg)
    assert path.count("M") == 2


@pytest.mark.parametrize("kind", ["log", "time", "plain"])
def test_a_chart_of_one_point_flat_lines_or_nothing_is_drawn_or_left_out(kind: str) -> None:
    assert draw(Chart("t", "x", "y", (), x_kind=kind)) == ""
    assert draw(Chart("t", "x", "y", (Line("", [], []),), x_kind=kind)) == ""
    assert draw(Chart("t", "x", "y", (Line("", [1.0, 2.0], [1.0]),), x_kind=kind)) == ""
    for points in ([1000.0], [20.0, 20000.0]):
        svg = draw(Chart("t", "x", "y", (Line("a<b", points, [0.0] * len(points)),), x_kind=kind))
        assert "nan" not in svg and "inf" not in svg and "a&lt;b" in svg


def test_text_stays_text() -> None:
    svg = draw(Chart("频率响应", "f / Hz", "dB", (Line("左声道", [20.0, 20000.0], [0.0, -1.0]),), x_kind="log"))
    assert "频率响应" in svg and "左声道" in svg and ">10k<" in svg
