"""Which charts the paper holds: the curves of the record, grouped by what they show. Charts are drawn by `chart`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from station.report.chart import LONG_S, Chart, Line, draw
from station.report.words import Lang, axis_title, channel_title, curve_title, label, unit_title

Plain = Mapping[str, Any]
SMALL_WIDTH, SMALL_HEIGHT = 480, 230
_SLOTS = {"left": 0, "right": 1}
_SPANS = {"soak_level_v": 0.01, "soak_mains_power_w": 0.02}
"""The least span of y as a fraction of the value, so that the meter's noise is not blown up to the paper's height."""
_LIMITS_OF = {"soak_heatsink_degc": "heatsink_degc"}


def wide_figures(record: Plain, lang: Lang) -> list[str]:
    """Frequency and other curves, one chart a name, full width."""
    return [
        svg
        for step, name, curves in sorted(_groups(record), key=lambda group: group[2][0].get("x_unit") != "Hz")
        if curves[0].get("x_unit") != "s" and (svg := draw(_chart(step, name, curves, lang)))
    ]


def time_figures(record: Plain, lang: Lang) -> list[str]:
    """Curves over time (the soak), small and side by side."""
    return [
        svg
        for step, name, curves in _groups(record)
        if curves[0].get("x_unit") == "s" and (svg := draw(_chart(step, name, curves, lang)))
    ]


def _groups(record: Plain) -> list[tuple[Plain, str, list[Plain]]]:
    groups: list[tuple[Plain, str, list[Plain]]] = []
    for step in record["steps"]:
        by_name: dict[str, list[Plain]] = {}
        for curve in step.get("curves") or ():
            by_name.setdefault(str(curve["name"]), []).append(curve)
        groups += [(step, name, curves) for name, curves in by_name.items()]
    return groups


def _chart(step: Plain, name: str, curves: Sequence[Plain], lang: Lang) -> Chart:
    first = curves[0]
    kind = {"Hz": "log", "s": "time"}.get(first.get("x_unit") or "", "plain")
    lines = [_line(curve, lang, kind) for curve in curves]
    lines += [
        Line(label("mask", lang), curve["x"], curve["mask"], limit=True) for curve in curves[:1] if curve.get("mask")
    ]
    ends = [float(x) for curve in curves for x in curve["x"]]
    if kind == "time" and ends:
        lines += _limit_lines(step, name, min(ends), max(ends), lang)
    values = [abs(float(y)) for curve in curves for y in curve["y"]]
    small = kind == "time"
    return Chart(
        title=curve_title(name, lang),
        x_title=_axis(first.get("x_name"), _clock_unit(ends) if small else first.get("x_unit"), lang),
        y_title=unit_title(first.get("y_unit") or ""),
        lines=tuple(lines),
        x_kind=kind,
        width=SMALL_WIDTH if small else 980,
        height=SMALL_HEIGHT if small else 290 if kind == "log" else 210,
        y_span_min=_SPANS.get(name, 0.0) * max(values, default=0.0) or (1.0 if kind == "log" else 0.0),
        from_zero=name.endswith("percent"),
        forbid_below=kind == "log",
    )


def _line(curve: Plain, lang: Lang, kind: str) -> Line:
    return Line(
        channel_title(curve.get("channel"), lang),
        curve["x"],
        curve["y"],
        slot=_SLOTS.get(curve.get("channel") or "", 2),
        points=kind == "plain",
    )


def _limit_lines(step: Plain, name: str, begin: float, end: float, lang: Lang) -> list[Line]:
    """The limits of the measurement that a curve over time stands behind."""
    wanted = _LIMITS_OF.get(name, name)
    m = next((one for one in step.get("measurements") or () if one["name"] == wanted), None)
    bounds = [m.get(key) for key in ("low", "high")] if m else []
    return [
        Line(label("mask", lang), (begin, end), (bound, bound), limit=True) for bound in bounds if bound is not None
    ]


def _clock_unit(seconds: Sequence[float]) -> str:
    return "h:mm" if max(seconds, default=0.0) - min(seconds, default=0.0) > LONG_S else "m:ss"


def _axis(name: str | None, unit: str | None, lang: Lang) -> str:
    title = axis_title(name or "", lang)
    shown = unit_title(unit or "")
    return f"{title} / {shown}" if shown else title
