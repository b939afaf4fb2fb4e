"""Misspelled names and names with the wrong unit: what a maintainer most likely meant."""

from __future__ import annotations

from collections.abc import Iterable

_UNIT_WORDS = frozenset(
    {
        *("mohm", "kohm", "ohm", "ma", "ua", "a", "amps", "v", "mv", "uv", "kv", "volts", "va"),
        *("w", "mw", "kw", "watts", "wh", "kwh", "db", "dbc", "dbv", "percent", "pct", "ppm"),
        *("deg", "degc", "degf", "degk", "k", "c", "f", "celsius", "kelvin", "fahrenheit", "hz", "khz", "mhz"),
        *("s", "ms", "us", "ns", "sec", "seconds", "min", "minutes", "h", "hours", "rpm", "factor", "ok"),
    }
)
_UNITS_OF_READINGS = frozenset(
    {
        *("mohm", "ohm", "ma", "a", "v", "mv", "w", "va", "wh", "db", "percent", "degc", "k", "s", "hz", "rpm"),
        *("factor", "ok"),
    }
)


def unit_word(name: str) -> str:
    """The unit at the end of `name`, known or foreign; empty where it ends in none."""
    last = name.rsplit("_", 1)[-1]
    return last if last in _UNIT_WORDS else ""


def has_reading_unit(name: str) -> bool:
    """Whether a reading's name ends in a unit that the house uses (`heatsink_degc`, `rpm`)."""
    return name.rsplit("_", 1)[-1] in _UNITS_OF_READINGS


def suggest(name: str, known: Iterable[str]) -> str:
    """The remedy for `name`, which is none of `known`: the wrong unit named, a near name, or all there are."""
    candidates = sorted(known)
    nearest = nearest_of(name, candidates)
    if nearest and _wrong_unit(name, nearest):
        unit = unit_word(nearest)
        kind = f"the unit here is {unit}" if unit else "the unit is in the measurement's name"
        return f"did you mean `{nearest}`? ({kind}, not {unit_word(name)})"
    if nearest:
        return f"did you mean `{nearest}`?"
    return f"known here: {', '.join(candidates)}" if candidates else "nothing of the kind is known here"


def nearest_of(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `name` was most likely meant to be: the same with another unit, else a near spelling."""
    from difflib import get_close_matches

    candidates = sorted(known)
    same = [candidate for candidate in candidates if _wrong_unit(name, candidate)]
    close = get_close_matches(name, same or candidates, n=1, cutoff=0.0 if same else 0.6)
    return close[0] if close else None


def _wrong_unit(name: str, candidate: str) -> bool:
    return bool(unit_word(name)) and name != candidate and _stem(name) == _stem(candidate)


def _stem(name: str) -> str:
    return name.removesuffix("_" + unit_word(name)) if unit_word(name) else name
