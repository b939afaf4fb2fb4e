"""The far end of a raw pty as a thread that answers bytes with bytes: late, short, garbled, doubled, or not at all."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable, Iterable
from types import TracebackType

from drivers.sim.pty import RawPty

Reply = Iterable[tuple[float, bytes]]
"""What to send: (seconds to wait before, bytes)."""


def rtu_length(buffer: bytes) -> int:
    """How long the Modbus RTU request is that `buffer` begins with; 0 while that cannot be told."""
    if len(buffer) < 2 or buffer[1] not in (15, 16):
        return 8 if len(buffer) > 1 else 0
    return 9 + buffer[6] if len(buffer) > 6 else 0


class FakeLine:
    """Calls `answer(request)` for every request of `length` bytes (or line, `length` 0) and sends what it returns.

    `length` may be a function of what has come: how long the request is, 0 while that cannot be told.

    A pause in a reply ends early, and the rest of the reply with it, when the next request comes in.
    """

    def __init__(self, answer: Callable[[bytes], Reply], length: int | Callable[[bytes], int] = 8) -> None:
        self.requests: list[bytes] = []
        self.asked = threading.Event()
        self._answer = answer
        self._length = length
        self._pty = RawPty()
        self.path = self._pty.path
        self._end, self._wake = os.pipe()
        self._hanging_up = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="fake line")

    def __enter__(self) -> FakeLine:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """Tear the line out; safe to call twice, from any thread."""
        with self._hanging_up:
            if self._thread.is_alive():
                os.write(self._wake, b"x")
                self._thread.join()
                os.close(self._end)
                os.close(self._wake)
            self._pty.close()

    def say(self, data: bytes) -> None:
        """Bytes that nobody asked for."""
        self._pty.send(data)

    def _serve(self) -> None:
        buffer = b""
        while self._ready(None):
            buffer += self._pty.receive()
            while (end := self._end_of(buffer)) and len(buffer) >= end:
                request, buffer = buffer[:end], buffer[end:]
                self.requests.append(request)
                self.asked.set()
                for pause_s, data in self._answer(request):
                    if pause_s and self._ready(pause_s):
                        break
                    with contextlib.suppress(OSError):
                        self._pty.send(data)

    def _end_of(self, buffer: bytes) -> int:
        if callable(self._length):
            return self._length(buffer)
        return self._length or buffer.find(b"\n") + 1

    def _ready(self, wait_s: float | None) -> bool:
        """True when there is something to read, False when the time is over or the line is hung up."""
        ready, _, _ = select.select([self._pty.master, self._end], [], [], wait_s)
        return self._end not in ready and bool(ready)
