"""The shortest history that still breaks the same invariant: happenings are left out as long as it goes on breaking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from station.campaign.history import History
from station.campaign.session import Outcome


@dataclass(frozen=True, slots=True)
class Shrunk:
    """`kept`: numbers of the happenings that are needed, in the order of the seed's own list."""

    history: History
    kept: tuple[int, ...]
    outcome: Outcome
    tries: int


def shrink(history: History, outcome: Outcome, play: Callable[[History], Outcome]) -> Shrunk:
    """Leave out halves, then single happenings, until nothing more can go. `outcome` is what the whole history gave."""
    broken = outcome.violations[0].invariant
    kept = tuple(range(len(history.happenings)))
    best, tries = outcome, 0
    width = max(1, len(kept) // 2)
    while True:
        smaller = None
        for first in range(0, len(kept), width):
            rest = kept[:first] + kept[first + width :]
            tries += 1
            found = play(history.only(rest))
            if any(violation.invariant == broken for violation in found.violations):
                smaller, best = rest, found
                break
        if smaller is not None:
            kept = smaller
        elif width == 1:
            return Shrunk(history.only(kept), kept, best, tries)
        width = max(1, min(width, len(kept)) // (1 if smaller is not None else 2))
