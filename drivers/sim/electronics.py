"""A board with rails, as physics: a source, a buck regulator to 5 V, a linear one to 3.3 V, a reference, loads, shorts.

It hangs on the bench's DC supply (class III: voltage and current limit as somebody set them) or has a mains supply of
its own (I, II) that makes the same 12 V. Everything is a resistance, a regulator or a limit; what is then measured
follows. What settles within milliseconds is solved, not integrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from drivers.sim.audio_path import Drive
from drivers.sim.device import NO_FEED, Device
from drivers.sim.dut_file import Bounds
from drivers.sim.mains import Supply
from drivers.sim.thermal import Lag
from drivers.sim.world import FeedReading

_OPEN_OHM = 1e6
_LEAD_OHM = 0.05
_DIODE_V = 0.35
_BUCK_UVLO_V, _BUCK_LIMIT_A, _BUCK_EFFICIENCY = 6.5, 2.0, 0.88
_LDO_DROPOUT_V, _LDO_LIMIT_A = 0.3, 0.8
_REFERENCE_HEADROOM_V = 0.5
_MAINS_EFFICIENCY, _MAINS_STANDBY_W = 0.85, 0.4
_UP_TAU_S, _DOWN_TAU_S = 0.02, 0.4
_HEAT_TAU_S = 120.0
_SCAN = 400
NODES = ("rail_12v", "rail_5v", "rail_3v3", "reference")


@dataclass(frozen=True, slots=True)
class ElectronicsDut:
    """The file of a simulated board; the defaults are the sample, a sound C-12."""

    product: str = "example-c-12"
    maker: str = "Example"
    model: str = "C-12"
    ambient_degc: float = 23.0
    protection_class: str = "III"
    source_v: float = 12.0
    """What the bench's DC supply is set to, or what the device's own mains supply makes."""
    source_limit_a: float = 1.0
    quiescent_ma: float = 8.0
    load_12v_ohm: float = _OPEN_OHM
    load_5v_ohm: float = 25.0
    load_3v3_ohm: float = 66.0
    short_12v_ohm: float = _OPEN_OHM
    """Leakage of the input capacitor."""
    short_5v_ohm: float = _OPEN_OHM
    """Leakage of the output capacitor of the 5 V regulator."""
    buck_reference_v: float = 0.8
    feedback_high_kohm: float = 52.3
    """With the lower one it divides 5 V down to the regulator's reference."""
    feedback_low_kohm: float = 10.0
    regulator_5v: str = "sound"
    regulator_3v3: str = "sound"
    reference_v: float = 2.5
    k_per_w: float = 9.0
    """The hottest place that a hand may touch, over ambient, for each watt that the device takes."""
    inrush_a: float = 9.0
    power_factor: float = 0.55
    insulation_mohm: float = 500.0
    earth_bond_ohm: float = 0.08
    touch_current_ma: float = 0.05
    wrong: tuple[str, ...] = ()
    """Guided items that a person finds wrong (`led`)."""

    BOUNDS: ClassVar[Bounds] = {
        "ambient_degc": (-10.0, 50.0), "source_v": (0.0, 60.0), "source_limit_a": (0.01, 10.0),
        "quiescent_ma": (0.0, 1000.0), "load_12v_ohm": (0.1, _OPEN_OHM), "load_5v_ohm": (0.1, _OPEN_OHM),
        "load_3v3_ohm": (0.1, _OPEN_OHM), "short_12v_ohm": (0.01, _OPEN_OHM), "short_5v_ohm": (0.01, _OPEN_OHM),
        "buck_reference_v": (0.1, 3.0), "feedback_high_kohm": (0.0, 1000.0), "feedback_low_kohm": (0.1, 1000.0),
        "reference_v": (0.0, 5.0), "k_per_w": (0.0, 100.0), "inrush_a": (0.1, 500.0), "power_factor": (0.3, 1.0),
        "insulation_mohm": (0.0, _OPEN_OHM), "earth_bond_ohm": (0.0, _OPEN_OHM), "touch_current_ma": (0.0, 100.0),
    }  # fmt: skip
    CHOICES: ClassVar = {
        "protection_class": ("I", "II", "III"), "regulator_5v": ("sound", "open"), "regulator_3v3": ("sound", "open"),
    }  # fmt: skip


class Rails(NamedTuple):
    """The settled board: volts at the source's terminals and of each rail, and what it takes of the source."""

    source_v: float
    amps: float
    rail_12v: float
    rail_5v: float
    rail_3v3: float
    reference: float


