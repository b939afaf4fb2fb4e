"""The bench in words for the paper: roles of instruments, interlocks, and why they tripped. No logic but looking up."""

from __future__ import annotations

from station.domain.role_words import role_in
from station.domain.trip_words import CAUSES as CAUSES
from station.domain.trip_words import INTERLOCKS as INTERLOCKS
from station.report.words import Lang, pick

PERSONS = frozenset({("guard", "ESTOP"), ("guard", "LID"), ("stop", "STOP"), ("stop", "SHUTDOWN")})
"""Trips that are a person's act; the record knows no third party to blame."""


def role_title(name: str, lang: Lang) -> str:
    """What an instrument is for; an unknown role by its name."""
    return role_in(name, lang)


def interlock_title(name: str, lang: Lang) -> str:
    """An interlock in words; an unknown one by its name."""
    return pick(INTERLOCKS.get(name, (name, name)), lang)


def trip_cause(cause: str, lang: Lang) -> str:
    """Why it tripped in words; an unknown cause as it stands in the record."""
    code, _, detail = cause.partition(" ")
    pair = CAUSES.get(code)
    if pair is None:
        return cause
    return f"{pick(pair, lang)} ({detail})" if detail else pick(pair, lang)
