"""As found beside as left: the values of an earlier run (an `EarlierRun`, from any bench) beside those of a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from station.report import numbers
from station.report.record_view import MeasurementRow, Plain, measurement_row, verdict_title
from station.report.words import Lang, label, unit_title


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A measurement of this run with the value that it had before. `was_bad`: outside of this run's limits."""

    row: MeasurementRow
    found: str
    was_bad: bool
    change: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which run is compared with, in one sentence, and the rows that both runs have."""

    sentence: str
    rows: tuple[ComparedRow, ...]


def compare(record: Plain, found: Plain | None, lang: Lang, zone: tzinfo = UTC) -> Comparison | None:
    """The record beside the run as found; None where there is none."""
    if found is None:
        return None
    before = found.get("measurements") or {}
    rows = [
        _row(m, before[key], lang)
        for step in record["steps"]
        for m in step.get("measurements") or ()
        if isinstance(before.get(key := key_of(m)), int | float)
    ]
    sentence = label(
        "compared_with", lang, station=found.get("station") or label("other_bench", lang),
        when=numbers.local_time(str(found.get("ended_at") or ""), zone),
        verdict=verdict_title(str(found.get("verdict")), lang), run=found.get("run_id"),
    )  # fmt: skip
    return Comparison(sentence, tuple(rows))


def key_of(m: Plain) -> str:
    """What a measurement is called in `EarlierRun.measurements`."""
    return f"{m['name']}/{m['channel']}" if m.get("channel") else str(m["name"])


def found_text(m: Plain, before: Mapping[str, Any]) -> str:
    """The earlier value of a measurement with its unit; a dash where there is none."""
    value = before.get(key_of(m))
    return numbers.plain_value(value if isinstance(value, int | float) else None, None, unit_title(m.get("unit") or ""))


def was_bad(m: Plain, before: Mapping[str, Any]) -> bool:
    """Whether the earlier value lies outside of this run's limits."""
    value, low, high = before.get(key_of(m)), m.get("low"), m.get("high")
    if not isinstance(value, int | float):
        return False
    return (low is not None and value < low) or (high is not None and value > high)


def _row(m: Plain, before: float, lang: Lang) -> ComparedRow:
    row = measurement_row(m, lang)
    bad = was_bad(m, {key_of(m): before})
    return ComparedRow(row, numbers.plain_value(before, None, row.unit), bad, _change(row, before))


def _change(row: MeasurementRow, before: float) -> str:
    """By how much it moved; nothing for a move that both readings' scatter could make."""
    if row.number is None:
        return numbers.NOTHING
    moved = row.number - before
    if abs(moved) <= 2.0 * (row.uncertainty or 0.0) or moved == 0.0:
        return "≈"
    return numbers.with_unit(("+" if moved > 0 else "") + numbers.number(moved, 3), row.unit)
