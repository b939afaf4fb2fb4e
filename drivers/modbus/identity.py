"""Who a device of a register map says it is, and whether it is the one that the configuration means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.errors import ProtocolError, SettingMismatch
from drivers.modbus import decoding
from drivers.modbus.bus import Modbus
from drivers.modbus.decoding import NoReading, Span
from drivers.modbus.settings import IdentityField, IdentityFields
from drivers.ports import Identity


async def read_image(bus: Modbus, address: int, blocks: tuple[Span, ...]) -> dict[tuple[str, int], int]:
    """All of `blocks`, a transaction each. Raises `DriverError`."""
    image: dict[tuple[str, int], int] = {}
    ask: Mapping[str, Any] = {
        "input": bus.read_input, "holding": bus.read_holding, "coil": bus.read_coils, "discrete": bus.read_discrete,
    }  # fmt: skip
    for block in blocks:
        words = await ask[block.function](address, block.first, block.count)
        image |= {(block.function, block.first + place): int(word) for place, word in enumerate(words)}
    return image


async def read_identity(bus: Modbus, address: int, device: str, own: IdentityFields, model: str) -> Identity:
    """What the registers tell; `model` where they tell none. Raises `DriverError`, for another device too."""
    told = {
        name: await _tell(bus, address, device, name.replace("_", " "), entry)
        for name in ("model", "serial_number", "firmware")
        if (entry := getattr(own, name)) is not None
    }
    return Identity(told.get("model") or model, told.get("serial_number", ""), told.get("firmware", ""))


async def _tell(bus: Modbus, address: int, device: str, what: str, entry: IdentityField) -> str:
    span = Span(entry.function, entry.register, entry.words or decoding.WORDS[entry.type])
    image = await read_image(bus, address, (span,))
    try:
        told = _text(entry, decoding.octets(decoding.words_at(image, span), entry.word_order, entry.byte_order))
    except NoReading as none:
        raise ProtocolError(device, f"its {what} {none}; check the register map") from None
    expected = entry.expect if entry.type == "ascii" or not entry.expect else str(int(entry.expect, 0))
    if expected and told != expected:
        raise SettingMismatch(
            device,
            f"its {what} is {told!r}, the configuration expects {expected!r}: another device has this address; "
            "check the address set on it, or correct `expect`",
        )
    return told


def _text(entry: IdentityField, data: bytes) -> str:
    if entry.type == "ascii":
        return decoding.text(data)
    return str(decoding.digits(data) if entry.type.startswith("bcd") else int.from_bytes(data, "big"))
