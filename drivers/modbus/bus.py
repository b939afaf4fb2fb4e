"""The one way to a Modbus line: what devices may ask of it, on a serial port (`ModbusBus`) or on TCP (`ModbusTcp`).

Why not a Modbus client library: see DESIGN, Buses. Who goes first and when a permit is asked is in `transactions.py`,
what each wire promises in `rtu.py` and `tcp.py`. Every method raises `DriverError`; one that energises, `PermitDenied`.
"""

from __future__ import annotations

from collections.abc import Sequence

from drivers.errors import DeviceRefused, DeviceTimeout, PermitDenied, ProtocolError
from drivers.modbus import frame
from drivers.modbus.frame import Request
from drivers.modbus.rtu import RtuLine
from drivers.modbus.tcp import TcpLine
from drivers.modbus.transactions import FIRST, IN_TURN, Line, Transactions
from drivers.ports import Permit


class Modbus:
    """The asynchronous front of a line, whichever wire it is. `port` is what messages call it."""

    def __init__(self, line: Line) -> None:
        self.port = line.name
        self._transactions = Transactions(line)

    async def read_input(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """Input registers (FC04) as unsigned 16-bit words."""
        return _unpack(await self._ask(frame.read_registers(frame.READ_INPUT, unit, address, count)))

    async def read_holding(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        """Holding registers (FC03) as unsigned 16-bit words."""
        return _unpack(await self._ask(frame.read_registers(frame.READ_HOLDING, unit, address, count)))

    async def read_coils(self, unit: int, address: int, count: int) -> tuple[bool, ...]:
        """Coils (FC01)."""
        return _unpack_bits(await self._ask(frame.read_bits(frame.READ_COILS, unit, address, count)), count)

    async def read_discrete(self, unit: int, address: int, count: int) -> tuple[bool, ...]:
        """Discrete inputs (FC02)."""
        return _unpack_bits(await self._ask(frame.read_bits(frame.READ_DISCRETE, unit, address, count)), count)

    async def write_coil(self, unit: int, address: int, on: bool, permit: Permit | None) -> None:
        """Switch one coil (FC05). On needs a permit; off goes first and needs none."""
        await self._switch(frame.write_coil(unit, address, on), on, permit)

    async def write_coils(self, unit: int, address: int, values: Sequence[bool], permit: Permit | None) -> None:
        """Switch several coils (FC0F). Needs a permit as soon as one of them goes on."""
        await self._switch(frame.write_coils(unit, address, values), any(values), permit)

    async def write_register(self, unit: int, address: int, value: int, permit: Permit | None) -> None:
        """Write one holding register (FC06). A driver hands over a permit wherever `value` may energise.

        Without one it is a setting or de-energises: it goes first, and out also when its caller was cancelled.
        """
        await self._write(frame.write_register(unit, address, value), permit)

    async def write_registers(self, unit: int, address: int, values: Sequence[int], permit: Permit | None) -> None:
        """Write several holding registers (FC10); the permit as for `write_register`."""
        await self._write(frame.write_registers(unit, address, values), permit)

    async def probe(self, unit: int, timeout_s: float) -> str | None:
        """What answers at `unit`, in a few words; None for silence. Only reads: register 0, holding, else input.

        A refusal and a reply that is wrong are answers too. `timeout_s` a question. Raises `PortError`.
        """
        for function, name in ((frame.READ_HOLDING, "holding"), (frame.READ_INPUT, "input")):
            try:
                request = frame.read_registers(function, unit, 0, 1)
                reply = await self._transactions.ask(request, timeout_s=timeout_s)
            except DeviceTimeout:
                continue
            except (DeviceRefused, ProtocolError) as error:
                return str(error)
            return f"{name} register 0 reads {_unpack(reply)[0]}"
        return None

    async def close(self) -> None:
        """End the thread and let go of the line; safe to call twice. What still waits gets `PortError`."""
        await self._transactions.close()

    async def _ask(self, request: Request) -> bytes:
        return await self._transactions.ask(request)

    async def _switch(self, request: Request, on: bool, permit: Permit | None) -> None:
        if on and permit is None:
            raise PermitDenied("relay", f"{request.name} needs a permit and none was handed over")
        await self._write(request, permit if on else None)

    async def _write(self, request: Request, permit: Permit | None) -> None:
        await self._transactions.ask(request, FIRST if permit is None else IN_TURN, permit)


class ModbusBus(Modbus):
    """Modbus RTU on a serial port. `timeout_s`: reply deadline; `quarantine_s`: listening after a failure (wall time).

    `form`: data bits, parity and stop bits of the line: 8N1, 8E1, 8O1 or 8N2, the same for all devices on it.
    """

    def __init__(self, port: str, baud: int, timeout_s: float, quarantine_s: float, form: str = "8N1") -> None:
        super().__init__(RtuLine(port, baud, timeout_s, quarantine_s, form))


class ModbusTcp(Modbus):
    """Modbus TCP. `address`: host[:port], 502 where none is given; `timeout_s`: deadline with the connecting."""

    def __init__(self, address: str, timeout_s: float, quarantine_s: float) -> None:
        super().__init__(TcpLine(address, timeout_s, quarantine_s))


def _unpack(payload: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(payload[i : i + 2], "big") for i in range(0, len(payload), 2))


def _unpack_bits(payload: bytes, count: int) -> tuple[bool, ...]:
    packed = int.from_bytes(payload, "little")
    return tuple(bool(packed >> place & 1) for place in range(count))
