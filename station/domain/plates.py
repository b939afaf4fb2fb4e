"""What stands on a data plate, by product family: the values that drive a test, never its limits.

A family is a row of `PLATES`: its name in product and plan files, and the keys that a product file of that family has
beside the common ones (`Product`). Adding one: docs/adding-a-family.md. What a plate's values do is the steps' matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class AmplifierPlate:
    """An audio amplifier or powered speaker. Power is per channel, both driven, into `load_ohm`."""

    rated_power_w: float
    load_ohm: float
    gain_db: float
    """Nominal; sets the source level for a wanted output."""
    emitter_ohm: float | None = None
    """One emitter resistor of the output stage; the bias is measured across it."""
    bias_ma: float | None = None
    """What the bias is set to."""

    def __post_init__(self) -> None:
        _require_positive(self, "rated_power_w", "load_ohm", "emitter_ohm", "bias_ma")


@dataclass(frozen=True, slots=True)
class HeadphonesPlate:
    """Headphones on the house's fixture (docs/headphones.md)."""

    impedance_ohm: float
    """Rated impedance of one side."""
    sensitivity_db_v: float
    """Sound pressure level in the coupler at 1 V rms, 1 kHz, in dB SPL."""
    max_v: float
    """The most that may ever drive one side, V rms: spares ears and coils; every level of a test stays below."""
    reference_db: Mapping[str, float] = field(default_factory=dict)
    """The model's response in the house's coupler re 1 kHz: frequency in Hz (as text) and dB, lowest frequency first.
    Without one a side is held against the mean of both."""

    def __post_init__(self) -> None:
        _require_positive(self, "impedance_ohm", "max_v")
        if not 4.0 <= self.impedance_ohm <= 1000.0:
            raise ValueError(f"impedance_ohm is {self.impedance_ohm:g}; the fixture's divider can tell 4 to 1000 ohm")
        if not 60.0 <= self.sensitivity_db_v <= 140.0:
            raise ValueError(
                f"sensitivity_db_v is {self.sensitivity_db_v:g}; give dB SPL at 1 V, from 60 to 140 "
                "(of dB at 1 mW: add 30 - 10 log10 of the impedance)"
            )
        if self.test_v > self.max_v:
            raise ValueError(
                f"max_v is {self.max_v:g}, and 94 dB SPL take {self.test_v:.3g} V; raise it if the coil may have that, "
                "or correct sensitivity_db_v"
            )
        _require_reference(self.reference_db)

    @property
    def test_v(self) -> float:
        """V rms at one side for 94 dB SPL (1 Pa) at 1 kHz, the level of its tests."""
        return float(10.0 ** ((94.0 - self.sensitivity_db_v) / 20.0))

    @property
    def reference(self) -> tuple[tuple[float, float], ...]:
        """`reference_db` as (Hz, dB), rising."""
        return tuple((float(hz), level_db) for hz, level_db in self.reference_db.items())


@dataclass(frozen=True, slots=True)
class PhonePlate:
    """A smart phone or tablet, charged from the bench's DC supply (docs/phone.md)."""

    charger_v: float
    """What the charger's lead is set to, in V."""
    battery_v: float
    """Nominal voltage of the battery."""
    imei: bool = True
    """Whether it has an IMEI or MEID, which START then waits for; a tablet without a mobile radio has none."""

    @property
    def cells(self) -> int:
        """Lithium-ion cells in series, by the nominal voltage of 3.6 to 3.9 V each."""
        return max(1, round(self.battery_v / 3.75))

    def __post_init__(self) -> None:
        _require_positive(self, "charger_v", "battery_v")
        if self.charger_v > 20.0:
            raise ValueError(f"charger_v is {self.charger_v:g}; give what the charger begins with: 5 V, or at most 20")
        if not 3.0 <= self.battery_v <= 16.0:
            raise ValueError(
                f"battery_v is {self.battery_v:g}; give the nominal voltage on the battery's label, 3 to 16 V"
            )


@dataclass(frozen=True, slots=True)
class AppliancePlate:
    """A home appliance on mains."""

    rated_power_w: float
    cord_m: float
    """Length of its mains cord, which the earth bond's limit hangs on (0: a fixed socket at the appliance)."""
    main_load: Literal["heating", "motor"] = "motor"
    """What takes most of its power: a heater's follows the square of the voltage, so it is told at `rated_v`."""
    rated_v: float = 230.0
    """The voltage that its rated power is for."""

    def __post_init__(self) -> None:
        _require_positive(self, "rated_power_w")
        if not 0.0 <= self.cord_m <= 100.0:
            raise ValueError(f"cord_m is {self.cord_m:g}; give the length of the cord in m, from 0 to 100")
        if not 200.0 <= self.rated_v <= 250.0:
            raise ValueError(f"rated_v is {self.rated_v:g}; give what the data plate says, from 200 to 250")


@dataclass(frozen=True, slots=True)
class ElectronicsPlate:
    """Any other device (docs/electronics.md): class III is fed by the bench's DC supply, classes I and II by mains."""

    supply_v: float
    """Class III: what the DC supply is set to. Else the mains voltage on its data plate."""
    supply_a: float
    """Class III: what the supply's current limit is set to. Else the rated current."""

    def __post_init__(self) -> None:
        _require_positive(self, "supply_v", "supply_a")


Plate = AmplifierPlate | HeadphonesPlate | PhonePlate | AppliancePlate | ElectronicsPlate

PLATES: Mapping[str, type[Plate]] = {
    "audio-amplifier": AmplifierPlate,
    "headphones": HeadphonesPlate,
    "phone": PhonePlate,
    "appliance": AppliancePlate,
    "electronics": ElectronicsPlate,
}

FED_BY_BENCH = frozenset({"headphones", "phone"})
"""Families whose devices have no mains plug: the DUT outlet feeds the bench's own supply or fixture, which is safe to
touch by itself, so their plans prove no insulation before mains."""


def _require_positive(plate: object, *names: str) -> None:
    for name in names:
        value = getattr(plate, name)
        if value is not None and not 0.0 < value < 1e6:
            raise ValueError(f"{name} is {value:g}; give what the data plate says, above 0")


def _require_reference(reference_db: Mapping[str, float]) -> None:
    last = 0.0
    for text, level_db in reference_db.items():
        hz = float(text) if text.replace(".", "", 1).isdigit() else 0.0
        if not 20.0 <= hz <= 20000.0 or hz <= last:
            raise ValueError(f"reference_db: {text!r} is no frequency from 20 to 20000 Hz above the one before it")
        if not -60.0 <= level_db <= 40.0:
            raise ValueError(f"reference_db at {text} Hz is {level_db:g}; give dB re 1 kHz, from -60 to 40")
        last = hz
    if reference_db and not float(next(iter(reference_db))) < 1000.0 < last:
        raise ValueError("reference_db must reach from below 1000 Hz to above it; give the points of a response")
