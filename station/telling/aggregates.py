"""Telemetry: one stretch of time after the other while a run is on, each reading as mean, low and high.

Only readings that were taken within the stretch count. What is stale, failed or never came is left out; the last value
of before is never said again. Pure: the table and the time are handed in. Bounded by the table's names.
"""

from __future__ import annotations

from collections.abc import Mapping

from station.contract.bodies import Aggregate, Telemetry
from station.domain.interlock import Reading

PERIOD_S = 2.0
"""Wall time of a stretch; 1 to 5 s by the contract."""
LEAST_S, MOST_S = 1.0, 5.0
"""A stretch that a change of step or run cut shorter, or a stalled station made longer, is not told."""


class Stretch:
    """`look` after every scan. A stretch never spans two runs; where a step began in it, it names none."""

    def __init__(self) -> None:
        self._run_id: str | None = None
        self._step: str | None = None
        self._since_s = 0.0
        self._taken_at: dict[str, float] = {}
        self._sums: dict[str, list[float]] = {}

    def look(
        self, table: Mapping[str, Reading], run_id: str | None, step: str | None, now_s: float
    ) -> Telemetry | None:
        """Take in what was read since the last look; the telemetry of a stretch that ends now comes back."""
        told = None
        if self._run_id is None:
            if run_id is not None:
                self._taken_at = {name: reading.taken_at for name, reading in table.items()}
                self._begin(run_id, step, now_s)
            return None
        self._add(table)
        passed_s = now_s - self._since_s
        if run_id != self._run_id or passed_s >= PERIOD_S or (step != self._step and passed_s >= LEAST_S):
            told = self._end(passed_s)
            self._begin(run_id, step, now_s)
        elif step != self._step:
            self._step = None
        return told

    def _begin(self, run_id: str | None, step: str | None, now_s: float) -> None:
        self._run_id, self._step, self._since_s = run_id, step, now_s
        self._sums = {}

    def _add(self, table: Mapping[str, Reading]) -> None:
        for name, reading in table.items():
            if reading.taken_at == self._taken_at.get(name):
                continue
            self._taken_at[name] = reading.taken_at
            value = reading.value
            if value is None:
                continue
            known = self._sums.get(name)
            if known is None:
                self._sums[name] = [1.0, value, value, value]
            else:
                known[0] += 1.0
                known[1] += value
                known[2] = min(known[2], value)
                known[3] = max(known[3], value)

    def _end(self, passed_s: float) -> Telemetry | None:
        if not self._sums or not LEAST_S <= passed_s <= MOST_S or self._run_id is None:
            return None
        readings = {
            name: Aggregate(mean=min(max(total / count, low), high), low=low, high=high)
            for name, (count, total, low, high) in sorted(self._sums.items())
        }
        return Telemetry(run_id=self._run_id, step=self._step, seconds=round(passed_s, 3), readings=readings)
