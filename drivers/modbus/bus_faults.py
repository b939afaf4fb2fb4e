"""What is wrong with a bus's settings by themselves: for `station check`, at the key where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.kinds import Fault
from drivers.modbus.address import host_and_port
from drivers.modbus.settings import BusSettings, TcpBusSettings

BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
TIMES_S = {"timeout_s": (0.05, 2.0), "quarantine_s": (0.05, 1.0)}
"""A device that needs longer keeps every other one of its bus waiting, and what switches them."""


def serial_bus_faults(own: BusSettings) -> Iterator[Fault]:
    """Everything that is wrong with a serial line."""
    if own.baud not in BAUDS:
        rates = f"use one of {', '.join(map(str, BAUDS))}"
        yield Fault(("baud",), f"{own.baud} is no rate of a Modbus line", rates)
    yield from _of_times(own)


def tcp_bus_faults(own: TcpBusSettings) -> Iterator[Fault]:
    """Everything that is wrong with a connection."""
    try:
        host_and_port(own.address)
    except ValueError:
        yield Fault(("address",), f"{own.address!r} is no address", 'write "host" or "host:port"')
    yield from _of_times(own)


def _of_times(own: BusSettings | TcpBusSettings) -> Iterator[Fault]:
    for key, (least, most) in TIMES_S.items():
        if not least <= getattr(own, key) <= most:
            yield Fault((key,), f"{getattr(own, key):g} s is no time for a bus", f"use {least:g} to {most:g}")
