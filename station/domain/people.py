"""Where badges stand in a record: whose data a run is, beside the device's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PEOPLE = ("operator", "second_operator", "repair_engineer", "signed_by")
"""Keys of a record, of its steps and of its handovers, whose values are badges."""


def people_in(record: Mapping[str, Any]) -> set[str]:
    """Every badge in a record or a draft as JSON."""
    holders = [record, *record.get("steps", ()), *record.get("handovers", ())]
    return {holder[key] for holder in holders for key in PEOPLE if holder.get(key)}
