"""From the record of a run to what the paper says: sentences, facts, rows. Pure; knows no HTML.

Takes the record as plain JSON (the body of `up/result`) or as a `Record`; a field that a later version adds or an
optional one that is absent does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, tzinfo
from enum import Enum
from typing import Any

from station.domain.calibration_words import NOT_JUDGED, in_chinese
from station.domain.earlier import NOTES
from station.domain.errors import StationError
from station.domain.judge import near_limit
from station.domain.record import Record
from station.report import numbers
from station.report.bench_words import PERSONS, interlock_title, role_title, trip_cause
from station.report.words import (
    CLOCKS,
    PURPOSES,
    SYMBOLS,
    VERDICTS,
    Lang,
    channel_title,
    condition,
    label,
    measurement_title,
    pick,
    unit_title,
)

Plain = Mapping[str, Any]
_REQUIRED = ("run_id", "run_no", "purpose", "dut", "plan", "station", "started_at", "ended_at", "verdict", "steps")


class ReportError(StationError):
    """What was handed in is no record of a run."""


def plain_record(record: Record | Plain) -> dict[str, Any]:
    """The record as plain values. Raises `ReportError` for something that is none."""
    body = plain(record)
    if not isinstance(body, dict):
        raise ReportError("the record is no JSON object; hand in the body of a result")
    if missing := [name for name in _REQUIRED if body.get(name) is None]:
        raise ReportError(f"the record has no {', '.join(missing)}; hand in the body of a result, not its envelope")
    if body["verdict"] not in ("PASS", "FAIL", "ABORTED", "ERROR"):
        raise ReportError(f"verdict {body['verdict']!r}: must be PASS, FAIL, ABORTED or ERROR")
    return body


def plain(value: Any) -> Any:
    """Values of the domain as plain JSON types."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value."""

    label: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class MeasurementRow:
    """One measurement as a row; `low` … `verdict_code` are for the bar."""

    title: str
    name: str
    channel: str
    conditions: str
    value: str
    limits: str
    verdict: str
    symbol: str
    verdict_code: str
    source: str
    number: float | None
    low: float | None
    high: float | None
    uncertainty: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class StepBlock:
    """A step with its rows; one with a single row needs no headline of its own."""

    title: str
    verdict: str
    symbol: str
    verdict_code: str
    duration: str
    attempt: int
    rows: tuple[MeasurementRow, ...]
    notes: tuple[str, ...]
    signed_by: str = ""

    @property
    def all_skipped(self) -> bool:
        """Nothing of it was made: the paper then only names its measurements."""
        return bool(self.rows) and all(row.verdict_code == "SKIPPED" for row in self.rows)


def earns_label(record: Plain) -> bool:
    """Whether a PASS of the run's plan may say 维修合格; a record that does not say so is taken at its purpose."""
    return (record.get("plan") or {}).get("label") is not False


def verdict_title(code: str, lang: Lang) -> str:
    """A verdict in words."""
    return pick(VERDICTS.get(code, (code, code)), lang)


def step_title(step: Plain, lang: Lang) -> str:
    """A step's title in `lang`, else in whatever there is."""
    title = step.get("title") or {}
    return str(title.get(lang) or title.get("en") or step.get("id") or "")


def step_blocks(record: Plain, lang: Lang) -> list[StepBlock]:
    """Every step of the record, in the plan's order."""
    return [
        StepBlock(
            step_title(step, lang),
            verdict_title(step["verdict"], lang),
            SYMBOLS.get(step["verdict"], "?"),
            step["verdict"],
            numbers.duration(step.get("duration_s") or 0.0) if step.get("attempt") else "",
            step.get("attempt") or 0,
            tuple(measurement_row(m, lang) for m in step.get("measurements") or ()),
            tuple(map(str, step.get("notes") or ())),
            str(step.get("signed_by") or ""),
        )
        for step in record["steps"]
    ]


def _answer(m: Plain) -> str:
    """OK or NG where a person's answer is the measurement; else empty."""
    return str((m.get("conditions") or {}).get("answer") or "")


def _guard_sentence(m: Plain, lang: Lang) -> str:
    """In words that the value lies nearer to a limit than its uncertainty, where the record says so; else empty."""
    near = near_limit(m.get("value"), m.get("uncertainty"), m.get("low"), m.get("high"))
    if near is None or "guard_band" not in (m.get("conditions") or {}):
        return ""
    return label(f"guard_{m['verdict']}" if near.inside else "guard_beyond", lang)


def measurement_row(m: Plain, lang: Lang) -> MeasurementRow:
    """One measurement of a record as a row."""
    unit = unit_title(m.get("unit") or "")
    told = [condition(name, value, lang) for name, value in (m.get("conditions") or {}).items()]
    told.append(_guard_sentence(m, lang))
    answer = _answer(m)
    return MeasurementRow(
        title=measurement_title(m["name"], lang),
        name=m["name"],
        channel=channel_title(m.get("channel"), lang),
        conditions=("，" if lang == "zh" else ", ").join(filter(None, told)),
        value=answer or numbers.measured(m.get("value"), m.get("uncertainty"), m.get("bound"), unit),
        limits="OK" if answer else numbers.limits(m.get("low"), m.get("high"), unit, label("to", lang)),
        verdict=verdict_title(m["verdict"], lang),
        symbol=SYMBOLS.get(m["verdict"], "?"),
        verdict_code=m["verdict"],
        source=m.get("limit_source") or "",
        number=None if answer else m.get("value"),
        low=m.get("low"),
        high=m.get("high"),
        uncertainty=m.get("uncertainty"),
        unit=unit,
    )


