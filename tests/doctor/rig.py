"""A bench whose devices are where a test puts them: the shipped settings, every port missing but those given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drivers.catalog import CATALOG
from drivers.modbus.settings import BusSettings
from drivers.settings import GuardSettings, SerialSettings
from station.assembly import make_devices
from station.cli.sim_config import SHIPPED
from station.doctor.examine import examine
from station.doctor.finding import Finding
from station.settings.loading import load
from station.settings.tree import DeviceSettings, StationSettings
from station.steps.catalog import STEPS

MISSING = "/dev/bench-not-there"


def settings_with(folder: Path, **ports: str) -> StationSettings:
    """The shipped bench with nothing plugged in but `ports` (guard, a, b, tester, touch, scanner by name)."""
    shipped = load(SHIPPED, STEPS, CATALOG).station
    at = {name: ports.get(name, MISSING) for name in ("guard", "a", "b", "tester", "touch", "scanner")}
    devices = dict(shipped.devices)
    for role in ("tester", "touch"):
        devices[role] = replace(devices[role], settings=replace(devices[role].settings, port=at[role]))
    return replace(
        shipped,
        guard=DeviceSettings("guard-uart", GuardSettings(at["guard"])),
        buses={name: DeviceSettings("modbus-rtu", BusSettings(at[name], 19200, 0.05, 0.02)) for name in ("a", "b")},
        devices=devices,
        scanner=DeviceSettings("serial-scanner", SerialSettings(at["scanner"])),
        panel=DeviceSettings("socket-panel", CATALOG["socket-panel"].settings(path=str(folder / "panel"))),
        printer=None,
        audio=DeviceSettings("audio-twin", replace(shipped.audio.settings, port=str(folder / "audio"))),
    )


async def examined(settings: StationSettings, roles: tuple[str, ...] = ()) -> Mapping[str, Finding]:
    """What an examination of these settings finds, by role; of `roles` alone (and their buses) where they are named."""
    devices: Any = make_devices(settings)
    try:
        return {one.role: one for one in await examine(devices) if not roles or one.role in roles}
    finally:
        await devices.close()
