"""Headphones as mathematics: volts of the source in, volts of the jack or of the coupler's microphones out.

The fixture's amplifier has a gain of one. With the switch at IMPEDANCE 33 ohm lie in series with each side, and what
is captured is the jack; at COUPLER the resistors are bridged, and it is the microphones, 1 V per pascal. A side is a
coil, its inductance and its motional resonance in series; both share the return's resistance. What a coil gets becomes
pressure through its sensitivity, a leak at the pad (first-order high-pass), a bell and a second-order low-pass, all re
1 kHz; then come second and third harmonic, a rub (rectified part, the same at every level) and the polarity.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drivers.sim.audio_path import Output
from drivers.sim.envelope import Level, LocalLevel, SteadyLevel
from drivers.sim.headphones import Headphones
from drivers.sim.resample import dense, fast_length, sparse

Values = NDArray[np.float64]
Spectrum = NDArray[np.complex128]

SERIES_OHM = 33.0
AMPLIFIER_OHM = 0.1
OPEN_OHM = 1e8
SHORT_OHM = 0.1
PA_94_DB = 1.0
DELAY_S = 60e-6
"""From the diaphragm to the microphone."""
_NOISE_BAND_HZ = 19980.0
_OVERSAMPLING = 2


class HeadphonesVoice:
    """See `device.Voice`. `standing()`: whether the switch is at COUPLER, and whether the plug is in."""

    def __init__(self, dut: Headphones, rate_hz: int, standing: Callable[[], tuple[bool, bool]]) -> None:
        self._dut = dut
        self._rate_hz = rate_hz
        self._standing = standing
        self.noise_v: Values = 10.0 ** ((np.array(dut.noise_db) - 94.0) / 20.0) * (rate_hz / 2 / _NOISE_BAND_HZ) ** 0.5
        self.hum_v: Values = np.zeros(2)

    def gain(self, frequency_hz: Values) -> Spectrum:
        """Of a source's volts at the jack; the fixture's amplifier passes everything."""
        return np.ones((2, len(frequency_hz)), dtype=np.complex128)

    def steady(self, source_v: Values, loads: tuple[bool, bool], shorts: tuple[bool, bool] = (False, False)) -> Output:
        """The settled answer to one period of source, (n, 2) V; nothing of it goes into the bench's loads."""
        return Output(self._respond(source_v.T, SteadyLevel()).T)

    def burst(self, source_v: Values, loads: tuple[bool, bool], shorts: tuple[bool, bool] = (False, False)) -> Output:
        """The answer to a bounded play."""
        frames = len(source_v)
        padded = np.zeros((2, fast_length(frames + int(0.2 * self._rate_hz))))
        padded[:, :frames] = source_v.T
        return Output(self._respond(padded, LocalLevel(self._rate_hz))[:, :frames].T)

    def _respond(self, source_v: Values, level: Level) -> Values:
        at_coupler, plugged = self._standing()
        if not plugged:
            return np.zeros_like(source_v) if at_coupler else source_v.copy()
        frames = source_v.shape[1]
        hz = np.arange(frames // 2 + 1) * (self._rate_hz / frames)
        hz[0] = 1e-3
        jack_v, coil_v = self._network(np.fft.rfft(source_v), hz, AMPLIFIER_OHM if at_coupler else SERIES_OHM)
        if not at_coupler:
            return np.fft.irfft(jack_v, frames)
        pressure_pa = coil_v * self.pressure(hz)
        if self._dut.crossed == "yes":
            pressure_pa = pressure_pa[::-1]
        over = _OVERSAMPLING
        shaped = self._shape(dense(pressure_pa, frames, over), level.scaled(over))
        return sparse(shaped, np.zeros_like(pressure_pa), over) / PA_94_DB

    def impedance(self, hz: Values) -> Spectrum:
        """Of each side between its contact and the return, (2, k) ohm."""
        dut = self._dut
        f0, q = _column(dut.resonance_hz), _column(dut.resonance_q)
        motional = _column(dut.resonance_ohm) / (1.0 + 1j * q * (hz / f0 - f0 / hz))
        ohm = _column(dut.coil_ohm) + 2j * np.pi * hz * _column(dut.coil_mh) / 1000.0 + motional
        ohm[_sides(dut.open_side)] = OPEN_OHM
        ohm[_sides(dut.short_side)] = SHORT_OHM  # a bridge across the coil
        return np.asarray(ohm)

    def pressure(self, hz: Values) -> Spectrum:
        """Pascal in the coupler per volt at the coil, (2, k)."""
        shape, at_1k = self._shape_of(hz), np.abs(self._shape_of(np.array([1000.0])))
        per_v = 10.0 ** ((_column(self._dut.sensitivity_db_v) - 94.0) / 20.0)
        sign = np.where(np.array(_sides(self._dut.inverted))[:, None], -1.0, 1.0)
        return np.asarray(sign * per_v * shape / at_1k * np.exp(-2j * np.pi * hz * DELAY_S))

    def _shape_of(self, hz: Values) -> Spectrum:
        dut, jf = self._dut, 1j * hz
        leak = jf / (jf + _column(dut.leak_hz))
        peak, bell_q = 10.0 ** (_column(dut.peak_db) / 40.0), _column(dut.peak_q)
        x = jf / _column(dut.peak_hz)
        bell = (x * x + x * peak / bell_q + 1.0) / (x * x + x / (peak * bell_q) + 1.0)
        y = jf / _column(dut.treble_hz)
        return np.asarray(leak * bell / (y * y + y / _column(dut.treble_q) + 1.0))

    def _network(self, source_v: Spectrum, hz: Values, series_ohm: float) -> tuple[Spectrum, Spectrum]:
        """Volts at the jack and across each coil: two branches that meet in the resistance of their common return."""
        ohm = self.impedance(hz)
        branch = ohm + series_ohm
        common = max(self._dut.common_ohm, 1e-6)
        star_v = (source_v / branch).sum(axis=0) / ((1.0 / branch).sum(axis=0) + 1.0 / common)
        amps = (source_v - star_v) / branch
        coil_v = amps * ohm
        coil_v[_sides(self._dut.open_side)] = 0.0
        return np.asarray(source_v - amps * series_ohm), np.asarray(coil_v)

    def _shape(self, x: Values, level: Level) -> Values:
        """Harmonics, in their ratios at 94 dB SPL, and the rub of a coil or a hair."""
        peak_pa = 2.0**0.5 * PA_94_DB
        a2, a3 = 2.0 * _ratio(self._dut.h2_dbc) / peak_pa, 4.0 * _ratio(self._dut.h3_dbc) / peak_pa**2
        square = x * x
        mean_square = level.mean(square)
        y = x * (1.0 + a3 * (square - level.cubic(square, mean_square))) + a2 * (square - mean_square)
        rubbed = np.abs(x)
        return np.asarray(y + _ratio(self._dut.rub_dbc) * (rubbed - level.mean(rubbed)))


def _column(values: tuple[float, float]) -> Values:
    return np.array(values, dtype=np.float64)[:, None]


def _ratio(decibel: tuple[float, float]) -> Values:
    return np.asarray(10.0 ** (_column(decibel) / 20.0))


def _sides(where: str) -> list[bool]:
    return [where in ("left", "both"), where in ("right", "both")]
