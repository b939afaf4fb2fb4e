"""A load bank as one thing: four-wire ohmmeter, proof of its fan, thermostat contact, temperature, and its ratings.

Registers and inputs are those of its Modbus I/O, by a register map. The ohmmeter reads only while the loads are open:
NaN, which such a meter gives for "not connected", leaves that reading out, so that the thermostat is heard under drive
as well. All of it is a reading, so that nothing hides the thermostat. Where loads are measured, `check_loads` names one
that is neither shorted nor missing and yet not the bank's own; a shorted or missing one the steps name with the leads
(station/steps/loads.py). Ratings are judged against the products by `station check`. Relays of the bank are roles of
the relay board.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from drivers.errors import ProtocolError
from drivers.modbus.bank_faults import OHMS
from drivers.modbus.bus import Modbus
from drivers.modbus.decoding import NoReading, span_of, words_at
from drivers.modbus.register_map import RegisterMapMeter, decode
from drivers.modbus.settings import LoadBankSettings

FACTOR = 2.0
"""So many times off its rating a load is shorted or missing."""


class LoadBank(RegisterMapMeter):
    """The bank after `settings`. `thermostat_ok` and `fan_ok`: 1 as it should be, 0 not."""

    def __init__(self, bus: Modbus, settings: LoadBankSettings) -> None:
        super().__init__(bus, settings)
        self._bank = settings

    async def read(self) -> Mapping[str, float]:
        """All that the bank tells now, the ohms while its loads are open. Raises `DriverError`."""
        image = await self._read_image()
        quantities = self._bank.quantities
        closed = [name for name in OHMS if self._is_connected(name, image)]
        return {name: self._value(name, entry, image) for name, entry in quantities.items() if name not in closed}

    def check_loads(self, readings: Mapping[str, float]) -> None:
        """Raises `ProtocolError` for a load that has drifted from the bank's rating."""
        for name in OHMS:
            if name in readings:
                self._check_load(name, readings[name])

    def _is_connected(self, name: str, image: Mapping[tuple[str, int], int]) -> bool:
        """Whether the DUT is across that load, so that the ohmmeter has nothing to tell."""
        entry = self._bank.quantities[name]
        try:
            return math.isnan(decode(entry, words_at(image, span_of(entry))))
        except NoReading:
            return True

    def _check_load(self, name: str, ohm: float) -> None:
        rated, tolerance = self._bank.load_ohm, self._bank.ohm_tolerance_percent
        off_percent = 100.0 * (ohm / rated - 1.0)
        if abs(off_percent) > tolerance and rated / FACTOR <= ohm <= rated * FACTOR:
            raise ProtocolError(
                self._device,
                f"{name} = {ohm:.4g} is {off_percent:+.1f} % off the bank's {rated:g} ohm, more than {tolerance:g} %: "
                "a resistor has drifted or a contact is burnt; measure the load by hand and mend it",
            )
