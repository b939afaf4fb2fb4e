"""A serial line with a reader thread of its own and writes that never wait. Knows bytes and lines, no protocol.

For lines on which the other end speaks unasked. Bytes are written by whoever calls, under one lock, to a descriptor
that does not block: there is no queue in which an old command could outlive its permit or hold up a newer one.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable

import serial

from drivers.errors import PortError

OnLine = Callable[[bytes, float], None]
OnLost = Callable[[PortError], None]


class SerialLine:
    """An open line. `on_line(line, monotonic_s)` and once `on_lost(error)` are called in the reader's thread."""

    def __init__(self, device: str, port: str, baud: int, line_max: int, on_line: OnLine, on_lost: OnLost) -> None:
        """Open `port` for this process alone. `device` names it in errors. Blocks; raises `PortError`."""
        self.device = device
        self._line_max = line_max
        self._on_line = on_line
        self._on_lost = on_lost
        self._lock = threading.RLock()
        self._torn = False
        self._closing = False
        try:
            self._serial = serial.Serial(port, baud, timeout=0, exclusive=True)
            self._serial.reset_input_buffer()
        except (OSError, ValueError) as error:
            raise PortError(
                device, f"cannot open {port}: {error}; check the cable, the udev rule and who has it"
            ) from error
        self._fd: int = self._serial.fileno()
        self._wake_r, self._wake_w = os.pipe()
        self._thread = threading.Thread(target=self._read, name=f"line {port}", daemon=True)
        self._thread.start()

    def write(self, data: bytes, before: Callable[[], None] | None = None) -> None:
        """Put `data` on the line now, whole. `before` runs under the lock right before and may raise.

        Raises `PortError` if the line is gone or takes nothing; what went out of a torn write is spoilt and ended
        before the next one.
        """
        with self._lock:
            if self._closing:
                raise PortError(self.device, "the port is closed; open it again")
            if before is not None:
                before()
            if self._torn:
                data = b"*\n" + data
            try:
                sent = os.write(self._fd, data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                raise PortError(self.device, f"lost while writing: {error}; check the cable") from error
            self._torn = 0 < sent < len(data) or (self._torn and sent == 0)
            if sent < len(data):
                raise PortError(self.device, f"the line took {sent} of {len(data)} bytes; the other end does not read")

    def close(self) -> None:
        """Stop the reader and let go; safe to call twice, not from the reader's thread."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            os.write(self._wake_w, b"x")
        self._thread.join()
        with contextlib.suppress(OSError):
            self._serial.close()
        os.close(self._wake_r)
        os.close(self._wake_w)

    def _read(self) -> None:
        rest = b""
        spilt = False
        while True:
            try:
                ready, _, _ = select.select([self._fd, self._wake_r], [], [])
                if self._closing:
                    return
                data = os.read(self._fd, 4096) if self._fd in ready else b""
                if not data:
                    raise OSError("the port is ready but empty: unplugged")
            except BlockingIOError:
                continue
            except OSError as error:
                self._on_lost(PortError(self.device, f"lost: {error}; plug it in again"))
                return
            at = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if not spilt and len(line) <= self._line_max:
                    self._on_line(line, at)
                spilt = False
            if len(rest) > self._line_max:
                rest, spilt = b"", True
