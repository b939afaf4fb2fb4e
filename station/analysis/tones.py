"""A single tone: fundamental, harmonics, THD and THD+N of one channel, with what noise does to them.

Method (docs/measurement-accuracy.md): DC, fundamental and harmonics in one least-squares fit, exact for a clean tone at
any frequency; what it leaves shows the noise beside each line, whose power is subtracted, and is THD+N's and SNR's
noise. Where a foreign line or a drift leaks into the harmonics, the fit is repeated with a window that lets nothing
through, if that is the quieter one. Where source and capture share a clock the frequency is known; otherwise
`find_frequency` finds it. Uncertainties here are the noise's alone (k=2); instruments add theirs in station/sound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from station.analysis.errors import ToneNotFound, TooShort
from station.analysis.frequency import find_frequency
from station.analysis.harmonic_fit import DEEP, TAPERED, HarmonicFit, Weighting, fit_harmonics
from station.analysis.levels import Array, Samples, require_finite
from station.analysis.noise import BAND_HZ, band_bins, rms_of
from station.analysis.windows import TAPER_SHARE

__all__ = ["Tone", "analyse_tone", "find_frequency", "least_frames"]

MIN_CYCLES = 5
"""Fewer cycles leave no room for the noise between the harmonics."""
LAST_HARMONIC = 10
NYQUIST_MARGIN_BINS = 4.0
NOISE_BINS = 40
"""How far to each side of a line its noise is looked for."""
OWN_BINS = {TAPERED: 2, DEEP: 5}
"""What the fit took away beside each line, in bins to each side: no noise is read there."""
TAPERED_CORRELATION = 1.12
"""As `noise.HANN_CORRELATION`: frames x sum of w^4 over the square of the sum of w^2."""
LEAKS = 300.0
"""A bin this many times the median bin's power is a foreign line, or what drift leaves: it may leak."""
LEAK_SHARE = 0.1
"""Leaked power over the noise's in a line, from which on the deep window is taken."""
DEEP_CYCLES = 8
"""Fewer cycles, and the deep window's lines lie too close to each other."""
FREQUENCY_EXCESS = 1.08
"""Scatter of the fitted frequency over the Cramér-Rao bound of the same noise: the tapered ends tell most of it."""
DETECT_POWER = 5.0
"""A line counts as seen when its power is this many times the local noise's (false alarms under 1 %)."""


@dataclass(frozen=True, slots=True)
class Tone:
    """One channel's tone. Amplitudes are peaks in full scale; ratios are plain numbers; `*_u` are k=2, noise alone.

    `harmonics`: h2 … over the fundamental, None when under the floor or beyond Nyquist; `harmonics_u`: their
    uncertainty, of one under the floor its bound, None beyond Nyquist. `thd` may be 0.0 with `thd_u` above it: then
    only `thd + thd_u` is known, as a bound (infinite where no harmonic lies under Nyquist). `silent`: the fundamental
    itself is under the floor, `amplitude + amplitude_u` bounds it, and `thd`, `thd_n` mean nothing. `residual`,
    `total` and `noise` (rms, full scale) are 20 Hz to 20 kHz without DC: all but the fundamental, everything, and all
    but fundamental and harmonics. `frequency_u_hz` holds where the frequency was found in the same frames.
    """

    frequency_hz: float
    amplitude: float
    amplitude_u: float
    phase_rad: float
    dc: float
    silent: bool
    harmonics: tuple[float | None, ...]
    thd: float
    thd_u: float
    thd_n: float
    thd_n_u: float
    residual: float
    total: float
    noise: float = 0.0
    noise_u: float = 0.0
    harmonics_u: tuple[float | None, ...] = ()
    frequency_u_hz: float = 0.0

    @property
    def thd_of_total(self) -> float:
        """THD over the total's rms, fundamental and harmonics together (IEC 60268-3's form, secondary)."""
        return self.thd / math.hypot(1.0, self.thd)


@dataclass(frozen=True, slots=True)
class _Line:
    """Power of a line (squared peak, noise subtracted) and the local noise power in the same unit."""

    power: float
    noise: float


@dataclass(frozen=True, slots=True)
class _Lines:
    """A fit, the power spectrum of what it leaves (squared peak a bin), and its orders 1 … with noise subtracted."""

    fit: HarmonicFit
    spectrum: Array
    lines: list[_Line]


