"""One instrument alone on a serial line that speaks in lines: questions, commands, and nothing taken on trust.

A question is over when a line came that has the shape of its answer; other lines are unsolicited and thrown away. After
a question that was not answered in time (or whose asker was cancelled) the line is *doubtful*: before anything else is
asked, the instrument must say who it is, and everything that comes before that is thrown away. Instruments answer in
order, and no other answer looks like an identity; so a late answer is never credited to the next question.

Everything runs in the event loop; nothing here waits in a thread. What the instrument means is the driver's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, PortError, ProtocolError
from drivers.ports import Permit
from drivers.serial_port import SerialPort

MAX_LINE = 512
MAX_ERRORS = 32


class ScpiLine:
    """The line at `port`. `identity` is the shape of the answer to `*IDN?`; times are seconds of wall time."""

    def __init__(
        self, port: str, baud: int, identity: str, *, timeout_s: float = 1.0, silence_s: float = 0.2, end: str = "\r\n"
    ) -> None:
        self.port = port
        self._baud = baud
        self._identity = identity
        self._timeout_s = timeout_s
        self._silence_s = silence_s
        self._end = end.encode()
        self._serial: SerialPort | None = None
        self._lock = asyncio.Lock()
        self._heard = asyncio.Event()
        self._buffer = b""
        self._lines: deque[str] = deque(maxlen=64)
        self._loss: PortError | None = None
        self._doubtful = False

    @property
    def is_open(self) -> bool:
        """Whether the port is held open now."""
        return self._serial is not None

    async def ask(self, question: str, shape: str) -> re.Match[str]:
        """Ask and return the first line that matches `shape` whole. Raises `DeviceTimeout`, `PortError`."""
        async with self._lock:
            await self._settle()
            return await self._ask(question, shape)

    async def tell(self, command: str, permit: Permit | None = None) -> None:
        """Send a command that has no answer; with `permit`, check it right before the bytes go out."""
        async with self._lock:
            await self._settle()
            if permit is not None:
                permit.check()
            self._write(command)

    def tell_now(self, command: str) -> None:
        """Send a de-energising command at once, past every question that is waiting. Raises `PortError`."""
        self._open()
        self._write(command)

    async def errors(self, question: str = "SYST:ERR?") -> list[str]:
        """Every error the instrument has queued, oldest first; asking clears them."""
        found: list[str] = []
        while len(found) < MAX_ERRORS:
            answer = await self.ask(question, r"\s*([+-]?\d+)\s*,\s*(.*?)\s*")
            if int(answer[1]) == 0:
                return found
            found.append(f"{answer[1]} {answer[2]}".replace('"', ""))
        raise ProtocolError(self.port, f"more than {MAX_ERRORS} queued errors ({found[0]} ...); switch it off and on")

    async def refuse_errors(self, doing: str) -> None:
        """Ask for queued errors. Raises `DeviceRefused` naming them and what was being done."""
        if found := await self.errors():
            raise DeviceRefused(self.port, f"{doing}: the instrument reports {'; '.join(found)}")

    def close(self) -> None:
        """Let go of the port; safe to call twice."""
        if self._serial is not None:
            asyncio.get_running_loop().remove_reader(self._serial.fileno())
            self._serial.close()
            self._serial = None

    # ---- under the lock ----------------------------------------------------------------------------------------

    async def _ask(self, question: str, shape: str) -> re.Match[str]:
        self._write(question)
        other = ""
        try:
            async with asyncio.timeout(self._timeout_s):
                while (answer := re.fullmatch(shape, line := await self._next_line())) is None:
                    other = line
                return answer
        except TimeoutError:
            self._doubtful = True
            if other:
                raise ProtocolError(self.port, f"{question} was answered {other!r}; is it this instrument?") from None
            raise DeviceTimeout(
                self.port, f"no answer to {question} within {self._timeout_s:g} s; check power, cable and baud rate"
            ) from None
        except asyncio.CancelledError:
            self._doubtful = True
            raise

    async def _settle(self) -> None:
        """Make sure that whatever comes after this belongs to what is asked after this."""
        self._open()
        if self._buffer and not self._doubtful:  # half a line: let it end
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._silence_s):
                    while self._buffer:
                        await self._wait()
            self._doubtful = bool(self._buffer)
        if self._doubtful:
            await self._identify()
        self._lines.clear()

    async def _identify(self) -> None:
        """Ask who is there: whatever was still to be answered comes before this answer and is thrown away."""
        self._buffer = b""
        self._lines.clear()
        await self._ask("*IDN?", self._identity)
        self._doubtful = False

    async def _next_line(self) -> str:
        while not self._lines:
            await self._wait()
        return self._lines.popleft()

    async def _wait(self) -> None:
        self._heard.clear()
        await self._heard.wait()
        if self._loss is not None:
            raise PortError(self.port, "the line was lost; plug the adapter in again") from self._loss

    # ---- the wire ----------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._serial is None:
            self._serial = SerialPort(self.port, self._baud)
            self._doubtful = True  # whoever used it before may have left an answer behind
            self._loss = None
            self._buffer = b""
            asyncio.get_running_loop().add_reader(self._serial.fileno(), self._receive)

    def _write(self, text: str) -> None:
        if self._serial is None:
            raise PortError(self.port, "the line was lost; plug the adapter in again")
        descriptor = self._serial.fileno()
        try:
            self._serial.write(text.encode("ascii") + self._end)
        except PortError as error:
            self._forget(descriptor, error)
            raise

    def _receive(self) -> None:
        assert self._serial is not None
        descriptor = self._serial.fileno()
        try:
            self._buffer += self._serial.receive(0.0)
        except DriverError as error:
            self._forget(descriptor, PortError(self.port, str(error)))
            return
        *lines, rest = re.split(rb"[\r\n]+", self._buffer)
        self._buffer = rest[-MAX_LINE:]
        self._lines.extend(line.decode("ascii", "replace") for line in lines if line)
        self._heard.set()

    def _forget(self, descriptor: int, error: PortError) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        self._serial = None
        self._loss = error
        self._heard.set()
