"""CSV (RFC 4180): one row a measurement, with what it takes of its step and run beside it.

UTF-8 without a mark, CRLF, a header. Numbers are as Python's `repr` writes them, so that they are read back exactly;
what is null is empty. A text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from station.domain.record import JudgedMeasurement, Record, StepRecord

ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
"""How a text begins that a spreadsheet computes with; and the apostrophe, so that one can be taken off again."""

RUN: dict[str, Callable[[Record], Any]] = {
    "run_id": lambda r: r.run_id,
    "run_no": lambda r: r.run_no,
    "purpose": lambda r: r.purpose,
    "work_order": lambda r: r.work_order,
    "operator": lambda r: r.operator,
    "second_operator": lambda r: r.second_operator,
    "repair_engineer": lambda r: r.repair_engineer,
    "product": lambda r: r.dut.product,
    "maker": lambda r: r.dut.maker,
    "model": lambda r: r.dut.model,
    "serial_number": lambda r: r.dut.serial_number,
    "imei": lambda r: r.dut.imei,
    "plan": lambda r: r.plan.id,
    "plan_revision": lambda r: r.plan.revision,
    "plan_sha256": lambda r: r.plan.sha256,
    "plan_label": lambda r: r.plan.label,
    "station": lambda r: r.station,
    "software": lambda r: r.software,
    "config_sha256": lambda r: r.config_sha256,
    "simulated": lambda r: r.simulated,
    "speed": lambda r: r.speed,
    "started_at": lambda r: r.started_at,
    "ended_at": lambda r: r.ended_at,
    "clock_quality": lambda r: r.clock.quality,
    "clock_max_error_ms": lambda r: r.clock.max_error_ms,
    "clock_boot_id": lambda r: r.clock.boot_id,
    "duration_s": lambda r: r.duration_s,
    "run_verdict": lambda r: r.verdict.value,
    "first_cause": lambda r: r.causes[0].text if r.causes else None,
}
STEP: dict[str, Callable[[StepRecord], Any]] = {
    "step": lambda s: s.id,
    "use": lambda s: s.use,
    "step_verdict": lambda s: s.verdict.value,
    "attempt": lambda s: s.attempt,
    "step_started_at": lambda s: s.started_at,
    "step_duration_s": lambda s: s.duration_s,
    "signed_by": lambda s: s.signed_by,
}
MEASUREMENT: dict[str, Callable[[JudgedMeasurement], Any]] = {
    "measurement": lambda m: m.name,
    "channel": lambda m: m.channel,
    "value": lambda m: m.value,
    "unit": lambda m: m.unit,
    "low": lambda m: m.low,
    "high": lambda m: m.high,
    "uncertainty": lambda m: m.uncertainty,
    "bound": lambda m: m.bound,
    "verdict": lambda m: m.verdict.value,
    "limit_source": lambda m: m.limit_source,
    "conditions": lambda m: json.dumps(dict(m.conditions), ensure_ascii=False) if m.conditions else None,
}
COLUMNS = ("store_epoch", *RUN, *STEP, *MEASUREMENT)


def header() -> bytes:
    """The first line."""
    return _lines([COLUMNS])


def rows(record: Record, epoch: str) -> bytes:
    """One line for each measurement of the run, in the record's order."""
    run = [_cell(epoch), *(_cell(read(record)) for read in RUN.values())]
    found = []
    for step in record.steps:
        of_step = [_cell(read(step)) for read in STEP.values()]
        found += [[*run, *of_step, *(_cell(read(m)) for read in MEASUREMENT.values())] for m in step.measurements]
    return _lines(found)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    return f"'{text}" if text.startswith(ACTIVE) else text


def _lines(found: Any) -> bytes:
    sheet = io.StringIO(newline="")
    csv.writer(sheet, lineterminator="\r\n").writerows(found)
    return sheet.getvalue().encode()
