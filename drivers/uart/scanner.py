"""A bar-code scanner on a serial (CDC) port: a line per scan, ended by CR, LF or both."""

from __future__ import annotations

import asyncio
import contextlib

import serial

from drivers.errors import PortError
from drivers.ports import Identity

SCAN_MAX = 200
"""Longer lines are no scan of ours and are thrown away."""
KEPT_SCANS = 16


class SerialScanner:
    """One scanner; implements `drivers.ports.Scanner`. Scans that nobody waits for are kept, the newest few."""

    def __init__(self, port: str, baud: int = 115200) -> None:
        self._port = port
        self._baud = baud
        self._device = f"scanner {port}"
        self._serial: serial.Serial | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rest = b""
        self._spilt = False
        self._scans: asyncio.Queue[str | PortError] = asyncio.Queue()

    async def ensure_ready(self) -> Identity:
        """Open the port if need be. A serial scanner cannot say who it is. Raises `PortError`."""
        if self._serial is None:
            port = await asyncio.to_thread(self._open)
            self._rest, self._spilt, self._scans = b"", False, asyncio.Queue()
            self._serial, self._loop = port, asyncio.get_running_loop()
            self._loop.add_reader(port.fileno(), self._readable)
        return Identity()

    async def read_line(self) -> str:
        """Wait for the next scan. Raises `PortError` when the scanner is gone; `ensure_ready` opens it again."""
        if self._serial is None and self._scans.empty():
            await self.ensure_ready()
        scan = await self._scans.get()
        if isinstance(scan, PortError):
            raise scan
        return scan

    async def close(self) -> None:
        """Let go of the port; safe to call twice."""
        self._let_go()

    def _open(self) -> serial.Serial:
        try:
            port = serial.Serial(self._port, self._baud, timeout=0, exclusive=True)
            port.reset_input_buffer()
        except (OSError, ValueError) as error:
            raise PortError(self._device, f"cannot open: {error}; check the cable and the udev rule") from error
        return port

    def _let_go(self) -> None:
        port, self._serial = self._serial, None
        if port is not None and self._loop is not None:
            self._loop.remove_reader(port.fileno())
            with contextlib.suppress(OSError):
                port.close()

    def _readable(self) -> None:
        if self._serial is None:
            return
        try:
            data: bytes = self._serial.read(4096)
            if not data:
                raise OSError("unplugged")
        except OSError as error:
            self._let_go()
            self._scans.put_nowait(PortError(self._device, f"lost: {error}; plug it in again"))
            return
        *lines, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            self._take(line)
        if len(self._rest) > SCAN_MAX:
            self._rest, self._spilt = b"", True

    def _take(self, line: bytes) -> None:
        spilt, self._spilt = self._spilt, False
        text = line.decode("utf-8", "replace").strip()
        if spilt or not text or len(text) > SCAN_MAX or not text.isprintable():
            return
        if self._scans.qsize() >= KEPT_SCANS:
            self._scans.get_nowait()
        self._scans.put_nowait(text)
