"""A label printer: one way to ask, to print and to wait until it is done, over any wire and in any language."""

from __future__ import annotations

import asyncio
from typing import Protocol

from drivers.errors import DeviceTimeout
from drivers.ports import Identity, PrinterLanguage
from drivers.printer.wire import Connection, Wire

PRINT_S = 15.0
"""A label of 30 mm takes well below a second; a warm-up or a calibration feed takes some."""
LOOK_S = 0.3
"""Between two looks after a job; the first comes so late that the printer has read what it was sent."""
QUIET_LOOKS = 2
"""So many looks in a row must find a printer idle after a job: the first may have overtaken the job in its buffer."""


class Dialogue(Protocol):
    """How a language asks for the status: the question, when its answer is whole, and what it means."""

    language: PrinterLanguage
    question: bytes
    name: str
    """Of the question, for people."""

    def is_whole(self, heard: bytes) -> bool:
        """Whether nothing of the answer is missing."""

    def is_idle(self, device: str, answer: bytes) -> bool:
        """Whether it has nothing to do. Raises `PrinterNotReady` with the remedy, `ProtocolError`."""


class WiredPrinter:
    """Implements `drivers.ports.LabelPrinter`. `answers` False: it never says how it is, so it is not asked."""

    def __init__(self, wire: Wire, dialogue: Dialogue, dpi: int = 203, *, answers: bool = True) -> None:
        self._wire = wire
        self._dialogue = dialogue
        self._dpi = dpi
        self._answers = answers

    @property
    def language(self) -> PrinterLanguage:
        """What its jobs are written in."""
        return self._dialogue.language

    @property
    def dpi(self) -> int:
        """Dots to the inch."""
        return self._dpi

    async def ensure_ready(self) -> Identity:
        """Whether there is a way to it, and who the wire says it is; it is not asked itself. Raises `PortError`."""
        async with self._wire.open():
            return await asyncio.to_thread(self._wire.identity)

    async def check(self) -> None:
        """Ask for its status. Raises `DriverError`: `PrinterNotReady` where it says what it lacks."""
        async with self._wire.open() as line:
            await line.look()
            if self._answers:
                await self._is_idle(line)

    async def print_job(self, job: bytes) -> None:
        """Send it and wait until nothing is left to print. Raises `DriverError`."""
        async with self._wire.open() as line:
            await line.send(job)
            if self._answers:
                await self._wait_idle(line)

    async def close(self) -> None:
        """Nothing is held open between two turns."""

    async def _is_idle(self, line: Connection) -> bool:
        await line.send(self._dialogue.question)
        answer = await line.receive(self._dialogue.is_whole, self._dialogue.name)
        return self._dialogue.is_idle(self._wire.device, answer)

    async def _wait_idle(self, line: Connection) -> None:
        quiet = 0
        try:
            async with asyncio.timeout(PRINT_S):
                while quiet < QUIET_LOOKS:
                    await asyncio.sleep(LOOK_S)
                    await line.look()
                    quiet = quiet + 1 if await self._is_idle(line) else 0
        except TimeoutError:
            raise DeviceTimeout(
                self._wire.device, f"is not done with a label after {PRINT_S:g} s; look at it"
            ) from None
