"""What the formats have in common: plain values of a record, file names, and their one error."""

from __future__ import annotations

import re
from typing import Any

from station.domain.errors import StationError
from station.domain.record import JudgedMeasurement, Record, StepRecord
from station.report.record_view import plain

NONE = "-"
"""Where a format demands a text and the record has none."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_SERIAL_MOST = 60


class ExportError(StationError):
    """A record that a format cannot carry without changing what it says."""


def present(value: Any) -> Any:
    """Plain JSON values; a member that is null or an empty list or object is left out, as the exports do everywhere."""
    if isinstance(value, dict):
        members = {name: present(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member is not None and member not in ([], {})}
    return [present(member) for member in value] if isinstance(value, list) else value


def run_values(record: Record) -> dict[str, Any]:
    """Everything of a record but its steps."""
    return _values(record, "steps")


def step_values(step: StepRecord) -> dict[str, Any]:
    """Everything of a step but its measurements and curves."""
    return _values(step, "measurements", "curves")


def measurement_values(measurement: JudgedMeasurement) -> dict[str, Any]:
    """Everything of a measurement."""
    return _values(measurement)


def _values(value: Record | StepRecord | JudgedMeasurement, *left_out: str) -> dict[str, Any]:
    values: dict[str, Any] = present(plain(value))
    return {name: member for name, member in values.items() if name not in left_out}


def file_name(kind: str, epoch: str, record: Record, suffix: str) -> str:
    """`WSJF-1a2b3c4d-184-A100-000451.json`: epoch and number make it unique, the serial number is for people."""
    serial = _UNSAFE.sub("_", record.dut.serial_number)[:_SERIAL_MOST]
    return f"{kind}-{_UNSAFE.sub('_', epoch)}-{record.run_no}-{serial or NONE}.{suffix}"


def named(measurement: JudgedMeasurement) -> str:
    """Its name, with the channel where it has one."""
    return measurement.name if measurement.channel is None else f"{measurement.name} {measurement.channel}"
