"""Readings for steps: fresh ones through the pollers, the last good ones out of the kernel's table."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.ports import Accuracy
from station.domain.errors import StepError
from station.safety.interlocks import find_unproven
from station.safety.kernel import Kernel
from station.safety.pollers import Poller

POLLS_KEPT = 4
MAX_AGE_S_MIN = 1.0


class TableMeters:
    """See `bench.Meters`."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def fresh(self, role: str) -> Mapping[str, float]:
        """One reading taken now. Raises `DriverError`; `StepError` if there is no such sensor."""
        return await self._kernel.pollers.of(role).read_now()

    def latest(self, name: str) -> float:
        """The last good reading of `role.quantity`. Raises `StepError` where it is stale, failed or missing."""
        poller, _ = self._find(name)
        reading = self._kernel.table.get(name)
        max_age_s = max(MAX_AGE_S_MIN, POLLS_KEPT * poller.poll_s)
        fault = find_unproven(reading, max_age_s, self._kernel.clock())
        if fault is not None or reading is None or reading.value is None:
            cause = "missing" if fault is None else fault.cause.lower()
            raise StepError(f"{name} is {cause}; at most {max_age_s:g} s old would do; check the device and its line")
        return reading.value

    def accuracy(self, name: str) -> Accuracy:
        """Error bounds of `role.quantity`. Raises `StepError` for a name that no sensor has."""
        poller, quantity = self._find(name)
        return poller.accuracy[quantity]

    async def arm_probe(self) -> None:
        """Clear the peak-current hold, prove it, and enter the cleared reading. Raises `DriverError`, `StepError`."""
        role = self._kernel.rules.probe_role
        poller = self._kernel.pollers.of(role)
        arm = getattr(poller.sensor, "arm", None)
        if arm is None:
            raise StepError(f"{role} has no hold to clear; give it an arm_register in station.toml")
        await arm()
        await poller.read_now()

    def _find(self, name: str) -> tuple[Poller, str]:
        role, _, quantity = name.partition(".")
        poller = self._kernel.pollers.of(role)
        if quantity not in poller.accuracy:
            raise StepError(f"{role} does not read {quantity}; it reads {', '.join(poller.accuracy)}")
        return poller, quantity
