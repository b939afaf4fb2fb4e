"""Figures side by side as SVG, a row each: a bar or a point, its interval, its words. By hand, as `chart` draws curves.

One horizontal scale, linear or logarithmic; the label stands left of it and the figures right, so that nothing has to
be read off colour or length alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import escape

from station.report.numbers import number

WIDTH = 980
LEFT, RIGHT, TOP, BOTTOM, ROW = 270, 210, 44, 38, 24
LABEL_LETTERS = 36


@dataclass(frozen=True, slots=True)
class RowFigure:
    """`low` and `high`: its interval, where there is one. `sofar`: a point of the line through all rows.

    `kind`: `plain`, `second`, `good`, `hold`, `bad`; `hollow`: of few values.
    """

    label: str
    value: float | None
    text: str
    low: float | None = None
    high: float | None = None
    sofar: float | None = None
    kind: str = "plain"
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class RowChart:
    """`bars`: from the left edge to the value, else points. `guides`: values with a dashed line and a name."""

    title: str
    axis: str
    rows: tuple[RowFigure, ...]
    low: float = 0.0
    high: float | None = None
    log: bool = False
    bars: bool = False
    guides: tuple[tuple[float, str], ...] = ()


def draw_rows(chart: RowChart) -> str:
    """The chart as an SVG element, nothing where it has no row."""
    if not chart.rows:
        return ""
    scale = _Scale(chart)
    height = TOP + ROW * len(chart.rows) + BOTTOM
    body = [f'<text class="name" x="0" y="16">{escape(chart.title)}</text>', _grid(chart, scale, height)]
    body += [_row(chart, scale, at, row) for at, row in enumerate(chart.rows)]
    body.append(_line(chart, scale))
    return (
        f'<svg class="chart rows" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(chart.title)}">'
        f"<title>{escape(chart.title)}</title>{''.join(body)}</svg>"
    )


class _Scale:
    """Values to places between the labels and the figures; what is beyond an end stands at it."""

    def __init__(self, chart: RowChart) -> None:
        seen = [v for row in chart.rows for v in (row.value, row.low, row.high, row.sofar) if v is not None]
        self.log = chart.log
        if self.log:
            above = [value for value in seen if value > 0.0] or [1.0]
            self.low = 10.0 ** math.floor(math.log10(min(above)))
            self.high = 10.0 ** math.ceil(math.log10(max(above)) + 1e-9)
            self.high = max(self.high, 10.0 * self.low)
        else:
            self.low = min(chart.low, *seen) if seen else chart.low
            high = (
                chart.high
                if chart.high is not None
                else 1.05 * max([*seen, *(g for g, _ in chart.guides)], default=1.0)
            )
            self.high = high if high > self.low else self.low + 1.0

    def __call__(self, value: float) -> float:
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[float]:
        """Decades, or about six round numbers."""
        if self.log:
            return [10.0**power for power in range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)]
        raw = (self.high - self.low) / 6
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(size * power for size in (1.0, 2.0, 5.0, 10.0) if size * power >= raw * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


def _grid(chart: RowChart, scale: _Scale, height: int) -> str:
    bottom = height - BOTTOM
    parts = []
    for value in scale.ticks():
        x = scale(value)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{number(value)}</text>')
    for value, name in chart.guides:
        x = scale(value)
        parts.append(f'<line class="guide" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{TOP - 5}" text-anchor="middle">{escape(name)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text class="axis" x="{middle:.0f}" y="{height - 5}" text-anchor="middle">{escape(chart.axis)}</text>'
    )
    return "".join(parts)


def _row(chart: RowChart, scale: _Scale, at: int, row: RowFigure) -> str:
    y = TOP + ROW * at + ROW / 2
    label = row.label  # what tells two rows apart stands at the end
    if len(label) > LABEL_LETTERS:
        label = f"{label[: LABEL_LETTERS - 17]}…{label[-16:]}"
    parts = [
        f'<text class="label" x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}'
        f"<title>{escape(row.label)}</title></text>",
        f'<text class="tick" x="{WIDTH - RIGHT + 12}" y="{y + 4:.1f}">{escape(row.text)}</text>',
    ]
    if row.value is None:
        return "".join(parts)
    x = scale(row.value)
    if chart.bars:
        width = max(1.0, x - LEFT)
        parts.append(f'<rect class="{row.kind}" x="{LEFT}" y="{y - 7:.1f}" width="{width:.1f}" height="14"/>')
    if row.low is not None and row.high is not None:
        parts.append(
            f'<path class="span {row.kind}" d="M{scale(row.low):.1f} {y:.1f}H{scale(row.high):.1f}'
            f'M{scale(row.low):.1f} {y - 4:.1f}v8M{scale(row.high):.1f} {y - 4:.1f}v8"/>'
        )
    if not chart.bars:
        hollow = " hollow" if row.hollow else ""
        parts.append(f'<circle class="{row.kind}{hollow}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
    return "".join(parts)


def _line(chart: RowChart, scale: _Scale) -> str:
    """What the rows make together so far."""
    places = [
        (scale(row.sofar), TOP + ROW * at + ROW / 2) for at, row in enumerate(chart.rows) if row.sofar is not None
    ]
    if len(places) < 2:
        return ""
    dots = "".join(f'<circle class="sofar" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y in places)
    return f'<path class="sofar" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in places)}"/>{dots}'
