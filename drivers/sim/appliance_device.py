"""The appliance as a device: elements that follow the voltage, a motor that runs up, a body with a thermostat in it.

Its time constants are those of small appliances (about 150 s). Between the station's readings plant time runs on with
the wall times the speed, so what is measured hot is measured in the steady state (`station/steps/appliance_rise.py`).
"""

from __future__ import annotations

import math

from drivers.sim.appliance import Appliance
from drivers.sim.audio_path import Drive
from drivers.sim.device import Device
from drivers.sim.mains import MAINS_V, Supply
from drivers.sim.thermal import Lag
from drivers.sim.world import OPEN_CIRCUIT

COPPER_OHM_MM2_M = 0.0179
"""At 20 degC."""
START_POWER_SHARE = 0.55
"""Of a standing rotor's extra current, what is active power: it is mostly magnetising."""
SPIN_DOWN_S = 1.0
CREST = math.sqrt(2.0)
MAINS_HZ = 50.0


class Draw(Supply):
    """Supply of resistors and a motor: sine currents, a power factor that moves with what is on."""

    def __init__(self, start_a: float) -> None:
        super().__init__(start_a, 1.0, CREST)

    def take(self, dt_s: float, watts: float, volt_amperes: float) -> None:
        """Let `dt_s` pass at this active and apparent power."""
        self._power_factor = watts / volt_amperes if volt_amperes > 0.0 else 1.0
        self.step(dt_s, watts)


class ApplianceDevice(Device):
    """See `Device`."""

    file: Appliance

    def __init__(self, dut: Appliance, speed: float) -> None:
        super().__init__(dut)
        self._slip = Lag(1.0)
        self._closed = True
        self._safety_tripped = False
        self._body = Lag(dut.ambient_degc)
        self.supply: Draw = Draw(CREST * self._taken()[1] / MAINS_V)

    def step(self, dt_s: float, powered: bool, drive: Drive, *, waiting: bool) -> float:
        """See `Device`: at work it takes nothing from the bench's sources and gives nothing to its loads."""
        dut = self.file
        runs = powered and not (self._safety_tripped and dut.safety_device == "works")
        watts, volt_amperes = self._taken() if runs else (0.0, 0.0)
        self.supply.take(dt_s, watts, volt_amperes)
        target_degc = dut.ambient_degc + watts * dut.loss_share * dut.body_k_per_w
        self._body.step(dt_s, target_degc, dut.body_k_per_w * dut.body_j_per_k)
        if not runs or dut.motor_stalled == "yes":
            self._slip.step(dt_s, 1.0, SPIN_DOWN_S)
        else:
            self._slip.step(dt_s, 0.0, dut.motor_run_up_s)
        if dut.thermostat == "works":
            open_below = dut.thermostat_degc - (0.0 if self._closed else dut.thermostat_k)
            self._closed = self._body.value < open_below
        return 0.0

    def _taken(self) -> tuple[float, float]:
        """Active and apparent power now, W and VA: both elements unless the thermostat is open, and the motor."""
        dut = self.file
        volts_share = self.supply.reading().voltage_v / MAINS_V
        heat_w = (dut.element_1_w + dut.element_2_w) * volts_share**2 if self._closed else 0.0
        more = (dut.motor_start_times - 1.0) * self._slip.value
        motor_va = dut.motor_w / dut.motor_power_factor * (1.0 + more)
        motor_w = min(motor_va, dut.motor_w * (1.0 + START_POWER_SHARE * more))
        watts = heat_w + motor_w
        return watts, math.hypot(watts, math.sqrt(motor_va**2 - motor_w**2))

    def earth_bond_ohm(self) -> float:
        """The cord's protective conductor, and what plug and terminals add."""
        dut = self.file
        if dut.protection_class != "I":
            return OPEN_CIRCUIT
        return dut.cord_m * COPPER_OHM_MM2_M / dut.cord_mm2 + dut.earth_contact_ohm

    def touch_current_ma(self) -> float:
        """Through the leakage capacitance and the insulation, in quadrature."""
        dut = self.file
        capacitive_ma = MAINS_V * 2.0 * math.pi * MAINS_HZ * dut.leakage_nf * 1e-6
        resistive_ma = MAINS_V / max(dut.insulation_mohm, 0.001) / 1000.0
        return math.hypot(capacitive_ma, resistive_ma)

    def hot_degc(self) -> float:
        return self.ambient_degc + self.file.touch_share * (self._body.value - self.ambient_degc)

    def case_degc(self) -> float:
        return self.hot_degc()

    def act(self, words: str) -> bool:
        """`safety operate`: a hand opens its lid, or lays it over; `safety restore`: as it was."""
        if words not in ("safety operate", "safety restore") or self.file.safety_device == "none":
            return False
        self._safety_tripped = words == "safety operate"
        return True
