"""The tables [buses.…]: a serial line or a connection, each error said with its line."""

from __future__ import annotations

import pytest

from drivers.modbus.settings import BusSettings, TcpBusSettings
from tests.settings.settings_tree import TreeCopy

SERIAL = 'kind = "modbus-rtu"\nport = "/dev/bench-rs485-b"\nbaud = 19200\ntimeout_s = 0.3\nquarantine_s = 0.3'


def test_a_bus_may_be_a_connection_and_a_line_may_have_parity(tree: TreeCopy) -> None:
    tree.spoil("station.toml", SERIAL, 'kind = "modbus-tcp"\naddress = "bench-gateway:1502"')
    tree.spoil("station.toml", 'port = "/dev/bench-rs485-a"', 'port = "/dev/bench-rs485-a"\nformat = "8E1"')
    assert tree.problems() == []
    buses = tree.load().station.buses
    assert buses["b"].settings == TcpBusSettings("bench-gateway:1502", 1.0, 0.3)
    assert isinstance(buses["a"].settings, BusSettings) and buses["a"].settings.format == "8E1"


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ('kind = "modbus-tcp"\naddress = "a gateway"', "buses.b.address: 'a gateway' is no address"),
        ('kind = "modbus-tcp"\naddress = "gateway:502x"', 'is no address; write "host" or "host:port"'),
        ('kind = "modbus-tcp"\naddress = "gateway"\nbaud = 9600', "buses.b.baud: unknown key"),
        ('kind = "modbus-tcp"', "buses.b.address: is missing"),
        (SERIAL + '\nformat = "7E1"', "buses.b.format"),
        ('kind = "modbus-tcp"\naddress = "fe80::1"', 'is no address; write "host" or "host:port"'),
        ('kind = "modbus-tcp"\naddress = "gateway"\ntimeout_s = 3600.0',
         "buses.b.timeout_s: 3600 s is no time for a bus; use 0.05 to 2"),
        (SERIAL.replace("timeout_s = 0.3", "timeout_s = 0.0"), "buses.b.timeout_s: 0 s is no time for a bus"),
        (SERIAL.replace("quarantine_s = 0.3", "quarantine_s = 86400.0"),
         "buses.b.quarantine_s: 86400 s is no time for a bus; use 0.05 to 1"),
        (SERIAL.replace("19200", "-5"), "buses.b.baud: -5 is no rate of a Modbus line; use one of 300, 600,"),
    ],
)  # fmt: skip
def test_an_error_of_a_bus_is_said_with_its_key(tree: TreeCopy, new: str, said: str) -> None:
    tree.spoil("station.toml", SERIAL, new)
    found = [str(problem) for problem in tree.problems() if said in str(problem)]
    assert len(found) == 1, tree.problems()
