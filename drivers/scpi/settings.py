"""Settings of what speaks in lines: plain frozen dataclasses whose field names are the keys of the configuration.

Values only; what contradicts itself is told in `faults.py`, defaults stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

LineEnd = Literal["crlf", "lf", "cr"]
LINE_ENDS: Mapping[LineEnd, str] = {"crlf": "\r\n", "lf": "\n", "cr": "\r"}


@dataclass(frozen=True, slots=True)
class Setup:
    """One step of a set-up: `command` is sent, then `query` must be answered `answer`; either may be missing.

    Answers are compared without quotes, case and spaces, numbers by value (`+5.0E-02` is `0.05`, `50 mV` is `0.05 V`).
    `every_read`: the query is asked before and after every reading, not only after the command.
    """

    command: str = ""
    query: str = ""
    answer: str = ""
    every_read: bool = True


IEC_60990 = (
    Setup(":NETW C", ":NETW?", "C"),
    Setup(":MODE ENCL1", ":MODE?", "ENCLOSURE1"),
    Setup(":CONF:AUTO OFF", ":CONF:AUTO?", "OFF"),
    Setup(":CONF:COND NORM", ":CONF:COND?", "NORMAL"),
)
"""Touch current from the enclosure to earth through network C, by hand, in normal condition."""


@dataclass(frozen=True, slots=True)
class TouchSettings:
    """A touch-current meter on a serial port; `setup` is sent and read back before each measurement."""

    port: str
    baud: int = 9600
    format: Literal["8N1", "8E1", "8O1", "8N2"] = "8N1"
    setup: tuple[Setup, ...] = IEC_60990


@dataclass(frozen=True, slots=True)
class MeterQuantity:
    """One reading: the answer to `query` x `scale`, valid within [low, high]; its unit is the end of its name.

    `suffix` is what the instrument writes behind the number, if anything.
    """

    query: str
    scale: float = 1.0
    suffix: str = ""
    low: float | None = None
    high: float | None = None
    accuracy_relative: float = 0.0
    accuracy_absolute: float = 0.0


@dataclass(frozen=True, slots=True)
class MeterSettings:
    """Any multimeter that speaks SCPI, on a serial `port`, or at the `address` `host:port` of a raw socket (5025).

    `identity`: words that its answer to `*IDN?` must contain. `errors`: the question for queued errors, empty where the
    instrument has none. An answer of `overload`, or a number of at least `overload_from`, is beyond the range.
    `settle_s`: from the set-up to the first reading.
    """

    quantities: Mapping[str, MeterQuantity]
    port: str = ""
    address: str = ""
    baud: int = 9600
    format: Literal["8N1", "8E1", "8O1", "8N2"] = "8N1"
    end: LineEnd = "lf"
    timeout_s: float = 2.0
    identity: str = ""
    setup: tuple[Setup, ...] = ()
    errors: str = "SYST:ERR?"
    overload: tuple[str, ...] = ()
    overload_from: float = 9.9e37
    settle_s: float = 0.0


@dataclass(frozen=True, slots=True)
class XdmSettings:
    """An OWON XDM1041 (or 1241) on its USB port; `reading` names what it delivers and thereby its unit.

    `range` in V, A or ohm; left out, the meter chooses. The accuracy is in its data sheet, by range.
    """

    port: str
    reading: str
    accuracy_relative: float
    accuracy_absolute: float
    function: Literal["volts_dc", "volts_ac", "amps_dc", "amps_ac", "ohms"] = "volts_dc"
    range: float | None = None
    rate: Literal["S", "M", "F"] = "S"
    low: float | None = None
    high: float | None = None
    baud: int = 115200
