"""The GPT-9800's twin on a wire without a port, in the loop's own time: keeps what was written, and may be unruly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drivers.errors import PortError
from drivers.sim.gpt9800 import Gpt9800Twin
from tests.drivers.double_world import DoubleWorld

TOLD = ">IR, PASS , 0.500kV ,9999M ohm ,T=005.0S"
"""A result that `TEST:RET ON` tells unasked."""


class VirtualWorld(DoubleWorld):
    """In the loop's time."""

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()


class TwinWire(Gpt9800Twin):
    """`deaf_to`: commands that begin so do nothing. `torn_every`: within so many answers one is torn by `TOLD`."""

    name, is_open = "twin", True

    def __init__(self, world: VirtualWorld, deaf_to: str = "nothing", torn_every: int = 0) -> None:
        super().__init__(world, 1)
        self.written: list[str] = []
        self._deaf_to, self._torn_every = deaf_to, torn_every
        self.world, self.said = world, 0
        self.started_in: list[tuple[str, float]] = []
        self._heard: Callable[[bytes], None] = bytes

    def attach(self, heard: Callable[[bytes], None], lost: Callable[[PortError], None]) -> None:
        self._heard = heard

    async def open(self) -> None:
        pass

    def open_now(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        for line in data.decode("ascii").splitlines():
            self.written.append(line)
            if line == "FUNC:TEST ON":
                self.started_in.append((self._mode, self._settings["MANU:IR:VOLT"]))
            if line.endswith("?") or not line.startswith(self._deaf_to):
                self._hear(f"{line}\n".encode())

    def send(self, text: str) -> None:
        self.said += 1
        if self._torn_every and self.said % self._torn_every == 0:
            cut = len(text) // 2
            text = f"{text[:cut]}{TOLD}{self.end}{text[cut:]}"
        asyncio.get_running_loop().call_later(0.01, self._heard, (text + self.end).encode())

    def close(self) -> None:  # type: ignore[override]
        pass
