"""Runs by hand for the tests of this room: a few words each, everything else is alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from station.domain.clock import utc_text
from station.statistics.results import Statistics
from station.statistics.run import Run, Value
from station.statistics.selection import Selection
from station.statistics.tally import Tally

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def at(day: float) -> str:
    """A stamp so many days after the first of March."""
    return utc_text(BEGIN + timedelta(days=day))


def made(serial: str, order: str | None, verdict: str, day: float = 0.0, purpose: str = "outgoing", **more: Any) -> Run:
    """One run of an hour."""
    told: dict[str, Any] = {
        "station": "bench-01", "epoch": "", "run_no": 1 + round(day * 1000), "product": "a-100", "plan": "outgoing",
        "operator": "E1", "repair_engineer": "R1", "started_at": at(day), "ended_at": at(day + 1 / 24),
    }  # fmt: skip
    return Run(purpose=purpose, verdict=verdict, serial_number=serial, work_order=order, **(told | more))


def value(
    number: float | None, low: float | None = None, high: float | None = None, name: str = "gain_db",
    verdict: str = "PASS", bound: str | None = None, channel: str | None = None,
) -> Value:  # fmt: skip
    """One measurement of the step `gain`."""
    return Value("gain", name, channel, number, "dB", low, high, bound, verdict)


def tallied(*runs: Run, selection: Selection | None = None, now: datetime = NOW) -> Statistics:
    """Added up in the order that a database gives: device by device, by stamp."""
    tally = Tally(selection or Selection(), now)
    for run in sorted(runs, key=lambda run: (run.serial_number, run.started_at, run.run_no)):
        tally.add(run)
    return tally.finish()
