"""A raw serial port for request-and-reply lines: opened late, lost loudly, read without blocking.

pyserial opens and configures it; reading goes through poll(2), because pyserial's time-outs reconfigure the line.
Every failure of the wire becomes `PortError` with a remedy. Protocols do not live here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import termios
import time

import serial

from drivers.errors import PortError

_REMEDIES = {
    errno.ENOENT: "nothing is plugged in under this name; check the cable, the adapter and the udev rule",
    errno.EACCES: "no permission; add the station's user to the group that owns the port (dialout)",
    errno.EAGAIN: "another program holds the port; stop it",
    errno.EBUSY: "another program holds the port; stop it",
}
_BITS_OF_FORMAT = {"8N1": 10, "8E1": 11, "8O1": 11, "8N2": 11}
_SHORT_S = 0.004  # below this poll(2), which counts in whole milliseconds, is too coarse


def bits_per_byte(form: str) -> int:
    """Bits on the wire for each byte: start, eight data, parity (`E`, `O`), stops. Raises `ValueError`."""
    if form not in _BITS_OF_FORMAT:
        raise ValueError(f"format {form!r} is none of {', '.join(_BITS_OF_FORMAT)}")
    return _BITS_OF_FORMAT[form]


def port_error(port: str, error: OSError) -> PortError:
    """The `PortError` for a failed call on `port`, with the likeliest remedy."""
    number = error.errno
    if number is None and isinstance(error.__context__, OSError):
        number = error.__context__.errno
    remedy = _REMEDIES.get(number or 0, "the adapter was unplugged or has failed; plug it in again")
    return PortError(port, f"{os.strerror(number) if number else error}: {remedy}")


class SerialPort:
    """An open serial port. All calls raise `PortError` when the wire is gone; it is then closed.

    `form`: data bits, parity, stop bits. Where the kernel can, the adapter hands on bytes at once: an FTDI's latency
    timer goes from 16 ms to 1 ms.
    """

    def __init__(self, port: str, baud: int, form: str = "8N1") -> None:
        self._name = port
        try:
            self._serial = serial.Serial(port, baud, 8, form[1], int(form[2]), timeout=0, exclusive=True)
        except OSError as error:  # SerialException is one
            raise port_error(port, error) from error
        except ValueError as error:
            raise PortError(port, f"{error}: correct `baud` in the configuration") from error
        with contextlib.suppress(ValueError, NotImplementedError):  # a pty, a CDC device: nothing to hurry
            self._serial.set_low_latency_mode(True)
        self._poll = select.poll()
        self._poll.register(self._serial.fileno(), select.POLLIN)

    def fileno(self) -> int:
        """The file descriptor."""
        return int(self._serial.fileno())

    def close(self) -> None:
        """Let go of the port, and of what it has not sent yet; safe to call twice."""
        with contextlib.suppress(OSError, termios.error):
            if self._serial.is_open:
                termios.tcflush(self._serial.fileno(), termios.TCOFLUSH)  # else closing may wait for a dead line
        with contextlib.suppress(OSError):
            self._serial.close()

    def write(self, data: bytes) -> None:
        """Hand all of `data` (far less than the kernel's buffer of 4 KB) to the line without waiting."""
        try:
            written = os.write(self._serial.fileno(), data)
        except BlockingIOError:
            written = 0
        except (OSError, serial.SerialException) as error:
            raise self._lost(error) from error
        if written != len(data):
            raise self._lost(OSError(errno.EIO, "the line takes no more bytes"))

    def receive(self, wait_s: float) -> bytes:
        """What has come in, waiting up to `wait_s` for the first byte; empty when nothing came."""
        deadline = time.monotonic() + wait_s
        while True:
            left = deadline - time.monotonic()
            if 0.0 < left < _SHORT_S:
                time.sleep(left)
                left = 0.0
            events = self._poll.poll(max(0.0, left * 1000.0))
            if events and (data := self._read()):
                return data
            if time.monotonic() >= deadline:
                return b""

    def _read(self) -> bytes:
        try:
            data = os.read(self._serial.fileno(), 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lost(error) from error
        if not data:
            raise self._lost(OSError(errno.ENODEV, os.strerror(errno.ENODEV)))
        return data

    def _lost(self, error: OSError) -> PortError:
        self.close()
        return port_error(self._name, error)
