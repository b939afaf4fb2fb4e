"""The simulated Modbus buses: pymodbus's serial server on a pty, its registers filled from the plant at every read.

A device that is not on the bus stays silent. What the registers mean is in `modbus_devices.py`.
"""

from __future__ import annotations

from functools import partial
from typing import cast

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.sim.modbus_devices import Devices, RegisterTwin
from drivers.sim.pty import Wire
from drivers.sim.world import World

WRITE_REGISTER = 6


class ModbusTwin:
    """One bus with `devices` (address to class) on `world`. The same `seed` gives the same instruments."""

    def __init__(self, world: World, devices: Devices, seed: int) -> None:
        self._devices = {
            address: device(world, f"{seed} {address} {device.__name__}") for address, device in devices.items()
        }
        self._wire: Wire | None = None
        self._server: ModbusSerialServer | None = None

    async def start(self) -> str:
        """Serve in the running event loop; returns the port for the station."""
        self._wire = Wire()
        self._server = ModbusSerialServer(
            [_sim_device(address, twin) for address, twin in self._devices.items()],
            port=self._wire.far.path,
            baudrate=115200,
            trace_pdu=self._ignore_strangers,
        )
        await self._server.serve_forever(background=True)
        return self._wire.near.path

    async def close(self) -> None:
        """Hang up; safe to call twice."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _ignore_strangers(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        """pymodbus 3.16.1 answers for addresses that it does not have; a request that is dropped here stays silent."""
        known = sending or pdu.dev_id in self._devices
        return pdu if known else cast(ModbusPDU, None)


def _sim_device(address: int, twin: RegisterTwin) -> SimDevice:
    coils, discrete, holding, inputs = (_block(twin, group) for group in ((1, 5, 15), (2,), (3, 6), (4,)))
    return SimDevice(address, (coils, discrete, holding, inputs), action=partial(_act, twin))


def _block(twin: RegisterTwin, functions: tuple[int, ...]) -> list[SimData]:
    first, count = next((twin.spans[function] for function in functions if function in twin.spans), (0, 1))
    if functions[0] <= 2:  # coils and discrete inputs come in registers of 16
        return [SimData(first, values=[False] * 16, datatype=DataType.BITS)]
    return [SimData(first, values=[0] * count, datatype=DataType.REGISTERS)]


async def _act(
    twin: RegisterTwin,
    function: int,
    start: int,
    address: int,
    count: int,
    registers: list[int],
    values: list[int] | list[bool] | None,
) -> ExcCodes | None:
    """pymodbus's hook, before each read (`values` None) and write: `registers` are the whole block from `start`."""
    if function not in twin.spans:
        return ExcCodes.ILLEGAL_FUNCTION
    first, size = twin.spans[function]
    if values is not None:
        if address < first or address + len(values) > first + size:
            return ExcCodes.ILLEGAL_ADDRESS
        twin.write(function, address, values)
    elif function != WRITE_REGISTER:  # there it asks for the echo, which is what was written
        words = twin.read(function)
        registers[: len(words)] = words
    return None
