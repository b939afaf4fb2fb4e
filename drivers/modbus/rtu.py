"""Modbus RTU on a serial line. What this wire promises:

- before each request the line was silent for t3.5 and everything heard until then is thrown away;
- a reply must come within the deadline (after the bytes' own time on the wire) and is checked to the last bit: unit,
  function, count or echo, length, CRC, and silence for t3.5 after it, which is also that before the next request;
- after anything but a right reply there is a quarantine of `quarantine_s` in which the line only listens, so that a
  late reply is never credited to the next request; choose it longer than the slowest device can be late. It begins at
  the deadline, also where noise spoilt the reply before it: the device may still have its answer to give;
- what is urgent (it de-energises) goes out in the quarantine too, after t3.5 of silence: a late reply of another
  request is no echo of it, and where it may be (`doubt.py`), the write is made and reported as unproven;
- a lost port is a `PortError`; the next use opens it again.

What no master can tell: a stale reply, right in everything, that begins after a request went out. A device that repeats
an old reply later than t3.5 and while it is asked again is such a one, and so is one that is later than time-out
and quarantine together.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Protocol

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, PortError, ProtocolError
from drivers.modbus.doubt import UNPROVEN, Doubt
from drivers.modbus.frame import CRC_LENGTH, BadReply, Refusal, Request, rtu_frame, rtu_missing, rtu_payload
from drivers.modbus.transactions import URGENT_S
from drivers.serial_port import SerialPort, bits_per_byte

BABBLE_S = 1.0  # a line that is never silent for this long is given up


def silent_interval_s(baud: int, bits: int) -> float:
    """t3.5 after MODBUS over Serial Line V1.02, 2.5.1.1: 3.5 characters of `bits`, 1.75 ms above 19,200 baud."""
    return 3.5 * bits / baud if baud <= 19200 else 0.00175


class Port(Protocol):
    """What is needed of `SerialPort`."""

    def write(self, data: bytes) -> None: ...

    def receive(self, wait_s: float) -> bytes: ...

    def close(self) -> None: ...


class RtuLine:
    """A line on a serial port. `timeout_s`: reply deadline; `quarantine_s`: listening after a failure (wall time).

    `clock` and `open_port` are the wall's and the system's, but for tests in virtual time.
    """

    def __init__(
        self,
        name: str,
        baud: int,
        timeout_s: float,
        quarantine_s: float,
        form: str = "8N1",
        clock: Callable[[], float] = time.monotonic,
        open_port: Callable[[], Port] | None = None,
    ) -> None:
        self.name = name
        self._byte_s = bits_per_byte(form) / baud
        self._timeout_s = timeout_s
        self._quarantine_s = quarantine_s
        self._silence_s = silent_interval_s(baud, bits_per_byte(form))
        self._clock = clock
        self._open_port = open_port or (lambda: SerialPort(name, baud, form))
        self._port: Port | None = None
        self._quiet_from = 0.0  # t3.5: before it nothing may be sent
        self._trusted_from = 0.0  # the quarantine: before it only what is urgent
        self._doubt = Doubt()
        self._deadline = 0.0  # of the present request

    @property
    def is_open(self) -> bool:
        """Whether the port is held open; also where it babbles."""
        return self._port is not None

    def close(self) -> None:
        """Let go of the port; safe to call twice."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def ready(self, urgent: Callable[[], bool]) -> DriverError | None:
        """Open the port if need be and listen until it is quiet; a port that died while idle is opened again once."""
        try:
            if self._port is not None:
                with contextlib.suppress(PortError):
                    return self._listen_until_quiet(self._port, urgent)
                self._port = None
            self._port = self._open_port()
            self._quiet_from = max(self._quiet_from, self._clock() + self._silence_s)
            return self._listen_until_quiet(self._port, urgent)
        except PortError as error:
            self._port = None
            return error

    def _listen_until_quiet(self, port: Port, urgent: Callable[[], bool]) -> DriverError | None:
        """Throw away what comes in until t3.5 is over, and the quarantine, unless something is urgent."""
        begin = now = self._clock()
        while True:
            wait_s = self._quiet_from - now
            if wait_s <= 0.0 and not urgent():
                wait_s = min(self._trusted_from - now, URGENT_S)
            heard = port.receive(max(0.0, wait_s))
            now = self._clock()
            if heard:
                self._quiet_from = max(self._quiet_from, now + self._silence_s)
            elif now >= self._quiet_from and (now >= self._trusted_from or urgent()):
                return None
            if now > begin + BABBLE_S and (now > begin + self._quarantine_s + BABBLE_S or urgent()):
                return ProtocolError(self.name, "the line is never silent; take the babbling device off the bus")

    def transact(self, request: Request, timeout_s: float | None) -> bytes:
        """One request on a line that is ready, and its checked reply."""
        device, port = f"{self.name} address {request.unit}", self._port
        assert port is not None
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        on_wire_s = (len(request.asking) + request.answer_length + 2 * CRC_LENGTH) * self._byte_s
        self._deadline = self._clock() + on_wire_s + wait_s
        if self._clock() >= self._trusted_from:
            self._doubt.settle()
        late, unproven = self._doubt.is_late_possible(request), self._doubt.leaves_unproven(request)
        self._doubt.note(request)
        try:
            port.write(rtu_frame(request))
            reply = self._receive(port, request)
            if not reply:
                raise TimeoutError(f"no reply within {wait_s:g} s")
            if late:
                self._distrust()  # whichever of the two this is, the other may still come
            payload = rtu_payload(request, reply)
            if unproven:
                raise BadReply(UNPROVEN)
            return payload
        except Refusal as refusal:
            raise DeviceRefused(device, f"{request.name}: {refusal}; check model and register map") from None
        except BadReply as bad:
            self._distrust()
            raise ProtocolError(device, f"{request.name}: {bad}; check wiring, termination, addresses") from None
        except TimeoutError as silence:
            self._distrust()
            raise DeviceTimeout(device, f"{request.name}: {silence}; check power, address, baud, A and B") from None
        except PortError:
            self._port = None
            self._distrust()
            raise

    def _distrust(self) -> None:
        self._trusted_from = max(self._clock(), self._deadline) + self._quarantine_s

    def _receive(self, port: Port, request: Request) -> bytes:
        """What came by the deadline and in the silence after it; empty where nothing came."""
        reply = b""
        while rtu_missing(request, reply):
            left = self._deadline - self._clock()
            heard = port.receive(left) if left > 0 else b""
            if not heard:
                break
            reply += heard
        if not reply:
            return reply
        self._quiet_from = self._clock() + self._silence_s
        return reply + port.receive(self._silence_s)
