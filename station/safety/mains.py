"""The DUT's outlet, guarded: arm, ON with a bound, proof that it is on, and OFF on every way out."""

from __future__ import annotations

import asyncio
import math

from drivers.errors import DriverError
from drivers.ports import GuardState
from station.domain.clock import TestClock, wall_bound_s
from station.safety.causes import guard_trip
from station.safety.errors import Misrouted
from station.safety.kernel import Kernel
from station.safety.lid import wait_permit_shut
from station.safety.proof import prove_live
from station.safety.rules import ISOLATED_FROM
from station.safety.settled import settle
from station.safety.snapshot import DriveWish, HvWish, MainsWish


async def guard_off(kernel: Kernel) -> None:
    """OFF, and the guard's word that K and H are off and the contacts open; without it a trip and `DriverError`."""
    limit_s = kernel.rules.guard_answer_s
    try:
        async with asyncio.timeout(limit_s):
            await kernel.line.guard.off()
        await kernel.until(kernel.is_dead, limit_s, "OFF with the contactor open", tripped_too=True)
    except TimeoutError:
        kernel.trip(guard_trip("OFF_FAILED", kernel.clock()))
        raise DriverError("guard", f"OFF was not answered within {limit_s:g} s; heartbeats are withheld") from None
    except DriverError:
        kernel.trip(guard_trip("OFF_FAILED", kernel.clock()))
        raise


class GuardedMains:
    """See `bench.Mains`."""

    def __init__(self, kernel: Kernel, clock: TestClock) -> None:
        self._kernel = kernel
        self._clock = clock
        self._left_s: float | None = None
        self._on_since: float | None = None

    def limit(self, bound_s: float, family: str = "") -> None:
        """See `bench.Mains`. What is left is counted in wall seconds, from each wish for ON to the proof of OFF."""
        self._kernel.watch_for(family)
        self._left_s = float(wall_bound_s(bound_s, self._clock.speed))

    async def on(self, bound_s: float) -> None:
        """Arm and switch on for at most `bound_s` of test time; waits for ENERGISED and the contactor's feedback.

        The discharge voltmeter must then see mains (`prove_live`). Waits out the pause after the last OFF. Where less
        than that is left of the run's bound, it is for what is left; an open lid is not waited for. Raises
        `PermitDenied`, `DriverError`, `PlugUnseen`, `LidOpen`, `Misrouted` (already on, a bound that the guard does not
        take, or nothing left). Mains is off again whenever this raises.
        """
        kernel = self._kernel
        kernel.refuse_if_tripped()
        if kernel.wishes.mains is not MainsWish.OFF:
            raise Misrouted("mains is on already; switch it off before the next ON")
        if kernel.wishes.hv is not HvWish.OFF or kernel.wishes.drive is not DriveWish.OFF:
            raise Misrouted("the tester or the drive is in use; release it before ON")
        seconds = self._bounded(wall_bound_s(bound_s, self._clock.speed))
        hello = kernel.line.guard.hello
        if hello is not None and seconds > hello.max_on_s:
            raise Misrouted(f"mains for {seconds} s is more than the guard's {hello.max_on_s} s; shorten the plan")
        try:
            await self._switch_on(seconds)
        except BaseException:
            await settle(self._off())
            raise

    async def off(self) -> None:
        """OFF and proof of it, even if the caller is cancelled meanwhile. Raises `DriverError`."""
        await settle(self._off())

    def _bounded(self, seconds: int) -> int:
        """Of the seconds wanted, those that the run still has."""
        if self._left_s is None:
            return seconds
        if self._left_s < 1.0:
            raise Misrouted("the run has used up its energised time (max_mains_s of the plan)")
        return min(seconds, math.floor(self._left_s))

    async def _switch_on(self, seconds: int) -> None:
        kernel, rules = self._kernel, self._kernel.rules
        kernel.request_mains(MainsWish.PREPARE)
        in_circuit = [role for role in ISOLATED_FROM if kernel.relay(role) is not False]
        if in_circuit:  # nothing hangs on a DUT that is being switched on
            await kernel.desk.open(*in_circuit)
        await wait_permit_shut(kernel, "mains", rules.min_off_s + rules.permit_wait_s, "mains")
        await kernel.line.guard.arm(kernel.permits.mains)
        self._on_since = kernel.clock()
        kernel.request_mains(MainsWish.ON, kernel.clock() + seconds)
        await kernel.wait_permit("mains", rules.permit_wait_s)
        await kernel.line.guard.on(seconds, kernel.permits.mains)
        await kernel.until(self._is_on, rules.guard_answer_s, "ENERGISED with the contactor's feedback")
        await prove_live(kernel)

    async def _off(self) -> None:
        self._kernel.request_drive(DriveWish.OFF)  # a later ON must not bring it back
        self._kernel.request_mains(MainsWish.OFF)
        try:
            await guard_off(self._kernel)
        finally:
            self._count()

    def _count(self) -> None:
        since, self._on_since = self._on_since, None
        if since is not None and self._left_s is not None:
            self._left_s -= self._kernel.clock() - since

    def _is_on(self) -> bool:
        status = self._kernel.status
        return status is not None and status.state is GuardState.ENERGISED and status.k and status.fb
