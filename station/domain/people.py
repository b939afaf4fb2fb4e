"""Where badges stand in a record, and whether a message names somebody: whose data a run is, beside the device's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PEOPLE = ("operator", "second_operator", "repair_engineer", "signed_by")
"""Keys of a record, of its steps and of its handovers, whose values are badges."""


def people_in(record: Mapping[str, Any]) -> set[str]:
    """Every badge in a record or a draft as JSON."""
    holders = [record, *record.get("steps", ()), *record.get("handovers", ())]
    return {holder[key] for holder in holders for key in PEOPLE if holder.get(key)}


def is_among(badge: str, badges: Iterable[str]) -> bool:
    """Whether it is one of these people's: the same badge in other letters (e-7, E-7) is the same person's."""
    return badge.casefold() in {one.casefold() for one in badges}


def names(message: Mapping[str, Any], marker: str, *, is_badge: bool = False) -> bool:
    """Whether the body of a message has a badge, number or order as a value, or as a word of a sentence: a refusal may
    say which badge or device it was. Whole or not at all."""
    values = [value for value in message.get("body", {}).values() if isinstance(value, str)]
    told = {*values, *(word.strip(".,;:()\"'") for value in values for word in value.split())}
    return is_among(marker, told) if is_badge else marker in told
