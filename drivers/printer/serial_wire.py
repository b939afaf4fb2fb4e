"""A label printer on a serial line. Between two turns nothing is held open, so it may be unplugged and come back.

A printer that cannot keep up says so by RTS/CTS or by XON/XOFF; the kernel obeys either, and what then does not move
for `wire.WRITE_S` is a printer that is stuck.
"""

from __future__ import annotations

import contextlib
import os
import termios

import serial

from drivers.errors import PortError
from drivers.printer.descriptor_wire import DescriptorWire
from drivers.serial_port import port_error
from drivers.settings import SerialPrinterSettings


class SerialWire(DescriptorWire):
    """The line of `settings`."""

    def __init__(self, settings: SerialPrinterSettings) -> None:
        super().__init__(f"label printer {settings.port}")
        self._settings = settings
        self._serial: serial.Serial | None = None

    def open_file(self) -> int:
        its = self._settings
        bits, parity, stop = its.format
        try:
            self._serial = serial.Serial(
                its.port, its.baud, int(bits), parity, int(stop), timeout=0, exclusive=True,
                xonxoff=its.flow == "xonxoff", rtscts=its.flow == "rtscts",
            )  # fmt: skip
            self._serial.reset_input_buffer()
        except OSError as error:  # SerialException is one
            raise port_error(self.device, error) from error
        except (ValueError, termios.error) as error:
            raise PortError(self.device, f"cannot be set to {its.baud} {its.format}: {error}; see [printer]") from error
        return int(self._serial.fileno())

    def close_file(self, file: int, spoilt: bool) -> None:
        port, self._serial = self._serial, None
        with contextlib.suppress(OSError, termios.error):
            if spoilt:
                termios.tcflush(file, termios.TCOFLUSH)  # else closing waits for a line that is dead
        with contextlib.suppress(OSError):
            if port is not None:
                port.close()
            else:
                os.close(file)
