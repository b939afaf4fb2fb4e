"""One instrument alone on a line that speaks in lines: questions, commands, and nothing taken on trust.

Answers of such instruments do not name their questions, and two questions may have answers that look alike. What is
assumed of the instrument is this: it answers in the order in which it was asked; it says each answer at most twice;
and what has not come `LATEST_S` after its question never comes. From it follows what the line does:

* A question is over with the first line of its shape, and with that everything asked before it is over too: whatever
  was late has passed. Only a second copy of that same line may still come.
* So before a question that the last answer also looks like, and after a question without an answer (or whose asker was
  cancelled), and on a wire just opened, the line is *doubtful*: the instrument is asked who it is, and what comes
  before it says so is thrown away. A line that looks like the identity is never an answer to anything else.
* Identities may be late and come twice themselves. `_late` bounds how many asked for earlier may still come; so many
  and one more must be heard before one is sure to have been asked for after the doubt.
* A line that is neither the answer, nor an echo of what was sent, nor the last answer's second copy came unasked, and
  may have torn the answer in two: the question is asked once more.

Proven in tests/drivers/test_scpi_histories.py, which also convicts lines that lack one of these.
Everything runs in the event loop; nothing here waits in a thread. What the instrument means is the driver's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque

from drivers.errors import DeviceRefused, DeviceTimeout, PortError, ProtocolError
from drivers.ports import Permit
from drivers.scpi.incoming import Incoming
from drivers.scpi.wire import Wire

MAX_ERRORS = 32
ATTEMPTS = 2
COPIES = 2
LATEST_S = 10.0
ERROR = r"\s*([+-]?\d+)\s*,\s*(.*?)\s*"


class ScpiLine:
    """The line on `wire`. `identity` is the shape of the answer to `*IDN?`; times are seconds of the loop.

    `chatter` is the shape of lines that mean nothing (`OK` after each command).
    """

    def __init__(
        self, wire: Wire, identity: str, *, timeout_s: float = 1.0, silence_s: float = 0.2, end: str = "\r\n",
        chatter: str = "",
    ) -> None:  # fmt: skip
        self._wire = wire
        self._identity = identity
        self._timeout_s = timeout_s
        self._silence_s = silence_s
        self._end = end.encode()
        self._chatter = chatter
        self._lock = asyncio.Lock()
        self._heard = asyncio.Event()
        self._incoming = Incoming()
        self._sent: deque[str] = deque(maxlen=8)  # what an echo would repeat
        self._last = ""  # the answer whose second copy may still come
        self._needed = 0  # identities to be heard before the line is no longer doubtful
        self._late = 0  # identities asked for earlier that may still come, at most
        self._introductions: deque[float] = deque(maxlen=512)  # when they were asked for
        self._loss: PortError | None = None
        wire.attach(self._receive, self._lost)

    @property
    def port(self) -> str:
        """The port or address that messages are about."""
        return self._wire.name

    @property
    def is_open(self) -> bool:
        """Whether the wire is held open now."""
        return self._wire.is_open

    async def ask(self, question: str, shape: str, *, again: bool = True) -> re.Match[str]:
        """The first line that matches `shape` whole. Raises `DeviceTimeout`, `ProtocolError`, `PortError`.

        `again`: the question may be asked once more where something unasked came; not where asking has effects.
        """
        async with self._lock:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return await self._ask(question, shape)
                except ProtocolError:
                    if not again or attempt == ATTEMPTS:
                        raise
        raise AssertionError("unreachable")

    async def identify(self) -> re.Match[str]:
        """Ask who is there, and return the answer. Raises as `ask`."""
        async with self._lock:
            await self._open()
            self._doubt()
            return await self._introduce()

    async def tell(self, command: str, permit: Permit | None = None) -> None:
        """Send a command that has no answer; with `permit`, check it right before the bytes go out."""
        async with self._lock:
            await self._settle(None)
            if permit is not None:
                permit.check()
            self._write(command)

    def tell_now(self, command: str) -> None:
        """Send a de-energising command at once, past every question that is waiting. Raises `PortError`."""
        if not self._wire.is_open:
            self._wire.open_now()
            self._opened()
        self._write(command)

    async def errors(self, question: str = "SYST:ERR?") -> list[str]:
        """Every error the instrument has queued, oldest first; asking clears them."""
        found: list[str] = []
        while len(found) < MAX_ERRORS:
            answer = await self.ask(question, ERROR, again=False)
            if int(answer[1]) == 0:
                return found
            found.append(f"{answer[1]} {answer[2]}".replace('"', ""))
        raise ProtocolError(self.port, f"more than {MAX_ERRORS} queued errors ({found[0]} ...); switch it off and on")

    async def refuse_errors(self, doing: str, question: str = "SYST:ERR?") -> None:
        """Ask for queued errors. Raises `DeviceRefused` naming them and what was being done."""
        if found := await self.errors(question):
            raise DeviceRefused(self.port, f"{doing}: the instrument reports {'; '.join(found)}")

    def close(self) -> None:
        """Let go of the wire; safe to call twice."""
        self._wire.close()

    # ---- under the lock ----------------------------------------------------------------------------------------

    async def _ask(self, question: str, shape: str) -> re.Match[str]:
        await self._settle(shape)
        self._write(question)
        strays: list[str] = []
        try:
            answer = await self._listen(question, shape, strays)
        except (DeviceTimeout, ProtocolError, asyncio.CancelledError):
            self._doubt()
            raise
        self._late, self._last = 0, answer[0]
        if strays:
            raise ProtocolError(
                self.port, f"{strays[0]!r} came unasked beside the answer to {question}; switch automatic output off"
            )
        return answer

    async def _listen(self, question: str, shape: str, strays: list[str]) -> re.Match[str]:
        """The first line of that shape; what came unasked before it goes to `strays`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                while True:
                    line = await self._next_line()
                    if line in self._sent or (self._chatter and re.fullmatch(self._chatter, line)):
                        continue
                    if shape != self._identity and re.fullmatch(self._identity, line):
                        self._late = max(0, self._late - 1)
                    elif answer := re.fullmatch(shape, line):
                        return answer
                    elif line != self._last:
                        strays.append(line)
        except TimeoutError:
            if strays:
                raise ProtocolError(
                    self.port, f"{question} was answered {strays[-1]!r}; is it this instrument?"
                ) from None
            raise DeviceTimeout(
                self.port, f"no answer to {question} within {self._timeout_s:g} s; check power, cable and baud rate"
            ) from None

    async def _settle(self, shape: str | None) -> None:
        """Make sure that whatever looks like `shape` from now on belongs to what is asked now."""
        await self._open()
        if self._incoming.has_half and not self._needed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._silence_s):
                    while self._incoming.has_half:
                        await self._wait()
            if self._incoming.has_half:
                self._doubt()
        if shape is not None and re.fullmatch(shape, self._last):
            self._doubt()
        if self._needed:
            await self._introduce()
        for line in self._incoming.lines:
            self._late -= bool(self._late and re.fullmatch(self._identity, line))
        self._incoming.lines.clear()

    async def _introduce(self) -> re.Match[str]:
        """Ask who is there until one of the answers is sure to have been asked for since the doubt; that one."""
        self._incoming.forget_half()
        while True:
            self._write("*IDN?")
            self._introductions.append(asyncio.get_running_loop().time())
            self._late += COPIES
            answer = await self._listen("*IDN?", self._identity, [])
            self._late -= 1
            self._needed -= 1
            if not self._needed:
                self._last = ""
                return answer

    def _doubt(self) -> None:
        """Nothing that comes is trusted until the instrument has said who it is, asked from now on."""
        if not self._needed:
            oldest = asyncio.get_running_loop().time() - LATEST_S
            while self._introductions and self._introductions[0] < oldest:
                self._introductions.popleft()
            self._late = min(self._late, COPIES * len(self._introductions))
            self._needed = self._late + 1

    async def _next_line(self) -> str:
        while not self._incoming.lines:
            await self._wait()
        return self._incoming.lines.popleft()

    async def _wait(self) -> None:
        self._heard.clear()
        await self._heard.wait()
        if self._loss is not None:
            raise PortError(self.port, "the line was lost; plug it in again") from self._loss

    # ---- the wire ----------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        if not self._wire.is_open:
            await self._wire.open()
            self._opened()

    def _opened(self) -> None:
        self._loss = None
        self._incoming.forget()
        self._needed = 0
        self._doubt()  # whoever used it before may have left an answer behind

    def _write(self, text: str) -> None:
        self._sent.append(text)
        try:
            self._wire.write(text.encode("ascii") + self._end)
        except PortError as error:
            self._lost(error)
            raise

    def _receive(self, data: bytes) -> None:
        self._incoming.feed(data)
        self._heard.set()

    def _lost(self, error: PortError) -> None:
        self._loss = error
        self._heard.set()
