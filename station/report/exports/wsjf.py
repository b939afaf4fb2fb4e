"""WSJF, the WATS Standard JSON Format of Virinco: one report of type T for a run.

A run is the root step, a step of the record a SequenceCall in it, a measurement a step in that. What WSJF has no field
for stands in its additional data under the record's own names; what it demands and the record does not know is `-`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from station.domain.record import Record, StepRecord
from station.domain.verdict import Verdict
from station.report.exports.additional import additional
from station.report.exports.charts import charts
from station.report.exports.shared import NONE, ExportError, named, run_values, step_values
from station.report.exports.wsjf_measurement import measurement_step

STATUS = {
    Verdict.PASS: "P", Verdict.FAIL: "F", Verdict.ABORTED: "T", Verdict.ERROR: "E",
    Verdict.SKIPPED: "S", Verdict.NOT_APPLICABLE: "S",
}  # fmt: skip
PROCESS_CODE = 10
TEXT_MOST, VERSION_MOST, PATH_MOST = 100, 30, 500


def wsjf(record: Record, process_code: int = PROCESS_CODE) -> bytes:
    """The report. Raises `ExportError` for a text that is longer than WSJF takes: nothing is cut."""
    numbers = count()
    steps: list[dict[str, Any]] = []
    root = _sequence(record, next(numbers), record.plan.id, record.plan.id, record.verdict)
    root |= {"start": _offset(record.started_at), "totTime": record.duration_s, "steps": steps}
    if record.causes:
        root["reportText"] = "\n".join(cause.text for cause in record.causes)
    steps += [_step(record, step, numbers) for step in record.steps]
    dut = record.dut
    report = {
        "type": "T", "id": record.run_id, "pn": _fits(record, dut.product), "sn": _fits(record, dut.serial_number),
        "rev": NONE, "processCode": process_code, "result": STATUS[record.verdict],
        "machineName": _fits(record, record.station), "location": NONE,
        "purpose": _fits(record, f"simulated {record.purpose}" if record.simulated else record.purpose),
        "start": _offset(record.started_at), "startUTC": record.started_at, "root": root,
        "uut": {"execTime": record.duration_s, "user": _fits(record, record.operator)} | _blamed(record, root),
        "miscInfos": list(_infos(record)), "subUnits": [], "additionalData": additional(run_values(record)),
    }  # fmt: skip
    return json.dumps(report, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _step(record: Record, step: StepRecord, numbers: Iterator[int]) -> dict[str, Any]:
    made = _sequence(record, next(numbers), step.id, step.use, step.verdict)
    if step.started_at is not None:
        made["start"] = _offset(step.started_at)
    made["totTime"] = step.duration_s
    if step.notes:
        made["reportText"] = "\n".join(step.notes)
    made["additionalResults"] = additional(step_values(step))
    made["steps"] = [
        {"id": next(numbers), "group": "M", "name": _fits(record, named(one)), "status": STATUS[one.verdict]}
        | measurement_step(one)
        for one in step.measurements
    ] + [
        {"id": next(numbers), "group": "M", "name": _fits(record, f"curve {name}"), "status": "D", "stepType": "Action",
         "chart": chart}
        for name, chart in charts(step.curves)
    ]  # fmt: skip
    return made


def _sequence(record: Record, number: int, name: str, path: str, verdict: Verdict) -> dict[str, Any]:
    called = {
        "path": _fits(record, path, PATH_MOST), "name": _fits(record, name),
        "version": _fits(record, record.plan.revision, VERSION_MOST),
    }  # fmt: skip
    return {
        "id": number, "group": "M", "stepType": "SequenceCall", "name": _fits(record, name), "status": STATUS[verdict],
        "seqCall": called,
    }  # fmt: skip


def _infos(record: Record) -> Iterator[dict[str, str]]:
    """What WATS can search a report by beside its header."""
    told = {
        "run_no": str(record.run_no), "work_order": record.work_order, "imei": record.dut.imei,
        "second_operator": record.second_operator, "repair_engineer": record.repair_engineer,
        "maker": record.dut.maker, "model": record.dut.model, "software": record.software,
    }  # fmt: skip
    for name, text in told.items():
        if text is not None:
            yield {"description": name, "text": _fits(record, text)}


def _blamed(record: Record, root: dict[str, Any]) -> dict[str, int]:
    """Which step made a run a FAIL, by its first cause; nothing where the cause names none."""
    if record.verdict is not Verdict.FAIL or not record.causes or record.causes[0].step is None:
        return {}
    first = record.causes[0]
    step = next((step for step in root["steps"] if step["name"] == first.step), None)
    if step is None:
        return {}
    name = first.measurement if first.channel is None else f"{first.measurement} {first.channel}"
    blamed = next((one for one in step["steps"] if one["name"] == name), step)
    blamed["causedUUTFailure"] = True
    return {"stepIdCausedUUTFailure": blamed["id"]}


def _offset(stamp: str) -> str:
    """UTC as WSJF wants it: with an offset."""
    return f"{stamp.removesuffix('Z')}+00:00"


def _fits(record: Record, text: str | None, most: int = TEXT_MOST) -> str:
    if text is not None and len(text) > most:
        raise ExportError(
            f"run {record.run_no}: {text[:20]!r}… has {len(text)} characters and WSJF takes {most} there; "
            "nothing is cut: export this run as json or atml"
        )
    return text or NONE
