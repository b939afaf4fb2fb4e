"""Which families can be simulated: an explicit table from a product's family to its DUT file and its device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.sim.amplifier_device import AmplifierDevice
from drivers.sim.appliance import Appliance
from drivers.sim.appliance_device import ApplianceDevice
from drivers.sim.device import Device, DutFile
from drivers.sim.dut import Dut
from drivers.sim.dut_file import read_dut
from drivers.sim.electronics import ElectronicsDevice, ElectronicsDut
from drivers.sim.headphones import Headphones
from drivers.sim.headphones_device import HeadphonesDevice
from drivers.sim.phone import PhoneDevice, PhoneDut


@dataclass(frozen=True, slots=True)
class Family:
    """`file`: the dataclass of its DUT files. `device(file, speed)`: what such a file describes."""

    file: type[Any]
    device: Callable[[Any, float], Device]


FAMILIES: Mapping[str, Family] = {
    "audio-amplifier": Family(Dut, AmplifierDevice),
    "electronics": Family(ElectronicsDut, ElectronicsDevice),
    "appliance": Family(Appliance, ApplianceDevice),
    "headphones": Family(Headphones, HeadphonesDevice),
    "phone": Family(PhoneDut, PhoneDevice),
}


def device_of(dut: DutFile, speed: float) -> Device:
    """The device that a DUT file describes."""
    for family in FAMILIES.values():
        if type(dut) is family.file:
            return family.device(dut, speed)
    raise TypeError(f"{type(dut).__name__} is no DUT file of a family; enter it in FAMILIES")


def load_any(path: Path | str, family_of: Callable[[str], str]) -> Any:
    """Read a DUT file with the keys of its product's family; without a product it is an amplifier's.

    `family_of` may raise `ValueError` for a product that it does not know. Raises `DutError`.
    """

    def kind_of(product: str | None) -> type[Any]:
        name = family_of(product) if product is not None else "audio-amplifier"
        if name not in FAMILIES:
            raise ValueError(f"its family {name!r} cannot be simulated; there are {', '.join(FAMILIES)}")
        return FAMILIES[name].file

    return read_dut(path, kind_of)
