"""Any Modbus meter by its register map from the configuration, and the peak-current probe among them.

Registers that stand next to each other are read in one transaction. What a field declares (type, word order, scale,
offset, bounds) is all that is known: a value that is not finite or not within its bounds is a `ProtocolError`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.errors import SettingMismatch
from drivers.modbus.bus import ModbusBus
from drivers.modbus.frame import MAX_REGISTERS
from drivers.modbus.reading import possible
from drivers.modbus.settings import RegisterField, RegisterMapSettings
from drivers.ports import Accuracy, Identity

_WORDS = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2}
_FORMATS = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"}


@dataclass(frozen=True, slots=True)
class _Block:
    """Registers without a gap that one transaction reads."""

    function: str
    first: int
    count: int
    names: tuple[str, ...]


def _blocks(quantities: Mapping[str, RegisterField]) -> tuple[_Block, ...]:
    blocks: list[_Block] = []
    for name, entry in sorted(quantities.items(), key=lambda item: (item[1].function, item[1].register)):
        words = _WORDS[entry.type]
        last = blocks[-1] if blocks else None
        if last and last.function == entry.function and entry.register <= last.first + last.count:
            end = max(last.first + last.count, entry.register + words)
            if end - last.first <= MAX_REGISTERS:
                blocks[-1] = _Block(last.function, last.first, end - last.first, (*last.names, name))
                continue
        blocks.append(_Block(entry.function, entry.register, words, (name,)))
    return tuple(blocks)


def decode(entry: RegisterField, words: tuple[int, ...]) -> float:
    """The value of one field from its one or two registers; may be infinite or no number for `float32`."""
    ordered = words if entry.word_order == "big" else words[::-1]
    (raw,) = struct.unpack(_FORMATS[entry.type], struct.pack(f">{len(ordered)}H", *ordered))
    return float(raw * entry.scale + entry.offset)


class RegisterMapMeter:
    """A meter after `settings`; names of readings are the keys of its quantities."""

    def __init__(self, bus: ModbusBus, settings: RegisterMapSettings) -> None:
        self._bus = bus
        self._settings = settings
        self._address = settings.address
        self._device = f"{bus.port} address {settings.address} ({settings.model or 'register map'})"
        self._blocks = _blocks(settings.quantities)
        self._accuracy = {
            name: Accuracy(entry.accuracy_relative, entry.accuracy_absolute)
            for name, entry in settings.quantities.items()
        }

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name, as the configuration declares them."""
        return self._accuracy

    async def ensure_ready(self) -> Identity:
        """Read once; a register map tells no name. Raises `DriverError`."""
        await self.read()
        return Identity(model=self._settings.model)

    async def read(self) -> Mapping[str, float]:
        """All quantities, one transaction a block. Raises `DriverError`."""
        readings: dict[str, float] = {}
        for block in self._blocks:
            read = self._bus.read_input if block.function == "input" else self._bus.read_holding
            words = await read(self._address, block.first, block.count)
            for name in block.names:
                entry = self._settings.quantities[name]
                start = entry.register - block.first
                value = decode(entry, words[start : start + _WORDS[entry.type]])
                readings[name] = possible(self._device, name, value, entry.low, entry.high)
        return readings

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""


class RegisterMapProbe(RegisterMapMeter):
    """A peak probe: `arm_register` clears its hold. A reading counts only since the last proven `arm`."""

    def __init__(self, bus: ModbusBus, settings: RegisterMapSettings) -> None:
        if settings.arm_register is None:
            raise ValueError("a peak probe needs `arm_register`; without it a register map is a meter")
        super().__init__(bus, settings)
        self._arm_register = settings.arm_register

    async def arm(self) -> None:
        """Clear the hold and read it back as clear. Raises `SettingMismatch` where it is not, and `DriverError`.

        Clear is what cannot be told from zero: within the field's absolute error and one step of its scale.
        """
        await self._bus.write_register(self._address, self._arm_register, self._settings.arm_value)
        for name, value in (await self.read()).items():
            entry = self._settings.quantities[name]
            clear = entry.accuracy_absolute + abs(entry.scale)
            if abs(value) > clear:
                raise SettingMismatch(
                    self._device, f"{name} holds {value:g} after arming, more than {clear:g}; is current flowing?"
                )
