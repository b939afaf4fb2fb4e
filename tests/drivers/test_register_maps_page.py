"""The examples of docs/register-maps.md, read from the page: clean for `check`, and the meter's read from its twin."""

from __future__ import annotations

import re
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.catalog import CATALOG
from drivers.errors import ProtocolError, SettingMismatch
from drivers.sim.modbus_more import SHARK_SERIAL, SharkTwin
from station.settings.devices import RELAY_ROLES, Placed, place_devices
from station.settings.locate import locate
from station.settings.source import Source
from tests.drivers.twin_bus import TwinBus, twin_bus

PAGE = Path(__file__).parents[2] / "docs" / "register-maps.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
MAINS, FAN, RELAYS = EXAMPLES


def placed(text: str) -> Placed:
    source = Source(str(PAGE), "station.toml", tomllib.loads(text), locate(text))
    devices, problems = place_devices(source, CATALOG)
    assert problems == []
    (device,) = devices
    return device


@asynccontextmanager
async def shark() -> AsyncIterator[tuple[TwinBus, SharkTwin, Any]]:
    """The page's meter on a bus with its twin."""
    device = placed(MAINS)
    async with twin_bus({device.settings.address: SharkTwin}) as one:
        assert device.entry is not None
        made = CATALOG[device.entry.kind].make(device.settings, {"a": one.bus})
        yield one, one.twins[device.settings.address], made


async def test_the_pages_meter_says_who_it_is_and_reads_what_its_twin_measures() -> None:
    async with shark() as (one, _, meter):
        who = await meter.ensure_ready()
        assert (who.model, who.serial_number) == ("Shark 100", SHARK_SERIAL)
        truth, readings = one.world.mains_now, await meter.read()
        assert readings == pytest.approx(
            {
                "voltage_v": truth.voltage_v,
                "current_a": truth.current_a,
                "power_w": truth.power_w,
                "apparent_va": truth.voltage_v * truth.current_a,
                "power_factor": truth.power_factor,
                "frequency_hz": truth.frequency_hz,
            },
            rel=0.006,
        )


async def test_the_pages_meter_counts_for_nothing_in_limp_mode() -> None:
    async with shark() as (_, twin, meter):
        twin.state = 2
        with pytest.raises(ProtocolError, match="running: holding register 4999 bits 0 to 7 reads 2, not 1"):
            await meter.read()


async def test_another_meter_in_the_place_of_the_pages_is_refused() -> None:
    async with shark() as (_, twin, meter):
        twin.name = "Shark 200"
        with pytest.raises(SettingMismatch, match="its model is 'Shark 200', the configuration expects 'Shark 100'"):
            await meter.ensure_ready()


def test_the_pages_other_examples_are_clean_and_name_every_relay() -> None:
    assert placed(FAN).readings() == {"rpm": "rpm"}
    assert tuple(placed(RELAYS).settings.outputs) == RELAY_ROLES
