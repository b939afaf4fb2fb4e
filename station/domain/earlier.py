"""Earlier runs of a device: what of a record is kept to compare with, which of them is *as found*, and the notes.

Shared by the runner (which run is the reference), the store (what it keeps) and the paper (as found beside as left).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from station.domain.record import Record
from station.domain.trip_words import Pair
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun

PURPOSES = frozenset({"incoming", "adjust", "outgoing"})
"""Runs that say something about a customer's device; engineering and golden-unit runs never count."""
JUDGED = frozenset({"PASS", "FAIL"})

NO_CLOCK = "rework not decided: the clock was not synchronised, so 30 days cannot be shown"
NO_CAUSE = "rework not decided: the fault of the repair before is not on record"
NOTES: Mapping[str, Pair] = {
    NO_CLOCK: (
        "未判定是否返工：时钟未同步，无法证明 30 天期限",
        "Rework was not decided: " + NO_CLOCK.partition(": ")[2],
    ),
    NO_CAUSE: ("未判定是否返工：上次维修的故障没有记录", "Rework was not decided: " + NO_CAUSE.partition(": ")[2]),
}
"""What `Reference.note` may say, in words for the paper."""


def earlier_of(record: Record) -> EarlierRun:
    """What of a finished run is compared with later; a name that was measured twice keeps its first value."""
    measurements: dict[str, float] = {}
    for step in record.steps:
        for m in step.measurements:
            if m.value is not None:
                measurements.setdefault(f"{m.name}/{m.channel}" if m.channel else m.name, m.value)
    return EarlierRun(
        run_id=record.run_id, purpose=record.purpose, verdict=record.verdict.value, ended_at=record.ended_at,
        station=record.station, plan=record.plan.id, work_order=record.work_order,
        serial_number=record.dut.serial_number, causes=tuple(cause.text for cause in record.causes),
        areas=tuple(finding.area for finding in record.findings), measurements=measurements,
        curves=tuple(curve for step in record.steps for curve in step.curves),
        clock_quality=record.clock.quality, simulated=record.simulated, failed=has_failed(record),
    )  # fmt: skip


def has_failed(record: Record) -> bool:
    """Whether the device failed in the run: a step, a measurement or a trip that blames it, whatever came after."""
    seen = [verdict for step in record.steps for verdict in (step.verdict, *(m.verdict for m in step.measurements))]
    return Verdict.FAIL in (record.verdict, *seen) or any(trip.blames == "dut" for trip in record.trips)


def ended(run: EarlierRun) -> datetime:
    """When a run ended; a stamp that is none lies before everything."""
    return moment(run.ended_at) or datetime.min.replace(tzinfo=UTC)


def moment(stamp: str) -> datetime | None:
    """A UTC stamp as a time, None for what is no stamp."""
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def related(
    runs: Iterable[EarlierRun], run_id: str, work_order: str | None, serial_number: str, *, simulated: bool
) -> list[EarlierRun]:
    """The runs that count as earlier ones of this run, oldest first, each once.

    Of the work order or the serial number; a run that names no serial number came with the work order of this
    device. A real run never has a
    simulated one before it; on the simulated bench, where all paper says SAMPLE, they count among themselves.
    """
    found: dict[str, EarlierRun] = {}
    for run in runs:
        of_order = work_order is not None and run.work_order == work_order
        of_device = run.serial_number in (None, serial_number)
        counts = run.purpose in PURPOSES and (simulated or not run.simulated) and run.run_id != run_id
        if counts and (of_order or of_device):
            found.setdefault(run.run_id, run)
    return sorted(found.values(), key=ended)


def as_found(before: Sequence[EarlierRun], work_order: str | None) -> EarlierRun | None:
    """The incoming run of the work order: the first that came to a verdict about the device, else the first."""
    incoming = [
        run
        for run in before
        if run.purpose == "incoming" and work_order is not None and run.work_order in (work_order, None)
    ]
    return next((run for run in incoming if run.verdict in JUDGED), incoming[0] if incoming else None)
