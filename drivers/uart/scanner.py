"""A bar-code scanner on a serial (CDC) port: a line per scan, ended by CR, LF or both, or framed by STX and ETX."""

from __future__ import annotations

import asyncio
import contextlib
import termios

import serial

from drivers.errors import PortError
from drivers.ports import Identity
from drivers.uart.scans import SCAN_MAX, Scans
from drivers.usb_identity import usb_identity

STX = b"\x02"
_ENDS = bytes.maketrans(b"\r\x03", b"\n\n")  # CR and ETX end a line as LF does


class SerialScanner:
    """One scanner; implements `drivers.ports.Scanner`."""

    def __init__(self, port: str, baud: int = 115200) -> None:
        self._port = port
        self._baud = baud
        self._device = f"scanner {port}"
        self._serial: serial.Serial | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()
        self._rest = b""
        self._spilt = False
        self._scans = Scans()

    async def ensure_ready(self) -> Identity:
        """Open the port if need be. Says who its USB side is; a scanner on RS-232 cannot. Raises `PortError`."""
        async with self._opening:
            if self._serial is None:
                port = await asyncio.to_thread(self._open)
                self._rest, self._spilt, self._scans = b"", False, Scans()
                self._serial, self._loop = port, asyncio.get_running_loop()
                self._loop.add_reader(port.fileno(), self._readable)
        return await asyncio.to_thread(usb_identity, self._port)

    async def read_line(self) -> str:
        """Wait for the next scan. Raises `PortError` when the scanner is gone; `ensure_ready` opens it again."""
        if self._serial is None and not self._scans.waiting:
            await self.ensure_ready()
        return await self._scans.take()

    async def close(self) -> None:
        """Let go of the port; safe to call twice. Whoever still waits for a scan is told."""
        if self._serial is not None:
            self._lose("closed")

    def _open(self) -> serial.Serial:
        try:
            port = serial.Serial(self._port, self._baud, timeout=0, exclusive=True)
            port.reset_input_buffer()
        except (OSError, ValueError, termios.error) as error:
            raise PortError(self._device, f"cannot open: {error}; check the cable and the udev rule") from error
        return port

    def _lose(self, why: str) -> None:
        port, self._serial = self._serial, None
        if port is not None and self._loop is not None:
            self._loop.remove_reader(port.fileno())
            with contextlib.suppress(OSError):
                port.close()
        self._scans.end(PortError(self._device, why))

    def _readable(self) -> None:
        if self._serial is None:
            return
        try:
            received: bytes = self._serial.read(4096)
            if not received:
                raise OSError("unplugged")
        except OSError as error:
            self._lose(f"lost: {error}; plug it in again")
            return
        *lines, self._rest = (self._rest + received).translate(_ENDS).split(b"\n")
        for line in lines:
            spilt, self._spilt = self._spilt, False
            begun = STX in line
            if begun or not spilt:  # a frame begins anew, whatever was torn before it
                self._scans.put(line.rpartition(STX)[2].decode("utf-8", "replace"))
        if len(self._rest) > SCAN_MAX:
            _, opened, frame = self._rest.rpartition(STX)
            self._rest, self._spilt = (STX + frame if opened and len(frame) < SCAN_MAX else b""), True
