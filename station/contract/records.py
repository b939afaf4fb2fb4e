"""Records, steps and drafts as JSON and back, with the names of contracts/record.md.

`channel`, `bound` and `imei` are absent where there is none (the contract says so), as is what later versions
added; every other field without a value is null. Figures of measurements and trips are written with six significant
digits: what a floating point unit adds beyond them nobody has measured. Curves are as their steps gave them, times are
exact.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from station.contract.canonical import parse_json, to_json
from station.domain.errors import MessageError
from station.domain.journal import RunDraft
from station.domain.record import Record, StepRecord
from station.domain.work_order import EarlierRun, WorkOrder

ABSENT_WHEN_NONE = frozenset(
    {"channel", "bound", "imei", "signed_by", "label", "purpose", "verdict", "station", "ended_at", "note"}
)
ABSENT_WHEN_EMPTY = frozenset({"captures"})
DIGITS = 6
"""Significant digits of a figure in a record."""


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """The one adapter of a value class; made when first asked for, because it costs milliseconds."""
    return TypeAdapter(kind)


def to_plain(value: Any, kind: Any) -> dict[str, Any]:
    """`value`, an instance of `kind`, as plain JSON types. Raises `MessageError` for a field of the wrong type."""
    try:
        plain = adapter(kind).dump_python(value, mode="json", warnings="error")
    except PydanticSerializationError as error:
        raise MessageError(f"{kind.__name__}: {error}") from error
    dropped = _without_absent(plain)
    assert isinstance(dropped, dict)
    if kind is Record:
        return _tidy_record(dropped)
    return _tidy_step(dropped) if kind is StepRecord else dropped


def from_plain(plain: Any, kind: Any) -> Any:
    """The way back. Raises `MessageError` that names every wrong field."""
    try:
        return adapter(kind).validate_python(plain)
    except ValidationError as error:
        raise MessageError(describe(kind.__name__, error)) from error


def record_from_plain(plain: dict[str, Any]) -> Record:
    """A record out of the body of a result. Raises `MessageError`."""
    causes = plain.get("causes")
    if isinstance(causes, list):
        filled = [{"channel": None, **cause} if isinstance(cause, dict) else cause for cause in causes]
        plain = {**plain, "causes": filled}
    record = from_plain(plain, Record)
    assert isinstance(record, Record)
    return record


def describe(name: str, error: ValidationError) -> str:
    """The first few errors of a validation in one line."""
    faults = error.errors(include_url=False, include_input=False)
    listed = "; ".join(f"{'.'.join(str(part) for part in f['loc']) or name}: {f['msg']}" for f in faults[:5])
    return f"{name}: {listed}" + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")


def _without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_absent(member)
            for name, member in value.items()
            if not (member is None and name in ABSENT_WHEN_NONE) and not (member == [] and name in ABSENT_WHEN_EMPTY)
        }
    if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        return [_without_absent(member) for member in value]
    return value


def _tidy_record(record: dict[str, Any]) -> dict[str, Any]:
    trips = [{**trip, "value": _tidy(trip["value"]), "limit": _tidy(trip["limit"])} for trip in record["trips"]]
    return {**record, "steps": [_tidy_step(step) for step in record["steps"]], "trips": trips}


def _tidy_step(step: dict[str, Any]) -> dict[str, Any]:
    return {**step, "measurements": [_tidy_measurement(one) for one in step["measurements"]]}


def _tidy_measurement(measurement: dict[str, Any]) -> dict[str, Any]:
    """Its figures rounded, unless that would put the value on the other side of a limit: it was judged as it is."""
    tidy = measurement | {name: _tidy(measurement[name]) for name in ("value", "low", "high", "uncertainty")}
    if _sides(tidy) != _sides(measurement):
        tidy = dict(measurement)
    tidy["conditions"] = {name: _tidy(value) for name, value in measurement["conditions"].items()}
    return tidy


def _sides(measurement: dict[str, Any]) -> tuple[bool, ...]:
    value, guard = measurement["value"], measurement["uncertainty"] or 0.0
    if value is None:
        return ()
    low = -math.inf if measurement["low"] is None else measurement["low"]
    high = math.inf if measurement["high"] is None else measurement["high"]
    return value < low, value - guard < low, value > high, value + guard > high


def _tidy(figure: Any) -> Any:
    return float(f"{figure:.{DIGITS}g}") if isinstance(figure, float) else figure


class RecordCodec:
    """What the store is given to write records with."""

    def draft_to_json(self, draft: RunDraft) -> str:
        return to_json(to_plain(draft, RunDraft)).decode()

    def draft_from_json(self, text: str) -> RunDraft:
        draft = from_plain(parse_json(text), RunDraft)
        assert isinstance(draft, RunDraft)
        return draft

    def step_to_json(self, step: StepRecord) -> str:
        return to_json(to_plain(step, StepRecord)).decode()

    def step_from_json(self, text: str) -> StepRecord:
        step = from_plain(parse_json(text), StepRecord)
        assert isinstance(step, StepRecord)
        return step

    def order_to_json(self, order: WorkOrder) -> str:
        return to_json(to_plain(order, WorkOrder)).decode()

    def order_from_json(self, text: str) -> WorkOrder:
        order = from_plain(parse_json(text), WorkOrder)
        assert isinstance(order, WorkOrder)
        return order

    def earlier_to_json(self, run: EarlierRun) -> str:
        return to_json(to_plain(run, EarlierRun)).decode()

    def earlier_from_json(self, text: str) -> EarlierRun:
        run = from_plain(parse_json(text), EarlierRun)
        assert isinstance(run, EarlierRun)
        return run

    def record_to_json(self, record: Record) -> str:
        return to_json(to_plain(record, Record)).decode()

    def record_from_json(self, text: str) -> Record:
        return record_from_plain(parse_json(text))
