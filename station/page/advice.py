"""What the page must be told of panel and run: lamps and advice in words. Values; `station.cli.page` fills them in.

The table of lamps and the words of advice belong to other rooms, which the page may not import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Pair = tuple[str, str]
"""Chinese, English."""


@dataclass(frozen=True, slots=True)
class TripAdvice:
    """What a trip means, what to do about it, and who may clear it."""

    means: Pair
    do: Pair
    who: Pair
    blink: int = 0


@dataclass(frozen=True, slots=True)
class LampRow:
    """What the panel shows in a state: lamps by colour with their rhythm (`on`, `slow`, `fast`, `code`), and words."""

    lamps: tuple[tuple[str, str], ...]
    words: Pair
    buzzer: Pair
    title: Pair
    do: Pair


@dataclass(frozen=True, slots=True)
class Advice:
    """`do` and `lamps` by state (`station.domain.session_state`), `trip` by code; `lamps` may hold more than states."""

    do: Mapping[str, Pair] = field(default_factory=dict)
    lamps: Mapping[str, LampRow] = field(default_factory=dict)
    trip: Callable[[str], TripAdvice | None] = lambda code: None


def both(pair: Pair) -> dict[str, str]:
    """A pair by language, without the marks of a printed page."""
    return {"zh": pair[0].replace("**", ""), "en": pair[1].replace("**", "")}