def least_frames(rate_hz: int, frequency_hz: float) -> int:
    """Fewest frames that `analyse_tone` takes for a tone of this frequency."""
    return math.ceil(MIN_CYCLES * rate_hz / frequency_hz)


def analyse_tone(x: Samples, rate_hz: int, frequency_hz: float, last_harmonic: int = LAST_HARMONIC) -> Tone:
    """Analyse `x` (n,) in full scale, a tone of known `frequency_hz` sampled at `rate_hz`, up to `last_harmonic`.

    Raises `TooShort` (fewer than 5 cycles), `ToneNotFound` (too close to Nyquist) and `NotFinite`. Silence and
    clipping are results, not errors.
    """
    n = x.size
    if n < least_frames(rate_hz, frequency_hz):
        raise TooShort(f"{n} frames hold fewer than {MIN_CYCLES} cycles of {frequency_hz:g} Hz")
    require_finite(x)
    turns = frequency_hz / rate_hz
    orders = min(last_harmonic, math.floor((0.5 - NYQUIST_MARGIN_BINS / n) / turns))
    if orders < 1:
        raise ToneNotFound(f"a fundamental at bin {turns * n:.1f} of {n} frames is too close to Nyquist")
    signal = np.asarray(x, dtype=np.float64)
    near = _fitted(signal, turns, orders, TAPERED)
    best = near
    foreign = np.flatnonzero(near.spectrum > LEAKS * float(np.median(near.spectrum)))
    if turns * n >= DEEP_CYCLES and _leaks(near, foreign):
        best = _fitted(signal, turns, orders, DEEP)
    return _tone(near, best, rate_hz, frequency_hz, last_harmonic)


def _fitted(x: Array, turns: float, orders: int, weighting: Weighting) -> _Lines:
    fit = fit_harmonics(x, turns, orders, weighting)
    transform = np.fft.rfft(fit.residual * fit.weights)
    spectrum = (transform.real**2 + transform.imag**2) * (4.0 / float(fit.weights.sum()) ** 2)
    centres = [round(k * turns * fit.frames) for k in range(1, orders + 1)]
    free = np.ones(spectrum.size, dtype=bool)
    own = min(OWN_BINS[weighting], max(round(turns * fit.frames / 4.0), 1))
    for centre in [0, *centres]:
        free[max(centre - own, 0) : centre + own + 1] = False
    powers = (np.abs(fit.lines[1:]) ** 2).tolist()
    noises = [_local_noise(spectrum, free, centre) for centre in centres]
    return _Lines(fit, spectrum, [_Line(p - noise, noise) for p, noise in zip(powers, noises, strict=True)])


def _leaks(near: _Lines, foreign: np.ndarray[tuple[int], np.dtype[np.int_]]) -> bool:
    """Whether foreign bins may leak a share of its noise into a line, by the envelope of the window's side lobes."""
    centres = near.fit.turns * near.fit.frames * np.arange(1, len(near.lines) + 1)
    apart = np.maximum(np.abs(foreign[:, None] - centres), 1.0)
    rolled_off = np.abs(1.0 - (2.0 * TAPER_SHARE * apart) ** 2)
    envelope = 1.0 / (np.pi * apart * np.maximum(rolled_off, 1.0))
    leaked = np.sum(near.spectrum[foreign][:, None] * envelope**2, axis=0)
    return bool(np.any(leaked > LEAK_SHARE * np.array([line.noise for line in near.lines])))


def _local_noise(spectrum: Array, free: np.ndarray[tuple[int], np.dtype[np.bool_]], centre: int) -> float:
    """Mean noise power a bin around `centre`, robust against single lines (median of an exponential / ln 2)."""
    stretch = slice(max(centre - NOISE_BINS, 1), centre + NOISE_BINS + 1)
    beside = spectrum[stretch][free[stretch]]
    return float(np.median(beside)) / math.log(2.0) if beside.size else 0.0


