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
from dataclasses import replace

from drivers.errors import DeviceTimeout, DriverError, GuardRefused, PermitDenied
from drivers.ports import Guard, GuardState, GuardStatus
from station.domain.clock import tick_after
from station.domain.interlock import Interlock, Trip
from station.safety import scan
from station.safety.causes import guard_trip, station_trip
from station.safety.granting import position
from station.safety.guard_line import GuardLine
from station.safety.keeping import Keeping
from station.safety.latch import Latch, ServiceLatch
from station.safety.lid import release_lid
from station.safety.permit import Permits
from station.safety.pollers import Pollers, Watched
from station.safety.readings import ReadingTable
from station.safety.relays import RelayDesk
from station.safety.rules import Rules
from station.safety.snapshot import DriveWish, HvWish, MainsWish, ScanInputs, ScanOutputs, ScanState, Wishes

EARLY_S = 1e-6
"""A tick that is nearer than this has come."""
_LOG = logging.getLogger(__name__)


class Kernel:
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
        self.rules = rules if rules is not None else Rules()
        self.clock = clock
        self.desk = desk
        self.pollers = pollers
        self.table = table
        self.interlocks = tuple(interlocks)
        self.permits = Permits(clock)
        self.line = GuardLine(guard, clock, self.rules, lambda: self.trip(guard_trip("LOST", self.clock())))
        self._service = ServiceLatch(latch, self.rules.reconnect_s)
        desk.pace = pollers.pace
        self._may_rest = all(row.when != "always" for row in self.interlocks)
        self._keeping = Keeping(desk, self.rules.reconnect_s)
        self._drive_sink = drive_sink
        self._resetting = False
        self._wishes = Wishes()
        self._state: ScanState | None = None
        self._tripped = asyncio.Event()
        self._turn = asyncio.Event()
        self._listeners: list[Callable[[Trip], None]] = []
        self._loop_task: asyncio.Task[None] | None = None
        watched = {poller.role: poller.run for poller in pollers}
        self.watched = Watched({**watched, "relays": desk.run, "guard": self.line.run})

    # ---- life ------------------------------------------------------------------------------------------------

    async def start(self, *, never_energised: bool = False) -> None:
        """Read the service latch, then begin to poll and to scan. Energises nothing.

        `never_energised`: no run was ever begun on this bench, so the pause before ON has no OFF to count from.
        """
        await self._service.load()
        self._state = scan.begin(self.rules, self.clock(), never_energised=never_energised)
        self.watched.start()
        self._loop_task = asyncio.get_running_loop().create_task(self._run(), name="safety kernel")

    async def wait_failed(self) -> None:
        """Return only by raising what ended the scan; a daemon whose kernel is gone must end."""
        assert self._loop_task is not None, "start the kernel first"
        await asyncio.shield(self._loop_task)

    async def close(self) -> None:
        """STOP if anything is energised or wanted, wait for the guard to say so, then let everything go."""
        if self._wishes != Wishes() or (self.status is not None and not self.is_off()):
            self.stop("SHUTDOWN")
            try:
                await self.until(self.is_off, self.rules.guard_answer_s, "the guard's OFF", tripped_too=True)
            except DeviceTimeout:
                _LOG.error("the guard did not confirm OFF; without heartbeats it trips by itself")
        self._take_away("the station is shutting down", tell_guard=False)
        await self.desk.open_all(self.rules.clean_up_s)
        if self._loop_task is not None:
            self._loop_task.cancel()
            await asyncio.gather(self._loop_task, return_exceptions=True)
        await self._keeping.close()
        await self._service.close(self.rules.clean_up_s)
        await self.watched.close()
        await self.line.close()

    # ---- what others see ---------------------------------------------------------------------------------------

    @property
    def trips(self) -> tuple[Trip, ...]:
        """Every trip since the latch was last clear, first cause first."""
        return self._state.trips if self._state is not None else ()

    @property
    def status(self) -> GuardStatus | None:
        """The guard's last word."""
        return self.line.status

    @property
    def wishes(self) -> Wishes:
        """What is wanted now."""
        return self._wishes

    @property
    def service_latch(self) -> str | None:
        """Why a maintainer must come, or None."""
        return self._service.reason

    @property
    def hot(self) -> bool:
        """Whether the fan still has to run: the load bank is not known to be cool, or drive is wanted."""
        return self._state is None or self._state.fan

    def relay(self, role: str) -> bool | None:
        """Where a relay stands as read back; None where that is not known now."""
        return position(self.rules, self._look(self.clock()), role)

    def is_off(self) -> bool:
        """Whether the guard says, and has just said, that K and H are off."""
        return scan.confirmed_off(self.rules, self._look(self.clock()))

    def is_dead(self) -> bool:
        """`is_off`, and the contactor's feedback is open as well."""
        return self.is_off() and self.status is not None and not self.status.fb

    async def wait_tripped(self) -> None:
        """Return once the latch is set."""
        await self._tripped.wait()

    def listen(self, listener: Callable[[Trip], None]) -> None:
        """Call `listener` with every new trip; what it raises is logged and changes nothing."""
        self._listeners.append(listener)

    def why_reset_refused(self) -> tuple[str, ...]:
        """What stands against RESET now, for the panel."""
        return scan.reset_refusals(self.rules, self.interlocks, self._now_state(), self._look(self.clock()))

    # ---- what persons do -----------------------------------------------------------------------------------------

    def stop(self, cause: str = "STOP") -> None:
        """De-energise now and latch: the STOP button, or "SHUTDOWN" of the daemon."""
        self.trip(station_trip("stop", cause, self.clock()))

    async def reset(self) -> tuple[str, ...]:
        """Clear the latch, only on a person's act; it energises nothing. Returns what forbids it, nothing if clear."""
        self.watched.revive()
        known, self._resetting = len(self.trips), True
        try:
            await self._put_relays_right()
            reasons = self.why_reset_refused()
            if not reasons and self.status is not None and self.status.state is GuardState.TRIPPED:
                reasons = await self._reset_guard() or self.why_reset_refused()
        finally:
            self._resetting = False
        news = tuple(f"tripped again: {t.interlock}, {t.cause}" for t in self.trips[known:] if t.interlock != "guard")
        reasons = reasons or news or (() if self._guard_is_safe() else ("the guard is not SAFE",))
        if not reasons:
            self._wishes = Wishes()
            self._state = scan.reset(self._now_state(), self._look(self.clock()))
            self._tripped.clear()
        return reasons

    async def _put_relays_right(self) -> None:
        """Before RESET: relays that are not where they were put are put there again, as far as they obey."""
        if self.trips and self.is_off() and self.desk.started:
            await self.desk.put_right(self.rules.clean_up_s)

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
            await self._next_turn(deadline, what)

    async def wait_permit(self, name: str, timeout_s: float) -> None:
        """Wait until the scan grants a permit. Raises `PermitDenied` with the scan's last reason."""
        permit = self.permits.by_name[name]
        try:
            await self.until(lambda: permit.granted, timeout_s, f"the {name} permit")
        except DeviceTimeout:
            raise PermitDenied(name, permit.reason) from None

    def refuse_if_tripped(self) -> None:
        """Raise `PermitDenied` while the latch is set."""
        if self.trips:
            raise PermitDenied("bench", f"tripped: {self.trips[0].interlock}, {self.trips[0].cause}")

    def trip(self, trip: Trip) -> None:
        """Latch a trip from outside the scan and take everything away, now."""
        state = self._now_state()
        self._state = scan.latch(state, trip)
        self._wishes = Wishes()
        self._take_away(f"tripped: {self._state.trips[0].interlock}, {self._state.trips[0].cause}", tell_guard=True)
        self._tell(self._state.trips[len(state.trips) :])

    # ---- the turn ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        due = self.clock()
        try:
            while True:
                begun = self.clock()
                self._scan(due)
                due = tick_after(max(due, begun - self.rules.period_s) + EARLY_S, self.rules.period_s)
                await asyncio.sleep(max(0.0, due - self.clock()))
        except asyncio.CancelledError:
            self._take_away("the safety kernel has ended", tell_guard=False)
            raise
        except Exception as error:
            _LOG.critical("the scan failed; the guard is no longer fed", exc_info=error)
            self.trip(station_trip("scan", "FAULT", self.clock()))
            raise

    def _scan(self, due: float) -> None:
        state, outputs = scan.step(self.rules, self.interlocks, self._now_state(), self._look(due))
        self._state = state
        if state.trips:
            self._wishes = Wishes()
        self.pollers.pace.resting = self._may_rest and self._wishes == Wishes() and self.is_off()
        self._apply(outputs)

    def _look(self, due: float) -> ScanInputs:
        readings, relays = self.table.snapshot(), self.desk.image
        status, boot, dead = self.line.status, self.line.boot, self.watched.dead()
        trouble = None if self.line.trouble is None else str(self.line.trouble)
        return ScanInputs(
            self.clock(), due, readings, status, boot, relays, self._wishes, dead, self._service.reason,
            self._resetting, trouble,
        )  # fmt: skip

    def _apply(self, outputs: ScanOutputs) -> None:
        self.permits.apply(outputs.refusals, outputs.permit_until)
        self._drive_sink(None if outputs.refusals.get("drive") else outputs.permit_until)
        if outputs.stop:
            self.line.stop()
        if outputs.heartbeat:
            self.line.heartbeat()
        self._keeping.keep({"fan": outputs.fan, "bleed": outputs.bleed})
        self._tell(outputs.trips)
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()

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
            if trip.interlock == "guard" and trip.cause == "WELD":
                self._service.set("WELD: the contactor's feedback stayed closed with K off")
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

    def _now_state(self) -> ScanState:
        return self._state if self._state is not None else scan.begin(self.rules, self.clock())

    async def _reset_guard(self) -> tuple[str, ...]:
        try:
            try:
                await self.line.guard.reset()
            except GuardRefused as refused:
                if refused.reason != "STALE":
                    raise
                await self.line.open_again()  # the guard has lost our session: it was powered up anew
                await self.line.guard.reset()
            await self.until(self._guard_is_safe, self.rules.guard_answer_s, "the guard's SAFE", tripped_too=True)
        except DriverError as error:
            return (str(error),)
        return ()

    def _guard_is_safe(self) -> bool:
        return self.status is not None and self.status.state is GuardState.SAFE

    async def _next_turn(self, deadline: float, what: str) -> None:
        left_s = deadline - self.clock()
        if left_s > 0:
            try:
                async with asyncio.timeout(left_s):
                    await self._turn.wait()
                return
            except TimeoutError:
                pass
        raise DeviceTimeout("bench", f"{what} did not come in time")