def headline(record: Plain, lang: Lang) -> str:
    """The verdict's reason in one sentence."""
    if record["verdict"] == "PASS":
        return label("passed", lang, count=count_of(record, "PASS"))
    causes = cause_sentences(record, lang)
    first = causes[0] if causes else label("no_cause", lang)
    return label({"FAIL": "failed", "ABORTED": "aborted"}.get(record["verdict"], "errored"), lang, cause=first)


def count_of(record: Plain, verdict: str | None = None) -> int:
    """How many measurements have that verdict; all of them without one."""
    verdicts = [m["verdict"] for step in record["steps"] for m in step.get("measurements") or ()]
    return len(verdicts) if verdict is None else verdicts.count(verdict)


def cause_sentences(record: Plain, lang: Lang) -> list[str]:
    """Every cause in words, in the order of time."""
    return [cause_sentence(record, cause, lang) for cause in record.get("causes") or ()]


def cause_sentence(record: Plain, cause: Plain, lang: Lang) -> str:
    """One cause: from the measurement and its limit where it names one, else its own text with the step's title."""
    step = next((one for one in record["steps"] if one["id"] == cause.get("step")), None)
    found = _blamed(step, cause)
    unfit = str(cause.get("text") or "").partition(NOT_JUDGED)[2]
    if found is not None and unfit:
        why = in_chinese(unfit) if lang == "zh" else unfit
        return label("not_judged", lang, what=_what(found, lang), why=why)
    sentence = _limit_sentence(found, lang) if found is not None else None
    if sentence is not None:
        return sentence
    title = step_title(step, lang) if step is not None else ""
    text = str(cause.get("text") or "")
    separator = "：" if lang == "zh" else ": "
    return separator.join(part for part in (title, _trip_sentence(record, text, lang) or text) if part)


def _trip_sentence(record: Plain, text: str, lang: Lang) -> str | None:
    """The trip that a cause tells of, in words; None where the cause is none of the record's trips."""
    for trip in record.get("trips") or ():
        begin = f"trip: {trip.get('interlock')}, {trip.get('cause')}"
        if text == begin or text.startswith((f"{begin} at ", f"{begin};", f"{begin} (")):
            _, interlock, cause, value, limit, due_to = _trip_cells(trip, lang)
            figures = [] if value == numbers.NOTHING else [value]
            figures += [] if limit == numbers.NOTHING else [f"{label('limit', lang)} {limit}"]
            return label(
                "tripped", lang, interlock=interlock, cause=cause, figures="".join(f", {one}" for one in figures),
                due_to=due_to,
            )  # fmt: skip
    return None


def _blamed(step: Plain | None, cause: Plain) -> Plain | None:
    for m in (step or {}).get("measurements") or ():
        named = m["name"] == cause.get("measurement") and m.get("channel") == cause.get("channel")
        if named and m["verdict"] in ("FAIL", "ERROR"):
            return dict(m)
    return None


def _what(m: Plain, lang: Lang) -> str:
    name, channel = measurement_title(m["name"], lang), channel_title(m.get("channel"), lang)
    return (channel + name if lang == "zh" else f"{name} ({channel})") if channel else name


def _limit_sentence(m: Plain, lang: Lang) -> str | None:
    """In words what is wrong with a measurement; None where the limits alone do not tell."""
    what = _what(m, lang)
    value, unit = m.get("value"), unit_title(m.get("unit") or "")
    if value is None:
        return label("not_measured", lang, what=what)
    if _answer(m) == "NG":
        return label("answered_ng", lang, what=what)
    low, high = m.get("low"), m.get("high")
    shown = numbers.plain_value(value, m.get("bound"), unit)
    if high is not None and value > high:
        return label("above", lang, what=what, value=shown, limit=numbers.plain_value(high, None, unit))
    if low is not None and value < low:
        return label("below", lang, what=what, value=shown, limit=numbers.plain_value(low, None, unit))
    if why := _guard_sentence(m, lang):
        shown = numbers.measured(value, m.get("uncertainty"), None, unit)
        limit = numbers.limits(low, high, unit, label("to", lang))
        return label("guard_cause", lang, what=what, value=shown, limit=limit, why=why)
    return None


