"""Mains in the plant: the contactor's motion, the DUT's supply as the feed sees it, and charge left on the plug.

Values that no contract gives (line resistance, power factor, filter capacitors) are those of a plain class-AB
amplifier with a transformer supply.
"""

from __future__ import annotations

from typing import Literal

from drivers.sim.thermal import Lag
from drivers.sim.world import DischargeVolts, MainsReading

MAINS_V = 230.0
_LINE_OHM = 0.4
_FREQUENCY_HZ = 50.0
_POWER_FACTOR = 0.66
_CREST = 2.6
_RESERVOIR_TAU_S = 0.15

ContactorFault = Literal["weld", "dropout"]


class Contactor:
    """Main contacts that follow the command after some milliseconds of wall time, unless they are at fault.

    `weld`: once closed they stay closed. `dropout`: they open, or stay open, whatever the coil is told.
    """

    MOTION_S = 0.015

    def __init__(self) -> None:
        self.closed = False
        self._commanded = False
        self._fault: ContactorFault | None = None
        self._due_wall_s: float | None = None

    def command(self, closed: bool, wall_s: float) -> None:
        """Drive or release the coil at this wall time; a command that repeats the last one changes nothing."""
        if closed == self._commanded:
            return
        self._commanded = closed
        self._begin(wall_s)

    def set_fault(self, fault: ContactorFault | None, wall_s: float) -> None:
        """From this wall time on; None mends the contacts, which then go where the coil is."""
        self._fault = fault
        self._begin(wall_s)

    def due(self, wall_s: float) -> float | None:
        """The wall time at which the contacts have moved, if that lies at or before `wall_s`."""
        return self._due_wall_s if self._due_wall_s is not None and self._due_wall_s <= wall_s else None

    def move(self) -> None:
        """Let the contacts arrive where the coil is."""
        self.closed = self._wanted
        self._due_wall_s = None

    @property
    def _wanted(self) -> bool:
        if self._fault == "dropout":
            return False
        return self._commanded or (self._fault == "weld" and self.closed)

    def _begin(self, wall_s: float) -> None:
        self._due_wall_s = None if self._wanted == self.closed else wall_s + self.MOTION_S


class Supply:
    """Power that the DUT takes, behind its reservoir, and the peak-current hold in its feed."""

    def __init__(self, inrush_a: float, power_factor: float = _POWER_FACTOR, crest: float = _CREST) -> None:
        self._inrush_a = inrush_a
        self._power_factor = power_factor
        self._crest = crest
        self._power = Lag()
        self._energy_wh = 0.0
        self._peak_a = 0.0

    def step(self, dt_s: float, target_w: float) -> None:
        """Creep to the power that is taken now; count energy; follow the current's crest."""
        before_w = self._power.value
        self._power.step(dt_s, target_w, _RESERVOIR_TAU_S)
        mean_w = target_w + (before_w - self._power.value) * _RESERVOIR_TAU_S / dt_s
        self._energy_wh += mean_w * dt_s / 3600.0
        self._peak_a = max(self._peak_a, self._current_a() * self._crest)

    def switch_on(self, plugged: bool) -> None:
        """The first half-cycle at the worst phase: the hold sees `inrush_a`, far more with a shorted output."""
        if plugged:
            self._peak_a = max(self._peak_a, self._inrush_a)

    def switch_off(self) -> None:
        """Open contacts carry nothing from this moment on."""
        self._power.value = 0.0

    def arm_peak(self) -> None:
        """Clear the hold."""
        self._peak_a = self._current_a() * self._crest

    @property
    def peak_a(self) -> float:
        """Largest instantaneous current since `arm_peak`."""
        return self._peak_a

    def reading(self) -> MainsReading:
        """As a true meter upstream of the contactor sees it: the voltage is always there."""
        amps = self._current_a()
        return MainsReading(
            voltage_v=MAINS_V - _LINE_OHM * amps,
            current_a=amps,
            power_w=self._power.value,
            frequency_hz=_FREQUENCY_HZ,
            power_factor=self._power_factor if amps > 0.0 else 0.0,
            energy_wh=self._energy_wh,
        )

    def _current_a(self) -> float:
        watts = self._power.value
        return watts / (MAINS_V * self._power_factor) if watts > 0.001 else 0.0


class Charge:
    """Volts between the plug's conductors: mains while closed, then what capacitors keep, and the tester's volts."""

    _PEAK_V = MAINS_V * 2.0**0.5
    _FILTER_TAU_S = 1.2
    _BLEED_TAU_S = 0.05
    _NOTHING_TAU_S = 0.005
    _RISE_TAU_S = 0.05
    _FALL_TAU_S = 0.25

    def __init__(self) -> None:
        self._line = Lag()
        self._test = Lag()
        self._closed = False

    def step(self, dt_s: float, closed: bool, plugged: bool, bleed: bool, test_v: float) -> None:
        """Decay or be charged. After opening, the filter capacitor keeps the mains' peak at worst."""
        self._closed = closed
        if closed:
            self._line.value = self._PEAK_V
        elif bleed or not plugged:
            self._line.step(dt_s, 0.0, self._BLEED_TAU_S if plugged else self._NOTHING_TAU_S)
        else:
            self._line.step(dt_s, 0.0, self._FILTER_TAU_S)
        self._test.step(dt_s, test_v, self._RISE_TAU_S if test_v > 0.0 else self._FALL_TAU_S)

    def volts(self) -> DischargeVolts:
        """True rms of what lies between the conductors; PE floats midway over the Y capacitors once mains is off."""
        if self._closed:
            return DischargeVolts(l_n_v=MAINS_V, l_pe_v=MAINS_V, n_pe_v=0.6)
        half_v = abs(self._line.value) / 2.0
        return DischargeVolts(2.0 * half_v, abs(half_v + self._test.value), abs(self._test.value - half_v))
