"""A whole recording, stretch by stretch: the figures of `analyze` for each channel, whatever its length.

Each stretch is a fit of its own (`stretch`), so memory does not grow with the recording and a clock that wanders does
no harm. Harmonics are averaged as phasors, turned by the fundamental's phase times their order: what noise adds falls
with the number of stretches. Powers of hum and noise are averaged as powers. What each figure is: docs/analyze.md.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace

import numpy as np

from station.analysis.errors import CaptureError, DcOnly, Silent, ToneNotFound, WrongChannel, WrongRate
from station.analysis.hum import MAINS_HZ, STANDS_OUT
from station.analysis.levels import Array, Samples, db
from station.analysis.noise import MIN_S
from station.analysis.stretch import Stretch, analyse_stretch
from station.analysis.usable import CaptureWatch

STRETCH_FRAMES = 1 << 18
NUMERIC = 1e-9
"""Ratios under this are the arithmetic's."""
REPEATS_MOST = 4096
REPEATS_BINS = 2.0
"""A tone repeats after so many frames as bring it back to within this much (1 / duration)."""
SEEN_SIGMA = 3.3
BOUND_SIGMA = 2.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its k=2 uncertainty in the same unit; `value` None: under the floor, `uncertainty` bounds it."""

    value: float | None
    uncertainty: float


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """One channel's figures; units stand in the names. `error`: why there are none (all of them None then).

    `snr_a_db`: A-weighted. `harmonics_dbc`: h2 … up to the last order under Nyquist. `hum_hz`: the mains frequency of
    the family that `hum_dbc` is of. `level_range_db`: between its loudest and its quietest piece, infinite where it
    is missing. `coinciding`: orders of the tone (1: itself) on which multiples of a mains lie, whether it hums or not.
    """

    frequency_hz: Figure
    level_dbfs: Figure
    dc_fs: Figure
    thd_percent: Figure
    thd_n_percent: Figure
    snr_db: Figure
    hum_dbc: Figure
    snr_a_db: Figure
    harmonics_dbc: tuple[Figure, ...] = ()
    hum_hz: float | None = None
    level_range_db: float = 0.0
    coinciding: tuple[int, ...] = ()
    error: CaptureError | None = None


def stretches(frames: int) -> list[tuple[int, int]]:
    """First and end frame of each stretch of a recording: equal but for one frame, at most `STRETCH_FRAMES` long."""
    count = max(-(-frames // STRETCH_FRAMES), 1)
    edges = [frames * i // count for i in range(count + 1)]
    return list(itertools.pairwise(edges))


@dataclass(slots=True)
class ChannelTally:
    """One channel of a recording as it comes. `bits`: resolution of a whole-number format, None for floats.

    `tone`: where the tone is or why there is none (`tone_places.find_tones`, of a stretch in the middle).
    """

    rate_hz: int
    bits: int | None
    last: int
    tone: float | CaptureError
    watch: CaptureWatch = field(init=False)
    _parts: list[Stretch] = field(default_factory=list, init=False)
    _lost: ToneNotFound | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.watch = CaptureWatch(self.bits)

    def push(self, x: Samples) -> None:
        """Take the next stretch (n,), full scale."""
        self.watch.push(x)
        if not isinstance(self.tone, float) or not self.watch.usable:
            return
        even = x[: smooth_length(x.size)]
        mains = self._parts[-1].mains_hz if self._parts else (None, None)
        try:
            self._parts.append(analyse_stretch(even, self.rate_hz, self.tone, self.last, mains))
            self.tone = self._parts[-1].frequency_hz
        except ToneNotFound as error:
            self._lost = error

    def figures(self) -> ChannelFigures:
        """The figures, or an error in place of each; raises nothing."""
        error = self.watch.error(MIN_S * self.rate_hz)
        if error is None and not self._parts:
            error = self._toneless()
        if error is not None:
            return self._nothing(error)
        found = _figures(self._parts, self.rate_hz, self.watch.rounding)
        return found if self._lost is None else replace(found, level_range_db=math.inf)

    def _toneless(self) -> CaptureError:
        quiet = self.watch.alternating_rms
        if quiet <= self.watch.floor:
            return Silent(f"nothing but noise of {db(quiet * math.sqrt(2.0)):.1f} dBFS: check the leads")
        return self._lost or (self.tone if isinstance(self.tone, CaptureError) else ToneNotFound("no tone was found"))

    def _nothing(self, error: CaptureError) -> ChannelFigures:
        none, step = Figure(None, math.nan), self.watch.step
        level, dc = none, none
        if isinstance(error, Silent | DcOnly | ToneNotFound | WrongRate | WrongChannel):
            level = Figure(None, db(math.sqrt(2.0) * max(self.watch.alternating_rms, step)))
            scatter = 2.0 * math.hypot(self.watch.alternating_rms, step) / math.sqrt(max(self.watch.frames, 1))
            dc = _reading(self.watch.mean, scatter + step)
        return ChannelFigures(none, level, dc, none, none, none, none, none, error=error)


def smooth_length(n: int) -> int:
    """The longest length up to `n` that a fast transform likes: even, 2^a 3^b 5^c for long ones."""
    if n < 1 << 14:
        return n
    best = 0
    for fives in range(6):
        for threes in range(8):
            size = 5**fives * 3**threes * 2
            if size <= n:
                best = max(best, size << ((n // size).bit_length() - 1))
    return best


def _reading(value: float, uncertainty: float) -> Figure:
    return Figure(value, uncertainty) if abs(value) > uncertainty else Figure(None, uncertainty)


@dataclass(frozen=True, slots=True)
class _Power:
    """A power ratio and what is known of it. `noise_u`: k=2 of the noise's; `noise`: noise alone (1 sigma).

    `hiding`: what else may lie in its lines, at most. `scale`: the noise that a single line of it carries.
    """

    value: float
    noise_u: float
    hiding: float = NUMERIC**2
    noise: float = 0.0
    scale: float = 0.0
    doubt: float = 0.0
    """What may lie in other lines and belong to it: makes it uncertain, not unseen."""

    @property
    def u(self) -> float:
        """K=2 of all together."""
        return self.noise_u + self.hiding + self.doubt

    @property
    def seen(self) -> bool:
        """Stands so clear of the noise that its root means something; noise alone does so three times in a thousand."""
        return self.value > max(self.noise_u + self.hiding, SEEN_SIGMA * self.noise)

    @property
    def bound(self) -> float:
        """97 of 100 such powers lie under it: the power of which the measured one would be so low by chance."""
        root = math.sqrt(max(2.0 * self.scale * self.value + (BOUND_SIGMA * self.scale) ** 2 + self.noise**2, 0.0))
        return max(self.value + BOUND_SIGMA**2 * self.scale + BOUND_SIGMA * root, self.value + self.u, NUMERIC**2)

    def beside(self, share: float) -> _Power:
        """The same where the fundamental may be off by `share` of its amplitude."""
        return replace(self, doubt=self.doubt + 2.0 * share * max(self.value, 0.0))

    def percent(self) -> Figure:
        """100 times its root."""
        if not self.seen:
            return Figure(None, 100.0 * math.sqrt(self.bound))
        root = math.sqrt(self.value)
        return Figure(
            100.0 * root, 100.0 * (self.u / (2.0 * root) if self.u < self.value else max(root, self.u / root))
        )

    def decibels(self, sign: float = 1.0) -> Figure:
        """In dB, times `sign`."""
        if not self.seen:
            return Figure(None, sign * 10.0 * math.log10(self.bound))
        return Figure(sign * 10.0 * math.log10(self.value), 10.0 / math.log(10.0) * self.u / self.value)


def _figures(parts: list[Stretch], rate_hz: int, step: float) -> ChannelFigures:
    """Definitions as in the contract; everything is a ratio to the mean power of the fundamental."""
    count, orders = len(parts), min(part.layout.orders for part in parts)
    levels = np.abs(np.array([part.phasors[0] for part in parts]))
    base = float(np.mean(levels**2))
    rounding, masked = _hidden(parts, step, math.sqrt(base)), _masked(parts, orders)
    harmonics = _harmonics(parts, orders, base, rounding + masked[1:])
    own = math.sqrt((rounding + float(masked[0])) / base)  # what may hide in the fundamental
    frequencies = np.array([part.frequency_hz for part in parts])
    scatter = max(_mean(parts, "frequency_variance"), float(frequencies.var())) / count
    pull_hz = math.sqrt((rounding + float(masked.max())) / base) * rate_hz / 2.0 / parts[0].frames
    dc_u = 2.0 * math.sqrt(_mean(parts, "dc_noise") / count) + step / math.sqrt(3.0)
    level_u = 2.0 * math.sqrt(float(np.mean([part.noise[0] for part in parts])) / 2.0 / base / count) + own
    residual, total = _mean(parts, "residual"), _mean(parts, "residual") + base / 2.0
    extra, doubt = rounding * orders, float(masked.sum()) / 2.0  # what may hide in the tone's lines
    residual_u = 2.0 * math.sqrt(_mean(parts, "residual_variance") / count) + extra
    doubt_n = doubt + sum(math.sqrt(max(h.value, 0.0) * base * m) for h, m in zip(harmonics, masked[1:], strict=True))
    unharmonic_u = 2.0 * math.sqrt(_mean(parts, "unharmonic_variance") / count) + extra
    unharmonic_a_u = 2.0 * math.sqrt(_mean(parts, "unharmonic_a_variance") / count) + extra
    hum, hum_hz = _hum(parts, base)
    return ChannelFigures(
        frequency_hz=Figure(float(frequencies.mean()), 2.0 * math.sqrt(scatter) + pull_hz + NUMERIC),
        level_dbfs=Figure(10.0 * math.log10(base), 8.686 * (level_u + step + NUMERIC)),
        dc_fs=Figure(_mean(parts, "dc"), dc_u + NUMERIC * math.sqrt(base)),
        thd_percent=_together(harmonics).beside(own).percent(),
        thd_n_percent=_ratio(residual, residual_u, total, doubt_n).beside(own).percent(),
        snr_db=_ratio(_mean(parts, "unharmonic"), unharmonic_u, base / 2.0, doubt).beside(own).decibels(-1.0),
        snr_a_db=_ratio(_mean(parts, "unharmonic_a"), unharmonic_a_u, base / 2.0, doubt).beside(own).decibels(-1.0),
        hum_dbc=hum.beside(own).decibels(),
        harmonics_dbc=tuple(harmonic.beside(own).decibels() for harmonic in harmonics),
        hum_hz=hum_hz,
        level_range_db=db(max(part.level_high for part in parts) / max(min(part.level_low for part in parts), 1e-12)),
        coinciding=tuple(order + 1 for order in _coinciding(parts, orders, *range(len(MAINS_HZ)))),
    )


def _ratio(power: float, u: float, base: float, doubt: float) -> _Power:
    return _Power(power / base, u / base, doubt=doubt / base)


def _mean(parts: list[Stretch], name: str) -> float:
    return float(np.mean([getattr(part, name) for part in parts]))


def _together(powers: list[_Power]) -> _Power:
    """The sum: uncertainties of noise as roots of squares, what hum may hide stands in each."""
    if not powers:
        return _Power(0.0, 0.0, math.inf)  # nothing under Nyquist was looked at: nothing bounds it
    return _Power(
        sum(power.value for power in powers),
        math.sqrt(sum(power.noise_u**2 for power in powers)),
        sum(power.hiding for power in powers),
        math.sqrt(sum(power.noise**2 for power in powers)),
        max(power.scale for power in powers),
    )


def _hidden(parts: list[Stretch], step: float, peak: float) -> float:
    """Rounding error (squared peak a line, k=2) that the noise does not show, because it repeats with the tone.

    Rounded without dither, the error of a tone of p frames a period lies in the p / 2 lines of that period, and of any
    tone of `peak` in the pi peak / step orders as steep as its steps (W. R. Bennett 1948, "Spectra of quantized
    signals"): what a step's square over 12 is more than the floor between the lines is taken to lie in these.
    """
    missing = step**2 / 12.0 - float(np.mean([part.floor for part in parts]))
    if missing <= 0.0:
        return 0.0
    part = parts[0]
    turns = np.arange(1, REPEATS_MOST + 1) * float(part.layout.cycles[0])
    back = np.rint(turns)
    repeats = np.flatnonzero((np.abs(turns - back) * part.frames < REPEATS_BINS) & (back > 0.0))
    period = int(repeats[0]) + 1 if repeats.size else REPEATS_MOST
    lines = max(min(period / 2.0, math.pi * peak / step), 1.0)
    # squared peak: 2; odd lines alone of a wave that repeats upside down: 2; k=2 of the half in the line's phase: 2
    return 8.0 * missing / lines


def _masked(parts: list[Stretch], orders: int) -> Array:
    """Power of hum (squared peak) that may lie in each order of the tone, shape (orders,), where both coincide.

    Only hum that shows beside the tone's orders hides something in them: hardly more than its strongest line. A line at
    300 Hz with no other of either family is taken for both's.
    """
    found = np.zeros(orders)
    known = _known(parts)
    either = not any(known) and any(
        np.abs(part.phasors[place]) ** 2 > STANDS_OUT * part.noise[place]
        for part in parts
        for place in part.layout.common
    )
    for index, is_known in enumerate(known):
        hidden = _coinciding(parts, orders, index)
        if hidden and (is_known or either):
            found[hidden] += _strongest(parts, index)
    return found


def _known(parts: list[Stretch]) -> list[bool]:
    """Of each family whether its hum stands out somewhere."""
    return [any(part.mains_hz[index] is not None for part in parts) for index in range(len(MAINS_HZ))]


def _coinciding(parts: list[Stretch], orders: int, *families: int) -> list[int]:
    """Orders (indices) of the tone that hide a multiple of one of the families."""
    return sorted({order for part in parts for i in families for order in part.layout.shared[i] if order < orders})


def _strongest(parts: list[Stretch], index: int) -> float:
    places = [(part, place) for part in parts for place in part.layout.families[index] if place is not None]
    return 1.2 * max((float(np.abs(part.phasors[place]) ** 2) for part, place in places), default=0.0)


def _harmonics(parts: list[Stretch], orders: int, base: float, masked: Array) -> list[_Power]:
    """Harmonics 2 to `orders` over the fundamental, without the noise's share; `masked` (orders - 1,): see above."""
    count = len(parts)
    phasors = np.array([part.phasors[:orders] for part in parts])
    noise = np.mean([part.noise[:orders] for part in parts], axis=0)[1:]
    turn = np.exp(-1j * np.angle(phasors[:, :1]) * np.arange(1, orders + 1))
    together = np.abs((phasors * turn).mean(axis=0))[1:] ** 2 - noise / count
    each = (np.abs(phasors) ** 2).mean(axis=0)[1:] - noise
    scatter = np.sqrt((2.0 * np.maximum(each, 0.0) * noise + noise**2) / count)
    moved = each - together > 3.0 * scatter  # a harmonic whose phase moved: its power counts, not its mean phasor
    power = np.where(moved, each, together)
    line = np.where(moved, noise, noise / count)
    alone = np.where(moved, noise / math.sqrt(count), noise / count)
    u = 2.0 * np.sqrt(2.0 * np.maximum(power, 0.0) * line / np.where(moved, count, 1) + alone**2)
    hiding = 2.0 * np.sqrt(np.maximum(power, 0.0) * masked) + masked
    columns = (power / base, u / base, hiding / base + NUMERIC**2, alone / base, line / base)
    return [_Power(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _hum(parts: list[Stretch], base: float) -> tuple[_Power, float]:
    """The larger family over the fundamental and its mains frequency; what coincides with the tone is not in it."""
    families = [_family(parts, base, index) for index in range(len(MAINS_HZ))]
    best = max(range(len(families)), key=lambda index: (families[index].seen, families[index].value))
    hides = any(any(part.layout.shared) for part in parts)
    if not families[best].seen or (hides and not any(_known(parts))):
        # neither is, or by 300 Hz alone, which may be the other's: what bounds both is the greater bound
        best = max(range(len(families)), key=lambda index: families[index].bound)
    found = [hz for part in parts if (hz := part.mains_hz[best]) is not None]
    return families[best], float(np.mean(found)) if found else MAINS_HZ[best]


def _hides(part: Stretch, index: int, order: int) -> float:
    """Most power (squared peak) of hum that the tone's line `order` may hold."""
    mains = MAINS_HZ[index] * float(part.layout.cycles[0]) / part.frequency_hz
    return float(np.abs(part.phasors[order]) / part.layout.read_share(order, part.frames, mains)) ** 2


def _family(parts: list[Stretch], base: float, index: int) -> _Power:
    rows = [
        (np.abs(part.phasors[places]) ** 2, part.noise[places])
        for part in parts
        if (places := [place for place in part.layout.families[index] if place is not None])
    ]
    shared = parts[0].layout.shared[index]
    doubt, hiding = 0.0, 0.0
    if any(part.mains_hz[index] is not None for part in parts):
        doubt = len(shared) * _strongest(parts, index) / base
    else:  # hum may be there alone, as that of a rectifier is: at most what the coinciding lines hold
        hiding = sum(float(np.mean([_hides(part, index, order) for part in parts])) for order in shared) / base
    if not rows:
        return _Power(0.0, 0.0, hiding + NUMERIC**2)
    power = float(np.mean([(own - noise).sum() for own, noise in rows])) / base
    noise = math.sqrt(float(np.mean([(noise**2).sum() for _, noise in rows])) / len(rows)) / base
    scale = float(np.mean([noise.max() for _, noise in rows])) / base
    spread = float(np.mean([(2.0 * np.maximum(own - noise, 0.0) * noise).sum() for own, noise in rows]))
    u = 2.0 * math.hypot(math.sqrt(spread / len(rows)) / base, noise)
    return _Power(power, u, hiding + NUMERIC**2, noise, scale, doubt)
