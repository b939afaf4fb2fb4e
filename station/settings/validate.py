"""Strict reading of a table into a frozen dataclass, every error in words with its place.

pydantic does the reading in its strict JSON mode (TOML's arrays and texts become tuples and enums, but no text
becomes a number); here its errors become problems with a remedy and "did you mean".
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from station.settings.locate import Path
from station.settings.names import nearest_of, suggest
from station.settings.problem import Problem
from station.settings.source import Source

T = TypeVar("T")

_STRICT = ConfigDict(strict=True, extra="forbid")
_WANTED = {
    "string_type": ("a text", "put it in double quotes"),
    "int_type": ("a whole number", "write it without quotes and without a fraction"),
    "int_from_float": ("a whole number", "write it without a fraction"),
    "float_type": ("a number", "write it without quotes"),
    "bool_type": ("true or false", "write true or false without quotes"),
    "tuple_type": ("a list", "write it in square brackets"),
    "dict_type": ("a table", "write its keys under a [header] or in braces"),
    "mapping_type": ("a table", "write its keys under a [header] or in braces"),
    "dataclass_type": ("a table", "write its keys under a [header] or in braces"),
}


def read(kind: type[T], data: Mapping[str, Any], source: Source, at: Path = ()) -> tuple[T | None, list[Problem]]:
    """`data`, which stands at `at` in `source`, as an instance of the dataclass `kind`; or None and every error."""
    if not data and _needs_nothing(kind):
        return kind(), []  # spares the building of a reader
    adapter: TypeAdapter[list[T]] = _adapter(typing.cast(Any, kind))
    found: list[Problem] = []
    said: set[Path] = set()
    rest = dict(data)
    while True:
        try:
            value = adapter.validate_json(json.dumps([rest], default=str))[0]
            return (None if found else value), found
        except ValidationError as error:
            details = error.errors(include_url=False)
        said |= _meant(kind, details)
        places = [_place(kind, detail) for detail in details]
        found += [_in_words(kind, d, source, at) for d, place in zip(details, places, strict=True) if place not in said]
        said |= set(places)
        bad = {place[0] for place in places if len(place) == 1}
        if rest.keys().isdisjoint(bad):
            return None, found
        # without them, to hear of the next: a class checks its bounds one by one, and only what is well typed
        rest = {key: value for key, value in rest.items() if key not in bad}


def _needs_nothing(kind: type[Any]) -> bool:
    return all(own.default is not MISSING or own.default_factory is not MISSING for own in fields(kind))


@cache
def _adapter(kind: Any) -> TypeAdapter[list[Any]]:
    """Of a list, because a dataclass in a list takes the configuration given here, one by itself does not."""
    return TypeAdapter(list[kind], config=_STRICT)


def _meant(kind: type[Any], details: list[ErrorDetails]) -> set[Path]:
    """Places of the keys that misspelled keys were meant to be: that these are missing need not be said as well."""
    unknown = [detail["loc"][1:] for detail in details if detail["type"] == "unexpected_keyword_argument"]
    return {(*loc[:-1], nearest_of(str(loc[-1]), _keys_at(kind, loc[:-1])) or "") for loc in unknown}


def _place(kind: type[Any], detail: ErrorDetails) -> Path:
    """Where in the table the error is; a class that refuses its own values names the field first in its message."""
    named = _named_field(kind, detail)
    return (named,) if named else detail["loc"][1:]


def _named_field(kind: type[Any], detail: ErrorDetails) -> str:
    """The field that the ValueError of a `__post_init__` is about: the first word of its message."""
    if detail["type"] != "value_error" or len(detail["loc"]) != 1:
        return ""
    words = str(detail["ctx"]["error"]).replace(":", " ").split()
    return words[0] if words and words[0] in _keys_at(kind, ()) else ""


def _in_words(kind: type[Any], detail: ErrorDetails, source: Source, at: Path) -> Problem:
    loc = _place(kind, detail)
    path = (*at, *loc)
    given = _short(detail["input"])
    sort = detail["type"]
    if sort == "unexpected_keyword_argument":
        return source.problem(path, "unknown key", suggest(str(loc[-1]), _keys_at(kind, loc[:-1])))
    if sort in ("missing_argument", "missing"):
        return source.problem(path, "is missing", f"add `{loc[-1]} = …`")
    if sort in ("literal_error", "enum"):
        allowed = str(detail["ctx"]["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
        near = nearest_of(str(detail["input"]), allowed)
        remedy = f"did you mean `{near}`?" if near else f"choose one of {', '.join(allowed)}"
        return source.problem(path, f"{given} is none of the choices", remedy)
    if sort in _WANTED:
        wanted, remedy = _WANTED[sort]
        return source.problem(path, f"{given} is not {wanted}", remedy)
    if sort == "value_error":
        wrong, _, remedy = str(detail["ctx"]["error"]).partition(";")
        wrong = wrong.strip().removeprefix(_named_field(kind, detail)).lstrip(": ")
        return source.problem(path, wrong, remedy.strip() or "correct the value")
    rule = detail["msg"].removeprefix("Input ").replace("String ", "")
    return source.problem(path, f"{given} is out of bounds", f"it {rule}")


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "…"


def _keys_at(kind: Any, loc: Iterable[int | str]) -> list[str]:
    """The keys that the dataclass found by walking `loc` from `kind` has; empty where there is none."""
    for part in loc:
        kind = _bare(kind)
        if is_dataclass(kind):
            kind = typing.get_type_hints(kind, include_extras=True).get(str(part))
        else:
            kind = next((arg for arg in reversed(typing.get_args(kind)) if arg is not Ellipsis), None)
    kind = _bare(kind)
    return [own.name for own in fields(kind)] if is_dataclass(kind) else []


def _bare(kind: Any) -> Any:
    """Without `Annotated[…]` and without `| None`."""
    while True:
        if typing.get_origin(kind) is typing.Annotated:
            kind = typing.get_args(kind)[0]
        elif typing.get_origin(kind) in (typing.Union, types.UnionType):
            kind = next((arg for arg in typing.get_args(kind) if arg is not types.NoneType), None)
        else:
            return kind
