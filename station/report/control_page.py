"""The golden unit's charts as a page or one drawing: means and ranges of subgroups, their limits, what a rule marks.

Self-contained, no script, nothing fetched; drawn by `chart`. A ring names the rule that speaks at that subgroup; a red
dotted line is where something of the bench changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import escape

from station.metrology.charts import CONSTANTS
from station.metrology.golden import Change, Chart
from station.report.chart import WIDTH, Line, Mark, draw
from station.report.chart import Chart as Drawing
from station.report.words import measurement_title, unit_title

CSS = Path(__file__).with_name("report.css")
HEIGHT = 200
GAP = 12
STATES = {
    "collecting": " (collecting)", "in_control": "", "marked": " (marked)", "out_of_control": ": OUT OF CONTROL",
    "not_known": ": NOT KNOWN",
}  # fmt: skip


def control_page(title: str, words: Sequence[str], charts: Sequence[Chart], changes: Sequence[Change]) -> str:
    """An HTML page: what is said first, then a pair of charts for each measurement, the least likely first."""
    said = "".join(f"<li>{escape(line)}</li>" for line in words[1:])
    drawn = "".join(
        f'<div class="grid2">{"".join(f"<figure>{svg}</figure>" for svg in pair)}</div>'
        for pair in _pairs(charts, changes)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Golden unit {escape(title)}</title><style>{CSS.read_text(encoding='utf-8')}</style></head><body><main>"
        f'<header><div><h1>Golden unit {escape(title)}</h1><p class="sub">{escape(words[0])}</p></div></header>'
        f"<ul>{said}</ul>{drawn}"
        '<p class="fine">Dashed: control limits (3 sigma of the baseline). Dotted: the centre. A ring with R1 to R4 is '
        "the Western Electric rule that speaks there. Vertical, dotted: an instrument, its calibration or the software "
        "changed.</p></main></body></html>\n"
    )


def control_svg(charts: Sequence[Chart], changes: Sequence[Change]) -> str:
    """All charts in one SVG file with its style in it."""
    rows = _pairs(charts, changes)
    root = re.sub(r"^:root \{(.*?)\}", r"svg {\1}", CSS.read_text(encoding="utf-8"), count=1, flags=re.S)
    style = "".join(line + "\n" for line in root.splitlines() if line.startswith((".chart", "svg", "  --")))
    parts = [
        svg.replace("<svg ", f'<svg x="{across * (WIDTH + GAP)}" y="{down * (HEIGHT + GAP)}" width="{WIDTH}" '
                    f'height="{HEIGHT}" ', 1)
        for down, pair in enumerate(rows) for across, svg in enumerate(pair)
    ]  # fmt: skip
    width, height = 2 * WIDTH + GAP, max(1, len(rows)) * (HEIGHT + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f'<style>{escape(style)}</style><rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _pairs(charts: Sequence[Chart], changes: Sequence[Change]) -> list[tuple[str, str]]:
    order = sorted(charts, key=lambda chart: chart.bound)
    return [(_means(chart, changes), _ranges(chart)) for chart in order if len(chart.groups) > 1]


def _title(chart: Chart, what: str) -> str:
    name = f"{measurement_title(chart.name, 'en')}{f' ({chart.channel})' if chart.channel else ''}"
    return f"{name}, {what}{STATES[chart.state] if what == 'mean' else ''}"


def _means(chart: Chart, changes: Sequence[Change]) -> str:
    places = [float(at) for at in range(1, len(chart.groups) + 1)]
    means = [group.mean for group in chart.groups]
    lines = [Line("", places, means, slot=0)]
    if chart.baseline is not None:
        reach = [chart.baseline.mean_limits(group.size) for group in chart.groups]
        lines += [Line("", places, [low for low, _ in reach], limit=True)]
        lines += [Line("", places, [high for _, high in reach], limit=True)]
        lines += [Line("", places, [chart.baseline.centre] * len(places), slot=2, ghost=True)]
    spoken: dict[int, set[int]] = {}
    for signal in chart.signals:
        if signal.on == "mean":
            spoken.setdefault(signal.last, set()).add(signal.rule)
    marks = tuple(Mark(places[at], means[at], f"R{min(rules)}", 1) for at, rules in spoken.items())
    events = tuple(
        at - 0.5
        for at, group in zip(places, chart.groups, strict=True)
        if any(chart.runs[group.first] <= one.run_no <= chart.runs[group.last] for one in changes)
    )
    return draw(
        Drawing(_title(chart, "mean"), _axis(chart), unit_title(chart.unit), tuple(lines), height=HEIGHT, marks=marks,
                events=events)
    )  # fmt: skip


def _ranges(chart: Chart) -> str:
    whole = [group for group in chart.groups if group.size == chart.size]
    places = [float(at) for at in range(1, len(whole) + 1)]
    lines = [Line("", places, [group.range for group in whole], slot=0)]
    if chart.baseline is not None:
        low, high = chart.baseline.range_limits()
        lines += [Line("", places, [high] * len(places), limit=True)]
        lines += [Line("", places, [low] * len(places), limit=True)] if low > 0.0 else []
        centre = CONSTANTS[chart.size][0] * chart.baseline.sigma
        lines += [Line("", places, [centre] * len(places), slot=2, ghost=True)]
    marks = tuple(
        Mark(places[signal.last], whole[signal.last].range, "R1", 1) for signal in chart.signals if signal.on == "range"
    )
    return draw(
        Drawing(_title(chart, "range"), _axis(chart), unit_title(chart.unit), tuple(lines), height=HEIGHT, marks=marks,
                from_zero=True)
    )  # fmt: skip


def _axis(chart: Chart) -> str:
    return f"subgroup of {chart.size} checks (runs {chart.runs[0]} to {chart.runs[-1]})"
