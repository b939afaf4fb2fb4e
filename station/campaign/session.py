"""One seed, whole: the station lives, dies and comes back in the world of its history, until the technician is done.

`Mode.JUMP` and `Mode.EVERY` own the scan: the kernel's turn, the pollers and the panel are called from the world's
tick, and quiet time is jumped over or not. `Mode.WHOLE` lets all of them run as the tasks that they are on a bench.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from station.campaign.bench import World
from station.campaign.centre import Centre
from station.campaign.history import LATE_S, START_US, History
from station.campaign.invariants import Sight, Violation, Watch
from station.campaign.jump import Quiet
from station.campaign.life import Life, Setting
from station.campaign.mishaps import plan_all
from station.campaign.reckoning import check_records
from station.campaign.technician import Technician
from station.campaign.ticks import Ticks
from station.campaign.virtual import US, VirtualLoop
from station.domain.errors import StationError
from station.domain.work_order import WorkOrder
from station.run import session_events as ev

END_S = LATE_S + 400
MIN_OFF_US = 10 * US
REBOOT_US = 3 * US
BURIAL_ROUNDS = 100
STARTS_MAX = 5
"""Starts that fail one after the other before the technician goes home."""


class Mode(StrEnum):
    """How time is owned."""

    JUMP = "jump"
    EVERY = "every"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a seed gave. `trace`: (us, text) from the session's begin."""

    seed: int
    simulated_s: float
    violations: tuple[Violation, ...]
    trace: tuple[tuple[int, str], ...]
    scans: int
    lives: int
    verdicts: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Of the whole trace: one seed, one history."""
        text = "\n".join(f"{us} {words}" for us, words in self.trace)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def play(core: Any, setting: Setting, history: History, folder: Path, mode: Mode = Mode.JUMP) -> Outcome:
    """Play one history; `folder` is empty and on a fast disk. Deterministic in its arguments."""
    return Machinery(core, setting, history, folder, mode).play()


class Machinery:
    """Runs the machine on which the station lives; what befalls the machine comes in here."""

    def __init__(self, core: Any, setting: Setting, history: History, folder: Path, mode: Mode) -> None:
        self.world = world = World(core, history)
        world.plant.pace = setting.speed
        self.setting = setting
        self._path = folder / "station.sqlite"
        self._mode = mode
        self.life: Life | None = None
        self._lives = 0
        self._gone: list[tuple[VirtualLoop, Life]] = []
        self._ended: asyncio.Future[None] | None = None
        self._down_us = self._dark_until_us = 0
        self._failed_starts = 0
        self._frozen = False
        self._missed_us = 0
        self.centre = Centre(world)
        self.technician = Technician(world, self.scan, setting.product.id)
        self.sight = Sight()
        guard = world.board.core
        self.watch = Watch(world, self.sight, guard.hb_ms * 1000, guard.bleed_s * US, MIN_OFF_US)
        world.watch = self.watch.look
        world.on_tick = self._tick
        self._ticks = Ticks(self)
        self._quiet = Quiet(world, self._ticks.catch_up)
        plan_all(world, self)

    def play(self) -> Outcome:
        """Until the technician is done or the time is over."""
        try:
            while not self._over():
                self._one_life()
                self.world.pass_without_station(self.world.now_us + self._down_us)
                self.world.pass_without_station(self._dark_until_us)
            simulated_us = self.world.now_us - START_US
            self._epilogue()
            return self._outcome(simulated_us)
        finally:
            self._bury()

    def _outcome(self, simulated_us: int) -> Outcome:
        verdicts = tuple(record.verdict.value for records in self.world.records.values() for record in records)
        return Outcome(
            self.world.history.seed, simulated_us / US, tuple(self.watch.violations), tuple(self.world.trace),
            self.world.turns, self._lives, verdicts,
        )  # fmt: skip

    def _over(self) -> bool:
        return self.technician.done or self.world.now_us - START_US > END_S * US

    # ---- lives -------------------------------------------------------------------------------------------------

    def _one_life(self) -> None:
        loop = VirtualLoop(self.world.now_us, self._pass_time)
        self._lives += 1
        self.life = life = Life(self.world, self.setting, self._path, self._lives, ticking=self._mode is Mode.WHOLE)
        self.sight.begin(life)
        self._gone.append((loop, life))
        self._down_us = 0
        try:
            loop.run_until_complete(self._live(life))
        finally:
            life.over = True
            self.life = self.sight.life = None
            self.world.drive_page(None)
            self.world.state = ""

    async def _live(self, life: Life) -> None:
        self._ended = asyncio.get_running_loop().create_future()
        booting = asyncio.ensure_future(life.boot())
        await asyncio.wait({booting, self._ended}, return_when=asyncio.FIRST_COMPLETED)
        if booting.done() and booting.exception() is not None:
            if not isinstance(booting.exception(), StationError):
                raise booting.exception()  # type: ignore[misc]
            self.world.note(f"the station does not start: {booting.exception()}")
            self._down_us = REBOOT_US
            self._failed_starts += 1
            self.technician.done = self.technician.done or self._failed_starts >= STARTS_MAX
            return
        self._failed_starts = 0
        await self._ended

    def _end(self, down_us: int) -> None:
        if self.life is not None and self._ended is not None and not self._ended.done():
            if self.life.ready and self.life.conductor.running:
                self.world.may_be_cut_off.update(self.world.minted[-1:])
            self.life.over = True
            self._down_us = down_us
            self._ended.set_result(None)

    def _pass_time(self, loop: VirtualLoop, limit_us: int | None) -> None:
        jumps = self._mode is Mode.JUMP
        while not (self._ended is not None and self._ended.done()):
            if self._over():
                self._end(0)
                return
            if jumps and self.life is not None and self.life.ready:
                self._quiet.jump(self.life, self.technician.next_us, limit_us)
            self.world.advance(loop, limit_us)
            loop.now_us = self.world.now_us
            if loop.has_work(limit_us):
                return

    def _tick(self, now_us: int) -> None:
        if self._frozen:
            self._missed_us = self._missed_us or now_us
            return
        life = self.life
        if life is None or not life.ready or life.over:
            return
        due_us, self._missed_us = self._missed_us or now_us, 0
        self.technician.look(now_us)
        self._ticks.tick(life, now_us, due_us)

    def _epilogue(self) -> None:
        """Everything is mended, a last life closes what was cut off, and the centre takes what waits."""
        world = self.world
        world.disk_full = world.broker_out = world.receipts_lost = False
        world.disk_delay_us = 0
        loop = VirtualLoop(world.now_us)
        life = Life(world, self.setting, self._path, self._lives + 1, ticking=False)
        self._gone.append((loop, life))

        async def last() -> None:
            await life.close_the_books()
            while await self.centre.drain(life.store):
                pass

        loop.run_until_complete(last())
        check_records(self.watch, self.centre.results, self.centre.altered)

    def _bury(self) -> None:
        """Lives that are over end for good: nothing of theirs runs when memory is collected."""
        for loop, life in self._gone:
            life.over = True
            loop.let_go()
            for _ in range(BURIAL_ROUNDS):  # clean-up that waits is cancelled in its turn
                tasks = asyncio.all_tasks(loop)
                if not tasks:
                    break
                for task in tasks:
                    task.cancel()
                loop.run_until_complete(asyncio.sleep(0))
            if hasattr(life, "store"):
                life.store.let_go()
            loop.close()
        self._gone.clear()

    # ---- what befalls the machine (see mishaps.Machine) ------------------------------------------------------------

    def kill(self, down_us: int) -> None:
        """SIGKILL: nothing more happens; it is started again after a while."""
        self._end(down_us)

    def cut_power(self, down_us: int) -> None:
        """The building's mains goes: contactor, guard and station with it; they return together."""
        world = self.world
        world.plant.supply = world.board.powered = False
        world.board.supply_changed(world.now_us)
        self._dark_until_us = max(self._dark_until_us, world.now_us + down_us)
        self._end(down_us)

        def back(now_us: int) -> None:
            if now_us < self._dark_until_us:
                return  # it has gone once more meanwhile
            world.plant.supply = world.board.powered = True
            world.board.power_up(now_us)
            world.plant.settle(now_us)

        world.later(world.now_us + down_us, back)

    def terminate(self, down_us: int) -> None:
        """SIGTERM: the daemon makes the bench safe, records, and goes."""
        life = self.life
        if life is None or not life.ready:
            self._end(down_us)
            return

        async def go() -> None:
            await life.terminate()
            self._end(down_us)

        loop = self._gone[-1][0]
        self._going = loop.create_task(go(), name="terminate")

    def stall(self, for_us: int) -> None:
        """The whole process stands still (slow storage under it, SIGSTOP) while the world goes on."""
        if self._frozen or self.life is None:
            return
        self._frozen = True
        self.world.pass_without_station(self.world.now_us + for_us)
        self._frozen = False

    def scan(self, text: str) -> None:
        """A line from the scanner."""
        if self.life is not None and self.life.ready:
            self.life.conductor.post(ev.Scanned(text))

    def socket(self, verb: str) -> None:
        """A word over the control socket or from the centre."""
        life = self.life
        if life is None or not life.ready:
            return
        run = life.conductor.view["run"] or {}
        events: dict[str, ev.Event] = {
            "scan": ev.Scanned("OP:remote", "socket"),
            "assign": ev.Assigned(WorkOrder("9", self.setting.product.id, "9", "outgoing", assigned=True)),
            "withdraw": ev.Withdrawn("9"),
            "put_in_front": ev.PutInFront("9"),
            "abort": ev.AbortAsked(run.get("run_id") or "none"),
            "abort_other": ev.AbortAsked("another"),
        }
        life.conductor.post(events[verb])
