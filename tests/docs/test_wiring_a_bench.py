"""What the page on wiring says of relays, addresses, ports, pins and inputs is what the configuration says."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "wiring-a-bench.md").read_text(encoding="utf-8")
PICTURE = (ROOT / "docs" / "pictures" / "bench-wiring.svg").read_text(encoding="utf-8")
STATION: dict[str, Any] = tomllib.loads((ROOT / "config" / "station.toml").read_text(encoding="utf-8"))


def rows(first_heading: str) -> list[list[str]]:
    """The cells of the table whose heading begins so, without their backticks."""
    table = PAGE[PAGE.index(f"| {first_heading} |") :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table]


def test_every_relay_is_on_the_channel_that_the_configuration_says() -> None:
    told = {row[2]: (int(row[0]), int(row[1])) for row in rows("channel")}
    assert told == {role: (at, at + 1) for role, at in STATION["devices"]["relays"]["channels"].items()}


def test_every_unit_of_every_bus_is_where_the_configuration_says() -> None:
    told = {tuple(row[:5]) for row in rows("bus")}
    buses = STATION["buses"]
    configured = {
        (own["bus"], buses[own["bus"]]["port"], str(buses[own["bus"]]["baud"]), str(own["address"]), role)
        for role, own in STATION["devices"].items()
        if "bus" in own
    }
    assert told == configured


def test_every_port_name_is_that_of_the_configuration() -> None:
    tables = [STATION["guard"], STATION["scanner"], *STATION["buses"].values(), *STATION["devices"].values()]
    configured = {table["port"] for table in tables if "port" in table}
    assert {row[0] for row in rows("name")} == configured


def test_pins_of_the_panel_are_those_of_the_configuration() -> None:
    panel = STATION["panel"]
    buttons, lamps, buzzer = rows("GPIO (BCM)")
    for row, part in ((buttons, panel["buttons"]), (lamps, panel["lamps"])):
        assert dict(zip(re.findall(r"`?(\w+)`", row[1] + "`"), map(int, row[0].split(", ")), strict=True)) == part
    assert int(buzzer[0]) == panel["buzzer"]


def test_thermocouples_are_on_the_inputs_of_the_configuration() -> None:
    line = next(line for line in PAGE.splitlines() if line.startswith("Thermocouple inputs"))
    told = {name: int(at) for name, at in re.findall(r"`(\w+)` on (\d)", line)}
    assert told == STATION["devices"]["temperature"]["channels"]


@pytest.mark.parametrize("bus", ["a", "b"])
def test_the_picture_shows_the_same_units_in_the_same_order(bus: str) -> None:
    line = PICTURE[PICTURE.index(f">bus {bus}<") :].partition(">120 &#937;<")[0]
    shown = re.findall(r">unit (\d+)<.*?\n<text[^>]*>(\w+)<", line)
    configured = [(str(own["address"]), role) for role, own in STATION["devices"].items() if own.get("bus") == bus]
    assert shown == sorted(configured, key=lambda unit: int(unit[0]))


def test_the_picture_names_every_port_and_every_relay() -> None:
    ports = {row[0] for row in rows("name")}
    assert [name for name in (*ports, *STATION["devices"]["relays"]["channels"]) if name not in PICTURE] == []
