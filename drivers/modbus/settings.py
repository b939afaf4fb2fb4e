"""Settings of the Modbus kinds: plain frozen dataclasses whose field names are the keys of the configuration.

Values only. Bounds are judged by `station check`, defaults stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class BusSettings:
    """A Modbus RTU line. `quarantine_s`: silence kept after a time-out, at least the slowest device's latency.

    `format`: data bits, parity and stop bits, the same for every device on the line.
    """

    port: str
    baud: int = 9600
    timeout_s: float = 0.3
    quarantine_s: float = 0.3
    format: Literal["8N1", "8E1", "8O1", "8N2"] = "8N1"


@dataclass(frozen=True, slots=True)
class TcpBusSettings:
    """A Modbus TCP device or gateway; `address` is `host` or `host:port` (502 where none is given).

    `timeout_s` includes the connecting; `quarantine_s`: rest after a failure, before it is connected to again.
    """

    address: str
    timeout_s: float = 1.0
    quarantine_s: float = 0.3


@dataclass(frozen=True, slots=True)
class ModbusSettings:
    """A device on a bus, by address."""

    bus: str
    address: int


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """A relay board; `channels` maps the bench's relay roles to channel numbers."""

    bus: str
    address: int
    channels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ThermocoupleSettings:
    """A thermocouple module; `channels` maps reading names (`heatsink_degc`) to inputs."""

    bus: str
    address: int
    channels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RegisterField:
    """One quantity of a register map: value = raw x scale + offset, valid within [low, high]."""

    register: int
    function: Literal["input", "holding"] = "input"
    type: Literal["int16", "uint16", "int32", "uint32", "float32"] = "uint16"
    word_order: Literal["big", "little"] = "big"
    scale: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None
    accuracy_relative: float = 0.0
    accuracy_absolute: float = 0.0


@dataclass(frozen=True, slots=True)
class RegisterMapSettings:
    """Any Modbus meter by its register map; with `arm_register` it is a peak probe (writing `arm_value` clears it)."""

    bus: str
    address: int
    quantities: Mapping[str, RegisterField]
    arm_register: int | None = None
    arm_value: int = 1
    model: str = ""
