"""The one way to a Modbus RTU bus: one transaction at a time, in one thread, behind an asynchronous front.

Why not a Modbus client library: see DESIGN, Buses. What this bus promises:

- before each request the line was silent for t3.5 and everything heard until then is thrown away;
- no retries; a reply must come within `timeout_s` (after the bytes' own time on the wire) and is checked to the last
  bit: unit, function, count or echo, length, CRC, and silence for t3.5 after it;
- after anything but a right reply there is a quarantine of `quarantine_s` in which the bus only listens, so that a
  late reply is never credited to the next request; choose it longer than the slowest device can be late;
- writes that de-energise go first and are made even when the caller was cancelled; a write that energises runs
  `permit.check()` in the bus thread, right before its bytes go out; cancelled before that, it is dropped;
- a lost port is a `PortError`; the next use opens it again. An idle bus sleeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, PermitDenied, PortError, ProtocolError
from drivers.modbus import frame
from drivers.modbus.frame import BadReply, Refusal, Request
from drivers.ports import Permit
from drivers.serial_port import SerialPort

BITS_PER_BYTE = 11  # start, 8 data, parity or second stop, stop
BABBLE_S = 1.0  # a line that is never silent for this long is given up


def silent_interval_s(baud: int) -> float:
    """t3.5 after MODBUS over Serial Line V1.02, 2.5.1.1: 3.5 characters, 1.75 ms above 19,200 baud."""
    return 3.5 * BITS_PER_BYTE / baud if baud <= 19200 else 0.00175


@dataclass(order=True, slots=True)
class _Job:
    priority: int  # 0 de-energises
    number: int
    request: Request = field(compare=False)
    permit: Permit | None = field(compare=False)
    timeout_s: float = field(compare=False)
    future: asyncio.Future[bytes] = field(compare=False)

    @property
    def dropped(self) -> bool:
        return self.priority > 0 and self.future.cancelled()


class ModbusBus:
    """A bus on a serial port. `timeout_s`: reply deadline; `quarantine_s`: listening after a failure (wall time)."""

    def __init__(self, port: str, baud: int, timeout_s: float, quarantine_s: float) -> None:
        self.port = port
        self._baud = baud
        self._timeout_s = timeout_s
        self._quarantine_s = quarantine_s
        self._silence_s = silent_interval_s(baud)
        self._serial: SerialPort | None = None
        self._quiet_from = 0.0  # monotonic; before it nothing may be sent
        self._jobs: list[_Job] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    # ---- the asynchronous front: all raise DriverError; energising ones also PermitDenied ----------------------

    async def read_input(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """Input registers (FC04) as unsigned 16-bit words."""
        return _unpack(await self._ask(frame.read_registers(frame.READ_INPUT, unit, address, count)))

    async def read_holding(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """Holding registers (FC03) as unsigned 16-bit words."""
        return _unpack(await self._ask(frame.read_registers(frame.READ_HOLDING, unit, address, count)))

    async def read_coils(self, unit: int, address: int, count: int) -> tuple[bool, ...]:
        """Coils (FC01)."""
        return _unpack_bits(await self._ask(frame.read_bits(frame.READ_COILS, unit, address, count)), count)

    async def read_discrete(self, unit: int, address: int, count: int) -> tuple[bool, ...]:
        """Discrete inputs (FC02)."""
        return _unpack_bits(await self._ask(frame.read_bits(frame.READ_DISCRETE, unit, address, count)), count)

    async def write_coil(self, unit: int, address: int, on: bool, permit: Permit | None) -> None:
        """Switch one coil (FC05). On needs a permit; off goes first and needs none."""
        await self._switch(frame.write_coil(unit, address, on), on, permit)

    async def write_coils(self, unit: int, address: int, values: Sequence[bool], permit: Permit | None) -> None:
        """Switch several coils (FC0F). Needs a permit as soon as one of them goes on."""
        await self._switch(frame.write_coils(unit, address, values), any(values), permit)

    async def write_register(self, unit: int, address: int, value: int, permit: Permit | None = None) -> None:
        """Write one holding register (FC06). A driver hands over a permit wherever `value` may energise.

        Without one it is a setting or de-energises: it goes first, and out also when its caller was cancelled.
        """
        await self._ask(frame.write_register(unit, address, value), priority=1 if permit else 0, permit=permit)

    async def write_registers(
        self, unit: int, address: int, values: Sequence[int], permit: Permit | None = None
    ) -> None:
        """Write several holding registers (FC10); the permit as for `write_register`."""
        await self._ask(frame.write_registers(unit, address, values), priority=1 if permit else 0, permit=permit)

    async def probe(self, unit: int, timeout_s: float) -> str | None:
        """What answers at `unit`, in a few words; None for silence. Only reads: register 0, holding, else input.

        A refusal and a reply that is wrong are answers too. `timeout_s` a question. Raises `PortError`.
        """
        for function, name in ((frame.READ_HOLDING, "holding"), (frame.READ_INPUT, "input")):
            try:
                reply = await self._ask(frame.read_registers(function, unit, 0, 1), timeout_s=timeout_s)
            except DeviceTimeout:
                continue
            except (DeviceRefused, ProtocolError) as error:
                return str(error)
            return f"{name} register 0 reads {_unpack(reply)[0]}"
        return None

    async def close(self) -> None:
        """End the thread and let go of the port; safe to call twice. What still waits gets `PortError`."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def _switch(self, request: Request, on: bool, permit: Permit | None) -> None:
        if on and permit is None:
            raise PermitDenied("relay", f"{request.name} needs a permit and none was handed over")
        await self._ask(request, priority=1 if on else 0, permit=permit if on else None)

    async def _ask(
        self, request: Request, priority: int = 1, permit: Permit | None = None, timeout_s: float | None = None
    ) -> bytes:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._closed:
                raise PortError(self.port, f"the bus is closed; {request.name} was asked too late")
            wait_s = self._timeout_s if timeout_s is None else timeout_s
            heapq.heappush(self._jobs, _Job(priority, next(self._numbers), request, permit, wait_s, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"bus {self.port}", daemon=True)
                self._thread.start()
            self._wake.notify()
        return await future

    # ---- the bus thread ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        while self._wait_for_job():
            trouble = self._ready_the_line()
            with self._wake:  # chosen only now, so that what de-energises overtakes even in a quarantine
                job = heapq.heappop(self._jobs)
            if job.dropped:
                continue
            try:
                if trouble is not None and (self._serial is None or job.priority > 0):
                    raise trouble
                _resolve(job.future, self._transact(job))
            except Exception as error:  # whatever it is belongs to the caller, and never ends the thread
                _resolve(job.future, error)
        if self._serial is not None:
            self._serial.close()

    def _wait_for_job(self) -> bool:
        with self._wake:
            while not self._jobs and not self._closed:
                self._wake.wait()
            if self._closed:
                for job in [job for job in self._jobs if job.priority > 0]:
                    self._jobs.remove(job)
                    _resolve(job.future, PortError(self.port, "the bus was closed"))
                heapq.heapify(self._jobs)
            return bool(self._jobs)

    def _ready_the_line(self) -> DriverError | None:
        """Open the port if need be and listen until it is quiet; a port that died while idle is opened again once."""
        try:
            if self._serial is not None:
                with contextlib.suppress(PortError):
                    return self._listen_until_quiet(self._serial)
                self._serial = None
            self._serial = SerialPort(self.port, self._baud)
            self._quiet_from = max(self._quiet_from, time.monotonic() + self._silence_s)
            return self._listen_until_quiet(self._serial)
        except PortError as error:
            self._serial = None
            return error

    def _listen_until_quiet(self, port: SerialPort) -> DriverError | None:
        """Throw away what comes in until quarantine and t3.5 are over."""
        begin = time.monotonic()
        while True:
            heard = port.receive(max(0.0, self._quiet_from - time.monotonic()))
            now = time.monotonic()
            if heard:
                self._quiet_from = max(self._quiet_from, now + self._silence_s)
            elif now >= self._quiet_from:
                return None
            if now > begin + self._quarantine_s + BABBLE_S:
                return ProtocolError(self.port, "the line is never silent; take the babbling device off the bus")

    def _transact(self, job: _Job) -> bytes:
        request, device = job.request, f"{self.port} address {job.request.unit}"
        port = self._serial
        assert port is not None
        if job.permit is not None:
            job.permit.check()
        try:
            port.write(request.frame)
            return request.payload(self._receive(port, request, job.timeout_s))
        except Refusal as refusal:
            self._quiet_from = time.monotonic() + self._silence_s
            raise DeviceRefused(device, f"{request.name}: {refusal}; check model and register map") from None
        except BadReply as bad:
            self._quiet_from = time.monotonic() + self._quarantine_s
            raise ProtocolError(device, f"{request.name}: {bad}; check wiring, termination, addresses") from None
        except TimeoutError as silence:
            self._quiet_from = time.monotonic() + self._quarantine_s
            raise DeviceTimeout(device, f"{request.name}: {silence}; check power, address, baud, A and B") from None
        except PortError:
            self._serial = None
            self._quiet_from = time.monotonic() + self._quarantine_s
            raise

    def _receive(self, port: SerialPort, request: Request, timeout_s: float) -> bytes:
        """The whole reply and the silence after it. Raises `TimeoutError`, or `BadReply` for a beginning of one."""
        on_wire = (len(request.frame) + request.reply_length) * BITS_PER_BYTE / self._baud
        deadline = time.monotonic() + on_wire + timeout_s
        reply = b""
        while missing := request.missing(reply):
            left = deadline - time.monotonic()
            heard = port.receive(left) if left > 0 else b""
            if not heard and reply:
                raise BadReply(f"reply of {len(reply)} bytes is {missing} short after {timeout_s:g} s")
            if not heard:
                raise TimeoutError(f"no reply within {timeout_s:g} s")
            reply += heard
        self._quiet_from = time.monotonic() + self._silence_s
        return reply + port.receive(self._silence_s)


def _unpack(payload: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(payload[i : i + 2], "big") for i in range(0, len(payload), 2))


def _unpack_bits(payload: bytes, count: int) -> tuple[bool, ...]:
    packed = int.from_bytes(payload, "little")
    return tuple(bool(packed >> place & 1) for place in range(count))


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
