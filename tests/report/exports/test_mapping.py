"""The tables of `docs/exports.md`, cell by cell, against exports of records; no field of a record is missing there."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints
from xml.etree.ElementTree import fromstring

import pytest

from station.domain.record import Curve, JudgedMeasurement, Record
from station.domain.verdict import Verdict
from station.report.exports.atml import atml
from station.report.exports.atml_steps import OUTCOMES
from station.report.exports.shared import present
from station.report.exports.table import ACTIVE, header, rows
from station.report.exports.wsjf import STATUS, wsjf
from station.report.record_view import plain
from tests.docs.pages import ROOT
from tests.report.exports.paths import of_atml, of_wsjf
from tests.report.exports.records import MAKERS, all_records

PAGE = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8").partition("## Field by field")[2]
Values = list[Any]


def table() -> list[list[str]]:
    """Field, csv, WSJF, ATML of every row."""
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in PAGE.splitlines() if "|" in line]
    found = [row for row in cells if row[0].startswith("`")]
    assert all(len(row) == 4 for row in found)
    return found


ROWS = table()
CELLS = [
    (row[0].strip("`"), place, path, rule)
    for row in ROWS
    for place, cell in zip(("csv", "wsjf", "atml"), row[1:], strict=True)
    for path, rule in re.findall(r"`([^`]+)`(?: \(([^)]*)\))?", cell)
]


# ---- no field is missing -------------------------------------------------------------------------------------------
def leaves(kind: type, before: str = "") -> set[str]:
    """Every field of a record, to the members that are no records themselves."""
    found: set[str] = set()
    hints = get_type_hints(kind)
    for one in fields(kind):  # type: ignore[arg-type]
        hint = hints[one.name]
        inner = next((arg for arg in (hint, *get_args(hint)) if is_dataclass(arg)), None)
        many = "[]" if getattr(hint, "__origin__", None) is tuple else ""
        found |= leaves(inner, f"{before}{one.name}{many}.") if isinstance(inner, type) else {before + one.name}
    return found


def test_every_field_of_a_record_is_in_the_tables() -> None:
    told = [row[0].strip("`") for row in ROWS]
    missing = {leaf for leaf in leaves(Record) if not any(re.match(rf"{re.escape(one)}(\.|$)", leaf) for one in told)}
    assert missing == set()


def test_no_cell_is_empty_and_what_is_not_carried_says_so() -> None:
    for row in ROWS:
        assert all(cell.startswith(("`", "not carried")) for cell in row), row[0]
        assert all("`" in cell for cell in row[2:]), f"{row[0]}: WSJF and ATML carry everything"


# ---- values of the record ------------------------------------------------------------------------------------------
def of_record(record: dict[str, Any], path: str) -> Values:
    """The values of a field in the record's order, None included; a list or object is one value."""
    found: Values = [record]
    for name in path.split("."):
        found = [value.get(name.removesuffix("[]")) if value is not None else None for value in found]
        if name in ("steps[]", "measurements[]", "curves[]") or (name.endswith("[]") and not path.endswith("[]")):
            found = [member for value in found for member in value]
    return found


def measurements(record: Record) -> list[JudgedMeasurement]:
    return [one for step in record.steps for one in step.measurements]


def curves(record: Record) -> list[Curve]:
    return [one for step in record.steps for one in step.curves]


def judged(record: Record) -> list[JudgedMeasurement]:
    """Those of which WSJF has a numeric measurement."""
    kept = (Verdict.PASS, Verdict.FAIL)
    return [m for m in measurements(record) if m.verdict in kept and m.value is not None and m.bound is None]


def _of(chosen: list[JudgedMeasurement], path: str) -> Values:
    return [getattr(one, path.rsplit(".", 1)[1]) for one in chosen]


Rule = Callable[[Values, Record, str], Values]
RULES: dict[str, Rule] = {
    "": lambda values, record, path: values,
    "text": lambda values, record, path: [str(value) for value in values],
    "simulated before it": lambda values, record, path: [("simulated " if record.simulated else "") + values[0]],
    "or -": lambda values, record, path: [value or "-" for value in values],
    "offset": lambda values, record, path: [v and v.replace("Z", "+00:00") for v in values],
    "letter": lambda values, record, path: [STATUS[Verdict(value)] for value in values],
    "outcome": lambda values, record, path: [OUTCOMES[Verdict(value)][0] for value in values],
    "qualifier": lambda values, record, path: [OUTCOMES[Verdict(value)][1] for value in values],
    "the first": lambda values, record, path: values[:1],
    "lines": lambda values, record, path: _lines(values, path),
    "or the run's": lambda values, record, path: [value or record.started_at for value in values],
    "with channel": lambda values, record, path: [
        m.name + (f" {m.channel}" if m.channel else "") for m in measurements(record)
    ],
    "judged": lambda values, record, path: _of(judged(record), path),
    "judged letter": lambda values, record, path: [STATUS[m.verdict] for m in judged(record)],
    "no bound": lambda values, record, path: _of(
        [m for m in measurements(record) if m.value is not None and m.bound is None], path
    ),
    "a bound": lambda values, record, path: _of([m for m in measurements(record) if m.bound is not None], path),
    "GE and GELE": lambda values, record, path: [m.low for m in judged(record) if m.low is not None],
    "GELE": lambda values, record, path: [
        m.high if m.low is not None and m.high is not None else None for m in judged(record)
    ],
    "LE": lambda values, record, path: [m.high for m in judged(record) if m.low is None and m.high is not None],
    "with limits": lambda values, record, path: [
        m.limit_source for m in measurements(record) if (m.low, m.high) != (None, None)
    ],
    "names": lambda values, record, path: [name for m in measurements(record) for name in m.conditions],
    "JSON": lambda values, record, path: [json.dumps(value, ensure_ascii=False) if value else None for value in values],
    "once": lambda values, record, path: _once(record, values),
}  # fmt: skip


