"""The guard on its USB serial port: the host's end of contracts/guard-line.md. The host asks, the guard decides.

Frames go out at once from the caller, so OFF and STOP never wait behind anything. ARM, ON and HV check their permit
under the line's lock right before the bytes; if such a call is cancelled or not answered, OFF follows it. Status lines
are kept as they come, with the monotonic second of the read.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from dataclasses import dataclass

from drivers.errors import DeviceTimeout, DriverError, GuardRefused, PortError, ProtocolError
from drivers.ports import GuardHello, GuardStatus, Permit
from drivers.uart.guard_frame import LINE_MAX, GuardReply, decode, encode, parse_hello, parse_reply, parse_status
from drivers.uart.line import SerialLine

ANSWER_S = 1.0
"""How long an answer may take; the guard needs 5 ms, a busy host and USB the rest."""
HELLO_TRIES = 4
HELLO_S = 0.4


@dataclass(slots=True)
class _Waiting:
    loop: asyncio.AbstractEventLoop
    reply: asyncio.Future[GuardReply]

    def settle(self, outcome: GuardReply | DriverError) -> None:
        """Hand over an answer, or why there will be none; called in the reader's thread."""
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it whoever waited
            self.loop.call_soon_threadsafe(self._settle, outcome)

    def _settle(self, outcome: GuardReply | DriverError) -> None:
        if self.reply.done():
            return
        if isinstance(outcome, GuardReply):
            self.reply.set_result(outcome)
        else:
            self.reply.set_exception(outcome)


