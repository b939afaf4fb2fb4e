"""The guard, the buses and the sound, each on its twin."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.catalog import CATALOG
from drivers.modbus.settings import (
    BusSettings,
    TcpBusSettings,
)
from drivers.settings import (
    AudioSettings,
    GuardSettings,
)
from drivers.sim.audio import AudioTwin
from drivers.sim.dut import Dut
from drivers.sim.guard import GuardTwin
from drivers.sim.modbus import ModbusTwin
from drivers.sim.modbus_devices import BUS_A
from drivers.sim.plant import Plant
from tests.audio.pulse_loop import MISSING, PulseLoop, is_possible, pulse_loop
from tests.contract.more_twins import TcpGatewayTwin
from tests.contract.rig import Case, Rig, plugged
from tests.drivers.double_world import DoubleWorld

SEED = 7
BUS_S = 0.3


@asynccontextmanager
async def _guard(folder: Path) -> AsyncIterator[Rig]:
    async with plugged(folder, GuardTwin(settings={"BLEED_S": 1})) as (port, cable):
        settings = GuardSettings(port)
        guard = CATALOG["guard-uart"].make(settings, {})
        try:
            yield Rig("guard-uart", settings, guard, guard.open, **cable)
        finally:
            await guard.close()


@asynccontextmanager
async def _rtu(folder: Path) -> AsyncIterator[Rig]:
    world = DoubleWorld()
    async with plugged(folder, ModbusTwin(world, BUS_A, SEED)) as (port, cable):
        settings = BusSettings(port, 19200, BUS_S, BUS_S)
        bus = CATALOG["modbus-rtu"].make(settings, {})
        try:
            yield Rig("modbus-rtu", settings, bus, lambda: bus.read_input(2, 0, 10), world=world, **cable)
        finally:
            await bus.close()


@asynccontextmanager
async def _tcp(folder: Path) -> AsyncIterator[Rig]:
    world = DoubleWorld()
    twin = TcpGatewayTwin(world, BUS_A, SEED)
    settings = TcpBusSettings(await twin.start(), BUS_S, BUS_S)
    bus = CATALOG["modbus-tcp"].make(settings, {})
    try:
        cable: dict[str, Any] = {"unplug": twin.close, "replug": twin.replug, "twin": twin}
        yield Rig("modbus-tcp", settings, bus, lambda: bus.read_input(2, 0, 10), world=world, **cable)
    finally:
        await bus.close()
        await twin.close()


@asynccontextmanager
async def _audio_twin(folder: Path) -> AsyncIterator[Rig]:
    """Frames are granted by completed scans: here by a thread that completes one every 4 ms."""
    settings = AudioSettings(str(folder / "audio"), 4.0, 60.0)
    plant = Plant(Dut(), 1000.0, SEED)
    twin, stop = AudioTwin(plant, settings.port, SEED), threading.Event()

    def scan() -> None:
        while not stop.wait(0.004):
            twin.on_scan()

    async def unplug() -> None:
        twin.close()

    scans = threading.Thread(target=scan)
    twin.start()
    scans.start()
    device = CATALOG["audio-twin"].make(settings, {})
    try:
        yield Rig("audio-twin", settings, device, unplug, unplug, twin=twin)
    finally:
        device.close()
        stop.set()
        scans.join()
        twin.close()


@asynccontextmanager
async def _portaudio(folder: Path) -> AsyncIterator[Rig]:
    """A real PortAudio on a null sink of a real PulseAudio. Its folder has a short name, because its socket has."""
    if not is_possible():
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory() as place, pulse_loop(Path(place), ("float",)) as loop, _environment(loop):
        settings = AudioSettings("bench-float", 4.0, 60.0, latency_s=0.1)
        device = CATALOG["portaudio"].make(settings, {})

        async def unplug() -> None:
            loop.unplug("float")

        async def use() -> Any:
            return device.identity

        try:
            yield Rig("portaudio", settings, device, use, unplug, twin=loop)
        finally:
            device.close()


@contextmanager
def _environment(loop: PulseLoop) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in loop.environment}
    os.environ.update(loop.environment)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


GUARDS = (Case("guard-uart", _guard),)
BUSES = (Case("modbus-rtu", _rtu), Case("modbus-tcp", _tcp))
AUDIO = (Case("audio-twin", _audio_twin), Case("portaudio", _portaudio))
