"""The tables on the page of instruments: `check` finds nothing wrong with them, and they read their twins."""

from __future__ import annotations

import dataclasses
import tomllib

import pytest

from drivers.catalog import CATALOG
from drivers.scpi import xdm1041
from drivers.scpi.settings import IEC_60990, TouchSettings
from drivers.sim.multimeter import TextbookMeterTwin, XdmTwin
from station.settings.devices import Placed, place_devices
from station.settings.locate import locate
from station.settings.source import Source
from tests.docs.pages import blocks
from tests.drivers.double_world import DoubleWorld

PAGE = {block.name or block.kind: block.text for block in blocks("instruments.md")}


def placed(name: str) -> Placed:
    """The one device of a block, as `check` reads it."""
    text = PAGE[name]
    (device,), problems = place_devices(Source("page", "page", tomllib.loads(text), locate(text)), CATALOG)
    assert not problems
    return device


@pytest.mark.parametrize(("name", "by", "volts"), [("textbook", "address", 7.5), ("xdm", "port", 0.0111)])
async def test_the_meters_of_the_page_read_their_twins(
    name: str, by: str, volts: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xdm1041, "SETTLE_S", 0.0)
    world = DoubleWorld(1.0)
    world.probe_v_now = volts
    device = placed(name)
    twin = TextbookMeterTwin(world, 1) if name == "textbook" else XdmTwin(world, 1)
    where = await (twin.start_on_socket() if by == "address" else twin.start())
    assert device.entry is not None
    meter = CATALOG[device.entry.kind].make(dataclasses.replace(device.settings, **{by: where}), {})
    await meter.ensure_ready()
    (value,) = (await meter.read()).values()
    assert value == pytest.approx(volts * (1000.0 if name == "xdm" else 1.0), rel=0.03)
    await meter.close()
    await twin.close()


def test_the_touch_meters_table_is_its_default() -> None:
    settings = placed("touch").settings
    assert settings == TouchSettings("/dev/bench-touch")
    assert settings.setup == IEC_60990


def test_the_page_has_no_other_tables() -> None:
    assert set(PAGE) == {"touch", "xdm", "textbook"}
