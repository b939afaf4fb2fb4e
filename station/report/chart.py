"""Line charts as SVG with text kept as text: linear or logarithmic x, limits, a shaded forbidden side, legend.

Drawn by hand rather than with matplotlib: 2 ms instead of 700, a few kilobytes a chart, and the page's own fonts
(so Chinese needs none to be installed here).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from markupsafe import escape

from station.report.numbers import duration, number

WIDTH = 720
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 30, 40
MOST_POINTS = 700
LONG_S = 1800.0
"""Time axes longer than this are marked in hours and minutes, shorter ones in minutes and seconds."""
_DASHES = ("", "6 3", "")
_GHOST_DASH = "1.5 3"


@dataclass(frozen=True, slots=True)
class Line:
    """A curve of the chart; `limit` lines are drawn apart from measured ones."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    limit: bool = False
    slot: int = 0
    """Colour and dash: 0 left, 1 right, 2 no channel."""
    points: bool = False
    ghost: bool = False
    """Of an earlier run, drawn behind this one."""
    solid: bool = False
    """Never dashed, whatever its channel: it stands alone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a curve that is named, in the chart's units."""

    x: float
    y: float
    text: str
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. `x_kind`: `log` (Hz), `time` (seconds as h:mm), `plain`. `forbid_below` shades under limits.

    `y_log`: values above nought on a logarithmic scale. `events`: places on x where something happened.
    """

    title: str
    x_title: str
    y_title: str
    lines: tuple[Line, ...]
    x_kind: str = "plain"
    height: int = 260
    width: int = WIDTH
    y_span_min: float = 0.0
    from_zero: bool = False
    forbid_below: bool = False
    y_log: bool = False
    marks: tuple[Mark, ...] = ()
    events: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Frame:
    x: Callable[[float], float]
    y: Callable[[float], float]
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    chart: Chart


def draw(chart: Chart) -> str:
    """The chart as an SVG element, or nothing where no line has two points (one for `points`)."""
    lines = [
        thin(line, chart.x_kind, y_log=chart.y_log) for line in chart.lines if len(line.x) == len(line.y) and line.x
    ]
    lines = [line for line in lines if line.x]
    if not any(not (line.limit or line.ghost) for line in lines):
        return ""
    frame = _frame(chart, lines)
    body = [_grid(frame), *(_forbidden(frame, line) for line in lines if line.limit and chart.forbid_below)]
    body += [_draw_line(frame, line) for line in sorted(lines, key=lambda line: (not line.limit, not line.ghost))]
    body += [_events(frame), _marks(frame), _titles(frame), _legend(frame, lines)]
    return (
        f'<svg class="chart" viewBox="0 0 {chart.width} {chart.height}" role="img" aria-label="{escape(chart.title)}">'
        f"<title>{escape(chart.title)}</title>{''.join(body)}</svg>"
    )


def thin(line: Line, x_kind: str, *, y_log: bool = False) -> Line:
    """At most `MOST_POINTS` points, keeping the lowest and highest of every stretch, so that no dip is lost."""
    pairs = [
        (x, y)
        for x, y in zip(line.x, line.y, strict=True)
        if math.isfinite(x) and math.isfinite(y) and (x_kind != "log" or x > 0.0) and (not y_log or y > 0.0)
    ]
    if len(pairs) > MOST_POINTS:
        size = math.ceil(2 * len(pairs) / MOST_POINTS)
        kept: list[tuple[float, float]] = []
        for begin in range(0, len(pairs), size):
            stretch = pairs[begin : begin + size]
            ends = {min(stretch, key=lambda pair: pair[1]), max(stretch, key=lambda pair: pair[1])}
            kept += sorted(ends)
        pairs = kept
    return replace(line, x=[x for x, _ in pairs], y=[y for _, y in pairs])


def _frame(chart: Chart, lines: Sequence[Line]) -> _Frame:
    xs = [x for line in lines for x in line.x] or [0.0, 1.0]
    ys = [y for line in lines for y in line.y]
    x_low, x_high = min(xs), max(xs)
    if x_low == x_high:
        x_low, x_high = (x_low / 2, x_high * 2) if chart.x_kind == "log" else (x_low - 1.0, x_high + 1.0)
    if chart.x_kind == "plain":
        x_low, x_high = x_low - 0.5, x_high + 0.5
    y_low, y_high = _y_range(ys, chart)
    inner_w, inner_h = chart.width - LEFT - RIGHT, chart.height - TOP - BOTTOM

    def to_x(value: float) -> float:
        if chart.x_kind == "log":
            return LEFT + inner_w * math.log(value / x_low) / math.log(x_high / x_low)
        return LEFT + inner_w * (value - x_low) / (x_high - x_low)

    def to_y(value: float) -> float:
        if chart.y_log:
            return TOP + inner_h * math.log(y_high / max(value, y_low)) / math.log(y_high / y_low)
        return TOP + inner_h * (y_high - value) / (y_high - y_low)

    return _Frame(to_x, to_y, x_low, x_high, y_low, y_high, chart)


def _y_range(ys: Sequence[float], chart: Chart) -> tuple[float, float]:
    low, high = min(ys, default=0.0), max(ys, default=1.0)
    if chart.y_log:  # whole decades, at least two of them
        floor, top = math.floor(math.log10(low)), math.ceil(math.log10(high) + 1e-9)
        return 10.0 ** min(floor, top - 2), 10.0**top
    if chart.from_zero:
        low = min(0.0, low)
    short = max(chart.y_span_min, abs(high) * 1e-6, 1e-12) - (high - low)
    if short > 0.0:
        low, high = low - short / 2, high + short / 2
    margin = 0.08 * (high - low)
    low = low if chart.from_zero and low == 0.0 else low - margin
    return low, high + margin * (2.5 if chart.marks else 1.0)


def _ticks(low: float, high: float, wanted: int) -> list[float]:
    """Round numbers (1, 2, 5 times a power of ten) within [low, high]."""
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(size * power for size in (1.0, 2.0, 5.0, 10.0) if size * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _y_ticks(frame: _Frame) -> list[float]:
    if frame.chart.y_log:
        first, last = round(math.log10(frame.y_low)), round(math.log10(frame.y_high))
        return [10.0**power for power in range(first, last + 1)]
    return _ticks(frame.y_low, frame.y_high, max(3, frame.chart.height // 45))


def _x_ticks(frame: _Frame) -> list[tuple[float, str]]:
    if frame.chart.x_kind == "log":
        decades = range(math.floor(math.log10(frame.x_low)), math.ceil(math.log10(frame.x_high)) + 1)
        values = [size * 10.0**power for power in decades for size in (1, 2, 5)]
        inside = [value for value in values if frame.x_low * 0.999 <= value <= frame.x_high * 1.001]
        return [(value, f"{value / 1000:g}k" if value >= 1000 else f"{value:g}") for value in inside]
    if frame.chart.x_kind == "time":
        span = frame.x_high - frame.x_low
        steps = (1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
        step = next((size for size in steps if span / size <= 8), 28800)
        first = math.ceil(frame.x_low / step)
        marks = [index * step for index in range(first, math.floor(frame.x_high / step) + 1)]
        return [(float(mark), _clock(mark, span)) for mark in marks]
    return [(value, number(value)) for value in _ticks(frame.x_low, frame.x_high, 10) if value == round(value)]


def _clock(seconds: int, span: float) -> str:
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}" if span > LONG_S else duration(seconds)


def _grid(frame: _Frame) -> str:
    chart = frame.chart
    right, bottom = chart.width - RIGHT, chart.height - BOTTOM
    parts = [f'<rect class="area" x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}"/>']
    for value in _y_ticks(frame):
        y = frame.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    for value, text in _x_ticks(frame):
        x = frame.x(value)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{text}</text>')
    return "".join(parts)


def _draw_line(frame: _Frame, line: Line) -> str:
    css = _css(line)
    if line.points:
        base = frame.chart.height - BOTTOM
        stems = [
            f'<line class="{css}" x1="{x:.1f}" x2="{x:.1f}" y1="{base}" y2="{y:.1f}"/>'
            f'<circle class="dot {css}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
            for x, y in _stem_places(frame, line)
        ]
        return "".join(stems)
    return f'<path class="{css}"{_dashed(line)} d="{_path(frame, line)}"/>'


def _css(line: Line) -> str:
    if line.limit:
        return "mask"
    return f"line ghost s{line.slot}" if line.ghost else f"line s{line.slot}"


def _dashed(line: Line) -> str:
    dash = "" if line.limit or line.solid else _GHOST_DASH if line.ghost else _DASHES[line.slot % len(_DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _stem_places(frame: _Frame, line: Line) -> list[tuple[float, float]]:
    shift = (line.slot - 0.5) * 8.0 + 4.0 * line.ghost if line.slot < 2 else 0.0
    return [(frame.x(x) + shift, frame.y(y)) for x, y in zip(line.x, line.y, strict=True)]


def _path(frame: _Frame, line: Line) -> str:
    """Move and line commands; a gap of more than five usual distances (left-out seconds) breaks the line."""
    gaps = sorted(b - a for a, b in zip(line.x, line.x[1:], strict=False))
    usual = gaps[len(gaps) // 2] if gaps else 0.0
    parts, before = [], None
    for x, y in zip(line.x, line.y, strict=True):
        broken = before is None or (frame.chart.x_kind == "time" and usual > 0 and x - before > 5 * usual)
        parts.append(f"{'M' if broken else 'L'}{frame.x(x):.1f} {frame.y(y):.1f}")
        before = x
    return "".join(parts)


def _forbidden(frame: _Frame, line: Line) -> str:
    bottom = frame.chart.height - BOTTOM
    return (
        f'<path class="forbidden" d="{_path(frame, line)}L{frame.x(line.x[-1]):.1f} {bottom}'
        f'L{frame.x(line.x[0]):.1f} {bottom}Z"/>'
    )


def _events(frame: _Frame) -> str:
    bottom = frame.chart.height - BOTTOM
    return "".join(
        f'<line class="event" x1="{frame.x(at):.1f}" x2="{frame.x(at):.1f}" y1="{TOP}" y2="{bottom}"/>'
        for at in frame.chart.events
        if frame.x_low <= at <= frame.x_high
    )


def _marks(frame: _Frame) -> str:
    """Each mark a ring with its text above it; texts that would run into each other are left out, rings never."""
    parts, taken = [], [float("-inf")]
    for mark in sorted(frame.chart.marks, key=lambda mark: mark.x):
        if not (frame.x_low <= mark.x <= frame.x_high):
            continue
        x, y = frame.x(mark.x), frame.y(min(max(mark.y, frame.y_low), frame.y_high))
        parts.append(f'<circle class="mark s{mark.slot}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
        if x - taken[-1] >= 7.0 * len(mark.text) * 0.5 + 6.0:
            parts.append(
                f'<text class="tick" x="{x:.1f}" y="{max(y - 7.0, TOP + 11.0):.1f}" text-anchor="middle">'
                f"{escape(mark.text)}</text>"
            )
            taken.append(x + 7.0 * len(mark.text) * 0.5)
    return "".join(parts)


def _titles(frame: _Frame) -> str:
    chart = frame.chart
    middle = (TOP + chart.height - BOTTOM) / 2
    return (
        f'<text class="name" x="{LEFT}" y="18">{escape(chart.title)}</text>'
        f'<text class="axis" x="{chart.width - RIGHT}" y="{chart.height - 6}" text-anchor="end">'
        f"{escape(chart.x_title)}</text>"
        f'<text class="axis" transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(chart.y_title)}</text>"
    )


def _legend(frame: _Frame, lines: Sequence[Line]) -> str:
    x, parts = float(frame.chart.width - RIGHT), []
    seen: set[str] = set()
    for line in reversed(lines):
        if not line.label or line.label in seen:
            continue
        seen.add(line.label)
        text_w = sum(12.0 if ord(char) > 0x2E7F else 6.6 for char in line.label)
        parts.append(f'<text class="tick" x="{x:.0f}" y="18" text-anchor="end">{escape(line.label)}</text>')
        ends = f'x1="{x - text_w - 28:.0f}" x2="{x - text_w - 5:.0f}" y1="14" y2="14"'
        parts.append(f'<line class="{_css(line)}"{_dashed(line)} {ends}/>')
        x -= text_w + 42
    return "".join(parts)
