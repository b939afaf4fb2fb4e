"""Our own list of what a WSJF report of type T may hold: fields, whether they must be there, types, lengths, letters.

Facts from the vendor's example reports and two public clients of WATS; where these differ the narrower one counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Check = Callable[[Any], bool]
OPERATORS = {"LOG", "EQ", "NE", "GT", "GE", "LT", "LE", "GTLT", "GTLE", "GELT", "GELE", "LTGT", "LTGE", "LEGT", "LEGE"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object; `of` is the object or the members of the list that it holds."""

    check: Check
    required: bool = False
    of: str = ""


def text(least: int, most: int) -> Check:
    return lambda value: isinstance(value, str) and least <= len(value) <= most


def one_of(*words: str) -> Check:
    return lambda value: value in words


def like(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def listed(value: Any) -> bool:
    return isinstance(value, list)


def thing(value: Any) -> bool:
    return isinstance(value, dict)


WHEN = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"
OBJECTS: dict[str, dict[str, Field]] = {
    "report": {
        "type": Field(one_of("T"), True), "id": Field(like(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), True),
        "pn": Field(text(1, 100), True), "sn": Field(text(1, 100), True), "rev": Field(text(1, 100), True),
        "processCode": Field(whole, True), "result": Field(one_of("P", "F", "E", "T"), True),
        "machineName": Field(text(1, 100), True), "location": Field(text(1, 100), True),
        "purpose": Field(text(1, 100), True), "start": Field(like(WHEN + r"[+-]\d\d:\d\d"), True),
        "startUTC": Field(like(WHEN + "Z")), "root": Field(thing, True, "step"), "uut": Field(thing, True, "uut"),
        "miscInfos": Field(listed, False, "info"), "subUnits": Field(lambda value: value == []),
        "additionalData": Field(listed, False, "additional"),
    },
    "step": {
        "id": Field(whole, True), "group": Field(one_of("S", "M", "C"), True),
        "stepType": Field(one_of("SequenceCall", "ET_NLT", "ET_PFT", "Action"), True),
        "name": Field(text(1, 100), True),
        "status": Field(one_of("P", "F", "S", "D", "E", "T"), True), "start": Field(like(WHEN + r"[+-]\d\d:\d\d")),
        "totTime": Field(number), "causedUUTFailure": Field(lambda value: isinstance(value, bool)),
        "reportText": Field(text(1, 100_000)), "additionalResults": Field(listed, False, "additional"),
        "chart": Field(thing, False, "chart"), "steps": Field(listed, False, "step"),
        "seqCall": Field(thing, False, "call"), "numericMeas": Field(listed, False, "numeric"),
        "booleanMeas": Field(listed, False, "boolean"),
    },
    "call": {
        "path": Field(text(1, 500), True), "name": Field(text(1, 200), True), "version": Field(text(1, 30), True),
    },
    "numeric": {
        "compOp": Field(one_of(*OPERATORS), True), "name": Field(lambda value: value is None),
        "status": Field(one_of("P", "F", "S"), True), "unit": Field(text(0, 20)), "value": Field(number, True),
        "lowLimit": Field(number), "highLimit": Field(number),
    },
    "boolean": {"name": Field(lambda value: value is None), "status": Field(one_of("P", "F", "S"), True)},
    "chart": {
        "chartType": Field(one_of("Line", "LineLogXY", "LineLogX", "LineLogY"), True),
        "label": Field(text(1, 100), True),
        "xLabel": Field(text(1, 50), True), "xUnit": Field(text(0, 20)), "yLabel": Field(text(1, 50), True),
        "yUnit": Field(text(0, 20)), "series": Field(lambda value: 1 <= len(value) <= 10, True, "series"),
    },
    "series": {
        "dataType": Field(one_of("XYG"), True), "name": Field(text(1, 100), True),
        "xdata": Field(text(1, 10_000), True), "ydata": Field(text(1, 10_000), True),
    },
    "uut": {
        "execTime": Field(number), "user": Field(text(1, 100), True), "stepIdCausedUUTFailure": Field(whole),
    },
    "info": {"description": Field(text(1, 100), True), "text": Field(text(0, 100), True)},
    "additional": {"name": Field(text(1, 200), True), "props": Field(listed, True, "property")},
    "property": {
        "name": Field(text(1, 1000), True), "type": Field(one_of("Number", "String", "Bool", "Obj", "Array"), True),
        "value": Field(lambda value: isinstance(value, str)), "props": Field(listed, False, "property"),
        "array": Field(thing, False, "array"),
    },
    "array": {
        "dimension": Field(whole, True), "type": Field(one_of("Number", "String", "Bool", "Obj", "Array"), True),
        "indexes": Field(listed, True, "index"),
    },
    "index": {
        "text": Field(text(1, 100), True), "indexes": Field(listed, True), "value": Field(thing, True, "property"),
    },
}  # fmt: skip


def faults(value: dict[str, Any], kind: str = "report", place: str = "report") -> Iterator[str]:
    """What an object has that its list does not know, lacks, or has in another form."""
    known = OBJECTS[kind]
    yield from (f"{place}.{name}: unknown" for name in value if name not in known)
    for name, field in known.items():
        if name not in value:
            if field.required:
                yield f"{place}.{name}: missing"
            continue
        found = value[name]
        if not field.check(found):
            yield f"{place}.{name}: {found!r}"
        elif field.of:
            for number_, member in enumerate(found if isinstance(found, list) else [found]):
                yield from faults(member, field.of, f"{place}.{name}[{number_}]")
