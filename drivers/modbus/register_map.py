"""Any Modbus meter by its register map from the configuration, and the peak-current probe among them.

What the map declares is all that is known, and all of it is kept: a value that is not finite, not within its bounds or
one of those that mean "no reading", a status that says so, a measurement counter that stands still, or another device
at the address is an error. Meaning of registers: `decoding.py`; what `check` refuses: `map_faults.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from drivers.errors import ProtocolError, SettingMismatch
from drivers.modbus import decoding
from drivers.modbus.bus import Modbus
from drivers.modbus.decoding import NoReading, Span, span_of
from drivers.modbus.identity import read_identity, read_image
from drivers.modbus.reading import possible
from drivers.modbus.settings import RegisterField, RegisterMapSettings
from drivers.ports import Accuracy, Identity


def decode(entry: RegisterField, words: tuple[int, ...]) -> float:
    """The value of one field from its registers; may be infinite or no number for a float. Raises `NoReading`."""
    if entry.function in decoding.BIT_FUNCTIONS:
        return words[0] * entry.scale + entry.offset
    data = decoding.octets(words, entry.word_order, entry.byte_order)
    raw = int.from_bytes(data, "big")
    if raw in (pattern % (1 << 8 * len(data)) for pattern in entry.invalid):
        raise NoReading(f'reads 0x{raw:0{2 * len(data)}X}, which means "no reading"')
    if entry.bit is not None or entry.bits is not None:
        return decoding.pick(raw, entry) * entry.scale + entry.offset
    return decoding.number(entry.type, data) * entry.scale + entry.offset


class RegisterMapMeter:
    """A meter after `settings`; names of readings are the keys of its quantities. `clock`: monotonic seconds."""

    def __init__(self, bus: Modbus, settings: RegisterMapSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._bus = bus
        self._settings = settings
        self._address = settings.address
        self._device = f"{bus.port} address {settings.address} ({settings.model or 'register map'})"
        spans = [span_of(entry) for entry in settings.quantities.values()]
        spans += [Span(entry.function, entry.register, 1) for entry in settings.valid.values()]
        spans += [span_of(settings.alive)] if settings.alive else []
        self._blocks = decoding.plan_blocks(spans, settings.block_max, settings.gap_max)
        self._clock = clock
        self._counted: tuple[bytes, float] | None = None  # the counter of `alive` and since when
        self._accuracy = {
            name: Accuracy(entry.accuracy_relative, entry.accuracy_absolute)
            for name, entry in settings.quantities.items()
        }

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name, as the configuration declares them."""
        return self._accuracy

    async def ensure_ready(self) -> Identity:
        """Ask who it is, where the map tells that, and read once. Raises `DriverError`, for another device too."""
        own = self._settings
        who = await read_identity(self._bus, self._address, self._device, own.identity, own.model)
        await self.read()
        return who

    async def read(self) -> Mapping[str, float]:
        """All quantities, a transaction a block. Raises `DriverError`."""
        image = await self._read_image()
        return {name: self._value(name, entry, image) for name, entry in self._settings.quantities.items()}

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""

    async def _read_image(self) -> decoding.Image:
        """What the device tells now, as far as it says that it counts."""
        image = await read_image(self._bus, self._address, self._blocks)
        self._check_status(image)
        self._check_alive(image)
        return image

    def _value(self, name: str, entry: RegisterField, image: decoding.Image) -> float:
        try:
            value = decode(entry, decoding.words_at(image, span_of(entry)))
        except NoReading as none:
            raise ProtocolError(self._device, f"{name} {none}; check the sensor and the register map") from None
        return possible(self._device, name, value, entry.low, entry.high)

    def _check_status(self, image: decoding.Image) -> None:
        for name, entry in self._settings.valid.items():
            seen = decoding.pick(image[entry.function, entry.register], entry)
            if seen != entry.equals:
                raise ProtocolError(
                    self._device,
                    f"{name}: {decoding.where(entry)} reads {seen}, not {entry.equals}: its readings do not count; "
                    "look up this status in the meter's manual",
                )

    def _check_alive(self, image: decoding.Image) -> None:
        entry = self._settings.alive
        if entry is None:
            return
        now = self._clock()
        counter = decoding.octets(decoding.words_at(image, span_of(entry)), entry.word_order)
        if self._counted is None or self._counted[0] != counter:
            self._counted = (counter, now)
        elif (age_s := now - self._counted[1]) > entry.max_age_s:
            stands = f"{entry.function} register {entry.register} has read 0x{counter.hex().upper()} for {age_s:.3g} s"
            raise ProtocolError(
                self._device,
                f"{stands}, longer than {entry.max_age_s:g} s: the meter measures no more; switch it off and on",
            )


class RegisterMapProbe(RegisterMapMeter):
    """A peak probe: `arm_register` clears its hold. A reading counts only since the last proven `arm`."""

    def __init__(self, bus: Modbus, settings: RegisterMapSettings) -> None:
        if settings.arm_register is None:
            raise ValueError("a peak probe needs `arm_register`; without it a register map is a meter")
        super().__init__(bus, settings)
        self._arm_register = settings.arm_register

    async def arm(self) -> None:
        """Clear the hold and read it back as clear. Raises `SettingMismatch` where it is not, and `DriverError`.

        Clear is what cannot be told from zero: within the field's absolute error and one step of its scale.
        """
        await self._bus.write_register(self._address, self._arm_register, self._settings.arm_value, None)
        for name, value in (await self.read()).items():
            entry = self._settings.quantities[name]
            clear = entry.accuracy_absolute + abs(entry.scale)
            if abs(value) > clear:
                raise SettingMismatch(
                    self._device, f"{name} holds {value:g} after arming, more than {clear:g}; is current flowing?"
                )
