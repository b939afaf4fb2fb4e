"""Twins of devices that the simulated bench has no place for: registers alone, after the makers' own documents."""

from __future__ import annotations

import asyncio
import struct
from typing import ClassVar

from drivers.sim.modbus_devices import FREQUENCY, MAINS, Devices, RegisterTwin, Words
from drivers.sim.world import World


class SdmTwin(RegisterTwin):
    """Eastron SDM120/220: float32, high word first; energy in kWh; a number of its own in holding registers."""

    spans: ClassVar = {4: (0, 0x158), 3: (0xFC00, 3)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._mains = self.instrument("mains", MAINS)
        self._frequency = self.instrument("frequency", FREQUENCY)

    def read(self, function: int) -> Words:
        if function == 3:
            return [0x0012, 0xD687, 0x0020]  # 1234567, the SDM120's code
        words, mains = [0] * 0x158, self.world.mains()
        seen = {
            0x00: mains.voltage_v, 0x06: mains.current_a, 0x0C: mains.power_w, 0x12: mains.voltage_v * mains.current_a,
            0x1E: mains.power_factor, 0x156: mains.energy_wh / 1000,
        }  # fmt: skip
        shown = {place: self._mains.read(truth) for place, truth in seen.items()}
        for place, value in (shown | {0x46: self._frequency.read(mains.frequency_hz)}).items():
            words[place : place + 2] = struct.unpack(">2H", struct.pack(">f", value))
        return words


class TcpGatewayTwin:
    """A Modbus TCP gateway with `devices` behind it, after MODBUS Messaging on TCP/IP V1.0b, 3.1.3.

    Not a library's server: that answers for units that it does not have.
    """

    def __init__(self, world: World, devices: Devices, seed: int) -> None:
        self._units = {unit: device(world, f"{seed} {unit} {device.__name__}") for unit, device in devices.items()}
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.StreamWriter] = set()
        self._port = 0

    async def start(self) -> str:
        """Switch it on; the same port again after `close`. Returns its address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return f"127.0.0.1:{self._port}"

    async def replug(self) -> None:
        """On again."""
        await self.start()

    async def close(self) -> None:
        """Off: connections break. Safe to call twice."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for caller in self._callers:
                caller.transport.abort()
            await server.wait_closed()
            while self._callers:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers.add(writer)
        try:
            while True:
                number, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                asked = await reader.readexactly(length - 1)
                if unit in self._units:
                    said = _answer(self._units[unit], asked)
                    writer.write(struct.pack(">HHHB", number, 0, len(said) + 1, unit) + said)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._callers.discard(writer)


def _answer(twin: RegisterTwin, asked: bytes) -> bytes:
    function, address = asked[0], int.from_bytes(asked[1:3], "big")
    count = 1 if function in (5, 6) else int.from_bytes(asked[3:5], "big")
    if function not in twin.spans:
        return bytes([function | 0x80, 1])
    first, size = twin.spans[function]
    if address < first or address + count > first + size:
        return bytes([function | 0x80, 2])
    if function in (1, 2):
        bits = [word >> bit & 1 for word in twin.read(function) for bit in range(16)][address - first :][:count]
        packed = sum(bit << place for place, bit in enumerate(bits)).to_bytes((count + 7) // 8, "little")
        return bytes([function, len(packed)]) + packed
    if function in (3, 4):
        words = twin.read(function)[address - first :][:count]
        return bytes([function, 2 * count]) + struct.pack(f">{count}H", *words)
    values: list[int | bool]
    if function == 15:
        packed_bits = int.from_bytes(asked[6:], "little")
        values = [bool(packed_bits >> place & 1) for place in range(count)]
    elif function == 16:
        values = list(struct.unpack(f">{count}H", asked[6:]))
    else:
        value = int.from_bytes(asked[3:5], "big")
        values = [value == 0xFF00 if function == 5 else value]
    twin.write(function, address, values)
    return asked[:5]
