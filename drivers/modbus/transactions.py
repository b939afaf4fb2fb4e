"""The queue of a Modbus line: one transaction at a time, in one thread, whatever the wire is.

- Writes that de-energise go first, also in a line's quarantine, and are made even when their caller was cancelled.
- A write that energises runs `permit.check()` in this thread, right before its bytes go out; cancelled before that,
  it is dropped, like every other request whose caller no longer waits.
- Else units take turns: the one that was served longest ago is next, so that neither a silent device nor one that is
  asked too often keeps another waiting for more than its own turn. A unit's own requests keep their order.

No retries, and no back-off: how often a silent device is asked is its poller's business. An idle line sleeps.
What the wires promise stands in `rtu.py` and `tcp.py`, what devices may ask for in `bus.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.errors import DriverError, PortError
from drivers.modbus.frame import Request
from drivers.ports import Permit

FIRST, IN_TURN = 0, 1
URGENT_S = 0.01
"""How often a line in quarantine looks for what must not wait."""


class Line(Protocol):
    """A wire with one transaction at a time; used by one thread only."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def is_open(self) -> bool:
        """Whether bytes can go out now."""

    def ready(self, urgent: Callable[[], bool]) -> DriverError | None:
        """Open it if need be and wait until a request may go out; what is in the way otherwise.

        Asked every `URGENT_S` whether something `urgent` came meanwhile, which waits for no quarantine.
        """

    def transact(self, request: Request, timeout_s: float | None) -> bytes:
        """Send and return what the checked reply carries. Raises `DriverError`. `timeout_s` None: the line's own."""

    def close(self) -> None:
        """Let go of it; safe to call twice."""


@dataclass(slots=True)
class _Job:
    rank: int
    number: int
    request: Request
    permit: Permit | None
    timeout_s: float | None
    future: asyncio.Future[bytes]

    @property
    def dropped(self) -> bool:
        return self.rank != FIRST and self.future.cancelled()


class Transactions:
    """The queue and the thread of one line. The thread starts with the first request."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._jobs: list[_Job] = []
        self._numbers = itertools.count(1)
        self._served: dict[int, int] = {}  # unit: number of the turn in which it was served last
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def ask(
        self, request: Request, rank: int = IN_TURN, permit: Permit | None = None, timeout_s: float | None = None
    ) -> bytes:
        """What the reply carries. Raises `DriverError`, and `PermitDenied` from the permit."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._closed:
                raise PortError(self._line.name, f"the bus is closed; {request.name} was asked too late")
            self._jobs.append(_Job(rank, next(self._numbers), request, permit, timeout_s, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"bus {self._line.name}", daemon=True)
                self._thread.start()
            self._wake.notify()
        return await future

    async def close(self) -> None:
        """End the thread and let go of the line; safe to call twice. What still waits gets `PortError`."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    # ---- the thread --------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while self._wait_for_job():
            trouble = self._line.ready(self._is_urgent)
            job = self._next()  # chosen only now, so that what de-energises overtakes even in a quarantine
            if job.dropped:
                continue
            try:
                if trouble is not None and (job.rank != FIRST or not self._line.is_open):
                    raise trouble
                if job.permit is not None:
                    job.permit.check()
                _resolve(job.future, self._line.transact(job.request, job.timeout_s))
            except Exception as error:  # whatever it is belongs to the caller, and never ends the thread
                _resolve(job.future, error)
        self._line.close()

    def _wait_for_job(self) -> bool:
        with self._wake:
            while not self._jobs and not self._closed:
                self._wake.wait()
            if self._closed:
                for job in [job for job in self._jobs if job.rank != FIRST]:
                    self._jobs.remove(job)
                    _resolve(job.future, PortError(self._line.name, "the bus was closed"))
            return bool(self._jobs)

    def _is_urgent(self) -> bool:
        with self._wake:
            return any(job.rank == FIRST for job in self._jobs)

    def _next(self) -> _Job:
        with self._wake:
            job = min(self._jobs, key=self._order)
            self._jobs.remove(job)
            if not job.dropped:
                self._served[job.request.unit] = next(self._numbers)
            return job

    def _order(self, job: _Job) -> tuple[int, int, int]:
        served = self._served.get(job.request.unit, 0) if job.rank != FIRST else 0
        return job.rank, served, job.number


def _resolve(future: asyncio.Future[bytes], outcome: bytes | Exception) -> None:
    def settle() -> None:
        if future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    with contextlib.suppress(RuntimeError):  # the loop is gone, and with it everyone who could wait
        future.get_loop().call_soon_threadsafe(settle)
