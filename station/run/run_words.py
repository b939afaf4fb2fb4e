"""A run in words: what a step raised, what a trip says on record, what watchers are told at its beginning and end."""

from __future__ import annotations

import logging

from drivers.errors import DriverError, PermitDenied
from station.domain.errors import StepDeclined, StepError, StoreError
from station.domain.interlock import Trip
from station.domain.journal import PlannedStep, RunDraft
from station.domain.record import Record, TripRecord
from station.safety.causes import blame_words

log = logging.getLogger(__name__)


def error_words(error: BaseException) -> str:
    """What a step raised, for the cause on record; what it should not have raised goes to the log whole."""
    if isinstance(error, (DriverError, PermitDenied, StepDeclined, StepError, StoreError)):
        return str(error)
    log.error("a step raised what it should not", exc_info=error)
    return f"the step broke: {type(error).__name__}: {error}; see the log"


def trip_record(trip: Trip, at_s: float) -> TripRecord:
    """A trip as the record keeps it; `at_s`: test time since the run began."""
    return TripRecord(trip.interlock, trip.cause, trip.value, trip.limit, trip.blames, round(at_s, 3))


def trip_cause(trip: Trip) -> str:
    """A trip as the text of a cause."""
    value = "" if trip.value is None else f" at {trip.value:.4g}"
    limit = "" if trip.limit is None else f" (limit {trip.limit:.4g})"
    return f"trip: {trip.interlock}, {trip.cause}{value}{limit}; {blame_words(trip)}"


def begun_data(draft: RunDraft, run_no: int) -> dict[str, object]:
    """Of the event `run_started`."""
    return {
        "run_id": draft.run_id, "run_no": run_no, "plan": draft.plan.id, "product": draft.dut.product,
        "serial_number": draft.dut.serial_number,
        "steps": [{"id": step.id, "title": step.title, "limits": _limits(step)} for step in draft.planned],
    }  # fmt: skip


def _limits(step: PlannedStep) -> dict[str, list[float | None]]:
    """Low and high by the measurement's name, for who looks on; relative ones have no numbers yet and are left out."""
    return {
        asked.name: [asked.low, asked.high]
        for asked in step.measurements
        if asked.low is not None or asked.high is not None
    }


def ended_data(record: Record) -> dict[str, object]:
    """Of the event `run_ended`."""
    return {
        "run_id": record.run_id, "run_no": record.run_no, "verdict": record.verdict,
        "causes": [cause.text for cause in record.causes],
    }  # fmt: skip
