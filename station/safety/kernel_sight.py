"""What the kernel knows: its devices, what is wanted, what the last scan made of it. For everyone to look at.

Nothing here changes anything; what changes it is `kernel.Kernel`, alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from drivers.errors import PermitDenied
from drivers.ports import Guard, GuardState, GuardStatus
from station.domain.interlock import Interlock, Trip
from station.safety import scan
from station.safety.granting import bars, begin_refusals, positions
from station.safety.guard_line import GuardLine
from station.safety.interlocks import find_unproven
from station.safety.keeping import Keeping
from station.safety.latch import Latch, ServiceLatch
from station.safety.permit import Permits
from station.safety.pollers import Pollers, Watched
from station.safety.readings import ReadingTable
from station.safety.relays import RelayDesk
from station.safety.rules import Rules
from station.safety.snapshot import ScanInputs, ScanState, Wishes
from station.safety.turns import Turns


class KernelSight:
    """See `kernel.Kernel`."""

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
        rules: Rules | None,
        on_lost: Callable[[], None],
    ) -> None:
        self.rules = rules if rules is not None else Rules()
        self.clock = clock
        self.desk = desk
        self.pollers = pollers
        self.table = table
        self._declared = tuple(interlocks)
        self.interlocks = self._declared
        """Those that are judged: of the product family in hand, all of them while none is known (`watch_for`)."""
        self.permits = Permits(clock)
        self.line = GuardLine(guard, clock, self.rules, on_lost)
        self._service = ServiceLatch(latch, self.rules.reconnect_s)
        desk.pace = pollers.pace
        self._may_rest = all(row.when != "always" for row in self.interlocks)
        self._keeping = Keeping(desk, self.rules.reconnect_s)
        self._drive_sink = drive_sink
        self._resetting = False
        self.testing = 0
        """Tests of the tester under way, their clean-up included; kept by the guarded tester."""
        self._wishes = Wishes()
        self._state: ScanState | None = None
        self._tripped = asyncio.Event()
        self._turns = Turns(clock)
        self._listeners: list[Callable[[Trip], None]] = []
        self._loop_task: asyncio.Task[None] | None = None
        watched = {poller.role: poller.run for poller in pollers}
        self.watched = Watched({**watched, "relays": desk.run, "guard": self.line.run})

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

    def watch_for(self, family: str) -> None:
        """Judge the interlocks of this product family; all where it is not known, or anything is wanted still."""
        known = bool(family) and self._wishes == Wishes()
        self.interlocks = tuple(
            row for row in self._declared if not known or not row.families or family in row.families
        )

    @property
    def service_latch(self) -> str | None:
        """Why a maintainer must come, or None."""
        return self._service.reason

    @property
    def hot(self) -> bool:
        """Whether the fan still has to run: the load bank is not known to be cool, or drive is wanted."""
        return self._state is None or self._state.fan

    @property
    def why_not_cool(self) -> str:
        """Why nobody can say how hot the load bank is; "" where its thermometer reads."""
        reading = self.table.get(self.rules.load_bank)
        fault = find_unproven(reading, self.rules.load_bank_max_age_s, self.clock())
        return "" if fault is None else f"{self.rules.load_bank} is {fault.cause.lower()}"

    def relay(self, role: str) -> bool | None:
        """Where a relay stands as read back; None where that is not known now."""
        return positions(self.rules, self._look(self.clock())).get(role)

    def is_off(self) -> bool:
        """Whether the guard says, and has just said, that K and H are off."""
        return scan.confirmed_off(self.rules, self.line.status, self.clock())

    def has_heard(self) -> bool:
        """Whether the guard has spoken, and a scan has seen it if it said TRIPPED."""
        status = self.status
        return status is not None and (bool(self.trips) or status.state is not GuardState.TRIPPED)

    def is_dead(self) -> bool:
        """`is_off`, and the contactor's feedback is open as well."""
        return self.is_off() and self.status is not None and not self.status.fb

    def why_reset_refused(self) -> tuple[str, ...]:
        """What stands against RESET now, for the panel."""
        return scan.reset_refusals(self.rules, self.interlocks, self._now_state(), self._look(self.clock()))

    def why_start_refused(self) -> tuple[str, ...]:
        """What stands against beginning a run now: what a maintainer must mend, and the interlocks that only refuse."""
        inputs = self._look(self.clock())
        return (*bars(inputs), *begin_refusals(self.interlocks, inputs))

    @property
    def settled(self) -> bool:
        """Whether scans only say the same again: no violation is growing old, nobody waits for a turn."""
        state = self._state
        busy = state is None or bool(state.bad_since) or state.unwanted_since is not None or self._turns.waiting > 0
        return not busy and not self._resetting and self._keeping.settled

    def next_deadline(self) -> float:
        """When scans would say something else although every reading went on as it is, in monotonic seconds."""
        return scan.next_deadline(
            self.rules, self.interlocks, self._now_state(), self._look(self.clock()), renewed=True
        )

    def refuse_if_tripped(self) -> None:
        """Raise `PermitDenied` while the latch is set."""
        if self.trips:
            raise PermitDenied("bench", f"tripped: {self.trips[0].interlock}, {self.trips[0].cause}")

    def _look(self, due: float) -> ScanInputs:
        readings, relays = self.table.snapshot(), self.desk.image
        status, boot, dead = self.line.status, self.line.boot, self.watched.dead()
        trouble = None if self.line.trouble is None else str(self.line.trouble)
        return ScanInputs(
            self.clock(), due, readings, status, boot, relays, self._wishes, dead, self._service.reason,
            self._resetting, trouble, self.line.unfit,
        )  # fmt: skip

    def _now_state(self) -> ScanState:
        return self._state if self._state is not None else scan.begin(self.rules, self.clock())
