"""The step in hand as the page draws it: progress, readings with their course, curves, measured values. Bounded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from station.domain.quantity import unit_of
from station.page.advice import Pair, both
from station.page.series import Series, thinned
from station.report.words import (
    AXES,
    CURVES,
    MEASUREMENTS,
    axis_title,
    channel_title,
    curve_title,
    measurement_title,
    unit_title,
)

MOST_READINGS, MOST_CURVES, MOST_MEASURED = 6, 6, 12
NOT_SHOWN = frozenset({"remaining_s"})
_READINGS: Mapping[str, Pair] = {
    "power_w": ("市电功率", "Mains power"),
    "left_v": ("左声道输出", "Left output"),
    "right_v": ("右声道输出", "Right output"),
    "left_mv": ("左声道", "Left"),
    "right_mv": ("右声道", "Right"),
    "volts_v": ("探针电压", "Probe"),
    "mains_v": ("市电电压", "Mains voltage"),
    "mains_a": ("市电电流", "Mains current"),
    "current_a": ("市电电流", "Mains current"),
    "bias_left_ma": ("左声道偏流", "Left bias"),
    "bias_right_ma": ("右声道偏流", "Right bias"),
    "bias_ma": ("静态偏流", "Bias current"),
    "captures": ("已保存片段", "Captures kept"),
    "events": ("事件数", "Events"),
}


def reading_title(name: str) -> dict[str, str]:
    """A live reading in words, by language."""
    known = _READINGS.get(name)
    return both(known) if known else {"zh": measurement_title(name, "zh"), "en": measurement_title(name, "en")}


def unit_text(name: str) -> str:
    """The unit of a reading as people write it; empty where its name tells none."""
    try:
        return unit_title(unit_of(name))
    except ValueError:
        return ""


def value_text(value: object) -> str:
    """Four digits that do not jump about; a dash for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "—"
    if value == int(value) and abs(value) < 1e6:
        digits = 0 if isinstance(value, int) else 1
    else:
        digits = min(6, max(0, 3 - math.floor(math.log10(abs(value)))))
    return f"{value:.{digits}f}".replace("-", "−")


class StepInHand:
    """Folds `step_started`, `progress`, `reading`, `measurement` and `curve`; `now_s` is monotonic."""

    def __init__(self) -> None:
        self.step: str | None = None
        self.fraction = 0.0
        self.remaining_s: float | None = None
        self._began_s = 0.0
        self._values: dict[str, float] = {}
        self._series: dict[str, Series] = {}
        self._curves: dict[tuple[str, str], dict[str, Any]] = {}
        self._measured: dict[tuple[str, str], dict[str, Any]] = {}

    def begin(self, step: str, now_s: float) -> None:
        """Another step: what the one before left is gone."""
        self.step, self._began_s = step, now_s
        self.fraction, self.remaining_s = 0.0, None
        self._values, self._series, self._curves, self._measured = {}, {}, {}, {}

    def end(self) -> None:
        """The step is over; what it has drawn stays until the next one."""
        self.step, self.fraction, self.remaining_s = None, 0.0, None

    def progress(self, data: Mapping[str, Any], now_s: float) -> None:
        """How far, what is read, what is left (test seconds)."""
        self.fraction = min(1.0, max(0.0, _finite(data.get("fraction")) or 0.0))
        self.remaining_s = _finite(data.get("remaining_s"))
        self.readings(data.get("readings") or {}, now_s)

    def readings(self, readings: Mapping[str, Any], now_s: float) -> None:
        """Values as they come; over test time where the step tells how much is left of it."""
        at_s = now_s - self._began_s
        if self.remaining_s is not None and self.fraction < 1.0:
            at_s = self.remaining_s * self.fraction / (1.0 - self.fraction)
        for name, given in readings.items():
            value = _finite(given)
            if name in NOT_SHOWN or value is None:
                continue
            if name not in self._series:
                if len(self._series) >= MOST_READINGS:
                    continue
                self._series[name] = Series()
            self._values[name] = value
            self._series[name].add(at_s, value)

    def measured(self, data: Mapping[str, Any]) -> None:
        """A value on its way to the record; whether it is good, the runner says at the end of the step."""
        name, channel = str(data.get("name")), str(data.get("channel") or "")
        if len(self._measured) >= MOST_MEASURED:
            self._measured.pop(next(iter(self._measured)))
        sign = {"below": "< ", "above": "> "}.get(str(data.get("bound")), "")
        self._measured[name, channel] = {
            "name": name,
            "value": _finite(data.get("value")),
            "title": reading_title(name) if name not in MEASUREMENTS else both(MEASUREMENTS[name]),
            "channel": _channel(channel),
            "text": sign + value_text(data.get("value")),
            "unit": unit_text(name),
        }

    def curve(self, curve: Mapping[str, Any]) -> None:
        """A curve of the step; one of the same name and channel replaces the earlier."""
        xs, ys = [float(x) for x in curve.get("x") or ()], [float(y) for y in curve.get("y") or ()]
        if len(xs) < 2 or len(xs) != len(ys):
            return
        name, channel = str(curve.get("name")), str(curve.get("channel") or "")
        if (name, channel) not in self._curves and len(self._curves) >= MOST_CURVES:
            self._curves.pop(next(iter(self._curves)))
        mask = [float(y) for y in curve.get("mask") or ()]
        masked = thinned(xs, mask)[1] if len(mask) == len(xs) else []
        xs, ys = thinned(xs, ys)
        x_name, y_name = str(curve.get("x_name")), str(curve.get("y_name"))
        self._curves[name, channel] = {
            "name": name, "title": both(CURVES[name]) if name in CURVES else _same(curve_title(name, "en")),
            "channel": _channel(channel), "side": channel, "log": x_name == "frequency",
            "x": xs, "y": ys, "mask": masked,
            "x_title": both(AXES[x_name]) if x_name in AXES else _same(axis_title(x_name, "en")),
            "x_unit": unit_title(str(curve.get("x_unit"))), "y_unit": unit_title(str(curve.get("y_unit"))),
            "y_title": both(AXES[y_name]) if y_name in AXES else _same(axis_title(y_name, "en")),
        }  # fmt: skip

    # ---- what the page is told -------------------------------------------------------------------------------
    def tiles(self) -> list[dict[str, Any]]:
        """The readings as they are now."""
        return [
            {
                "name": name,
                "value": value,
                "title": reading_title(name),
                "text": value_text(value),
                "unit": unit_text(name),
            }
            for name, value in self._values.items()
        ]

    def traces(self) -> list[dict[str, Any]]:
        """The course of each reading."""
        return [{"name": name, "points": series.points} for name, series in self._series.items()]

    def curves(self) -> list[dict[str, Any]]:
        """The curves of the step."""
        return list(self._curves.values())

    def values(self) -> list[dict[str, Any]]:
        """The measured values of the step."""
        return list(self._measured.values())


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _channel(name: str) -> dict[str, str] | None:
    return {"zh": channel_title(name, "zh"), "en": channel_title(name, "en")} if name else None


def _same(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}
