"""The insulation and bond tester, guarded: isolated and dead before, H only while it runs, discharged after [20]."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from drivers.ports import Accuracy, BondSetup, GuardState, InsulationSetup, SafetyTester, TesterReading
from station.domain.clock import TestClock, wall_bound_s
from station.safety.causes import station_trip
from station.safety.errors import Misrouted, PlugLive
from station.safety.kernel import Kernel
from station.safety.lid import wait_permit_shut, wait_shut
from station.safety.mains import guard_off
from station.safety.proof import prove_dead
from station.safety.rules import ISOLATED_FROM
from station.safety.settled import settle, try_all
from station.safety.snapshot import DriveWish, HvWish, MainsWish


class GuardedTester:
    """See `bench.Tester`."""

    def __init__(self, kernel: Kernel, tester: SafetyTester, clock: TestClock) -> None:
        self._kernel = kernel
        self._tester = tester
        self._clock = clock

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds of `insulation_mohm` and `earth_bond_ohm`."""
        return self._tester.accuracy

    async def measure_insulation(self, setup: InsulationSetup) -> TesterReading:
        """One insulation test. Raises `PermitDenied`, `DriverError`, `PlugLive`, `LidOpen`, `Misrouted`."""
        return await self._measure(lambda: self._tester.prepare_insulation(setup), setup.test_s)

    async def measure_bond(self, setup: BondSetup) -> TesterReading:
        """One earth-bond test; the same rules."""
        return await self._measure(lambda: self._tester.prepare_bond(setup), setup.test_s)

    async def _measure(self, prepare: Callable[[], Awaitable[None]], test_s: float) -> TesterReading:
        kernel, rules = self._kernel, self._kernel.rules
        seconds = wall_bound_s(test_s, self._clock.speed) + rules.hv_margin_s
        if seconds > rules.hv_max_s:
            raise Misrouted(f"a test of {test_s:g} s needs HV for {seconds} s, at most {rules.hv_max_s}; shorten it")
        self._refuse_unless_off()
        kernel.request_hv(HvWish.PREPARE)  # from here on mains is barred
        kernel.testing += 1
        try:
            await wait_shut(kernel, "the test voltage")
            await kernel.desk.open(*ISOLATED_FROM)
            await prove_dead(kernel, rules.permit_wait_s)
            reading = await self._measure_routed(prepare, seconds)
        finally:
            kernel.testing -= 1
            kernel.request_hv(HvWish.OFF)
        kernel.refuse_if_tripped()  # what was read while something tripped is worth nothing
        return reading

    async def _measure_routed(self, prepare: Callable[[], Awaitable[None]], seconds: int) -> TesterReading:
        kernel = self._kernel
        try:
            await kernel.desk.close(kernel.permits.routing, "tester")
            await prepare()
            return await self._run(seconds)
        finally:
            await settle(self._give_back())

    async def _run(self, seconds: int) -> TesterReading:
        kernel, rules = self._kernel, self._kernel.rules
        kernel.request_hv(HvWish.ON)
        await wait_permit_shut(kernel, "hv", rules.permit_wait_s, "the test voltage")
        await kernel.line.guard.hv(seconds, kernel.permits.hv)
        await kernel.until(self._is_hv, rules.guard_answer_s, "the guard's HV")
        await asyncio.sleep(rules.h_pull_in_s)
        await kernel.wait_permit("test_voltage", rules.permit_wait_s)
        reading = await self._tester.run(kernel.permits.test_voltage)
        self._clock.spent(reading.elapsed_s)
        kernel.permits.test_voltage.check()
        return reading

    async def _give_back(self) -> None:
        """H off, tester off, discharge proven, tester out of circuit: in this order, whatever each raises."""
        kernel, rules = self._kernel, self._kernel.rules
        if kernel.wishes.hv is not HvWish.OFF:
            kernel.request_hv(HvWish.PREPARE)
        try:
            await try_all(
                (lambda: guard_off(kernel), 2 * rules.guard_answer_s + 1.0), (self._tester.stop, rules.clean_up_s)
            )
        finally:
            await self._prove_discharged()
            await kernel.desk.open("tester")

    async def _prove_discharged(self) -> None:
        try:
            await prove_dead(self._kernel, self._kernel.rules.dead_s)
        except PlugLive:  # it stays on the tester, away from mains and audio
            self._kernel.trip(station_trip("discharge", "NOT_PROVEN", self._kernel.clock()))
            raise

    def _refuse_unless_off(self) -> None:
        kernel = self._kernel
        kernel.refuse_if_tripped()
        if not kernel.is_dead() or kernel.wishes.mains is not MainsWish.OFF:
            raise Misrouted("the tester runs only with mains off; switch it off first")
        if kernel.wishes.drive is not DriveWish.OFF:
            raise Misrouted("the tester runs only without drive; release it first")
        if kernel.wishes.hv is not HvWish.OFF:
            raise Misrouted("a test is running already")

    def _is_hv(self) -> bool:
        status = self._kernel.status
        return status is not None and status.state is GuardState.HV and status.h
