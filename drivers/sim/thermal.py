"""Heat in the plant: the DUT's heatsink with its bias drift, the load bank with its fan, and first-order lags.

Every step is an exact solution of a linear equation, so its length changes nothing but where a protection
crossing is noticed (the plant keeps steps at or below 1 s).
"""

from __future__ import annotations

import math

from drivers.sim.dut import Dut

_BIAS_REFERENCE_DEGC = 25.0
_BIAS_MA_MAX = 20_000.0


class Lag:
    """A first-order lag: `value` creeps to its target, never jumps."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def step(self, dt_s: float, target: float, tau_s: float) -> None:
        """Move towards `target` for `dt_s` with time constant `tau_s`, exactly."""
        self.value = target + (self.value - target) * math.exp(-dt_s / tau_s)


class Heatsink:
    """One sink for both channels, heated by drive loss and by bias, which drifts with the sink's own temperature."""

    def __init__(self, dut: Dut) -> None:
        self._dut = dut
        self.trim_ma = [0.0, 0.0]
        """What the trimmers have added to `bias_ma` at 25 degC, left and right."""
        self.degc = dut.ambient_degc
        self.protection_open = False
        self._bias_w_at_25 = self._bias(_BIAS_REFERENCE_DEGC)[0]

    def step(self, dt_s: float, drive_loss_w: float, powered: bool) -> None:
        """Integrate C dT/dt = loss + bias(T) - (T - ambient)/R; the DUT's protection opens at its limit, for good."""
        dut = self._dut
        flow_w = self.flow_w(drive_loss_w, powered)
        slope_w_per_k = self._bias(self.degc)[1] if powered else 0.0
        rate_per_s = (slope_w_per_k - 1.0 / dut.heatsink_k_per_w) / dut.heatsink_j_per_k
        growth = rate_per_s * dt_s
        stretch_s = dt_s if abs(growth) < 1e-12 else math.expm1(growth) / rate_per_s
        self.degc += flow_w / dut.heatsink_j_per_k * stretch_s
        if powered and self.degc >= dut.protect_degc:
            self.protection_open = True

    def flow_w(self, drive_loss_w: float, powered: bool) -> float:
        """Heat into the sink less heat out of it, now."""
        bias_w = self._bias(self.degc)[0] if powered else 0.0
        return drive_loss_w + bias_w - (self.degc - self._dut.ambient_degc) / self._dut.heatsink_k_per_w

    def bias_drift_w(self) -> float:
        """Supply power of the bias now above that at 25 degC, which `idle_power_w` includes."""
        return self._bias(self.degc)[0] - self._bias_w_at_25

    def bias_ma(self) -> tuple[float, float]:
        """Bias of left and right at the sink's present temperature, in mA, powered."""
        left, right = (_possible(ma) for ma in self._wanted_ma(self.degc))
        return left, right

    def _wanted_ma(self, degc: float) -> list[float]:
        dut, above_k = self._dut, degc - _BIAS_REFERENCE_DEGC
        return [
            bias_ma + trim_ma + per_k * above_k
            for bias_ma, trim_ma, per_k in zip(dut.bias_ma, self.trim_ma, dut.bias_ma_per_k, strict=True)
        ]

    def _bias(self, degc: float) -> tuple[float, float]:
        """Supply power of both channels' bias in W, 2 x rail x bias each, and its slope in W/K."""
        watts = slope = 0.0
        wanted_ma = self._wanted_ma(degc)
        for rail_v, ma, per_k in zip(self._dut.rail_v, wanted_ma, self._dut.bias_ma_per_k, strict=True):
            watts += 2.0 * rail_v * _possible(ma) / 1000.0
            slope += 2.0 * rail_v * per_k / 1000.0 if ma == _possible(ma) else 0.0
        return watts, slope


def _possible(ma: float) -> float:
    return min(max(ma, 0.0), _BIAS_MA_MAX)


class LoadBank:
    """The dummy load and its fan; the bank is air-cooled and far below its limit with the fan on."""

    _J_PER_K = 2500.0
    _K_PER_W_STILL = 0.8
    _K_PER_W_FAN = 0.15
    _PROOF = 0.4

    def __init__(self, ambient_degc: float) -> None:
        self._ambient_degc = ambient_degc
        self._bank = Lag(ambient_degc)
        self._fan = Lag()

    def step(self, dt_s: float, load_w: float, fan_on: bool) -> None:
        """Heat by what the loads take, cool by the fan as fast as it turns."""
        self._fan.step(dt_s, 1.0 if fan_on else 0.0, 0.8 if fan_on else 1.5)
        k_per_w = self._K_PER_W_STILL + (self._K_PER_W_FAN - self._K_PER_W_STILL) * self._fan.value
        self._bank.step(dt_s, self._ambient_degc + load_w * k_per_w, k_per_w * self._J_PER_K)

    @property
    def degc(self) -> float:
        """Temperature of the resistors' body."""
        return self._bank.value

    @property
    def fan_turning(self) -> bool:
        """True a moment after the relay closed, false a moment after it opened."""
        return self._fan.value > self._PROOF
