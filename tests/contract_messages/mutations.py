"""A message made wrong in one place at a time: what a schema that holds must refuse."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from station.contract.records import ABSENT_WHEN_EMPTY, ABSENT_WHEN_NONE

MAY_BE_ABSENT = ABSENT_WHEN_NONE | ABSENT_WHEN_EMPTY
MAPS = frozenset({"conditions", "title", "text", "prompt", "readings", "parts", "measurements"})
"""Objects whose names are the sender's own: one more or less is no fault."""
Path = tuple[str | int, ...]


def wrong_types(message: Any) -> Iterator[tuple[Path, Any]]:
    """Each value in its turn replaced by one of a kind that stands nowhere in the contract."""
    for path, value in _places(message):
        yield path, _changed(message, path, ["wrong"] if isinstance(value, dict) else {"wrong": ["wrong"]})


def missing_fields(message: Any) -> Iterator[tuple[Path, Any]]:
    """Each field in its turn left out, but for those that may be."""
    for path, _ in _places(message):
        inside = path[-2] if len(path) > 1 else None
        if isinstance(path[-1], str) and path[-1] not in MAY_BE_ABSENT and inside not in MAPS:
            yield path, _changed(message, path, None, leave_out=True)


def _places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    members: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value[:3]))  # of many alike a few are enough
    for key, member in members:
        yield from _places(member, (*path, key))


def _changed(message: Any, path: Path, wrong: Any, *, leave_out: bool = False) -> Any:
    changed = place = copy.deepcopy(message)
    for key in path[:-1]:
        place = place[key]
    if leave_out:
        del place[path[-1]]
    else:
        place[path[-1]] = wrong
    return changed
