"""The tester's relay after a crash or a discharge that was not proven: opened only once the plug is proven dead.

While the tester is in circuit it is what the plug discharges through. A test that ends well opens the relay itself;
this is for one that did not. It opens only, so it needs no permit and goes on through a trip.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from drivers.errors import DriverError
from station.domain.errors import StationError
from station.safety.causes import station_trip
from station.safety.errors import PlugLive
from station.safety.proof import prove_dead
from station.safety.snapshot import HvWish

if TYPE_CHECKING:
    from station.safety.kernel import Kernel

_LOG = logging.getLogger(__name__)


class Leftover:
    """`tend` is called with every scan and never waits."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._task: asyncio.Task[None] | None = None

    def tend(self) -> None:
        """Start to free the plug of a tester that nobody uses, unless that is under way."""
        if (self._task is None or self._task.done()) and self._is_left():
            self._task = asyncio.get_running_loop().create_task(self._free(), name="tester left in circuit")

    @property
    def settled(self) -> bool:
        """Whether no tester is left in circuit and nobody is about to free it."""
        return (self._task is None or self._task.done()) and not self._is_left()

    async def close(self) -> None:
        """Let go; a relay that is still closed stays closed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _is_left(self) -> bool:
        kernel = self._kernel
        unused = kernel.wishes.hv is HvWish.OFF and kernel.testing == 0
        return kernel.desk.started and kernel.desk.commanded("tester") is True and unused and kernel.is_off()

    async def _free(self) -> None:
        kernel = self._kernel
        try:
            await prove_dead(kernel, kernel.rules.dead_s)
            if self._is_left():
                await kernel.desk.open("tester")
                _LOG.info("the tester was left in circuit; the plug is proven dead, its relay is open")
        except PlugLive as error:
            _LOG.error("the tester stays in circuit: %s", error)
            kernel.trip(station_trip("discharge", "NOT_PROVEN", kernel.clock()))
        except (DriverError, StationError) as error:
            _LOG.error("the tester is left in circuit: %s", error)
            await asyncio.sleep(kernel.rules.reconnect_s)
