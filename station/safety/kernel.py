"""The safety kernel: a scan at a fixed period, and the only one that grants, feeds and takes away.

Each turn: take a snapshot, `scan.step`, then apply: what de-energises goes first and is not waited for, the guard's
heartbeat goes out last and only because the scan was completed. Nothing in a turn waits. Steps ask for things
through `request_*` and wait with `until`; they never grant. What does not live here: what may energise (scan,
granting), how relays and devices are driven (guarded ports).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from drivers.errors import DeviceTimeout, PermitDenied
from drivers.ports import Guard, GuardState
from station.domain.interlock import Interlock, Trip
from station.safety import scan
from station.safety.causes import guard_trip, station_trip
from station.safety.kernel_sight import KernelSight
from station.safety.latch import Latch
from station.safety.leftover import Leftover
from station.safety.lid import release_lid
from station.safety.pollers import Pollers
from station.safety.readings import ReadingTable
from station.safety.relays import RelayDesk
from station.safety.resetting import clear_the_way
from station.safety.rules import Rules
from station.safety.snapshot import DriveWish, HvWish, MainsWish, ScanOutputs, Wishes
from station.safety.turns import tick

_LOG = logging.getLogger(__name__)


class Kernel(KernelSight):
    """One a bench. `clock` gives monotonic seconds, `drive_sink` takes the drive permit's deadline, None revokes."""

    def __init__(
        self,
        guard: Guard,
        desk: RelayDesk,
        pollers: Pollers,
        table: ReadingTable,
        interlocks: Sequence[Interlock],
        latch: Latch,
        drive_sink: Callable[[float | None], None],
        clock: Callable[[], float],
        rules: Rules | None = None,
    ) -> None:
        super().__init__(
            guard, desk, pollers, table, interlocks, latch, drive_sink, clock, rules,
            lambda: self.trip(guard_trip("LOST", clock())),
        )  # fmt: skip
        self._leftover = Leftover(self)
        self._welded = False
        self._turn_listeners: list[Callable[[], None]] = []

    # ---- life ------------------------------------------------------------------------------------------------

    async def start(self, *, never_energised: bool = False, ticking: bool = True) -> None:
        """Read the service latch, then begin to poll and to scan. Energises nothing.

        `never_energised`: no run was ever begun on this bench, so the pause before ON has no OFF to count from.
        `ticking` False: neither pollers, desk and guard line nor the scan run by themselves; whoever owns time (a
        simulation) calls `turn`, `line.keep_open`, `desk.look` and the pollers' `read_now`.
        """
        await self._service.load()
        self._state = scan.begin(self.rules, self.clock(), never_energised=never_energised)
        if ticking:
            self.watched.start()
            self._loop_task = asyncio.get_running_loop().create_task(self._run(), name="safety kernel")

    async def wait_failed(self) -> None:
        """Return only by raising what ended the scan; a daemon whose kernel is gone must end."""
        assert self._loop_task is not None, "start the kernel first"
        await asyncio.shield(self._loop_task)

    async def close(self) -> None:
        """STOP if anything is energised or wanted, wait for the guard to say so, then let everything go.

        A trip that is latched here must be latched in the guard before we go, or the next daemon would not know of it.
        """
        if self._wishes != Wishes() or (self.status is not None and not self.is_off()):
            self.stop("SHUTDOWN")
        if self.trips and self._loop_task is not None and not self._loop_task.done():
            await self._wait_latched()
        self._take_away("the station is shutting down", tell_guard=False)
        await self.desk.open_all(self.rules.clean_up_s)
        if self._loop_task is not None:
            self._loop_task.cancel()
            await asyncio.gather(self._loop_task, return_exceptions=True)
        await self._leftover.close()
        await self._keeping.close()
        await self._service.close(self.rules.clean_up_s)
        await self.watched.close()
        await self.line.close()

    async def wait_tripped(self) -> None:
        """Return once the latch is set."""
        await self._tripped.wait()

    @property
    def settled(self) -> bool:
        """Whether scans only say the same again, and nothing is tried again beside them."""
        return super().settled and self._leftover.settled

    def listen(self, listener: Callable[[Trip], None]) -> None:
        """Call `listener` with every new trip; what it raises is logged and changes nothing."""
        self._listeners.append(listener)

    def each_turn(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every completed scan: what says "alive" of this process. It must not wait or raise."""
        self._turn_listeners.append(listener)

    # ---- what persons do -----------------------------------------------------------------------------------------

    def stop(self, cause: str = "STOP") -> None:
        """De-energise now and latch: the STOP button, or "SHUTDOWN" of the daemon."""
        self.trip(station_trip("stop", cause, self.clock()))

    async def reset(self) -> tuple[str, ...]:
        """Clear the latch, only on a person's act; it energises nothing. Returns what forbids it, nothing if clear."""
        self._resetting = True
        try:
            reasons = await clear_the_way(self)
        finally:
            self._resetting = False
        if not reasons:
            self._wishes = Wishes()
            self._state = scan.reset(self._now_state(), self._look(self.clock()))
            self._tripped.clear()
        return reasons

    async def release_lid(self) -> None:
        """Unlock once the plug is proven dead and the guard's bleed time is over. Raises `LidHeld`."""
        await release_lid(self)

    # ---- what guarded ports ask ----------------------------------------------------------------------------------

    def request_mains(self, wish: MainsWish, until: float | None = None) -> None:
        """Say what is wanted of mains; `until` bounds ON in monotonic seconds. Grants nothing: the next scan may."""
        self.permits.mains.revoke("waiting for the next scan")
        self._wish(replace(self._wishes, mains=wish, mains_until=until))

    def request_hv(self, wish: HvWish) -> None:
        """Say what is wanted of the test voltage."""
        self.permits.hv.revoke("waiting for the next scan")
        self.permits.test_voltage.revoke("waiting for the next scan")
        self._wish(replace(self._wishes, hv=wish))

    def request_drive(self, wish: DriveWish) -> None:
        """Say what drive is wanted. Any change takes the permit away until the next scan."""
        self.permits.drive.revoke("waiting for the next scan")
        self._drive_sink(None)
        self._wish(replace(self._wishes, drive=wish))

    async def until(self, check: Callable[[], bool], timeout_s: float, what: str, *, tripped_too: bool = False) -> None:
        """Wait, scan by scan, until `check()`. Raises `DeviceTimeout` after `timeout_s`, and on a trip `PermitDenied`.

        `tripped_too`: go on waiting through a trip (for what is on its way off).
        """
        deadline = self.clock() + timeout_s
        while not check():
            if not tripped_too:
                self.refuse_if_tripped()
            await self._turns.wait(deadline, what)

    async def wait_permit(self, name: str, timeout_s: float) -> None:
        """Wait until the scan grants a permit. Raises `PermitDenied` with the scan's last reason."""
        permit = self.permits.by_name[name]
        try:
            await self.until(lambda: permit.granted, timeout_s, f"the {name} permit")
        except DeviceTimeout:
            raise PermitDenied(name, permit.reason) from None

    def trip(self, trip: Trip) -> None:
        """Latch a trip from outside the scan and take everything away, now."""
        state = self._now_state()
        self._state = scan.latch(state, trip)
        self._wishes = Wishes()
        self._take_away(f"tripped: {self._state.trips[0].interlock}, {self._state.trips[0].cause}", tell_guard=True)
        self._tell(self._state.trips[len(state.trips) :])

    # ---- the turn ------------------------------------------------------------------------------------------------

    def turn(self, due: float) -> None:
        """One scan, applied; called by the kernel's own loop, or by whoever owns time.

        `due`: monotonic second at which it should have begun. A scan that raises is a trip and no turn: nobody is
        fed, and the error goes on to the caller.
        """
        try:
            state, outputs = scan.step(self.rules, self.interlocks, self._now_state(), self._look(due))
            self._state = state
            if state.trips:
                self._wishes = Wishes()
            self.pollers.pace.resting = self._may_rest and self._wishes == Wishes() and self.is_off()
            self._apply(outputs)
        except Exception as error:
            _LOG.critical("the scan failed; the guard is no longer fed", exc_info=error)
            self.trip(station_trip("scan", "FAULT", self.clock()))
            raise
        self._turns.completed()
        for listener in self._turn_listeners:
            listener()

    async def _run(self) -> None:
        try:
            await tick(self.turn, self.clock, self.rules.period_s)
        except asyncio.CancelledError:
            self._take_away("the safety kernel has ended", tell_guard=False)
            raise

    async def _wait_latched(self) -> None:
        """Until the guard is latched; if it cannot be asked, until it has dropped K and H for want of heartbeats."""
        starved_at = self.clock() + self.rules.hb_ms_max / 1000.0 + self.rules.period_s

        def is_over() -> bool:
            return self._has_latched() or (self.status is None and self.clock() >= starved_at)

        with suppress(DeviceTimeout):
            await self.until(is_over, self.rules.guard_answer_s, "the guard's TRIPPED", tripped_too=True)
        if not self._has_latched():
            _LOG.error("the guard did not confirm STOP; if it is energised, it trips by itself without heartbeats")

    def _has_latched(self) -> bool:
        """Whether the guard says, and has just said, that it is off and latched."""
        status = self.status
        return status is not None and self.is_off() and status.state is GuardState.TRIPPED

    def _apply(self, outputs: ScanOutputs) -> None:
        self.permits.apply(outputs.refusals, outputs.permit_until)
        self._drive_sink(None if outputs.refusals.get("drive") else outputs.permit_until)
        if outputs.stop:
            self.line.stop()
        self._keeping.keep({"fan": outputs.fan, "bleed": outputs.bleed})
        self._leftover.tend()
        if outputs.welded and not self._welded:
            self._service.set("WELD: the contactor's feedback stayed closed with K off")
        self._welded = outputs.welded
        self._tell(outputs.trips)
        if outputs.heartbeat:
            self.line.heartbeat()

    def _take_away(self, reason: str, *, tell_guard: bool) -> None:
        self.permits.revoke_all(reason)
        if tell_guard:
            self.line.stop()
        try:
            self._drive_sink(None)
        except Exception:  # the permit ends by its deadline all the same
            _LOG.exception("the drive permit could not be revoked at once")

    def _tell(self, trips: Sequence[Trip]) -> None:
        for trip in trips:
            self._tripped.set()
            _LOG.error("trip %s: %s, %s", trip.code, trip.interlock, trip.cause)
            for listener in self._listeners:
                try:
                    listener(trip)
                except Exception:
                    _LOG.exception("a listener to trips failed")

    # ---- small parts ---------------------------------------------------------------------------------------------

    def _wish(self, wishes: Wishes) -> None:
        if self.trips and wishes != Wishes():
            self.refuse_if_tripped()
        self._wishes = wishes
        if wishes != Wishes():
            self.pollers.pace.resting = False
