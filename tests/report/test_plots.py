"""Plots: log axes, marked harmonics, limits of the soak, nothing lost, nothing fetched."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from station.domain.measurement import Curve
from station.domain.record import Record
from station.report.chart import Chart, Line, Mark, draw
from station.report.figures import Figures, figures
from station.report.record_view import plain_record


@pytest.fixture(scope="module")
def drawn(passed: Record) -> Figures:
    return figures(plain_record(passed), "en")


def all_of(drawn: Figures) -> tuple[str, ...]:
    return (*drawn.wide, *drawn.spectra, *drawn.over_time)


def test_every_plot_is_well_formed_keeps_text_as_text_and_fetches_nothing(drawn: Figures) -> None:
    assert len(all_of(drawn)) == 8
    for svg in all_of(drawn):
        root = ElementTree.fromstring(svg)
        assert root.find("title") is not None and root.findall("text")
        assert "http" not in svg and "<image" not in svg and "font-family" not in svg


def test_the_harmonics_are_marked_at_the_levels_that_were_measured(drawn: Figures) -> None:
    for svg in drawn.spectra:
        assert re.findall(r">(H\d+)<", svg)[:3] == ["H1", "H2", "H3"]
        assert svg.count('class="mark') == 6, "H1 and the five of the curve of harmonics"


def test_without_a_spectrum_the_harmonics_are_stems(passed: Record) -> None:
    steps = tuple(replace(s, curves=tuple(c for c in s.curves if c.name != "spectrum")) for s in passed.steps)
    bare = figures(plain_record(replace(passed, steps=steps)), "en")
    assert not bare.spectra and any("Harmonics" in svg for svg in bare.wide)


def test_thd_over_frequency_stands_on_two_log_axes(drawn: Figures) -> None:
    (svg,) = [one for one in drawn.wide if "THD over frequency" in one]
    ticks = re.findall(r'class="tick"[^>]*>([^<]+)<', svg)
    assert {"0.001", "0.01", "0.1", "100", "1k", "10k"} <= set(ticks)


def test_the_soak_shows_power_thd_and_temperature_over_two_hours_within_their_limits(drawn: Figures) -> None:
    assert [re.search(r"<title>(.*?)</title>", svg).group(1) for svg in drawn.over_time] == [  # type: ignore[union-attr]
        "Output level", "THD", "Mains power", "Heatsink temperature",
    ]  # fmt: skip
    for svg in drawn.over_time:
        assert ">1:45<" in svg
    assert "mask" in drawn.over_time[1] and "mask" in drawn.over_time[2] and "mask" in drawn.over_time[3]


def test_the_reading_before_the_load_came_on_does_not_flatten_the_mains_power(passed: Record) -> None:
    soak = passed.steps[-1]
    early = tuple(
        replace(c, y=(43.0, *c.y[1:])) if c.name == "soak_mains_power_w" else c for c in soak.curves
    )  # fmt: skip
    record = replace(passed, steps=(*passed.steps[:-1], replace(soak, curves=early)))
    (mains,) = [one for one in figures(plain_record(record), "en").over_time if "Mains power" in one]
    ticks = [float(t) for t in re.findall(r'text-anchor="end">(\d+)<', mains)]
    assert min(ticks) > 300


def test_a_level_of_nought_on_a_log_axis_is_left_out_and_a_chart_of_nothing_is_no_chart() -> None:
    line = Line("l", (20.0, 1000.0, 20000.0), (0.0, 0.01, 0.02))
    svg = draw(Chart("T", "f", "%", (line,), x_kind="log", y_log=True))
    assert svg.count("L") + svg.count("M") >= 2 and "nan" not in svg
    assert draw(Chart("T", "f", "%", (replace(line, y=(0.0, 0.0, 0.0)),), x_kind="log", y_log=True)) == ""
    assert draw(Chart("T", "f", "%", (replace(line, ghost=True),))) == "", (
        "an earlier run alone is no chart of this one"
    )


def test_marks_that_stand_close_keep_their_rings_and_share_no_text() -> None:
    marks = tuple(Mark(1000.0 + index, -60.0, f"H{index}") for index in range(5))
    svg = draw(Chart("T", "f", "dB", (Line("l", (20.0, 20000.0), (-100.0, 0.0)),), x_kind="log", marks=marks))
    assert svg.count('class="mark') == 5 and len(re.findall(r">H\d<", svg)) == 1


def test_the_widest_record_of_the_contract_makes_no_heavy_chart() -> None:
    many = tuple(float(n) for n in range(1, 20001))
    curve = Curve(
        "response", "frequency", "Hz", "level", "dB", many, tuple(-(n % 7) / 10 for n in range(20000)), "left"
    )
    svg = draw(Chart("T", "f", "dB", (Line("l", curve.x, curve.y),), x_kind="log"))
    assert len(svg) < 20_000