def _lines(values: Values, path: str) -> Values:
    texts = values if path.endswith("notes") else [values]
    return ["\n".join(text) or None for text in texts]


def _once(record: Record, values: Values) -> Values:
    """Curves of one name and the same axes share a chart of their step."""
    keys = [
        (number, one.name, one.x_name, one.x_unit, one.y_name, one.y_unit)
        for number, step in enumerate(record.steps)
        for one in step.curves
    ]
    return [value for place, value in enumerate(values) if keys.index(keys[place]) == place]


# ---- what the exports hold -----------------------------------------------------------------------------------------
class Exported:
    """A record in its three formats."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.plain = plain(record)
        self.wsjf = json.loads(wsjf(record))
        self.atml = fromstring(atml(record))
        text = (header() + rows(record, "9f31c2aa")).decode()
        self.csv = list(csv.DictReader(io.StringIO(text, newline="")))


@cache
def exported() -> dict[str, Exported]:
    """By name; made when first asked for, because every worker of the suite reads this file."""
    return {name: Exported(record) for name, record in all_records().items()}


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else str(value)


def cell_of(value: Any) -> str:
    text = as_text(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(ACTIVE) else text


def repeated(record: Record, path: str, values: Values) -> Values:
    """A value of the run or of a step for each of its measurements."""
    if ".measurements[]." in path:
        return values
    if path.startswith("steps[]."):
        return [v for v, step in zip(values, record.steps, strict=True) for _ in step.measurements]
    return (values or [None]) * len(measurements(record))


def normal(values: Values) -> Values:
    """Without what is not there, as typed formats have it."""
    found = [present(value) for value in values]
    return [value for value in found if value is not None and value not in ([], {})]


SERIES = {"series", "points", "limit series"}


@pytest.mark.parametrize(
    ("field", "place", "path", "rule"), [cell for cell in CELLS if cell[3] not in SERIES],
    ids=lambda text: str(text).replace("steps[].measurements[]", "m").replace("steps[]", "s"),
)  # fmt: skip
def test_a_cell_of_the_tables_holds_what_the_records_hold(field: str, place: str, path: str, rule: str) -> None:
    for told in exported().values():
        expected = RULES[rule](of_record(told.plain, field), told.record, field)
        _compare(told, place, path, rule, repeated(told.record, field, expected) if place == "csv" else expected)


def _compare(told: Exported, place: str, path: str, rule: str, expected: Values) -> None:
    if place == "csv":
        assert [row[path] for row in told.csv] == [cell_of(value) for value in expected]
    elif place == "wsjf":
        found = of_wsjf(told.wsjf, path)
        if rule in ("GE and GELE", "LE"):
            named, operators = rule.split(" and "), of_wsjf(told.wsjf, "M.numericMeas[].compOp")
            found = [value for value, operator in zip(found, operators, strict=True) if operator in named]
        assert normal(found) == normal(expected)
    elif "+" in path:
        assert normal(of_atml(told.atml, path)) == normal(expected)
    else:
        assert of_atml(told.atml, path) == [as_text(value) for value in expected if value is not None]


def test_the_rich_record_fills_every_field_that_the_tables_name() -> None:
    rich = exported()["rich"]
    empty = {row[0].strip("`") for row in ROWS if not normal(of_record(rich.plain, row[0].strip("`")))}
    assert empty == {"operator", "clock.max_error_ms"}
    assert {m.verdict for m in measurements(rich.record)} == set(Verdict)


# ---- curves in WSJF ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", MAKERS)
def test_a_chart_holds_every_point_of_its_curves_and_of_their_masks(name: str) -> None:
    told = exported()[name]
    found: dict[str, tuple[list[float], list[float]]] = {}
    for number, step in enumerate(told.wsjf["root"]["steps"]):
        for series in (s | {"label": c["chart"]["label"]} for c in step["steps"] if "chart" in c
                       for s in c["chart"]["series"]):  # fmt: skip
            title = re.sub(r" \d+$", "", series["name"])
            x, y = found.setdefault(f"{number} {series['label']} {title}", ([], []))
            x += map(float, series["xdata"].split(";"))
            y += map(float, series["ydata"].split(";"))
    expected = {}
    for number, of_step in enumerate(told.record.steps):
        for curve in of_step.curves:
            title = f"{number} {curve.name} {curve.channel or curve.name}"
            expected[title] = (list(curve.x), list(curve.y))
            if curve.mask:
                expected[f"{title} limit"] = (list(curve.x), list(curve.mask))
    assert found == expected
