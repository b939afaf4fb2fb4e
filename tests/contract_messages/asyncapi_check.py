"""A check of an AsyncAPI document: by the table of `asyncapi_rules`, then by rules on what stands between fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator

from tests.contract_messages.asyncapi_rules import EXTENSION, OBJECTS, To


def faults_of(document: Any) -> list[str]:
    """What is wrong with a document, each fault with its place; empty when it is right.

    The rules look only at a document in which every object has its fields.
    """
    check = _Check(document)
    return list(check.of("AsyncAPI", document, "#")) or [
        fault for kind, value, at in check.objects if kind in RULES for fault in RULES[kind](check, value, at)
    ]


class _Check:
    def __init__(self, document: Any) -> None:
        self.document = document
        self.objects: list[tuple[str, dict[str, Any], str]] = []
        self._seen: set[tuple[str, str]] = set()

    def of(self, kind: Any, value: Any, at: str) -> Iterator[str]:
        """The faults of a value that should be of a kind."""
        match kind:
            case "Schema":
                yield from self._schema(value, at)
            case str():
                yield from self._object(kind, value, at)
            case To():
                yield from self._reference(kind, value, at)
            case tuple():
                is_reference = isinstance(value, dict) and "$ref" in value
                fitting = [one for one in kind if isinstance(one, To) == is_reference] or kind
                yield from min((list(self.of(one, value, at)) for one in fitting), key=len)
            case list() if isinstance(value, list):
                for number, member in enumerate(value):
                    yield from self.of(kind[0], member, f"{at}/{number}")
            case dict() if isinstance(value, dict):
                yield from self._map(kind, value, at)
            case _ if not _is(kind, value):
                yield f"{at}: {str(value)[:60]!r} is not {kind}"

    def follow(self, reference: str) -> Any:
        """What a reference leads to; LookupError when nowhere."""
        place = self.document
        for part in reference.removeprefix("#/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            place = place[int(name) if isinstance(place, list) and name.isdecimal() else name]
        return place

    def _map(self, kind: dict[re.Pattern[str], Any], value: dict[str, Any], at: str) -> Iterator[str]:
        ((names, inside),) = kind.items()
        for name, member in value.items():
            if not names.fullmatch(name):
                yield f"{at}: the name {name!r} does not match {names.pattern}"
            yield from self.of(inside, member, f"{at}/{name}")

    def _object(self, kind: str, value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at}: {str(value)[:60]!r} is no {kind}"
            return
        self.objects.append((kind, value, at))
        known = OBJECTS[kind]
        yield from (f"{at}: {kind} lacks {name}" for name in sorted(known.needed - value.keys()))
        for name, member in value.items():
            if name in known.kinds:
                yield from self.of(known.kinds[name], member, f"{at}/{name}")
            elif not (known.extensible and EXTENSION.fullmatch(name)):
                yield f"{at}: {kind} has no field {name!r}"

    def _reference(self, kind: To, value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict) or value.keys() != {"$ref"} or not isinstance(value["$ref"], str):
            yield f"{at}: {str(value)[:60]!r} is not a reference alone"
            return
        reference = value["$ref"]
        if not reference.startswith(kind.under):
            yield f"{at}: {reference!r} does not lead to a place under {kind.under}"
        elif (reference, kind.kind) not in self._seen:
            self._seen.add((reference, kind.kind))
            try:
                there = self.follow(reference)
            except (LookupError, TypeError):
                yield f"{at}: {reference!r} leads nowhere"
            else:
                yield from self.of((kind.kind, To(kind.kind)), there, reference)

    def _schema(self, value: Any, at: str) -> Iterator[str]:
        """Schema Object: draft 07 and a little more; every reference in it leads to a schema."""
        if not isinstance(value, dict):
            yield f"{at}: {str(value)[:60]!r} is no Schema"
            return
        yield from (f"{at}/{fault}" for fault in _not_draft_7(json.dumps(value)))
        for place, reference in _references(value, at):
            yield from self._reference(To("Schema"), {"$ref": reference}, place)


@cache
def _not_draft_7(schema: str) -> list[str]:
    """Remembered: documents that differ in one place have nearly all their schemas in common."""
    errors = Draft7Validator(Draft7Validator.META_SCHEMA).iter_errors(json.loads(schema))
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:100]}" for error in errors]


def _references(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        if name == "$ref" and isinstance(member, str):
            yield at, member
        yield from _references(member, f"{at}/{name}")


def _is(kind: Any, value: Any) -> bool:
    match kind:
        case re.Pattern():
            return isinstance(value, str) and kind.fullmatch(value) is not None
        case set():
            return type(value) in (str, int) and value in kind
        case type():
            return kind is object or type(value) is kind
        case _:
            return kind is None and value is None


# ---- what stands between fields ----------------------------------------------------------------------------
Rule = Callable[[_Check, dict[str, Any], str], Iterator[str]]


def _names_in_braces(texts: tuple[str, ...], entries: str) -> Rule:
    """Channel Address Expressions and Server Variables: each name in braces has its entry, each entry its name."""

    def rule(_check: _Check, value: dict[str, Any], at: str) -> Iterator[str]:
        used = {name for text in texts for name in re.findall(r"\{([^}]*)\}", value.get(text) or "")}
        for name in sorted(used ^ value.get(entries, {}).keys()):
            yield f"{at}: {name!r} is not both in braces in {' or '.join(texts)} and in {entries}"

    return rule


def _own_messages(check: _Check, value: dict[str, Any], at: str) -> Iterator[str]:
    """Operation and Operation Reply: messages of the channel itself; a reply to an address has a channel without."""
    own = value.get("channel", {}).get("$ref", "#/channels/?")
    for number, one in enumerate(value.get("messages", ())):
        if one["$ref"].rpartition("/")[0] != f"{own}/messages":
            yield f"{at}/messages/{number}: {one['$ref']!r} is not a message of {own}"
    if "address" in value and "channel" in value and check.follow(own).get("address") is not None:
        yield f"{at}/address: the channel of the reply has an address too"


def _examples_hold(check: _Check, value: dict[str, Any], at: str) -> Iterator[str]:
    """Message Example: what it shows is valid by the message's own schemas."""
    for number, example in enumerate(value.get("examples", ())):
        for name in example.keys() & {"headers", "payload"} & value.keys():
            whole = {"allOf": [value[name]], "components": check.document.get("components", {})}
            for error in Draft202012Validator(whole).iter_errors(example[name]):
                yield f"{at}/examples/{number}/{name}: {error.message[:100]}"


def _shows_something(_check: _Check, value: dict[str, Any], at: str) -> Iterator[str]:
    if not value.keys() & {"headers", "payload"}:
        yield f"{at}: an example shows headers, a payload or both"


RULES: dict[str, Rule] = {
    "Server": _names_in_braces(("host", "pathname"), "variables"),
    "Channel": _names_in_braces(("address",), "parameters"),
    "Operation": _own_messages,
    "OperationReply": _own_messages,
    "Message": _examples_hold,
    "MessageExample": _shows_something,
}
