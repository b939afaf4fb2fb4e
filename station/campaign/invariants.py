"""The 23 invariants of reference/safety.md, looked at after everything that happens, on the world as it truly is.

A check reads the plant, the board and the core, never what the station believes, except where the invariant is about
just that. Each returns what is wrong in words, or nothing. They stand in `guard_checks`, `bench_checks` and, for the
end of a session, `reckoning`; that each of them can fail is shown in tests/campaign/test_campaign_finds.py. Invariant
17 (the ticks' wrap-around) is a property of two histories: tests/campaign/test_jump.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from station.campaign import bench_checks as bench
from station.campaign import guard_checks as guard
from station.campaign.bench import World
from station.campaign.history import START_US


class Violation(NamedTuple):
    """Which invariant, when (us from the session's begin), and what was seen."""

    invariant: int
    at_us: int
    detail: str


@dataclass(slots=True)
class Sight:
    """What the checks need of the station beside the world; counted anew in every life."""

    life: Any = None
    """None where no station lives."""
    starts: int = 0
    """Runs that a press of START has started."""
    resets: int = 0
    """Presses of RESET, as the panel understood them."""
    unasked: list[str] = field(default_factory=list)
    """Starts and resets that came from anything but a button."""

    def begin(self, life: Any) -> None:
        """A life begins."""
        self.life, self.starts, self.resets = life, 0, 0


class Watch:
    """Memory of the checks; `look` is called after everything that happens."""

    def __init__(self, world: World, sight: Sight, hb_us: int, bleed_us: int, min_off_us: int) -> None:
        self.world, self.sight = world, sight
        self.hb_us, self.bleed_us, self.min_off_us = hb_us, bleed_us, min_off_us
        self.violations: list[Violation] = []
        self._broken: set[int] = set()
        self._checks = CHECKS
        self.dumb = False
        """A sensor told nothing at the last look."""
        self.k = self.h = False
        self.lock = True
        self.state = "TRIPPED"
        self.cause = "BOOT"
        self.also: tuple[str, ...] = ()
        self.boots = 0
        self.latch: tuple[Any, ...] = ()
        self.latch_life: Any = None
        self.latch_resets = self._resets = 0
        """Presses of RESET when the station's latch was set, and at the last look."""
        self.spent_us = self._runs = 0
        """Energised time of the present run, K's present stretch left out."""
        self.relays = dict(world.plant.relays)
        self._bad_since_us: dict[str, int] = {}

    def look(self) -> None:
        """Every check; each invariant is reported once a session."""
        for number, check in self._checks:
            wrong = check(self)
            if wrong and number not in self._broken:
                self.report(number, wrong)
        self._remember()

    def report(self, number: int, wrong: str) -> None:
        """An invariant does not hold."""
        self._broken.add(number)
        self._checks = tuple(check for check in self._checks if check[0] != number)
        self.violations.append(Violation(number, self.world.now_us - START_US, wrong))
        self.world.note(f"! invariant {number}: {wrong}")

    def _remember(self) -> None:
        world, board, core = self.world, self.world.board, self.world.board.core
        if len(world.minted) != self._runs:
            self.spent_us, self._runs = 0, len(world.minted)
        if self.k and not board.k:
            self.spent_us += board.k_fell_us - board.k_rose_us
        self.k, self.h, self.lock, self.state = board.k, board.h, core.lock, core.state
        self.cause, self.also, self.boots = core.cause, core.also, board.boots
        if world.plant.relays != self.relays:
            self.relays = dict(world.plant.relays)
        life, sight = self.sight.life, self.sight
        trips = life.kernel.trips if life is not None and life.ready else ()
        if trips and (not self.latch or self.latch_life is not life):
            self.latch_resets = min(self._resets, sight.resets)
        self.latch, self.latch_life, self._resets = trips, life, sight.resets

    def lasting(self, name: str, bad: bool, for_us: int) -> bool:
        """Whether `bad` has held for longer than `for_us`."""
        if not bad:
            if self._bad_since_us:
                self._bad_since_us.pop(name, None)
            return False
        return self.world.now_us - self._bad_since_us.setdefault(name, self.world.now_us) > for_us


CHECKS: tuple[tuple[int, Callable[[Watch], str]], ...] = (
    (1, guard.i1), (2, guard.i2), (3, guard.i3), (4, guard.i4), (5, guard.i5), (6, guard.i6), (7, guard.i7),
    (8, guard.i8), (9, bench.i9), (10, bench.i10), (11, bench.i11), (12, bench.i12), (13, guard.i13), (14, bench.i14),
    (15, bench.i15), (16, bench.i16), (20, bench.i20), (20, bench.i20_routing), (21, bench.i21), (22, bench.i22),
    (23, bench.i23),
)  # fmt: skip
