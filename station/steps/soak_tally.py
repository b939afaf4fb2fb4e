"""What a soak adds up to: levels, THD, silences, mains power, DC and temperature over test time. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from station.domain.errors import StepError
from station.domain.sound import SoakBatch
from station.metrology.uncertainty import student

DROPOUT_S = 0.050
"""A silence longer than this is a dropout (product table, contracts/cli.md)."""
CURVE_POINTS = 240
Series = list[tuple[float, float]]


@dataclass(slots=True)
class Tally:
    """Series are (seconds of the soak, value); index 0 left, 1 right."""

    reference_s: float
    window_s: float
    level_v: tuple[Series, Series] = field(default_factory=lambda: ([], []))
    thd_percent: tuple[Series, Series] = field(default_factory=lambda: ([], []))
    thd_uncertainty: list[float] = field(default_factory=lambda: [0.0, 0.0])
    silences: tuple[Series, Series] = field(default_factory=lambda: ([], []))
    mains_w: Series = field(default_factory=list)
    offset_v: tuple[Series, Series] = field(default_factory=lambda: ([], []))
    heatsink_degc: Series = field(default_factory=list)
    end_s: float = 0.0
    open_silence_s: float = 0.0
    longest_silence_s: float = 0.0
    longest_from_s: float = 0.0

    def refuse_a_stuck_thermometer(self, least_k: float) -> None:
        """Raise `StepError` where the heatsink's temperature has not moved by `least_k`: it cannot watch the soak."""
        values = [value for _, value in self.heatsink_degc]
        moved_k = max(values) - min(values)
        if moved_k < least_k:
            raise StepError(
                f"heatsink thermometer: {values[-1]:.2f} degC has moved by {moved_k:.2f} K in {self.end_s:.0f} s "
                f"at rated power, must be at least {least_k:g} K; stuck or off the heatsink: fix it, test again"
            )

    def take(self, batch: SoakBatch) -> None:
        """Add one stretch of sound."""
        for channel in (0, 1):
            for offset, level in enumerate(batch.level_v[channel]):
                if level is not None:
                    self.level_v[channel].append((batch.first_s + offset, level))
            for offset, thd in enumerate(batch.thd_percent[channel]):
                if thd is not None:
                    self.thd_percent[channel].append((batch.first_s + offset, thd))
            self.thd_uncertainty[channel] = max(self.thd_uncertainty[channel], batch.thd_uncertainty_percent[channel])
            self.silences[channel].extend(batch.silences[channel])
        self.end_s = batch.end_s
        self.open_silence_s = max(batch.open_silence_s)
        ended = [silence for found in batch.silences for silence in found]
        for from_s, length_s in (*ended, (batch.end_s - self.open_silence_s, self.open_silence_s)):
            if length_s > self.longest_silence_s:
                self.longest_silence_s, self.longest_from_s = length_s, from_s

    def close(self, batch: SoakBatch | None) -> None:
        """Count silences that still lasted when the soak ended."""
        if batch is None:
            return
        for channel, lasting_s in enumerate(batch.open_silence_s):
            if lasting_s > 0:
                self.silences[channel].append((batch.end_s - lasting_s, lasting_s))

    def dropouts(self, channel: int) -> Series:
        """(start, length) of every silence that counts."""
        return [(start, length) for start, length in self.silences[channel] if length > DROPOUT_S]

    def reference(self, series: Series) -> float | None:
        """Mean of what lies in the reference window (295 to 305 s of the contract)."""
        low, high = self.reference_s - self.window_s, self.reference_s + self.window_s
        inside = [value for at_s, value in series if low <= at_s <= high]
        return sum(inside) / len(inside) if inside else None

    def furthest(self, series: Series, distance: Callable[[float], float]) -> float | None:
        """The value since the reference window began whose `distance` is the largest."""
        since = [value for at_s, value in series if at_s >= self.reference_s - self.window_s]
        return max(since, key=distance, default=None)

    def rise_k(self, last_s: float) -> tuple[float, float] | None:
        """Temperature rise over the last `last_s` seconds, by linear regression, and what the scatter about the line
        leaves of it (k=2); None with fewer than 10 points."""
        points = [(at_s, value) for at_s, value in self.heatsink_degc if at_s >= self.end_s - last_s]
        if len(points) < 10:
            return None
        mean_s = sum(at_s for at_s, _ in points) / len(points)
        mean_degc = sum(value for _, value in points) / len(points)
        spread = sum((at_s - mean_s) ** 2 for at_s, _ in points)
        slope = sum((at_s - mean_s) * (value - mean_degc) for at_s, value in points) / spread
        rest = sum((value - mean_degc - slope * (at_s - mean_s)) ** 2 for at_s, value in points)
        freedom = len(points) - 2
        return slope * last_s, student(freedom) * math.sqrt(rest / freedom / spread) * last_s


def holds_silence(batch: SoakBatch) -> bool:
    """Whether a second of the stretch was left out, or a silence ended in it or still lasts."""
    left_out = any(level is None for levels in batch.level_v for level in levels)
    return left_out or any(batch.silences) or max(batch.open_silence_s) > 0.0


def thinned(series: Series, points: int = CURVE_POINTS) -> Series:
    """At most `points` of a series, evenly spread, first and last kept."""
    if len(series) <= points:
        return series
    return [series[round(i * (len(series) - 1) / (points - 1))] for i in range(points)]
