"""Settings of the Modbus kinds: plain frozen dataclasses whose field names are the keys of the configuration.

Values only. Bounds are judged by `station check`, defaults stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """A thermocouple module; `channels` maps reading names (`heatsink_degc`) to inputs.

    `types`: the sort of thermocouple by reading name, K where none is given; read back from the module.
    """

    bus: str
    address: int
    channels: Mapping[str, int]
    types: Mapping[str, Literal["J", "K", "T", "E", "R", "S", "B"]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PzemSettings:
    """A PZEM-004T; `range_a`: 100 for the one with a current transformer, 10 for the one with a shunt."""

    bus: str
    address: int
    range_a: Literal[10, 100] = 100


Function = Literal["input", "holding", "coil", "discrete"]
Number = Literal[
    "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bcd16", "bcd32"
]  # fmt: skip
Order = Literal["big", "little"]


@dataclass(frozen=True, slots=True)
class RegisterField:
    """One quantity of a register map: value = raw x scale + offset, valid within [low, high].

    `word_order`: which register comes first; `byte_order`: which byte of each. `bit`: that one bit of a register, 0 or
    1; `bits`: the first and the last of a field, counted from the lowest, 0. `invalid`: raw patterns that mean "no
    reading". A coil or discrete input is 0 or 1 and has nothing of this but scale, offset and bounds.
    """

    register: int
    function: Function = "input"
    type: Number = "uint16"
    word_order: Order = "big"
    byte_order: Order = "big"
    bit: int | None = None
    bits: tuple[int, ...] | None = None
    scale: float = 1.0
    offset: float = 0.0
    invalid: tuple[int, ...] = ()
    low: float | None = None
    high: float | None = None
    accuracy_relative: float = 0.0
    accuracy_absolute: float = 0.0


@dataclass(frozen=True, slots=True)
class StatusField:
    """What a register, a bit or field of it, a coil or discrete input must equal for any reading to count."""

    register: int
    equals: int
    function: Function = "input"
    bit: int | None = None
    bits: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class AliveField:
    """A number that a meter changes with each measurement: unchanged for longer than `max_age_s`, readings are old."""

    register: int
    max_age_s: float
    function: Literal["input", "holding"] = "input"
    type: Literal["uint16", "uint32"] = "uint16"
    word_order: Order = "big"


@dataclass(frozen=True, slots=True)
class IdentityField:
    """Who a device says it is: text of `words` registers, or a number. Anything but `expect` is another device."""

    register: int
    function: Literal["input", "holding"] = "holding"
    type: Literal["ascii", "uint16", "uint32", "uint64", "bcd16", "bcd32"] = "ascii"
    words: int = 0
    word_order: Order = "big"
    byte_order: Order = "big"
    expect: str = ""


@dataclass(frozen=True, slots=True)
class IdentityFields:
    """Registers by what they tell."""

    model: IdentityField | None = None
    serial_number: IdentityField | None = None
    firmware: IdentityField | None = None


@dataclass(frozen=True, slots=True)
class RegisterMapSettings:
    """Any Modbus meter by its register map; with `arm_register` it is a peak probe (writing `arm_value` clears it).

    `valid`: conditions by name, all of which must hold. `block_max`: registers that the meter gives at once;
    `gap_max`: registers without meaning that may be read over. `shares`: the role whose address this is as well.
    """

    bus: str
    address: int
    quantities: Mapping[str, RegisterField]
    arm_register: int | None = None
    arm_value: int = 1
    model: str = ""
    identity: IdentityFields = IdentityFields()
    valid: Mapping[str, StatusField] = field(default_factory=dict)
    alive: AliveField | None = None
    block_max: int = 125
    gap_max: int = 0
    shares: str = ""


@dataclass(frozen=True, slots=True)
class OutputField:
    """A relay: a coil; a `bit` of a holding register that is this table's alone; or a holding register of its own.

    `on` and `off` are written to a register of its own, and read back unless `reads_on` or `reads_off` says otherwise.
    """

    register: int
    function: Literal["coil", "holding"] = "coil"
    bit: int | None = None
    on: int = 1
    off: int = 0
    reads_on: int | None = None
    reads_off: int | None = None


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """Any relay module by its register map; `outputs` maps the bench's relay roles to places.

    `watchdog_register` (holding) is made to read `watchdog_value` before anything is switched on.
    """

    bus: str
    address: int
    outputs: Mapping[str, OutputField]
    model: str = ""
    identity: IdentityFields = IdentityFields()
    watchdog_register: int | None = None
    watchdog_value: int | None = None
    block_max: int = 125
    gap_max: int = 0

    @property
    def channels(self) -> Mapping[str, int]:
        """Channel numbers by role: the order of the table."""
        return {role: channel for channel, role in enumerate(self.outputs)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBankSettings(RegisterMapSettings):
    """A load bank with an I/O of its own: `left_ohm`, `right_ohm`, `thermostat_ok`, and `fan_ok` or `fan_rpm`.

    Ratings a channel: what it takes for hours with its fan running, and its resistance, from which a reading may differ
    by `ohm_tolerance_percent`. A product may need half of the power (reference/safety.md: twice the rated power).
    """

    rated_power_w: float
    load_ohm: float
    ohm_tolerance_percent: float = 2.0
