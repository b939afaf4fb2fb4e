"""The devices of a real bench for the contract suites: `pytest -m hardware -n 0 tests/contract`.

They are made of the configuration that BENCH_CONFIG names (/etc/bench without it). Nothing here energises: the suites
that run on a real bench ask who is there, read, and pull cables by a person's hand. docs/adding-a-driver.md says how.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from drivers.catalog import CATALOG
from station.settings.loading import load
from station.settings.tree import DeviceSettings, StationSettings
from station.steps.catalog import STEPS
from tests.contract.rig import Case, Rig, ask_person

BENCH = Path(os.environ.get("BENCH_CONFIG", "/etc/bench"))
SETTLE_S = 0.5
"""For the loop to hear of what a person did while it stood still."""
USES: Mapping[str, str] = {
    "sensor": "read",
    "relays": "read_back",
    "tester": "ensure_ready",
    "touch": "ensure_ready",
    "panel": "read_buttons",
    "scanner": "ensure_ready",
    "printer": "check",
    "guard": "open",
}
"""What is asked of a real device again and again: nothing of it writes a setting or switches."""


def real_cases(*ports: str) -> list[Case]:
    """The bench's devices of these ports; without a bench one place for each port that says so when it is run."""
    if not (BENCH / "station.toml").exists():
        return [Case(port, lambda folder: _nobody(), real=True) for port in ports]
    station = _station()
    return [
        Case(device.kind, lambda folder, device=device: _open(station, device), role, True, device.kind != "gpio-panel")  # type: ignore[misc]
        for role, device in _devices(station)
        if CATALOG[device.kind].port in ports
    ]


@cache
def _station() -> StationSettings:
    return load(BENCH, STEPS, CATALOG).station


def _devices(station: StationSettings) -> list[tuple[str, DeviceSettings]]:
    alone = {"guard": station.guard, "panel": station.panel, "scanner": station.scanner}
    printer = {} if station.printer is None else {"printer": station.printer}
    return [*(station.devices | alone | printer).items()]


@asynccontextmanager
async def _nobody() -> AsyncIterator[Rig]:
    pytest.skip(f"there is no bench: {BENCH / 'station.toml'} does not exist; set BENCH_CONFIG")
    yield  # never; makes it a generator


@asynccontextmanager
async def _open(station: StationSettings, its: DeviceSettings) -> AsyncIterator[Rig]:
    wanted = getattr(its.settings, "bus", None)
    buses: dict[str, Any] = {
        name: CATALOG[bus.kind].make(bus.settings, {}) for name, bus in station.buses.items() if name == wanted
    }
    device = CATALOG[its.kind].make(its.settings, buses)

    async def unplug() -> None:
        ask_person(f"unplug {device_name(its)}")
        await asyncio.sleep(SETTLE_S)

    async def replug() -> None:
        ask_person(f"plug {device_name(its)} in again and wait for it")
        await asyncio.sleep(SETTLE_S)

    try:
        yield Rig(its.kind, its.settings, device, getattr(device, USES[CATALOG[its.kind].port]), unplug, replug)
    finally:
        for opened in (device, *buses.values()):
            await opened.close()


def device_name(its: DeviceSettings) -> str:
    """A device as a person finds it."""
    settings = its.settings
    where = getattr(settings, "port", "") or getattr(settings, "path", "") or getattr(settings, "address", "")
    bus = f" of bus {settings.bus}" if hasattr(settings, "bus") else ""
    return f"{its.kind} at {where}{bus}"
