"""Quiet time: where nothing happens but heartbeats, polls and scans that say the same again, it is jumped over.

Time is quiet once every poll has been done since something changed that a poll could find, and nobody waits for a scan.
What changes in the world is in the trace; a timer of the station that changes nothing stirs nothing. The jump ends a
tick before the earliest of: the agenda, a timer of the station, an act of the technician, a bound of the guard, a
crossing of the plant, a deadline of the scan, the end of a badge. What would have been polled meanwhile is polled as of
its own moment, so what follows is what would have followed (tests/campaign/test_jump.py plays seeds both ways and
compares their traces).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from station.campaign.bench import FOREVER_US, TICK_US, World
from station.campaign.life import Life
from station.campaign.plant import Ramp
from station.campaign.virtual import US
from station.run.session_scans import BADGE_S

POLLED_US = US
"""On a whole second every poll that counts is done."""
SETTLED_US = 250_000
"""After it: debouncing of buttons, looks at the guard."""
QUIET_US = 1_200_000
"""A jump ends this long before a value crosses a level."""
LEAST_US = 3 * TICK_US
STATES = ("SAFE", "ENERGISED", "TRIPPED", "HV")


class Quiet:
    """Knows when something last stirred. `catch_up(life, since_us)` does the polls that a jump has left out."""

    def __init__(self, world: World, catch_up: Callable[[Life, int], None]) -> None:
        self._world = world
        self._catch_up = catch_up
        self._stirred_us = world.now_us
        self._seen: tuple[object, ...] = ()
        self._levels: list[tuple[Ramp, float]] = []
        self._life: Life | None = None
        self.jumped_us = 0

    def jump(self, life: Life, act_us: int, timer_us: int | None) -> None:
        """Go on to the last tick before something happens, if that is far enough."""
        world, now_us = self._world, self._world.now_us
        if now_us + TICK_US != world.next_tick_us:
            return
        self._notice(life)
        if (now_us - SETTLED_US) // POLLED_US * POLLED_US <= self._stirred_us:
            return
        edge_us = min(act_us, world.next_agenda_us(), FOREVER_US if timer_us is None else timer_us)
        if edge_us - now_us <= LEAST_US or not self._is_quiet(life):
            return
        grid_us = TICK_US if self._is_regular(life) else US
        to_us = min(edge_us, self._bounds_us(life)) // grid_us * grid_us - TICK_US
        if to_us - now_us >= LEAST_US:
            self._go(life, to_us)

    def _notice(self, life: Life) -> None:
        world, kernel = self._world, life.kernel
        plant = world.plant
        seen = (
            len(world.trace), len(kernel.trips), kernel.wishes, world.buttons, kernel.desk.started,
            kernel.pollers.pace.resting, plant.peak_a, plant.rpm(world.now_us),
        )  # fmt: skip
        if seen != self._seen or not kernel.settled:
            self._seen = seen
            self._stirred_us = world.now_us

    def _is_quiet(self, life: Life) -> bool:
        world, core = self._world, self._world.board.core
        if world.guard_lost or world.guard_delay_us or core.state not in STATES or world.buttons:
            return False
        if not self._beats and (core.state in ("ENERGISED", "HV") or not life.guard.status):
            return False
        if any(trouble.kind == "drifting" for trouble in world.troubles.values()):
            return False
        desk, rules = life.kernel.desk, life.kernel.rules
        if desk.trouble is None or desk.image is None:
            return True
        return world.now_us / US - desk.image.seen_at > rules.relay_max_age_s  # positions that grow old

    def _is_regular(self, life: Life) -> bool:
        """Whether nothing is tried again and again at moments of its own."""
        return self._beats and life.kernel.desk.started and not life.kernel.line.needs_opening

    @property
    def _beats(self) -> bool:
        return self._world.board.heard_hb_us == self._world.now_us

    def _know(self, life: Life) -> None:
        """Levels at which a value of the plant that moves by itself means something else."""
        plant, rules = self._world.plant, life.kernel.rules
        moving = {
            "temperature.heatsink_degc": plant.heatsink, "temperature.loadbank_degc": plant.load_bank,
            "discharge.l_n_v": plant.plug_v, "discharge.l_pe_v": plant.plug_v,
        }  # fmt: skip
        rows = [(moving[row.reading], row) for row in life.kernel.interlocks if row.reading in moving]
        self._levels = [(ramp, level) for ramp, row in rows for level in (row.low, row.high) if level is not None]
        self._levels += [(plant.load_bank, level) for level in (rules.fan_on_degc, rules.fan_off_degc)]
        self._life = life

    def _bounds_us(self, life: Life) -> int:
        world, kernel = self._world, life.kernel
        core, now_us = world.board.core, world.now_us
        if self._life is not life:
            self._know(life)
        due_s = min(kernel.next_deadline(), life.conductor.due_s)
        edges = [FOREVER_US if math.isinf(due_s) else round(due_s * US)]
        if core.k or core.h:
            edges.append(now_us + (core.bound_s * 1000 - core.state_age) * 1000)
        edges += [_crossing_us(ramp, level, now_us) for ramp, level in self._levels]
        scans = life.session.memory.scans
        if scans.operator is not None:
            edges.append(round((scans.badge_at_s + BADGE_S) * US))
        return min(edge - QUIET_US if edge < FOREVER_US else edge for edge in edges)

    def _go(self, life: Life, to_us: int) -> None:
        world, since_us = self._world, self._world.now_us
        by_us = to_us - since_us
        world.board.skip(by_us, beats=self._beats)
        world.now_us = to_us
        world.next_tick_us = to_us + TICK_US
        if world.drive_until_us > 0:
            world.drive_until_us += by_us
        life.guard.shift(by_us / US)
        self._catch_up(life, since_us)
        world.watch()  # what has lasted through it is seen, even if it ends with it
        self.jumped_us += by_us


def _crossing_us(ramp: Ramp, level: float, now_us: int) -> int:
    """The next crossing, or one so short ago that no poll may have read it yet."""
    return ramp.crosses_us(level, max(ramp.since_us, now_us - QUIET_US)) or FOREVER_US