def dut_facts(record: Plain, lang: Lang, zone: tzinfo = UTC) -> list[Fact]:
    """Who the device is and whose work it was."""
    dut = record["dut"]
    people = ("work_order", "repair_engineer", "operator", "second_operator")
    handovers = record.get("handovers") or ()
    handed = ", ".join(f"{one['operator']} ({numbers.local_time(one['at'], zone)})" for one in handovers)
    pairs: list[tuple[str, Any]] = [
        ("product", f"{dut.get('maker') or ''} {dut.get('model') or ''}".strip() or dut.get("product")),
        ("serial_number", dut.get("serial_number")),
        ("imei", dut.get("imei")),
        *((name, record.get(name)) for name in people),
        ("handovers", handed),
    ]
    return [Fact(label(name, lang), str(value)) for name, value in pairs if value]


def test_facts(record: Plain, lang: Lang, zone: tzinfo = UTC, zone_name: str = "UTC") -> list[Fact]:
    """What was run, when and with what."""
    plan, clock = record["plan"], record.get("clock") or {}
    purpose = PURPOSES.get(record["purpose"], (record["purpose"],) * 2)
    facts = [
        Fact(label("plan", lang), f"{plan['id']} · {plan.get('revision') or ''}".rstrip(" ·")),
        Fact(label("purpose", lang), pick(purpose, lang)),
        Fact(label("started_at", lang), f"{numbers.local_time(record['started_at'], zone)} {zone_name}"),
        Fact(label("duration_s", lang), numbers.duration(record.get("duration_s") or 0.0)),
        Fact(label("station", lang), f"{record['station']} · {record.get('software') or ''}".rstrip(" ·")),
        Fact(label("clock", lang), pick(CLOCKS.get(clock.get("quality", ""), ("—", "—")), lang)),
    ]
    if record.get("simulated"):
        facts.append(Fact(label("speed", lang), f"{record.get('speed') or 1:g} ×"))
    if record.get("reference"):
        facts.append(Fact(label("reference", lang), _reference(record["reference"], lang, zone)))
    return facts


def _reference(reference: Plain, lang: Lang, zone: tzinfo) -> str:
    """Which run it was compared with: what for, verdict, bench, when, and its id."""
    purpose, verdict, ended = (reference.get(name) for name in ("purpose", "verdict", "ended_at"))
    told = [
        pick(PURPOSES.get(purpose, (purpose,) * 2), lang) if purpose else "",
        verdict_title(verdict, lang) if verdict else "",
        str(reference.get("station") or ""),
        numbers.local_time(ended, zone) if ended else "",
        str(reference["run_id"]),
    ]
    return " · ".join(filter(None, told))


def rework_note(record: Plain, lang: Lang) -> str:
    """That it is rework, or why that was not decided; empty where neither."""
    reference = record.get("reference") or {}
    if reference.get("rework"):
        return label("is_rework", lang)
    note = reference.get("note")
    return pick(NOTES.get(note, (note, note)), lang) if note else ""


def capture_rows(record: Plain) -> list[Sequence[str]]:
    """Captures as cells: file, event, when in its step, how much around it, size, sha256."""
    return [
        (
            str(one["file"]),
            str(one.get("event") or ""),
            numbers.duration(one.get("at_s") or 0.0),
            f"{one.get('before_s') or 0:.0f} / {one.get('after_s') or 0:.0f}\u202fs",
            f"{(one.get('size_bytes') or 0) / 1e6:.2f}\u202fMB",
            str(one.get("sha256") or ""),
        )
        for step in record["steps"]
        for one in step.get("captures") or ()
    ]


def trip_rows(record: Plain, lang: Lang) -> list[Sequence[str]]:
    """Trips as cells: when, interlock, cause, value, limit, whose fault."""
    return [_trip_cells(trip, lang) for trip in record.get("trips") or ()]


def _trip_cells(trip: Plain, lang: Lang) -> Sequence[str]:
    interlock, cause, blames = str(trip.get("interlock") or ""), str(trip.get("cause") or ""), trip.get("blames")
    if (interlock, cause) in PERSONS:
        blames = "person"
    return (
        numbers.duration(trip.get("at_s") or 0.0),
        interlock_title(interlock, lang),
        trip_cause(cause, lang),
        numbers.NOTHING if trip.get("value") is None else numbers.number(trip["value"]),
        numbers.NOTHING if trip.get("limit") is None else numbers.number(trip["limit"]),
        label(f"blames_{blames}" if blames in ("dut", "station", "person") else "none", lang),
    )


def instrument_rows(record: Plain, lang: Lang) -> list[Sequence[str]]:
    """Instruments as cells: what for, model (else the kind of driver), serial number, calibrated until."""
    return [
        (
            role_title(str(one.get("role") or ""), lang),
            str(one.get("model") or one.get("kind") or numbers.NOTHING),
            str(one.get("serial_number") or numbers.NOTHING),
            str(one.get("calibrated_until") or label("not_calibrated", lang)),
        )
        for one in record.get("instruments") or ()
    ]


def limit_sources(record: Plain) -> list[tuple[str, list[str]]]:
    """Where limits come from: each source once, with the measurements that it holds for."""
    found: dict[str, list[str]] = {}
    for step in record["steps"]:
        for m in step.get("measurements") or ():
            names = found.setdefault(m.get("limit_source") or "", [])
            if m["name"] not in names:
                names.append(m["name"])
    return [(source, names) for source, names in found.items() if source]
