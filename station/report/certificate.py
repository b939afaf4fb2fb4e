"""The certificate (维修合格证明) with its maintenance record (维修记录单): whom it is for, what it says, its dates.

Pure; knows no HTML and no key. Given for a PASS of an outgoing run and for nothing else.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from station.domain.earlier import moment
from station.report import numbers
from station.report.comparison import found_text, was_bad
from station.report.record_view import MeasurementRow, Plain, ReportError, earns_label, measurement_row
from station.report.words import VERDICTS as VERDICT_WORDS
from station.report.words import Lang, area_title, label, pick

GUARANTEE_MONTHS = 6
REWORK_DAYS = 30


@dataclass(frozen=True, slots=True)
class Item:
    """One fact of the certificate: `field` names it in the signed data."""

    field: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class DataRow:
    """One measurement on the certificate, with its value as found and whether that was out of its limits."""

    field: str
    row: MeasurementRow
    found: str
    was_bad: bool


@dataclass(frozen=True, slots=True)
class Dates:
    """Dates in the configured zone."""

    ended: date
    guarantee: date
    rework: date


def require_certifiable(record: Plain) -> None:
    """Raises `ReportError` with the reason where there is no certificate for this run."""
    what = f"run {record['run_no']}"
    if record["verdict"] != "PASS":
        raise ReportError(f"{what} is {record['verdict']}: a certificate is for PASS alone; ask for a report")
    if record["purpose"] != "outgoing":
        raise ReportError(f"{what} is {record['purpose']}: a certificate is for outgoing runs alone; ask for a report")
    if not earns_label(record):
        raise ReportError(
            f"{what} was made by plan {record['plan']['id']}, which earns no label: it is only a part of the outgoing "
            "test; ask for a report"
        )
    if moment(str(record["ended_at"])) is None:
        raise ReportError(f"{what} has no usable end ({record['ended_at']!r}): no guarantee can be dated")


def dates_of(record: Plain, zone: tzinfo) -> Dates:
    """End of the test, of the guarantee (6 calendar months) and of free rework (30 days), in `zone`."""
    at = moment(str(record["ended_at"]))
    assert isinstance(at, datetime)
    ended = at.astimezone(zone).date()
    return Dates(ended, months_after(ended, GUARANTEE_MONTHS), ended + timedelta(days=REWORK_DAYS))


def months_after(day: date, months: int) -> date:
    """The same day `months` later; the last of the month where there is no such day (31 August, 28 February)."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def device_items(record: Plain, lang: Lang) -> list[Item]:
    """Whose device it is, and who repaired and tested it."""
    dut = record["dut"]
    pairs: list[tuple[str, Any]] = [
        ("product", f"{dut.get('maker') or ''} {dut.get('model') or ''}".strip() or dut.get("product")),
        ("serial_number", dut.get("serial_number")),
        ("imei", dut.get("imei")),
        *((name, record.get(name)) for name in ("work_order", "repair_engineer", "operator", "second_operator")),
    ]
    return [Item(name, label(name, lang), str(value)) for name, value in pairs if value]


def test_items(record: Plain, lang: Lang, zone: tzinfo, zone_name: str) -> list[Item]:
    """What was tested, where, when, with which verdict, until when it holds."""
    dates, plan = dates_of(record, zone), record["plan"]
    return [
        Item(
            "verdict", label("verdict", lang), f"{pick(VERDICT_WORDS['PASS'], lang)} (PASS)" if lang == "zh" else "PASS"
        ),
        Item("ended_on", label("ended_on", lang), f"{dates.ended.isoformat()} ({zone_name})"),
        Item("guarantee_until", label("guarantee_until", lang), dates.guarantee.isoformat()),
        Item("rework_until", label("rework_until", lang), dates.rework.isoformat()),
        Item("plan", label("plan", lang), f"{plan['id']} {plan.get('revision') or ''}".strip()),
        Item("station", label("station", lang), str(record["station"])),
        Item("duration", label("duration_s", lang), numbers.duration(record.get("duration_s") or 0.0)),
    ]


def data_rows(record: Plain, found: Plain | None, lang: Lang) -> list[DataRow]:
    """Every measurement, in the plan's order."""
    before: Mapping[str, Any] = (found or {}).get("measurements") or {}
    return [
        DataRow(
            _field(step, m),
            measurement_row(m, lang), found_text(m, before), was_bad(m, before),
        )
        for step in record["steps"]
        for m in step.get("measurements") or ()
    ]  # fmt: skip


def _field(step: Plain, m: Plain) -> str:
    """The name of a row's fields; a second attempt of a step has names of its own."""
    attempt = step.get("attempt") or 1
    place = step["id"] if attempt == 1 else f"{step['id']}#{attempt}"
    return ".".join(filter(None, ("m", place, m["name"], m.get("channel"))))


def faults_found(found: Plain | None, lang: Lang) -> list[str]:
    """What was wrong before the repair: areas of the findings in words, else the causes as they stand on record."""
    if found is None:
        return []
    areas = [area_title(str(area), lang) for area in found.get("areas") or ()]
    return list(dict.fromkeys(areas)) or [str(cause) for cause in found.get("causes") or ()]


def key_data(record: Plain, zone: tzinfo) -> dict[str, Any]:
    """The certificate as data, for machines; what is signed beside what the page shows."""
    dates = dates_of(record, zone)
    taken = ("run_id", "run_no", "purpose", "verdict", "simulated", "station", "work_order", "repair_engineer",
             "operator", "second_operator", "ended_at", "config_sha256", "parts")  # fmt: skip
    return {
        **{name: record.get(name) for name in taken},
        "dut": dict(record["dut"]),
        "plan": dict(record["plan"]),
        "ended_on": dates.ended.isoformat(),
        "guarantee_until": dates.guarantee.isoformat(),
        "rework_until": dates.rework.isoformat(),
        "measurements": [
            {"step": step["id"], **{name: m.get(name) for name in ("name", "channel", "value", "unit", "low", "high",
                                                                   "uncertainty", "bound", "verdict")}}
            for step in record["steps"]
            for m in step.get("measurements") or ()
        ],
    }  # fmt: skip
