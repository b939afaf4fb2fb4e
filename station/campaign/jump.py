"""Quiet time: where nothing happens but heartbeats, polls and scans that say the same again, it is jumped over.

Time is quiet once nothing has stirred for longer than the slowest poll takes and nobody waits for a scan. The jump
ends on the last whole second before the earliest of: the agenda, a timer of the station, an act of the technician, a
bound of the guard, a crossing of the plant, a deadline of the scan, the end of a badge. On a whole second every poll
is due, so what follows is what would have followed (tests/campaign/test_jump.py plays seeds both ways and compares
their traces).
"""

from __future__ import annotations

import math

from station.campaign.bench import FOREVER_US, TICK_US, World
from station.campaign.life import Life
from station.campaign.plant import Ramp
from station.campaign.virtual import US
from station.run.session_scans import BADGE_S

QUIET_US = 1_200_000
LEAST_US = 2 * US
STATES = ("SAFE", "ENERGISED", "TRIPPED", "HV")


class Quiet:
    """Knows when something last stirred."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stirred_us = world.now_us
        self._seen = 0
        self._settled: tuple[object, ...] = ()
        self.jumped_us = 0

    def stir(self) -> None:
        """Something of the station's own happened: a timer of it came due."""
        self._stirred_us = self._world.now_us

    def jump(self, life: Life, act_us: int, timer_us: int | None) -> None:
        """Go on to the last whole second before something happens, if that is far enough."""
        world = self._world
        if world.now_us + TICK_US != world.next_tick_us:
            return
        self._notice(life)
        if world.now_us - self._stirred_us < QUIET_US or not self._is_quiet(life):
            return
        edge_us = min(
            act_us, world.next_agenda_us(), FOREVER_US if timer_us is None else timer_us, self._bounds_us(life)
        )
        to_us = edge_us // US * US - TICK_US
        if to_us - world.now_us >= LEAST_US:
            self._go(life, to_us)

    def _notice(self, life: Life) -> None:
        world, kernel = self._world, life.kernel
        settled = (
            len(world.trace), len(kernel.trips), kernel.wishes, world.buttons, kernel.desk.started,
            kernel.pollers.pace.resting,
        )  # fmt: skip
        if settled != self._settled or not kernel.settled:
            self._settled = settled
            self._stirred_us = world.now_us

    def _is_quiet(self, life: Life) -> bool:
        world, core = self._world, self._world.board.core
        beats = world.board.heard_hb_us == world.now_us
        if world.guard_lost or world.guard_delay_us or core.state not in STATES or world.buttons:
            return False
        if not beats and (core.state in ("ENERGISED", "HV") or not life.guard.status):
            return False
        return not any(trouble.kind == "drifting" for trouble in world.troubles.values())

    def _bounds_us(self, life: Life) -> int:
        world, kernel = self._world, life.kernel
        core, plant, now_us = world.board.core, world.plant, world.now_us
        deadline_s = kernel.next_deadline()
        edges = [FOREVER_US if math.isinf(deadline_s) else round(deadline_s * US)]
        if core.k or core.h:
            edges.append(now_us + (core.bound_s * 1000 - core.state_age) * 1000)
        ramps = {"temperature.heatsink_degc": plant.heatsink, kernel.rules.load_bank: plant.load_bank}
        watched = [(row.reading, level) for row in kernel.interlocks for level in (row.low, row.high)]
        watched += [(kernel.rules.load_bank, level) for level in (kernel.rules.fan_on_degc, kernel.rules.fan_off_degc)]
        for reading, level in watched:
            if reading in ramps and level is not None:
                edges.append(_crossing_us(ramps[reading], level, now_us))
        scans = life.session.memory.scans
        if scans.operator is not None:
            edges.append(round((scans.badge_at_s + BADGE_S) * US))
        return min(edge - QUIET_US if edge < FOREVER_US else edge for edge in edges)

    def _go(self, life: Life, to_us: int) -> None:
        world = self._world
        by_us = to_us - world.now_us
        world.board.skip(by_us, beats=world.board.heard_hb_us == world.now_us)
        world.now_us = to_us
        world.next_tick_us = to_us + TICK_US
        if world.drive_until_us > 0:
            world.drive_until_us += by_us
        life.guard.shift(by_us / US)
        self.jumped_us += by_us


def _crossing_us(ramp: Ramp, level: float, now_us: int) -> int:
    """The next crossing, or one so short ago that no poll may have read it yet."""
    return ramp.crosses_us(level, max(ramp.since_us, now_us - QUIET_US)) or FOREVER_US
