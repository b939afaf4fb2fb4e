"""Leads a hand to the bias: which channel, which way, and when both have settled. Pure; one reading at a time.

Left first, then right, then both together, because one heatsink carries both. A channel is led until it is near the
target (`aim_ma`) and held as long as it stays in the window (`within_ma`), so that no hint flutters at an edge.
Settled: both in the window without a break for `settle_s` of test time and at least `readings_min` readings, and the
change a minute, by regression over that stretch, within `drift_ma`. Who leaves the window begins the stretch anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from station.domain.guide import Guide, Hint
from station.domain.measurement import CHANNELS, Channel
from station.metrology.uncertainty import student

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Window:
    """What settled means; see the head of this module. All mA."""

    target_ma: float
    within_ma: float
    aim_ma: float
    drift_ma: float
    settle_s: float
    readings_min: int
    quiet_readings: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Change in a minute with its uncertainty (k=2), mean, smallest and largest of one channel over a stretch."""

    ma: float
    uncertainty_ma: float
    mean_ma: float
    low_ma: float
    high_ma: float


Row = tuple[float, float, float]
"""Test time, left and right in mA."""


class Lead:
    """The memory between readings."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._leading: Channel | None = "left"
        self._holds = dict.fromkeys(CHANNELS, False)
        self._quiet = 0
        self.stretch: list[Row] = []
        """Readings since both have been in the window, in the last phase."""
        self.settled = False
        self.restarts = 0
        """How often a channel left the window while both were watched."""

    @property
    def span_s(self) -> float:
        """Length of the stretch."""
        return self.stretch[-1][0] - self.stretch[0][0] if self.stretch else 0.0

    @property
    def is_complete(self) -> bool:
        """Whether the stretch is long enough to say how much the bias drifts."""
        return self._is_long(self.stretch)

    @property
    def fraction(self) -> float:
        """How far it is, 0 to 1: a quarter for each channel, the rest for settling."""
        if self._leading is not None:
            return 0.0 if self._leading == "left" else 0.25
        window = self._window
        return 0.5 + 0.5 * min(1.0, self.span_s / window.settle_s, len(self.stretch) / window.readings_min)

    def take(self, at_s: float, left_ma: float, right_ma: float) -> tuple[Guide, ...]:
        """One reading of both channels; the guides that a hand follows now."""
        values: dict[Channel, float] = {"left": left_ma, "right": right_ma}
        if self._leading is not None:
            return (self._lead(self._leading, values[self._leading]),)
        self._watch(at_s, values)
        guides = [self._guide(channel, value, self._hint(channel, value)) for channel, value in values.items()]
        if all(guide.hint in ("raise", "lower") for guide in guides):  # one trimmer at a time
            guides[1] = replace(guides[1], hint="hold")
        return tuple(guides)

    def drift(self, channel: Channel) -> Drift | None:
        """The line through the stretch; None with fewer than three readings or no time between them."""
        return drift_of(self.stretch, channel)

    def _lead(self, channel: Channel, value: float) -> Guide:
        hint = self._hint(channel, value)
        self._quiet = self._quiet + 1 if hint == "hold" else 0
        if self._quiet >= self._window.quiet_readings:
            self._leading, self._quiet, hint = "right" if channel == "left" else None, 0, "done"
        return self._guide(channel, value, hint)

    def _watch(self, at_s: float, values: dict[Channel, float]) -> None:
        window = self._window
        if any(abs(value - window.target_ma) > window.within_ma for value in values.values()):
            self.restarts += bool(self.stretch)
            self.stretch.clear()
            return
        self.stretch.append((at_s, values["left"], values["right"]))
        while self._is_long(self.stretch[1:]):
            del self.stretch[0]
        if self.is_complete:
            drifts = [self.drift(channel) for channel in CHANNELS]
            self.settled = all(one is not None and abs(one.ma) <= window.drift_ma for one in drifts)

    def _is_long(self, rows: Sequence[Row]) -> bool:
        window = self._window
        return len(rows) >= window.readings_min and rows[-1][0] - rows[0][0] >= window.settle_s

    def _hint(self, channel: Channel, value: float) -> Hint:
        window = self._window
        if self.settled:
            return "done"
        away_ma = value - window.target_ma
        near = abs(away_ma) <= (window.within_ma if self._holds[channel] else window.aim_ma)
        self._holds[channel] = near
        if near:
            return "hold"
        return "raise" if away_ma < 0.0 else "lower"

    def _guide(self, channel: Channel, value: float, hint: Hint) -> Guide:
        window = self._window
        low, high = window.target_ma - window.within_ma, window.target_ma + window.within_ma
        return Guide("bias_ma", round(value, 2), "mA", low, high, window.target_ma, hint, channel)


def drift_of(rows: Sequence[Row], channel: Channel) -> Drift | None:
    """Least squares through one channel of `rows`: its change in a minute, with what the scatter makes of it (k=2)."""
    values = [row[1 + CHANNELS.index(channel)] for row in rows]
    count = len(rows)
    if count < 3:
        return None
    mean_s, mean_ma = sum(row[0] for row in rows) / count, sum(values) / count
    square = sum((row[0] - mean_s) ** 2 for row in rows)
    if square <= 0.0:
        return None
    slope = sum((row[0] - mean_s) * (ma - mean_ma) for row, ma in zip(rows, values, strict=True)) / square
    rest = sum((ma - mean_ma - slope * (row[0] - mean_s)) ** 2 for row, ma in zip(rows, values, strict=True))
    error = (rest / (count - 2) / square) ** 0.5
    return Drift(slope * MINUTE_S, student(count - 2) * error * MINUTE_S, mean_ma, min(values), max(values))
