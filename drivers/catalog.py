"""Driver kinds: the table from the kind named in the configuration to its settings and its factory, a family a line."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.audio.kinds import KINDS as AUDIO
from drivers.gpio.kinds import KINDS as PANELS
from drivers.i2c.kinds import KINDS as I2C
from drivers.kinds import Driver
from drivers.modbus.kinds import KINDS as MODBUS
from drivers.printer.kinds import KINDS as PRINTERS
from drivers.scpi.kinds import KINDS as SCPI
from drivers.uart.kinds import KINDS as UART

CATALOG: Mapping[str, Driver] = {
    driver.kind: driver for driver in (*UART, *MODBUS, *I2C, *SCPI, *PANELS, *PRINTERS, *AUDIO)
}
