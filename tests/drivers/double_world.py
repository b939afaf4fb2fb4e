"""A `World` whose values a test sets: honest (what is switched is switched), with no physics."""

from __future__ import annotations

import time

from drivers.sim.world import RELAY_ROLES, DischargeVolts, FeedReading, MainsReading, TerminalVolts


class DoubleWorld:
    """Attributes ending in `_now` are what the methods of the same stem return."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self.relays = dict.fromkeys(RELAY_ROLES, False)
        self.contactor = False
        self.tester = False
        self.test_voltages: list[float] = []
        self.bond_currents: list[float] = []
        self.mains_now = MainsReading(230.0, 0.25, 38.0, 50.0, 0.66, 12.0)
        self.peak_a_now = 14.0
        self.heatsink_degc_now, self.case_degc_now = 61.0, 45.0
        self.load_bank_degc_now, self.ambient_degc_now = 50.0, 25.0
        self.load_bank_ohm_now = 8.02
        self.terminals_now = TerminalVolts(0.008, 0.0, -0.012, 0.0)
        self.feed_now = FeedReading(5.1, 1.2, 3.9, -0.8)
        self.discharge_now = DischargeVolts(230.0, 230.0, 0.5)
        self.insulation_mohm_now, self.earth_bond_ohm_now = 80.0, 0.06
        self.touch_current_ma_now = 0.12
        self.line_open = self.pe_open = False
        self.probe_v_now, self.bias_mv_now = 45.9, (11.0, 10.6)

    def now_s(self) -> float:
        return time.monotonic() * self.speed

    def set_contactor(self, closed: bool) -> None:
        self.contactor = closed

    def contactor_closed(self) -> bool:
        return self.contactor

    def set_tester_enable(self, on: bool) -> None:
        self.tester = on

    def tester_enabled(self) -> bool:
        return self.tester

    def set_relay(self, role: str, closed: bool) -> None:
        assert role in self.relays
        self.relays[role] = closed

    def relay(self, role: str) -> bool:
        return self.relays[role]

    def set_test_voltage(self, volts: float) -> None:
        self.test_voltages.append(volts)

    def set_bond_current(self, amps: float) -> None:
        self.bond_currents.append(amps)

    def arm_peak(self) -> None:
        self.peak_a_now = 0.0

    def mains(self) -> MainsReading:
        return self.mains_now

    def peak_a(self) -> float:
        return self.peak_a_now

    def heatsink_degc(self) -> float:
        return self.heatsink_degc_now

    def case_degc(self) -> float:
        return self.case_degc_now

    def load_bank_degc(self) -> float:
        return self.load_bank_degc_now

    def ambient_degc(self) -> float:
        return self.ambient_degc_now

    def load_bank_ohm(self, role: str) -> float | None:
        return None if self.relays[role] else self.load_bank_ohm_now

    def fan_turning(self) -> bool:
        return self.relays["fan"]

    def terminals(self) -> TerminalVolts:
        return self.terminals_now

    def feed(self) -> FeedReading:
        return self.feed_now

    def discharge(self) -> DischargeVolts:
        return self.discharge_now

    def insulation_mohm(self) -> float:
        return self.insulation_mohm_now

    def earth_bond_ohm(self) -> float:
        return self.earth_bond_ohm_now

    def touch_current_ma(self) -> float:
        return self.touch_current_ma_now

    def touch_line_open(self) -> bool:
        return self.line_open

    def touch_pe_open(self) -> bool:
        return self.pe_open

    def probe_v(self) -> float:
        return self.probe_v_now

    def bias_mv(self) -> tuple[float, float]:
        return self.bias_mv_now
