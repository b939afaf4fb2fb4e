"""WSJF charts: the curves of a step, as many to a chart as it takes, no point left out.

A chart holds ten series of 10,000 characters an axis; a longer curve goes on in the next series, a further one in the
next chart. Where a curve has a mask it is a series of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from station.domain.measurement import Curve
from station.report.exports.shared import NONE

SERIES_MOST = 10
CHARACTERS_MOST = 10_000
_SEPARATOR = ";"


def charts(curves: Sequence[Curve]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and chart, in the order of the curves; those of one name and the same axes share one."""
    groups: dict[tuple[str, str, str, str, str], list[Curve]] = {}
    for curve in curves:
        groups.setdefault(_axes(curve), []).append(curve)
    for axes, group in groups.items():
        series = [one for curve in group for one in _series_of(curve)]
        logarithmic = axes[2] == "Hz" and all(x > 0 for curve in group for x in curve.x)
        for start in range(0, len(series), SERIES_MOST):
            number = f" {start // SERIES_MOST + 1}" if start else ""
            yield f"{axes[0]}{number}", _chart(axes, series[start : start + SERIES_MOST], logarithmic)


def _axes(curve: Curve) -> tuple[str, str, str, str, str]:
    return curve.name, curve.x_name, curve.x_unit, curve.y_name, curve.y_unit


def _chart(axes: tuple[str, str, str, str, str], series: list[dict[str, str]], logarithmic: bool) -> dict[str, Any]:
    name, x_name, x_unit, y_name, y_unit = axes
    return {
        "chartType": "LineLogX" if logarithmic else "Line",
        "label": name, "xLabel": x_name or NONE, "xUnit": x_unit, "yLabel": y_name or NONE, "yUnit": y_unit,
        "series": series,
    }  # fmt: skip


def _series_of(curve: Curve) -> Iterator[dict[str, str]]:
    name = curve.channel or curve.name
    yield from _cut(name, curve.x, curve.y)
    if curve.mask:
        yield from _cut(f"{name} limit", curve.x, curve.mask)


def _cut(name: str, x: Sequence[float], y: Sequence[float]) -> Iterator[dict[str, str]]:
    """One series or, where an axis has more characters than one takes, several that follow each other."""
    xs, ys = [repr(value) for value in x], [repr(value) for value in y]
    start, number = 0, 1
    while start < len(xs):
        end = start + min(_fitting(xs[start:]), _fitting(ys[start:]))
        yield {
            "dataType": "XYG", "name": name if number == 1 else f"{name} {number}",
            "xdata": _SEPARATOR.join(xs[start:end]), "ydata": _SEPARATOR.join(ys[start:end]),
        }  # fmt: skip
        start, number = end, number + 1


def _fitting(texts: Sequence[str]) -> int:
    """How many of them, joined, one series takes."""
    length = -1
    for count, text in enumerate(texts):
        length += len(text) + 1
        if length > CHARACTERS_MOST:
            return count
    return len(texts)
