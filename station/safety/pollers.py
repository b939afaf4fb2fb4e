"""Pollers: one a sensor, each writing what it reads into the table with the moment at which it was asked.

A device that fails is written down as failed. A poller that dies is seen as dead: a monitor that is gone is never
taken for a reading that is fine.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any

from drivers.errors import DriverError, PortError
from drivers.ports import Accuracy, Sensor
from station.domain.clock import tick_after
from station.domain.errors import StepError
from station.safety.readings import ReadingTable

REST_S = 1.0
"""Seconds between readings of a resting bench; what is then too old is read anew before any permit."""
TICK_S = 0.05
"""Pollers begin on the ticks of the scan, so that a loop with nothing to do sleeps between them."""


class Pace:
    """Whether the bench rests: nothing is wanted and nothing is on, so a reading a second is enough.

    The end of the rest wakes everyone: a reading that was young enough for a permit must not grow too old after it.
    """

    def __init__(self) -> None:
        self._awake = asyncio.Event()
        self._awake.set()

    @property
    def resting(self) -> bool:
        """Whether there is time."""
        return not self._awake.is_set()

    @resting.setter
    def resting(self, resting: bool) -> None:
        if resting:
            self._awake.clear()
        else:
            self._awake.set()

    async def sleep(self, seconds: float) -> None:
        """Wait that long, or until a rest ends."""
        if not self.resting:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()


class Poller:
    """Reads one sensor every `poll_s` seconds into `table` under `role.quantity`. `attempts` fresh tries a reading."""

    def __init__(
        self,
        role: str,
        sensor: Sensor,
        poll_s: float,
        table: ReadingTable,
        clock: Callable[[], float],
        attempts: int = 1,
    ) -> None:
        self.role = role
        self.sensor = sensor
        self.poll_s = poll_s
        self.pace = Pace()
        self._table = table
        self._clock = clock
        self._attempts = attempts
        self._ready = False
        self._reading = asyncio.Lock()

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by quantity; its keys are what the sensor must deliver."""
        return self.sensor.accuracy

    async def read_now(self) -> Mapping[str, float]:
        """One reading taken now, also written into the table. Raises `DriverError`; then the table says failed."""
        async with self._reading:
            for attempt in range(1, self._attempts + 1):
                asked_at = self._clock()
                try:
                    values = await self._ask()
                except DriverError as error:
                    if attempt == self._attempts:
                        self._table.fail(self.role, self.accuracy, asked_at)
                        raise
                    self._ready = self._ready and not isinstance(error, PortError)
                else:
                    self._table.fail(self.role, [name for name in self.accuracy if name not in values], asked_at)
                    self._table.put(self.role, values, asked_at)
                    return values
        raise AssertionError("attempts must be at least 1")

    async def run(self) -> None:
        """Read for ever. Only what is no `DriverError` ends it."""
        due = tick_after(self._clock(), TICK_S) - TICK_S
        while True:
            try:
                await self.read_now()
            except DriverError as error:
                self._ready = self._ready and not isinstance(error, PortError)
            period_s = max(self.poll_s, REST_S) if self.pace.resting else self.poll_s
            due = max(due + period_s, tick_after(self._clock(), TICK_S))
            await self.pace.sleep(due - self._clock())
            due = min(due, self._clock())  # woken early: the next one counts from here

    async def _ask(self) -> Mapping[str, float]:
        if not self._ready:
            await self.sensor.ensure_ready()
            self._ready = True
        return await self.sensor.read()


class Watched:
    """Tasks that must live: by name, restarted only on a person's act (`revive`)."""

    def __init__(self, works: Mapping[str, Callable[[], Coroutine[Any, Any, None]]]) -> None:
        self._works = dict(works)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.last_words: dict[str, str] = {}
        """Why the dead ones died, by name."""

    def start(self) -> None:
        """Start all of them."""
        for name in self._works:
            self._start(name)

    def _start(self, name: str) -> None:
        self._tasks[name] = asyncio.get_running_loop().create_task(self._works[name](), name=f"watched {name}")

    def dead(self) -> frozenset[str]:
        """Names of those that have ended, for whatever reason."""
        gone = [name for name, task in self._tasks.items() if task.done()]
        for name in gone:
            task = self._tasks[name]
            self.last_words[name] = "cancelled" if task.cancelled() else repr(task.exception() or "returned")
        return frozenset(gone)

    def revive(self) -> None:
        """Start the dead ones again; on a person's RESET only."""
        for name in self.dead():
            self._start(name)

    async def close(self) -> None:
        """Cancel and wait."""
        tasks = tuple(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Pollers:
    """All pollers of a bench by role."""

    def __init__(self, pollers: Iterable[Poller]) -> None:
        self._by_role = {poller.role: poller for poller in pollers}
        self.pace = Pace()
        for poller in self._by_role.values():
            poller.pace = self.pace

    def __iter__(self) -> Iterator[Poller]:
        return iter(self._by_role.values())

    def of(self, role: str) -> Poller:
        """The poller of a role. Raises `StepError` if the bench has no such sensor."""
        poller = self._by_role.get(role)
        if poller is None:
            raise StepError(f"the bench has no sensor {role}; name it under [devices] in station.toml")
        return poller