def _tone(near: _Lines, best: _Lines, rate_hz: int, frequency_hz: float, last_harmonic: int) -> Tone:
    """Levels and harmonics from the `best` fit, the noise in the band from the `near` one: it scatters least."""
    first, fit = best.lines[0], best.fit
    base = max(first.power, 1e-30)
    thd, thd_u = _thd(best.lines, base)
    noise, noise_u = _band_noise(near, rate_hz)
    shares = [line.power / 2.0 for k, line in enumerate(best.lines[1:], start=2) if _in_band(k * frequency_hz)]
    residual_power = noise**2 + max(sum(shares), 0.0)
    total_power = residual_power + (max(first.power, 0.0) / 2.0 if _in_band(frequency_hz) else 0.0)
    residual_power_u = math.hypot(2.0 * noise * noise_u, thd * thd_u * base if thd > 0.0 else 0.0)
    silent = first.power < DETECT_POWER * first.noise or first.power <= 0.0
    beyond = (None,) * (last_harmonic - len(best.lines))
    return Tone(
        frequency_hz=frequency_hz,
        amplitude=math.sqrt(max(first.power, 0.0)),
        amplitude_u=2.0 * math.sqrt(first.noise if silent else first.noise / 2.0),
        phase_rad=_phase_at_first_frame(fit),
        dc=float(fit.lines[0].real),
        silent=silent,
        harmonics=tuple(_seen(line, base) for line in best.lines[1:]) + beyond,
        thd=thd,
        thd_u=thd_u,
        thd_n=math.sqrt(residual_power / max(total_power, 1e-30)),
        thd_n_u=residual_power_u / (2.0 * math.sqrt(max(residual_power * total_power, 1e-60))),
        residual=math.sqrt(residual_power),
        total=math.sqrt(total_power),
        noise=noise,
        noise_u=noise_u,
        harmonics_u=tuple(_line_u(line, base) for line in best.lines[1:]) + beyond,
        frequency_u_hz=_frequency_u_hz(near, base, rate_hz),
    )


def _band_noise(near: _Lines, rate_hz: int) -> tuple[float, float]:
    """Rms of what the fit leaves within 20 Hz to 20 kHz and its k=2 uncertainty."""
    weights, n = near.fit.weights, near.fit.frames
    to_mean_square = float(weights.sum()) ** 2 / (2.0 * n * float(weights @ weights))
    return rms_of(near.spectrum[band_bins(n, rate_hz)] * to_mean_square, TAPERED_CORRELATION)


def _phase_at_first_frame(fit: HarmonicFit) -> float:
    middle = 2.0 * math.pi * math.fmod(fit.turns * fit.frames / 2.0, 1.0)
    return math.remainder(float(np.angle(fit.lines[1])) - middle, 2.0 * math.pi)


def _frequency_u_hz(near: _Lines, base: float, rate_hz: int) -> float:
    """k=2 of a fitted frequency: var(w) = 24 s^2 / (A^2 n^3) (Rife and Boorstyn 1974), s^2 = noise n / 4 a bin."""
    scatter = math.sqrt(6.0 * near.lines[0].noise / base) / near.fit.frames
    return 2.0 * FREQUENCY_EXCESS * scatter * rate_hz / (2.0 * math.pi)


def _in_band(frequency_hz: float) -> bool:
    return BAND_HZ[0] <= frequency_hz <= BAND_HZ[1]


def _thd(lines: list[_Line], base: float) -> tuple[float, float]:
    """THD re fundamental and its k=2 uncertainty from noise; under the floor (0 … u); without harmonics (0 … inf)."""
    if len(lines) < 2:
        return 0.0, math.inf
    power = sum(line.power for line in lines[1:])
    variance = sum(2.0 * max(line.power, 0.0) * line.noise + 1.1 * line.noise**2 for line in lines[1:])
    power_u = 2.0 * math.sqrt(variance)
    if power <= power_u:
        return 0.0, math.sqrt((max(power, 0.0) + power_u) / base)
    thd = math.sqrt(power / base)
    return thd, power_u / base / (2.0 * thd)


def _seen(line: _Line, base: float) -> float | None:
    return math.sqrt(line.power / base) if line.power > DETECT_POWER * line.noise and line.power > 0.0 else None


def _line_u(line: _Line, base: float) -> float:
    """k=2 of a harmonic that is seen, else what it can be at most."""
    if _seen(line, base) is not None:
        return 2.0 * math.sqrt(line.noise / 2.0 / base)
    return math.sqrt(
        (max(line.power, 0.0) + 2.0 * math.sqrt(line.noise * (line.noise + 2.0 * max(line.power, 0.0)))) / base
    )
