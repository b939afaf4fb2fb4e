"""Which charts the paper holds: the curves of the record, grouped by what they show. Charts are drawn by `chart`.

Curves of the run *as found* are drawn behind those of this run where both have the same name and axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from station.report.chart import LONG_S, Chart, Line, Mark, draw
from station.report.words import Lang, axis_title, channel_title, curve_title, label, unit_title

Plain = Mapping[str, Any]
SMALL_WIDTH, SMALL_HEIGHT = 480, 230
WIDE_WIDTH = 980
_SLOTS = {"left": 0, "right": 1}
_SPANS = {"soak_level_v": 0.01, "soak_mains_power_w": 0.02, "crosstalk_frequency": 0.2}
"""The least span of y as a fraction of the value, so that the meter's noise is not blown up to the paper's height."""
_LIMITS_OF = {"soak_heatsink_degc": "heatsink_degc"}
_SPECTRUM, _HARMONICS, _THD_FREQUENCY = "spectrum", "harmonics", "thd_frequency"


@dataclass(frozen=True, slots=True)
class Figures:
    """The charts of one paper as SVG: full width, and small ones that stand side by side."""

    wide: tuple[str, ...]
    spectra: tuple[str, ...]
    over_time: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """The curves of one name in one step, and those of the run as found."""

    step: Plain
    name: str
    curves: Sequence[Plain]
    found: Sequence[Plain]

    @property
    def over_time(self) -> bool:
        return self.curves[0].get("x_unit") == "s"


def figures(record: Plain, lang: Lang, found: Plain | None = None) -> Figures:
    """Every chart of a record; `found` is the run as found, as an `EarlierRun`."""
    groups = _groups(record, (found or {}).get("curves") or ())
    spectral = {group.step["id"] for group in groups if group.name == _SPECTRUM}
    wide = [
        group
        for group in groups
        if not group.over_time
        and group.name != _SPECTRUM
        and not (group.name == _HARMONICS and group.step["id"] in spectral)
    ]
    wide.sort(key=lambda group: group.curves[0].get("x_unit") != "Hz")
    return Figures(
        tuple(filter(None, (draw(_chart(group, lang)) for group in wide))),
        tuple(
            filter(
                None,
                (
                    draw(_spectrum(group, curve, lang))
                    for group in groups
                    if group.name == _SPECTRUM
                    for curve in group.curves
                ),
            )
        ),
        tuple(filter(None, (draw(_chart(group, lang)) for group in groups if group.over_time))),
    )


def _groups(record: Plain, found: Sequence[Plain]) -> list[_Group]:
    groups: list[_Group] = []
    for step in record["steps"]:
        by_name: dict[str, list[Plain]] = {}
        for curve in step.get("curves") or ():
            by_name.setdefault(str(curve["name"]), []).append(curve)
        for name, curves in by_name.items():
            axis = curves[0].get("x_unit")
            then = [curve for curve in found if curve.get("name") == name and curve.get("x_unit") == axis]
            groups.append(_Group(step, name, curves, then))
    return groups


def _chart(group: _Group, lang: Lang) -> Chart:
    first, name = group.curves[0], group.name
    kind = {"Hz": "log", "s": "time"}.get(first.get("x_unit") or "", "plain")
    lines = [_line(_settled(curve), lang, kind) for curve in group.curves]
    lines += [_line(curve, lang, kind, ghost=True) for curve in group.found]
    lines += [
        Line(label("mask", lang), curve["x"], curve["mask"], limit=True)
        for curve in group.curves[:1]
        if curve.get("mask")
    ]
    ends = [float(x) for curve in group.curves for x in curve["x"]]
    if kind == "time" and ends:
        lines += _limit_lines(group.step, name, min(ends), max(ends), lang)
    values = [abs(float(y)) for curve in group.curves for y in curve["y"]]
    small, falls = kind == "time", name == "response"
    return Chart(
        title=curve_title(name, lang),
        x_title=_axis(first.get("x_name"), _clock_unit(ends) if small else first.get("x_unit"), lang),
        y_title=unit_title(first.get("y_unit") or ""),
        lines=tuple(lines),
        x_kind=kind,
        width=SMALL_WIDTH if small else WIDE_WIDTH,
        height=SMALL_HEIGHT if small else 290 if falls else 230 if kind == "log" else 210,
        y_span_min=_SPANS.get(name, 0.0) * max(values, default=0.0) or (1.0 if falls else 0.0),
        from_zero=name.endswith("percent"),
        y_log=name == _THD_FREQUENCY,
        forbid_below=kind == "log" and falls,
        events=_dropouts(group.step) if small else (),
    )


def _spectrum(group: _Group, curve: Plain, lang: Lang) -> Chart:
    """One channel's spectrum with its harmonics marked at the levels that were measured, not at the drawn ones."""
    channel = curve.get("channel")
    slot = _SLOTS.get(channel or "", 2)
    found = [_line(one, lang, "log", ghost=True) for one in group.found if one.get("channel") == channel]
    return Chart(
        title=f"{curve_title(_SPECTRUM, lang)} · {channel_title(channel, lang)}".rstrip(" ·"),
        x_title=_axis(curve.get("x_name"), curve.get("x_unit"), lang),
        y_title=unit_title(curve.get("y_unit") or ""),
        lines=(replace(_line(curve, lang, "log"), label="", solid=True), *found),
        x_kind="log",
        width=SMALL_WIDTH,
        height=SMALL_HEIGHT + 20,
        marks=_harmonic_marks(group.step, channel, slot),
    )