class UartGuard:
    """One guard; implements `drivers.ports.Guard`."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._device = f"guard {port}"
        self._lock = threading.Lock()
        self._line: SerialLine | None = None
        self._lost = False
        self._session = ""
        self._seq = 0
        self._nonce = ""
        self._status: GuardStatus | None = None
        self._hello: GuardHello | None = None
        self._waiting: dict[tuple[str, int], _Waiting] = {}

    @property
    def status(self) -> GuardStatus | None:
        """The last status line, or None before the first and after the port was lost."""
        return self._status

    @property
    def hello(self) -> GuardHello | None:
        """What the guard said when the present session was opened; None when it no longer knows the session."""
        return self._hello

    async def open(self) -> GuardHello:
        """Open the port if it is not, and a new session. A guard that is energised trips (`LINK`).

        Raises `PortError`, `DeviceTimeout`, `ProtocolError`.
        """
        if self._line is None or self._lost:
            await asyncio.to_thread(self._reopen)
        self._session, self._seq, self._hello = secrets.token_hex(4), 0, None
        for attempt in range(HELLO_TRIES):
            try:
                reply = await self._ask("HELLO", deadline_s=HELLO_S)
            except DeviceTimeout:
                if attempt == HELLO_TRIES - 1:
                    raise
                continue
            said = parse_hello(reply.rest)
            if said is None:
                raise ProtocolError(self._device, f"HELLO was answered {reply.rest!r}, not guard/1; flash the guard")
            self._hello, self._nonce = said
            return self._hello
        raise AssertionError("unreachable")

    def heartbeat(self) -> None:
        """Put one `HB` on the line without waiting. On a line that is gone or full it does nothing: the guard trips."""
        if self._hello is not None:
            with contextlib.suppress(PortError):
                self._send("HB")

    async def arm(self, permit: Permit) -> None:
        """`ARM`. Raises `PermitDenied`, `GuardRefused`, `PortError`, `DeviceTimeout`."""
        await self._energise("ARM", self._nonce, permit)

    async def on(self, seconds: int, permit: Permit) -> None:
        """`ON`: K on for at most `seconds`."""
        await self._energise("ON", str(seconds), permit)

    async def hv(self, seconds: int, permit: Permit) -> None:
        """`HV`: H on for at most `seconds`."""
        await self._energise("HV", f"{self._nonce}:{seconds}", permit)

    async def off(self) -> None:
        """`OFF`; acts with or without a session."""
        await self._ask("OFF")

    async def stop(self) -> None:
        """`STOP`; acts with or without a session."""
        await self._ask("STOP")

    async def reset(self) -> None:
        """`RESET`: on a person's act at the bench only."""
        await self._ask("RESET")

    async def unlock(self) -> None:
        """`UNLOCK`."""
        await self._ask("UNLOCK")

    async def close(self) -> None:
        """Send `OFF` if the line still stands and let go of it; safe to call twice."""
        line, self._line = self._line, None
        if line is None:
            return
        with contextlib.suppress(DriverError):
            if not self._lost:
                line.write(self._frame("OFF", "")[1])
        await asyncio.to_thread(line.close)
        self._forget(PortError(self._device, "closed"))

    async def _energise(self, verb: str, argument: str, permit: Permit) -> None:
        try:
            await self._ask(verb, argument, permit)
        except (DeviceTimeout, asyncio.CancelledError):
            with contextlib.suppress(DriverError):  # nobody is left to switch it off
                self._send("OFF")
            raise

    async def _ask(
        self, verb: str, argument: str = "", permit: Permit | None = None, deadline_s: float | None = None
    ) -> GuardReply:
        deadline_s = ANSWER_S if deadline_s is None else deadline_s
        loop = asyncio.get_running_loop()
        waiting = _Waiting(loop, loop.create_future())
        key = self._send(verb, argument, permit, waiting)
        try:
            async with asyncio.timeout(deadline_s):  # wait_for of Python 3.11 may swallow a cancellation
                reply = await waiting.reply
        except TimeoutError:
            message = f"no answer to {verb} within {deadline_s:g} s; check that the guard's LED blinks"
            raise DeviceTimeout(self._device, message) from None
        finally:
            self._waiting.pop(key, None)
        if reply.verb != verb:
            raise ProtocolError(self._device, f"{verb} was answered as {reply.verb}")
        if not reply.accepted:
            raise GuardRefused(self._device, verb, reply.rest)
        return reply

    def _send(
        self, verb: str, argument: str = "", permit: Permit | None = None, waiting: _Waiting | None = None
    ) -> tuple[str, int]:
        line = self._line
        if line is None or self._lost:
            raise PortError(self._device, "not open; plug the guard in and open it again")
        with self._lock:  # frames go out in the order of their SEQ
            key, frame = self._frame(verb, argument)
            if waiting is not None:
                self._waiting[key] = waiting
            try:
                line.write(frame, permit.check if permit is not None else None)
            except BaseException:
                self._waiting.pop(key, None)
                raise
        return key

    def _frame(self, verb: str, argument: str) -> tuple[tuple[str, int], bytes]:
        self._seq += 1
        session = self._session or "00000000"
        body = f"{session} {self._seq} {verb}"
        return (session, self._seq), encode(f"{body} {argument}" if argument else body)

    def _reopen(self) -> None:
        line, self._line = self._line, None  # a port that cannot be opened now is tried afresh the next time
        if line is not None:
            line.close()
        self._lost = False
        self._status = None
        self._line = SerialLine(self._device, self._port, 115200, LINE_MAX, self._hear, self._forget)

    # ---- the reader's thread -------------------------------------------------------------------------------
    def _hear(self, line: bytes, at: float) -> None:
        body = decode(line)
        if body is None:
            return
        status = parse_status(body, at)
        if status is not None:
            self._status = status
            return
        reply = parse_reply(body)
        if reply is None or reply.session != self._session:
            return
        waiting = self._waiting.pop((reply.session, reply.seq), None)
        if waiting is not None:
            waiting.settle(reply)
        elif reply.verb == "HB" and not reply.accepted:
            self._hello = None  # the guard was reset and knows no session: `open` again

    def _forget(self, error: PortError) -> None:
        self._lost = True
        self._status = None
        self._hello = None
        for key in list(self._waiting):
            waiting = self._waiting.pop(key, None)
            if waiting is not None:
                waiting.settle(error)
