"""The amplifier under test, as mathematics: source volts in, volts at the speaker terminals out. No state, no time.

Order of the stages, per channel: gain with first-order high-pass and low-pass (exact analogue gain and phase at every
tone), second and third harmonic, crossover dead zone, hard clip at the sagging rail, crosstalk, output divider.
Nonlinear stages run oversampled, so that what they make above Nyquist does not fold back. Noise and hum are not
made here: the audio twin adds them (`noise_v`, `hum_v`).

Harmonics: y = x + a2 (x^2 - mean) + a3 (x^3 - c x), where c takes the fundamental out of x^3. So a sine's harmonics
have exactly the ratios of the DUT file, its gain does not bend with level, and its DC stays `dc_offset_mv`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.sim.audio_path import Output
from drivers.sim.dut import Dut
from drivers.sim.envelope import Level, LocalLevel, SteadyLevel
from drivers.sim.leads import BRIDGE_OHM, LEAD_OHM
from drivers.sim.resample import dense, fast_length, sparse

Values = NDArray[np.float64]
Spectrum = NDArray[np.complex128]

_NOISE_BAND_HZ = (20.0, 20000.0)
_ROUNDS = 30
_SAG_V_ENOUGH = 1e-6
_OVERSAMPLING = 2
NO_SHORTS = (False, False)


class Amplifier:
    """The output stages of one DUT on a bench with `load_ohm` a channel. Within, arrays have shape (2, n)."""

    def __init__(self, dut: Dut, sample_rate_hz: int, load_ohm: float) -> None:
        self._dut = dut
        self._rate_hz = sample_rate_hz
        self._load_ohm = load_ohm
        self._rail_v = _column(dut.rail_v)
        self._impedance_ohm = _column(dut.output_impedance_ohm)
        band_hz = min(_NOISE_BAND_HZ[1], sample_rate_hz / 2) - _NOISE_BAND_HZ[0]
        self.noise_v: Values = np.array(dut.noise_uv) * 1e-6 * (sample_rate_hz / 2 / band_hz) ** 0.5
        """Sigma of white noise whose part in 20 Hz to 20 kHz has the DUT's rms."""
        self.hum_v: Values = np.array(dut.hum_uv) * 1e-6
        """Rms of the 100 Hz line."""

    def gain(self, frequency_hz: Values) -> Spectrum:
        """Open-circuit gain at each of k frequencies, shape (2, k), exact also near Nyquist."""
        jf = 1j * frequency_hz[None, :]
        denominator = jf + _column(self._dut.highpass_hz)
        highpass = np.divide(jf, denominator, out=np.ones_like(denominator), where=denominator != 0.0)
        return np.asarray(_ratio(self._dut.gain_db) * highpass / (1.0 + jf / _column(self._dut.lowpass_hz)))

    def steady(self, source_v: Values, loads: tuple[bool, bool], shorts: tuple[bool, bool] = NO_SHORTS) -> Output:
        """The settled response to one period of source, (n, 2) V, that repeats for ever."""
        return self._respond(source_v.T, self._loads(loads, shorts), SteadyLevel(), hard_oversampling=8)

    def burst(self, source_v: Values, loads: tuple[bool, bool], shorts: tuple[bool, bool] = NO_SHORTS) -> Output:
        """The response to a bounded stimulus, (n, 2) V, that begins and ends in silence; rails follow its envelope."""
        frames = len(source_v)
        slowest_hz = max(min(self._dut.highpass_hz), 0.5)
        tail = int(self._rate_hz * min(2.0, 1.0 / slowest_hz + 0.05))
        padded = np.zeros((2, fast_length(frames + tail)))
        padded[:, :frames] = source_v.T
        whole = self._respond(padded, self._loads(loads, shorts), LocalLevel(self._rate_hz), hard_oversampling=4)
        stretch = padded.shape[1] / max(frames, 1)
        (left_a, right_a), (left_w, right_w) = whole.mean_abs_a, whole.load_w
        currents = (left_a * stretch, right_a * stretch)
        return Output(whole.terminals_v[:frames], currents, (left_w * stretch, right_w * stretch))

    def _loads(self, loads: tuple[bool, bool], shorts: tuple[bool, bool]) -> Values:
        """What each output looks into, ohm: its load, nothing, or a lead that is shorted at its end."""
        loaded = np.where(np.array(loads)[:, None], self._load_ohm, np.inf)
        return np.where(np.array(shorts)[:, None], LEAD_OHM + BRIDGE_OHM, loaded)

    def _respond(self, source_v: Values, load_ohm: Values, level: Level, hard_oversampling: int) -> Output:
        frames = source_v.shape[1]
        spectrum = np.fft.rfft(source_v)
        spectrum *= self.gain(np.arange(spectrum.shape[1]) * (self._rate_hz / frames))
        over = hard_oversampling if max(self._dut.crossover_mv) > 0.0 else _OVERSAMPLING
        shaped = self._shape(dense(spectrum, frames, over), level.scaled(over))
        if over < hard_oversampling and self._may_clip(shaped, load_ohm):
            over = hard_oversampling
            shaped = self._shape(dense(spectrum, frames, over), level.scaled(over))
        if self._may_clip(shaped, load_ohm):
            shaped = self._clip(shaped, load_ohm, level.scaled(over))
        leak = 1j * _ratio(self._dut.crosstalk_dbc) * spectrum[::-1]
        divider = 1.0 / (1.0 + self._impedance_ohm / load_ohm)
        standing_v = level.standing(shaped, _column(self._dut.dc_offset_mv) / 1000.0)
        terminals_v = sparse(shaped - standing_v, leak, over) * divider
        mean_a = np.abs(shaped).mean(axis=1, keepdims=True) * divider / load_ohm
        load_w = np.square(shaped).mean(axis=1, keepdims=True) * divider**2 / load_ohm
        return Output(terminals_v.T, _pair(mean_a), _pair(load_w))

    def _shape(self, x: Values, level: Level) -> Values:
        """Harmonics, dead zone, DC."""
        dut = self._dut
        rated_peak_v = (2.0 * dut.rated_power_w * dut.load_ohm) ** 0.5 * (1.0 + self._impedance_ohm / dut.load_ohm)
        a2 = 2.0 * _ratio(dut.h2_dbc) / rated_peak_v
        a3 = 4.0 * _ratio(dut.h3_dbc) / rated_peak_v**2
        square = x * x
        mean_square = level.mean(square)
        y = a3 * (square - level.cubic(square, mean_square))
        y += 1.0
        y *= x
        y += a2 * (square - mean_square)
        dead_v = _column(dut.crossover_mv) / 1000.0
        if dead_v.any():
            y = np.sign(y) * np.maximum(np.abs(y) - dead_v, 0.0)
        return np.asarray(y + _column(dut.dc_offset_mv) / 1000.0)

    def _sag_per_volt(self, load_ohm: Values) -> Values:
        """Sag in V per V of mean |open-circuit output|, per channel: rail_ohm x current / 2."""
        return np.asarray(self._dut.rail_ohm / 2.0 / (load_ohm + self._impedance_ohm))

    def _may_clip(self, open_v: Values, load_ohm: Values) -> bool:
        peak_v = np.maximum(open_v.max(axis=1, keepdims=True), -open_v.min(axis=1, keepdims=True))
        return bool((peak_v + (peak_v * self._sag_per_volt(load_ohm)).sum() > self._rail_v).any())

    def _clip(self, open_v: Values, load_ohm: Values, level: Level) -> Values:
        """Clip at the rail less its sag; the sag follows from the clipped currents of both channels, so iterate."""
        per_volt = self._sag_per_volt(load_ohm)
        relax = 1.0 / (1.0 + per_volt.sum())  # sag falls with clipping at most this steeply: no overshoot, no cycle
        sag_v = np.zeros((1, 1))
        clipped = np.clip(open_v, -self._rail_v, self._rail_v)
        for _ in range(_ROUNDS):
            change_v = (level.mean(np.abs(clipped)) * per_volt).sum(axis=0) - sag_v
            sag_v = sag_v + relax * change_v
            swing_v = np.maximum(self._rail_v - sag_v, 0.0)
            clipped = np.clip(open_v, -swing_v, swing_v)
            if np.abs(change_v).max() < _SAG_V_ENOUGH:
                break
        return np.asarray(clipped)


def _column(values: tuple[float, float]) -> Values:
    return np.array(values, dtype=np.float64)[:, None]


def _ratio(decibel: tuple[float, float]) -> Values:
    return np.asarray(10.0 ** (_column(decibel) / 20.0))


def _pair(column: Values) -> tuple[float, float]:
    return float(column[0, 0]), float(column[1, 0])