def _harmonic_marks(step: Plain, channel: str | None, slot: int) -> tuple[Mark, ...]:
    """H1 at 0 dBc and what the step's `harmonics` curve holds, at multiples of the frequency that it names."""
    made = [m for m in step.get("measurements") or () if m.get("channel") == channel]
    frequency_hz = next((m["conditions"]["frequency_hz"] for m in made if "frequency_hz" in _conditions(m)), None)
    levels = next(
        (c for c in step.get("curves") or () if c["name"] == _HARMONICS and c.get("channel") == channel), None
    )
    if not isinstance(frequency_hz, int | float) or levels is None:
        return ()
    orders = [(1.0, 0.0), *zip(levels["x"], levels["y"], strict=False)]
    return tuple(Mark(order * frequency_hz, level, f"H{order:.0f}", slot) for order, level in orders)


def _conditions(m: Plain) -> Mapping[str, Any]:
    return m.get("conditions") or {}


def _line(curve: Plain, lang: Lang, kind: str, *, ghost: bool = False) -> Line:
    title = channel_title(curve.get("channel"), lang)
    return Line(
        f"{title}{'' if lang == 'zh' else ' '}{label('as_found', lang)}".strip() if ghost else title,
        curve["x"],
        curve["y"],
        slot=_SLOTS.get(curve.get("channel") or "", 2),
        points=kind == "plain",
        ghost=ghost,
    )


def _settled(curve: Plain) -> Plain:
    """Mains power without the reading that was taken before the load came on: it would flatten the two hours after."""
    if curve["name"] != "soak_mains_power_w" or len(curve["y"]) < 10:
        return curve
    usual = sorted(curve["y"])[len(curve["y"]) // 2]
    first = next((place for place, value in enumerate(curve["y"][:3]) if value > usual / 2.0), 0)
    return {**curve, "x": curve["x"][first:], "y": curve["y"][first:]}


def _limit_lines(step: Plain, name: str, begin: float, end: float, lang: Lang) -> list[Line]:
    """The limits of the measurement that a curve over time stands behind."""
    bounds = _drift_bounds(step) if name == "soak_level_v" else _bounds(step, _LIMITS_OF.get(name, name))
    return [
        Line(label("mask", lang), (begin, end), (bound, bound), limit=True) for bound in bounds if bound is not None
    ]


def _bounds(step: Plain, name: str) -> list[float | None]:
    m = next((one for one in step.get("measurements") or () if one["name"] == name), None)
    return [m.get("low"), m.get("high")] if m else []


def _drift_bounds(step: Plain) -> list[float | None]:
    """The levels that the permitted drift (dB) leaves; the widest of both channels, which share one chart."""
    low: list[float] = []
    high: list[float] = []
    for m in step.get("measurements") or ():
        reference_v = _conditions(m).get("reference_v")
        if m["name"] == "power_drift_db" and isinstance(reference_v, int | float):
            low += [reference_v * 10 ** (m["low"] / 20.0)] if m.get("low") is not None else []
            high += [reference_v * 10 ** (m["high"] / 20.0)] if m.get("high") is not None else []
    return [min(low, default=None), max(high, default=None)]


def _dropouts(step: Plain) -> tuple[float, ...]:
    """When the first silence of each channel came."""
    found = (_conditions(m).get("first_at_s") for m in step.get("measurements") or () if m["name"] == "dropouts")
    return tuple(float(at) for at in found if isinstance(at, int | float))


def _clock_unit(seconds: Sequence[float]) -> str:
    return "h:mm" if max(seconds, default=0.0) - min(seconds, default=0.0) > LONG_S else "m:ss"


def _axis(name: str | None, unit: str | None, lang: Lang) -> str:
    title = axis_title(name or "", lang)
    shown = unit_title(unit or "")
    return f"{title} / {shown}" if shown else title
