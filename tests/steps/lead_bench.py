"""A bench for steps that drive: the plant, the real sound process over the audio twin, and a technician.

The safety room is left out (it has its own tests): relays, contactor and meters are the plant's, read without a bus.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from drivers.ports import Accuracy
from drivers.settings import AudioSettings
from drivers.sim.audio import AudioTwin
from drivers.sim.dut import Dut
from drivers.sim.leads import leads_of
from drivers.sim.plant import Plant
from station.domain.measurement import Channel, Measurement
from station.domain.plan import Product
from station.domain.plates import AmplifierPlate
from station.domain.record import Capture
from station.sound.client import SoundProcess
from station.sound.permit_page import PermitPage

PRODUCT = Product("example-a-100", "Example", "A-100", "audio-amplifier", "I", AmplifierPlate(100.0, 8.0, 29.0))
LOADS = ("load_left", "load_right")
SPEED = 240.0
WRITTEN_S = 20.0
"""A suite that fills every processor writes captures late; how long a step may wait for them is not what is tested."""


@dataclass
class LeadBench:
    """`StepContext` and its bench in one. `answer` says what the technician does at a prompt: leads, OK or NG."""

    plant: Plant
    sound: SoundProcess
    answer: Callable[[LeadBench], bool] = lambda bench: True
    product: Product = PRODUCT
    mains_bound_s: float = 600.0
    asked: list[dict[str, str]] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    measured: dict[tuple[str, str | None], Measurement] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    ons: int = 0
    remaining_s: float = float("inf")

    def __post_init__(self) -> None:
        self.bench: Any = self
        self.clock: Any = self
        self.drive = self.mains = self.meters = self
        self.speed = SPEED
        self._moved = asyncio.Event()

    # ---- the bench -----------------------------------------------------------------------------------------
    def join(self, words: str) -> None:
        """Other leads, from now on."""
        self.plant.set_leads(leads_of(words))

    async def on(self, bound_s: float) -> None:
        self.ons += 1
        await self._contactor(True)

    async def off(self) -> None:
        await self._contactor(False)

    async def _contactor(self, closed: bool) -> None:
        self.plant.set_contactor(closed)
        deadline = time.monotonic() + 5.0
        while self.plant.contactor_closed() != closed:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)

    async def prepare(self) -> None:
        for role in (*LOADS, "capture", "source", "fan"):
            self.plant.set_relay(role, True)

    async def release(self) -> None:
        for role in (*LOADS, "capture", "source"):
            self.plant.set_relay(role, False)

    async def measure_loads(self) -> Mapping[Channel, tuple[float, float]]:
        for role in LOADS:
            self.plant.set_relay(role, False)
        left, right = (self.plant.load_bank_ohm(role) for role in LOADS)
        assert left is not None and right is not None
        return {"left": (left, 0.001 * left), "right": (right, 0.001 * right)}

    async def fresh(self, role: str) -> dict[str, float]:
        match role:
            case "mains":
                return {"power_w": self.plant.mains().power_w}
            case "dc":
                volts = self.plant.terminals()
                names = ("left_plus_v", "left_minus_v", "right_plus_v", "right_minus_v")
                return {name: float(getattr(volts, name)) for name in names}
        assert role == "temperature"
        return {"heatsink_degc": self.plant.heatsink_degc()}

    # ---- the context ---------------------------------------------------------------------------------------
    def accuracy(self, name: str) -> Accuracy:
        return Accuracy(0.005)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.1 + seconds / SPEED)

    async def ask(
        self, text: Mapping[str, str], about: Mapping[str, str] | None = None, *, hands: bool = False
    ) -> bool:
        assert hands and not self.plant.contactor_closed(), "hands at the leads, and mains is on"
        self.asked.append(dict(text))
        self.about.append((about or {})["leads"])
        return self.answer(self)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def keep(self, capture: Capture) -> None:
        self.captures.append(capture)

    def record(self, measurement: Measurement) -> None:
        self.measured[measurement.name, measurement.channel] = measurement

    def skip(self, name: str, channel: Channel | None = None) -> None:
        self.skipped.add(name)

    def curve(self, curve: Any) -> None: ...

    def progress(
        self, fraction: float, readings: dict[str, float] | None = None, remaining_s: float | None = None
    ) -> None:
        self.remaining_s = remaining_s if remaining_s is not None else self.remaining_s
        self._moved.set()

    async def until_remaining(self, seconds: float) -> None:
        """Until the step has told that it takes no longer than this."""
        while self.remaining_s > seconds:
            self._moved.clear()
            await self._moved.wait()

    def already(self, name: str, channel: Channel | None = None) -> float | None:
        return None


@asynccontextmanager
async def lead_bench(dut: Dut, words: str = "straight", captures: str | None = None) -> AsyncIterator[LeadBench]:
    """Mains on, the DUT awake, nothing driven yet."""
    plant, page, stop = Plant(dut, SPEED, 3), PermitPage(), threading.Event()
    with tempfile.TemporaryDirectory() as folder, AudioTwin(plant, f"{folder}/audio", 3) as twin:

        def scan() -> None:
            while not stop.wait(0.02):
                page.grant(time.monotonic() + 1.0)
                twin.on_scan()

        scans = threading.Thread(target=scan)
        scans.start()
        kept = None if captures is None else (captures, 1000.0)
        sound = SoundProcess("audio-twin", AudioSettings(f"{folder}/audio", 4.0, 60.0), page, captures=kept)
        bench = LeadBench(plant, sound)
        try:
            await sound.start()
            bench.join(words)
            await bench.on(600.0)
            await bench.sleep(5.0)
            bench.ons = 0
            with patch("station.sound.client.KEPT_S", WRITTEN_S):
                yield bench
        finally:
            await sound.close()
            stop.set()
            scans.join()
            page.close()
