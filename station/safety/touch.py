"""The touch-current meter, guarded: in the protective conductor only while it measures, audio and loads away."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.ports import Accuracy, GuardState, TouchCurrentMeter, TouchReading
from station.domain.clock import TestClock
from station.safety.errors import Misrouted
from station.safety.kernel import Kernel
from station.safety.rules import AUDIO
from station.safety.settled import settle
from station.safety.snapshot import DriveWish


class GuardedTouch:
    """See `bench.Touch`."""

    def __init__(self, kernel: Kernel, meter: TouchCurrentMeter, clock: TestClock) -> None:
        self._kernel = kernel
        self._meter = meter
        self._clock = clock

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds of `touch_current_ma`."""
        return self._meter.accuracy

    async def measure(self, settle_s: float) -> TouchReading:
        """The largest touch current in `settle_s` of test time, mains on. Raises `PermitDenied`, `DriverError`."""
        kernel = self._kernel
        kernel.refuse_if_tripped()
        status = kernel.status
        if status is None or status.state is not GuardState.ENERGISED:
            raise Misrouted("touch current is measured with mains on")
        if kernel.wishes.drive is not DriveWish.OFF:
            raise Misrouted("touch current is measured without drive; release it first")
        await kernel.desk.open(*AUDIO)  # an audio lead or a load would be a second way to earth
        try:
            await kernel.desk.close(kernel.permits.routing, "touch")
            await self._meter.start()
            await self._clock.sleep(settle_s)
            reading = await self._meter.read_maximum()
        finally:
            await settle(kernel.desk.open("touch"))
        kernel.refuse_if_tripped()
        return reading
