"""Verdicts and their order: PASS < FAIL < ABORTED < ERROR, the worst wins.

SKIPPED (not made because the DUT had already failed or tripped) never raises a run's verdict but bars PASS;
NOT_APPLICABLE is what a product says does not exist on it (earth bond of a class II device).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """A verdict of a run, a step or a measurement (contracts/record.md)."""

    PASS = "PASS"
    FAIL = "FAIL"
    ABORTED = "ABORTED"
    ERROR = "ERROR"
    SKIPPED = "SKIPPED"
    NOT_APPLICABLE = "NOT_APPLICABLE"


_RANK = {
    Verdict.NOT_APPLICABLE: 0,
    Verdict.PASS: 1,
    Verdict.SKIPPED: 2,
    Verdict.FAIL: 3,
    Verdict.ABORTED: 4,
    Verdict.ERROR: 5,
}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of `verdicts`. An empty collection proves nothing and is an ERROR."""
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.ERROR)
