"""Instruments as their calibration corrects them: the ports of `drivers.ports`, around a device.

What is not known here passes through. A reading is corrected only while the instrument is the one that was calibrated;
then the bounds of its data sheet are replaced by the uncertainty of the calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from drivers.errors import DriverError
from drivers.ports import (
    Accuracy,
    BondSetup,
    Device,
    Identity,
    InsulationSetup,
    Permit,
    SafetyTester,
    Sensor,
    TesterReading,
    TouchCurrentMeter,
    TouchReading,
)
from station.domain.calibration import Correction, Revision

INSULATION, BOND, TOUCH = "insulation_mohm", "earth_bond_ohm", "touch_current_ma"
_TO_BOUND = 3.0**0.5 / 2.0
_D = TypeVar("_D", bound=Device)


@dataclass(frozen=True, slots=True)
class CalibratedAccuracy(Accuracy):
    """The uncertainty of a calibration where bounds are asked for. `relative` and `absolute` are the rectangular bounds
    that are worth as much at k=2 (GUM 4.3.7); `expanded` is the calibration's own."""

    correction: Correction = field(default_factory=Correction)

    def expanded(self, value: float) -> float:
        """Expanded uncertainty (k=2) of a corrected value."""
        return self.correction.expanded(value)


def accuracy_of(correction: Correction) -> CalibratedAccuracy:
    """Of a calibrated quantity."""
    return CalibratedAccuracy(_TO_BOUND * correction.relative, _TO_BOUND * correction.absolute, correction)


class _Corrected(Generic[_D]):
    """What the wrappers share: who the instrument says it is, and what counts of it. `identities` hears each answer."""

    def __init__(
        self, role: str, device: _D, revision: Callable[[], Revision | None],
        identities: MutableMapping[str, Identity],
    ) -> None:  # fmt: skip
        self._role, self._device = role, device
        self._revision, self._identities = revision, identities

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    async def ensure_ready(self) -> Identity:
        """See `Device`; what it says counts from here on."""
        identity = await self._device.ensure_ready()
        self._identities[self._role] = identity
        return identity

    async def close(self) -> None:
        """See `Device`."""
        await self._device.close()

    def _correct(self, quantity: str, value: float) -> float:
        revision = self._revision()
        correction = None if revision is None else revision.corrections.get(quantity)
        return value if correction is None else correction.correct(value)

    def _corrected_accuracy(self, own: Mapping[str, Accuracy]) -> Mapping[str, Accuracy]:
        revision = self._revision()
        if revision is None:
            return own
        known = revision.corrections
        return {name: accuracy_of(known[name]) if name in known else bounds for name, bounds in own.items()}


class CorrectedSensor(_Corrected[Sensor]):
    """See `Sensor`. After a failed reading it is asked again who it is: another may hang there now."""

    _is_doubtful = False

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name."""
        return self._corrected_accuracy(self._device.accuracy)

    async def read(self) -> Mapping[str, float]:
        """One fresh, corrected reading of all its quantities. Raises `DriverError`."""
        if self._is_doubtful:
            await self.ensure_ready()
            self._is_doubtful = False
        try:
            values = await self._device.read()
        except DriverError:
            self._is_doubtful = True
            raise
        return {name: self._correct(name, value) for name, value in values.items()}


class CorrectedTester(_Corrected[SafetyTester]):
    """See `SafetyTester`. It is asked who it is before each test."""

    _prepared = INSULATION

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds of `insulation_mohm` and `earth_bond_ohm`."""
        return self._corrected_accuracy(self._device.accuracy)

    async def prepare_insulation(self, setup: InsulationSetup) -> None:
        """See `SafetyTester`."""
        await self.ensure_ready()
        self._prepared = INSULATION
        await self._device.prepare_insulation(setup)

    async def prepare_bond(self, setup: BondSetup) -> None:
        """See `SafetyTester`."""
        await self.ensure_ready()
        self._prepared = BOND
        await self._device.prepare_bond(setup)

    async def run(self, permit: Permit) -> TesterReading:
        """See `SafetyTester`; a bound is corrected like a value."""
        reading = await self._device.run(permit)
        return replace(reading, value=self._correct(self._prepared, reading.value))

    async def stop(self) -> None:
        """See `SafetyTester`."""
        await self._device.stop()


class CorrectedTouch(_Corrected[TouchCurrentMeter]):
    """See `TouchCurrentMeter`. It is asked who it is before each measurement."""

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds of `touch_current_ma`."""
        return self._corrected_accuracy(self._device.accuracy)

    async def start(self) -> None:
        """See `TouchCurrentMeter`."""
        await self.ensure_ready()
        await self._device.start()

    async def read_maximum(self) -> TouchReading:
        """See `TouchCurrentMeter`."""
        reading = await self._device.read_maximum()
        return replace(reading, value_ma=self._correct(TOUCH, reading.value_ma))
