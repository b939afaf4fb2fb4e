"""The seam between the plant (physics) and the twins (wire protocols): what a twin may set and read.

A twin turns register reads into `World` readings and register writes into `World` switches; it adds its own
instrument's error and knows no physics. The plant knows no wire. `plant.py` implements this.
All times are plant seconds (test time); all methods are cheap, thread-safe and never wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

RELAY_ROLES = ("load_left", "load_right", "capture", "source", "tester", "touch", "fan", "bleed")
"""Relays of the bench by role. `tester` ties L and N to the insulation/bond tester and isolates mains and audio;
`touch` puts the touch-current network into the protective conductor; `source` and `capture` join the audio interface;
`bleed` puts the bleed resistor across L-N."""


@dataclass(frozen=True, slots=True)
class MainsReading:
    """What a mains meter in the DUT's feed sees."""

    voltage_v: float
    current_a: float
    power_w: float
    frequency_hz: float
    power_factor: float
    energy_wh: float


@dataclass(frozen=True, slots=True)
class TerminalVolts:
    """DC of each speaker terminal to chassis, in volts."""

    left_plus_v: float
    left_minus_v: float
    right_plus_v: float
    right_minus_v: float


@dataclass(frozen=True, slots=True)
class DischargeVolts:
    """DC-true rms volts between the conductors of the DUT's plug."""

    l_n_v: float
    l_pe_v: float
    n_pe_v: float


@dataclass(frozen=True, slots=True)
class FeedReading:
    """The bench's DC supply: V and A in its main lead, and of the battery adapter (current out of the battery)."""

    main_v: float
    main_a: float
    battery_v: float
    battery_a: float


OPEN_CIRCUIT = 1e6
"""Megohms or ohms of what is joined to nothing."""

PROBE_NODES = (
    "rail_plus_left", "rail_minus_left", "rail_plus_right", "rail_minus_right",
    "emitter_left", "emitter_right", "output_left", "output_right", "none",
)  # fmt: skip
"""Where the tip of the hand-held probe can rest, its reference at chassis (`emitter_…`: across that resistor);
`none`: in its holder."""


class World(Protocol):
    """The plant as twins see it."""

    def now_s(self) -> float:
        """Plant time."""

    # what the bench does to the DUT
    def set_contactor(self, closed: bool) -> None:
        """K as the guard drives it; the contactor takes some milliseconds of wall time to move."""

    def contactor_closed(self) -> bool:
        """The main contacts, for the mirror feedback."""

    def set_tester_enable(self, on: bool) -> None:
        """H as the guard drives it; off kills the test voltage at once."""

    def tester_enabled(self) -> bool:
        """H."""

    def set_relay(self, role: str, closed: bool) -> None:
        """One of `RELAY_ROLES`."""

    def relay(self, role: str) -> bool:
        """Its position."""

    def set_test_voltage(self, volts: float) -> None:
        """The insulation tester's output; 0 ends it."""

    def set_bond_current(self, amps: float) -> None:
        """The bond tester's output; 0 ends it."""

    def arm_peak(self) -> None:
        """Clear the peak-current hold."""

    # what can be read (true values, before any instrument's error)
    def mains(self) -> MainsReading: ...

    def peak_a(self) -> float:
        """Largest instantaneous mains current since `arm_peak`."""

    def heatsink_degc(self) -> float: ...

    def case_degc(self) -> float: ...

    def load_bank_degc(self) -> float: ...

    def ambient_degc(self) -> float: ...

    def load_bank_ohm(self, role: str) -> float | None:
        """A load's resistance, four-wire (`load_left`, `load_right`); None while its relay puts the DUT across it."""

    def fan_turning(self) -> bool:
        """Fan proof: true a moment after the fan relay closed."""

    def terminals(self) -> TerminalVolts: ...

    def probe_v(self) -> float:
        """DC volts at the node that the technician's probe touches; 0 in its holder."""

    def bias_mv(self) -> tuple[float, float]:
        """Millivolts across one emitter resistor of each channel, left and right; 0 while the clips are not on."""

    def feed(self) -> FeedReading:
        """In the leads of the DC supply, which hangs on the DUT's outlet."""

    def discharge(self) -> DischargeVolts: ...

    def insulation_mohm(self) -> float:
        """L+N to PE/chassis as the tester sees it now, settling once voltage is applied; 1e6: its relay is open."""

    def earth_bond_ohm(self) -> float:
        """PE pin to chassis as the tester sees it; 1e6 if the tester relay is open."""

    def touch_current_ma(self) -> float:
        """Through the network; 0 with mains off."""

    def touch_line_open(self) -> bool: ...

    def touch_pe_open(self) -> bool: ...
