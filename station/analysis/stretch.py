"""One stretch of one channel of a recording: tone, harmonics, hum and what is left, fitted together.

The frequencies (the tone's, and the mains' where hum stands out) are found by Gauss-Newton steps on the weighted fit
of `lines`; what the fit leaves is the noise, whose density beside each line gives that line's uncertainty. A recording
is a row of such stretches (`recording`); nothing here knows of files or of more than one channel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from station.analysis.errors import ToneNotFound
from station.analysis.hum import MAINS_HZ, STANDS_OUT, WANDER, Layout, find_mains, hann_offset, lay_out
from station.analysis.levels import Array, Phasors, Samples
from station.analysis.lines import LineFit, LineModel
from station.analysis.noise import BAND_HZ, a_weighting, variance_of, weighted_band
from station.analysis.windows import hann

TONE_STANDS_OUT = 30.0
"""Least power of a tone over the local noise's: noise alone reaches it once in 10^8 stretches."""
STEPS = 8
CLOSE_BINS = 1e-6
NEIGHBOURS = 96
LOST_BINS, KEPT_BINS = 1.833, 1.5
"""Noise bins that a line's fit takes out of a Hann spectrum, and those that stand in the fitted line's own power."""
LEAST_CYCLES = 3.0
BAND_EDGE = 1e-5
"""A line so little (fraction) outside of the band counts as inside: h10 of 2 kHz is at 20 kHz, whatever noise says."""
FREQUENCY_SHARE = 0.46
"""Integral of (w u)^2 over that of w u^2, Hann: what noise counts for a frequency."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one stretch says. Phasors are complex peaks at its middle, full scale; powers are mean squares.

    `noise` (m,): expected squared magnitude that noise alone gives each line's phasor. `residual`: 20 Hz to 20 kHz
    without DC and fundamental; `unharmonic`: the same without any harmonic, `unharmonic_a`: A-weighted. `*_variance` of
    these powers.
    `floor`: what the fit left between all lines, up to Nyquist: mean square of white noise of that density.
    `level_low`, `level_high`: the fundamental's least and greatest peak in the pieces of the stretch.
    """

    frames: int
    frequency_hz: float
    frequency_variance: float
    layout: Layout
    phasors: Phasors
    noise: Array
    dc: float
    dc_noise: float
    residual: float
    residual_variance: float
    unharmonic: float
    unharmonic_variance: float
    unharmonic_a: float
    unharmonic_a_variance: float
    floor: float
    level_low: float
    level_high: float
    mains_hz: tuple[float | None, ...]


def find_tone(x: Samples, rate_hz: int, near_hz: float | None = None) -> float:
    """Frequency in Hz of the strongest line of `x` (n,), within 3 % of `near_hz` if given. Raises `ToneNotFound`."""
    n = x.size
    power = np.abs(np.fft.rfft((x - np.mean(x)) * hann(n))) ** 2
    first, last = max(round(5.0 * n / rate_hz), math.ceil(LEAST_CYCLES) - 1, 2), power.size - 3
    if near_hz is not None:
        middle = near_hz * n / rate_hz
        first = max(first, math.floor(0.97 * middle - 1.0))
        last = min(last, math.ceil(1.03 * middle + 1.0))
    where = "" if near_hz is None else f" within 3 % of {near_hz:g} Hz"
    if last < first:
        raise ToneNotFound(f"no line can be found{where}: the stretch of {n / rate_hz:.3g} s does not resolve it")
    k = first + int(np.argmax(power[first : last + 1]))
    peak = power[k] >= max(power[k - 1], power[k + 1])  # else the slope of a line outside of the bounds
    if not peak or power[k] <= 0.0 or power[k] < TONE_STANDS_OUT / 4.0 * float(floor_of(power)[k]):
        raise ToneNotFound(f"no line stands out of the noise{where}")
    return (k + hann_offset(power, k)) * rate_hz / n


def analyse_stretch(
    x: Samples, rate_hz: int, start_hz: float, last: int, mains_hz: tuple[float | None, ...] = (None, None)
) -> Stretch:
    """Analyse `x` (n,), full scale: a tone near `start_hz` (within half a bin), harmonics 2 to `last`.

    `mains_hz`: where hum was found before, None where it was not. Raises `ToneNotFound`.
    """
    n, window = x.size, hann(x.size)
    signal = np.asarray(x, dtype=np.float64)
    tone_hz = _refine(signal, window, rate_hz, [start_hz], last)[0][0]
    found = mains_hz
    if None in mains_hz:
        left = _fitted(signal, window, lay_out(n, tone_hz / rate_hz, last, ()))[1]
        power = np.abs(np.fft.rfft(window * left)) ** 2
        floor = floor_of(power)
        orders = np.arange(1, last + 1) * tone_hz * n / rate_hz
        found = tuple(
            known or find_mains(power, floor, n, rate_hz, base, orders)
            for known, base in zip(mains_hz, MAINS_HZ, strict=True)
        )
    measured = _with_hum(signal, rate_hz, tone_hz, last, found)
    more = _seen(measured, found)
    return measured if more == found else _with_hum(signal, rate_hz, measured.frequency_hz, last, more)