OFF = Rails(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def settled(dut: ElectronicsDut) -> Rails:
    """Where the board comes to rest: the highest voltage at which it takes no more than the source gives."""
    for part in range(_SCAN, 0, -1):
        rails = _at(dut, dut.source_v * part / _SCAN)
        if rails.amps <= dut.source_limit_a:
            return rails
    return OFF._replace(amps=dut.source_limit_a)


def _at(dut: ElectronicsDut, source_v: float) -> Rails:
    """The board with this much at the source's terminals; twice round for the drop in leads and diode."""
    amps = rail_5v = rail_3v3 = rail_12v = 0.0
    for _ in range(6):
        rail_12v = max(0.0, source_v - _DIODE_V - _LEAD_OHM * amps) if dut.protection_class == "III" else source_v
        rail_5v, rail_3v3, watts = _behind_buck(dut, rail_12v)
        amps = rail_12v * (1.0 / dut.load_12v_ohm + 1.0 / dut.short_12v_ohm)
        amps += (dut.quiescent_ma / 1000.0 + watts / rail_12v) if rail_12v > 0.0 else 0.0
    reference_v = min(dut.reference_v, max(0.0, rail_5v - _REFERENCE_HEADROOM_V))
    return Rails(source_v, amps, rail_12v, rail_5v, rail_3v3, reference_v)


def _behind_buck(dut: ElectronicsDut, rail_12v: float) -> tuple[float, float, float]:
    """5 V, 3.3 V and what the buck regulator takes for them, in W; in its current limit the 5 V give way."""
    if dut.regulator_5v == "open" or rail_12v < _BUCK_UVLO_V:
        return 0.0, 0.0, 0.0
    wanted_v = dut.buck_reference_v * (1.0 + dut.feedback_high_kohm / dut.feedback_low_kohm)
    siemens = 1.0 / dut.load_5v_ohm + 1.0 / dut.short_5v_ohm
    rail_5v = min(wanted_v, rail_12v - 0.5)
    rail_3v3 = _linear(dut, rail_5v)
    amps = rail_5v * siemens + rail_3v3 / dut.load_3v3_ohm
    if amps > _BUCK_LIMIT_A:
        rail_5v = _BUCK_LIMIT_A / (siemens + 1.0 / dut.load_3v3_ohm)
        rail_3v3, amps = _linear(dut, rail_5v), _BUCK_LIMIT_A
    return rail_5v, rail_3v3, rail_5v * amps / _BUCK_EFFICIENCY


def _linear(dut: ElectronicsDut, rail_5v: float) -> float:
    if dut.regulator_3v3 == "open":
        return 0.0
    return min(3.3, max(0.0, rail_5v - _LDO_DROPOUT_V), _LDO_LIMIT_A * dut.load_3v3_ohm)


class ElectronicsDevice(Device):
    """See `Device`."""

    file: ElectronicsDut

    def __init__(self, dut: ElectronicsDut, speed: float) -> None:
        self._on_mains = dut.protection_class != "III"
        super().__init__(dut, Supply(dut.inrush_a, dut.power_factor, 3.0) if self._on_mains else None)
        self._rails = settled(dut)
        self._up = Lag()
        self._hot = Lag(dut.ambient_degc)
        self._node = "none"
        self._powered = False

    def step(self, dt_s: float, powered: bool, drive: Drive, *, waiting: bool) -> float:
        rails, self._powered = self._rails, powered
        taken_w = rails.source_v * rails.amps if powered else 0.0
        self._up.step(dt_s, 1.0 if powered else 0.0, _UP_TAU_S if powered else _DOWN_TAU_S)
        self._hot.step(dt_s, self.ambient_degc + self.file.k_per_w * taken_w, _HEAT_TAU_S)
        self.supply.step(dt_s, taken_w / _MAINS_EFFICIENCY + _MAINS_STANDBY_W if powered else 0.0)
        return 0.0

    def hot_degc(self) -> float:
        return self._hot.value

    def case_degc(self) -> float:
        return self._hot.value

    def probe_v(self) -> float:
        return float(getattr(self._rails, self._node)) * self._up.value if self._node in NODES else 0.0

    def feed(self) -> FeedReading:
        if self._on_mains or not self._powered:
            return NO_FEED
        return FeedReading(self._rails.source_v * self._up.value, self._rails.amps * self._up.value, 0.0, 0.0)

    def act(self, words: str) -> bool:
        """`probe NODE` (one of `NODES`, or `none`: in its holder)."""
        match words.split():
            case ["probe", node] if node in (*NODES, "none"):
                self._node = node
            case _:
                return False
        return True
