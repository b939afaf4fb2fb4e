"""The simulated bench, whole: one plant and every twin on its wire, and the list of ports they answer on.

Twins that share the plant live in this process; the guard's firmware runs in an interpreter of its own. Audio
frames are granted only when the guard has accepted a heartbeat, that is, when the station completed a scan.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drivers.sim.audio import AudioTwin
from drivers.sim.device import DutFile
from drivers.sim.gpt9800 import Gpt9800Twin
from drivers.sim.guard import GuardTwin
from drivers.sim.modbus import ModbusTwin
from drivers.sim.modbus_devices import BUS_A, BUS_B
from drivers.sim.panel import PanelTwin
from drivers.sim.plant import Plant
from drivers.sim.printer import PrinterTwin
from drivers.sim.scanner import ScannerTwin
from drivers.sim.st5540 import St5540Twin

BenchFault = Literal["weld", "dropout", "mirror", "voltmeter"]
FAULTS: tuple[BenchFault, ...] = ("weld", "dropout", "mirror", "voltmeter")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each twin answers; goes into the configuration that points the station here."""

    guard: str
    bus_a: str
    bus_b: str
    tester: str
    touch: str
    panel: str
    scanner: str
    audio: str
    printer: str


class SimBench:
    """Start, use, close; `sockets` is a short-named folder for the Unix sockets, `labels` keeps what was printed."""

    def __init__(
        self, dut: DutFile, *, speed: float, seed: int, load_ohm: float, sockets: Path, labels: Path | None = None
    ) -> None:
        self.plant = Plant(dut, speed, seed, load_ohm)
        self.guard = GuardTwin(self.plant)
        self.panel = PanelTwin(str(sockets / "panel"))
        self.scanner = ScannerTwin()
        self.printer = PrinterTwin(labels)
        self._audio = AudioTwin(self.plant, str(sockets / "audio"), seed)
        self._bus_a = ModbusTwin(self.plant, BUS_A, seed)
        self._bus_b = ModbusTwin(self.plant, BUS_B, seed + 1)
        self._tester = Gpt9800Twin(self.plant, seed)
        self._touch = St5540Twin(self.plant, seed)
        self._sockets = sockets
        self._open = AsyncExitStack()

    async def start(self) -> Ports:
        """Bring every twin up; on any failure those that are up are closed again."""
        async with AsyncExitStack() as opening:
            opening.callback(self.guard.close)
            guard = self.guard.start()
            self.guard.add_heartbeat_listener(self._audio.on_scan)
            opening.push_async_callback(self._bus_a.close)
            opening.push_async_callback(self._bus_b.close)
            bus_a, bus_b = await self._bus_a.start(), await self._bus_b.start()
            for scpi in (self._tester, self._touch):
                opening.push_async_callback(scpi.close)
            opening.callback(self.scanner.close)
            opening.callback(self._audio.close)
            opening.push_async_callback(self.panel.close)
            opening.push_async_callback(self.printer.close)
            await self.panel.start()
            self._audio.start()
            ports = Ports(
                guard=guard, bus_a=bus_a, bus_b=bus_b,
                tester=await self._tester.start(), touch=await self._touch.start(),
                panel=str(self._sockets / "panel"), scanner=self.scanner.start(), audio=str(self._sockets / "audio"),
                printer=await self.printer.start(),
            )  # fmt: skip
            self._open = opening.pop_all()
        return ports

    def set_fault(self, fault: BenchFault, on: bool) -> None:
        """Break a part of the bench, or mend it: contactor welded or dropping out, mirror wire, discharge voltmeter."""
        match fault:
            case "weld" | "dropout":
                self.plant.set_contactor_fault(fault if on else None)
            case "mirror":
                self.guard.set_feedback("1" if on else "auto")
            case "voltmeter":
                self.plant.set_voltmeter_stuck(on)

    async def close(self) -> None:
        """Everything off, last opened first."""
        await self._open.aclose()