def _with_hum(x: Array, rate_hz: int, tone_hz: float, last: int, found: tuple[float | None, ...]) -> Stretch:
    """The tone and both families together; those that were found have a frequency of their own."""
    n, window = x.size, hann(x.size)
    free = tuple(hz is not None for hz in found)
    starts = [tone_hz, *(hz or base for hz, base in zip(found, MAINS_HZ, strict=True))]
    bases, steepness = _refine(x, window, rate_hz, starts, last, free)
    layout = lay_out(n, bases[0] / rate_hz, last, tuple(base / rate_hz for base in bases[1:]), free)
    kept = tuple(base if hz is not None else None for hz, base in zip(found, bases[1:], strict=True))
    return _measured(x, rate_hz, layout, kept, steepness)


def _seen(measured: Stretch, found: tuple[float | None, ...]) -> tuple[float | None, ...]:
    """Families whose lines stand out of the fit though they were not found in the spectrum, too near to the tone."""
    over = np.abs(measured.phasors) ** 2 > STANDS_OUT * measured.noise
    return tuple(
        hz or (base if any(over[i] for i in places if i is not None and i not in measured.layout.common) else None)
        for hz, base, places in zip(found, MAINS_HZ, measured.layout.families, strict=True)
    )


def floor_of(power: Array) -> Array:
    """Mean noise a bin around each bin of a spectrum (m,), robust against lines: medians of blocks over ln 2."""
    size = min(NEIGHBOURS, power.size)
    blocks = -(-power.size // size)
    padded = np.pad(power, (0, blocks * size - power.size), mode="reflect") if power.size > 1 else power
    return np.asarray(np.repeat(np.median(padded.reshape(blocks, size), axis=1) / math.log(2.0), size)[: power.size])


def _fitted(x: Array, window: Array, layout: Layout) -> tuple[LineFit, Array]:
    """The fit and what it leaves (n,)."""
    model = LineModel(x.size, layout.cycles)
    fit = model.solve(model.turns.transform(window * x))
    return fit, x - model.turns.synthesise(fit.all_phasors)


def _refine(
    x: Array, window: Array, rate_hz: int, bases: list[float], last: int, free: tuple[bool, ...] = ()
) -> tuple[list[float], float]:
    """Gauss-Newton steps on the frequencies of the tone and of the families that are `free`.

    Returns them and the tone's weighted square of d signal / d frequency (cycles a frame) that no line explains.
    """
    steepness = 0.0
    n = x.size
    time = np.arange(n) - n / 2.0
    moving = [0, *(1 + i for i, is_free in enumerate(free) if is_free)]
    for _ in range(STEPS):
        layout = lay_out(n, bases[0] / rate_hz, last, tuple(base / rate_hz for base in bases[1:]), free)
        model = LineModel(n, layout.cycles)
        fit = model.solve(model.turns.transform(window * x))
        left = window * (x - model.turns.synthesise(fit.all_phasors))
        columns = []
        for index in moving:
            slope = 2j * np.pi * _orders(layout, index) * fit.phasors  # d/df of a line's signal, f in cycles a frame
            columns.append(time * model.turns.synthesise(np.concatenate(([0.0], slope))))
        overlaps = [model.turns.transform(window * column) for column in columns]
        size = len(columns)
        gram = np.array(
            [
                [
                    float((window * columns[i]) @ columns[j]) - model.overlap(overlaps[i], overlaps[j])
                    for j in range(size)
                ]
                for i in range(size)
            ]
        )
        steepness = float(gram[0, 0])
        step = np.linalg.lstsq(gram, np.array([float(left @ column) for column in columns]), rcond=1e-14)[0]
        step = np.clip(step, -0.5 / n, 0.5 / n)
        for index, move in zip(moving, step.tolist(), strict=True):
            bases[index] += move * rate_hz
            if index:  # hum that hardly stands out pulls at nothing: it stays where a mains can be
                name = MAINS_HZ[index - 1]
                bases[index] = min(max(bases[index], name * (1.0 - 2.0 * WANDER)), name * (1.0 + 2.0 * WANDER))
        if not 2.0 / n < bases[0] / rate_hz < 0.5 - 1.0 / n:
            raise ToneNotFound(
                f"a line near {bases[0]:.6g} Hz cannot be followed: fewer than two cycles of it, or too near to Nyquist"
            )
        if float(np.abs(step).max()) * n < CLOSE_BINS:
            break
    return bases, steepness


def _orders(layout: Layout, index: int) -> Array:
    """How many times a base's frequency each line has: the tone's (index 0) or a family's."""
    weights = np.zeros(layout.cycles.size)
    if index == 0:
        weights[: layout.orders] = np.arange(1, layout.orders + 1)
        return weights
    for m, place in enumerate(layout.families[index - 1], start=1):
        if place is not None and place not in layout.common:
            weights[place] = m
    return weights


def _measured(x: Array, rate_hz: int, layout: Layout, mains_hz: tuple[float | None, ...], steepness: float) -> Stretch:
    n, window = x.size, hann(x.size)
    fit, left = _fitted(x, window, layout)
    weight = float(window @ window)
    density = np.abs(np.fft.rfft(window * left)) ** 2 / weight  # variance of white samples of this density
    beside = noise_beside(density, layout.cycles * n)
    noise = fit.spread * beside + (1e-11 * float(np.abs(fit.phasors[0]))) ** 2
    fundamental = float(np.abs(fit.phasors[0])) ** 2
    if fundamental < TONE_STANDS_OUT * noise[0]:
        raise ToneNotFound(f"the line near {layout.cycles[0] * rate_hz:.6g} Hz does not stand out of the noise")
    hz = layout.cycles * rate_hz
    inside = (hz >= BAND_HZ[0] * (1.0 - BAND_EDGE)) & (hz <= BAND_HZ[1] * (1.0 + BAND_EDGE))
    share = 2.0 / n
    lines = np.abs(fit.phasors) ** 2 / 2.0 + share * (LOST_BINS - KEPT_BINS) * beside
    line_variance = fit.spread * beside * (np.abs(fit.phasors) ** 2 / 2.0)
    harmonics, hum = slice(1, layout.orders), slice(layout.orders, None)
    bins, weights = weighted_band(n, rate_hz)
    band = share * density[bins]
    blocks = floor_of(density)
    floor = blocks[bins] * share
    quiet = _without_orders(band, floor, bins.start, layout.cycles[0] * n)
    lost = share * LOST_BINS * beside
    low_level, high_level = _levels(x - fit.dc, float(layout.cycles[0]), rate_hz)
    line_weights = a_weighting(hz) ** 2
    hum_power, hum_variance = float(lines[hum][inside[hum]].sum()), float(line_variance[hum][inside[hum]].sum())
    own = float(lost[0])
    return Stretch(
        frames=n,
        frequency_hz=float(hz[0]),
        frequency_variance=FREQUENCY_SHARE * float(beside[0]) / max(steepness, 1e-300) * rate_hz**2,
        layout=layout,
        phasors=fit.phasors,
        noise=noise,
        dc=fit.dc,
        dc_noise=fit.dc_spread * float(beside[int(np.argmin(layout.cycles))]),
        residual=float(band.sum()) + own + hum_power + float(lines[harmonics][inside[harmonics]].sum()),
        residual_variance=variance_of(band, floor, STANDS_OUT)
        + hum_variance
        + float(line_variance[harmonics][inside[harmonics]].sum()),
        unharmonic=float(quiet.sum()) + own + hum_power + float(lost[harmonics][inside[harmonics]].sum()),
        unharmonic_variance=variance_of(quiet, floor, STANDS_OUT) + hum_variance,
        unharmonic_a=float(weights @ quiet) + float(line_weights[hum] @ (lines * inside)[hum]),
        unharmonic_a_variance=variance_of(weights * quiet, weights * floor, STANDS_OUT)
        + float(line_weights[hum] ** 2 @ (line_variance * inside)[hum]),
        level_low=low_level,
        level_high=high_level,
        floor=float(np.median(blocks)),
        mains_hz=mains_hz,
    )


def noise_beside(density: Array, bins: Array) -> Array:
    """Noise density of a Hann spectrum beside lines at `bins` (m,): medians of the nearest free bins over ln 2."""
    free = np.ones(density.size, dtype=bool)
    free[:2] = free[-2:] = False
    for centre in np.rint(bins).astype(int).tolist():
        free[max(centre - 2, 0) : centre + 3] = False
    places = np.flatnonzero(free)
    found = np.zeros(bins.size)
    if not places.size:
        return found
    for i, centre in enumerate(bins.tolist()):
        at = int(np.searchsorted(places, centre))
        first = min(max(at - NEIGHBOURS // 2, 0), max(places.size - NEIGHBOURS, 0))
        found[i] = float(np.median(density[places[first : first + NEIGHBOURS]])) / math.log(2.0)
    return found


def _without_orders(band: Array, floor: Array, low: int, fundamental_bins: float) -> Array:
    """The band's bins with every further harmonic that stands out put down to the noise beside it."""
    quiet = band.copy()
    if fundamental_bins < 8.0:
        return quiet
    centres = np.rint(np.arange(2, int((low + band.size) / fundamental_bins) + 1) * fundamental_bins).astype(int) - low
    for shift in range(-2, 3):
        at = centres + shift
        at = at[(at >= 0) & (at < band.size)]
        high = at[quiet[at] > STANDS_OUT * floor[at]]
        quiet[high] = floor[high]
    return quiet


def _levels(x: Array, cycles: float, rate_hz: int) -> tuple[float, float]:
    """Least and greatest peak of the tone in pieces of four cycles, 20 ms at least."""
    size = min(max(math.ceil(4.0 / cycles), rate_hz // 50), x.size)
    weights = hann(size) * np.exp(-2j * np.pi * cycles * np.arange(size))
    pieces = x[: x.size // size * size].reshape(-1, size)
    peaks = np.hypot(pieces @ weights.real, pieces @ weights.imag) * 4.0 / size
    return float(peaks.min()), float(peaks.max())
