"""Mains hum: which multiples of 50 and 60 Hz can be told from a tone, and where a mains frequency really lies.

A family is multiples 1 to 6 of its mains frequency. The mains wanders by some tenths of a percent, so that a long
recording's sixth multiple lies bins beside 300 Hz: the frequency is read from the recording where hum stands out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from station.analysis.levels import Array

MAINS_HZ = (50.0, 60.0)
MULTIPLES = 6
BOTH_HZ = 300.0
"""The multiple that both families have: it tells nothing of either's frequency."""
WANDER = 0.005
"""A mains frequency is looked for so far (fraction) beside its name; in operation it stays within 1 %, mostly 0.1 %."""
MOSTLY = 0.001
APART_BINS, APART_SEEN_BINS = 1.2, 0.5
"""Lines closer than this (1 / duration) are taken for one; where hum stands out, still for two."""
STANDS_OUT = 20.0
"""Power over the local noise's from which a line's frequency is read."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Lines of a stretch in cycles a frame (m,): first the tone's orders 1 to `orders`, then hum.

    `families`: for each mains frequency the index of the line of each multiple, None where it cannot be told from the
    tone's orders, from DC or from Nyquist; `shared`: the orders (indices) that hide a multiple of that family.
    """

    cycles: Array
    orders: int
    families: tuple[tuple[int | None, ...], ...]
    shared: tuple[tuple[int, ...], ...]

    @property
    def common(self) -> set[int]:
        """Lines that are of both families (300 Hz): they tell nothing of either's frequency."""
        places = [{place for place in family if place is not None} for family in self.families]
        return set.intersection(*places) if len(places) > 1 else set()

    def read_share(self, order: int, n: int, mains: float) -> float:
        """Least share of its amplitude with which hum is read in the tone's line `order` (index) that hides it.

        `mains`: cycles a frame of the family's name. A Hann fit reads a line d bins beside it as
        sin(pi d) / (pi d (1 - d^2)) of it.
        """
        cycles = float(self.cycles[order])
        multiple = max(round(cycles / mains), 1) * mains
        bins = min((abs(cycles - multiple) + MOSTLY * multiple) * n, APART_BINS)
        return float(np.sinc(bins)) / (1.0 - bins**2) if abs(bins - 1.0) > 1e-6 else 0.5


def lay_out(n: int, tone: float, orders: int, mains: tuple[float, ...], seen: tuple[bool, ...] = ()) -> Layout:
    """Lines of `n` frames: a tone at `tone` cycles a frame, families at `mains` likewise; `seen`: which stand out."""
    edge = APART_BINS / n
    lines = [tone * k for k in range(1, orders + 1) if tone * k < 0.5 - edge]
    count = len(lines)
    families: list[tuple[int | None, ...]] = [()] * len(mains)
    shared: list[tuple[int, ...]] = [()] * len(mains)
    stands_out = seen or (False,) * len(mains)
    # those that stand out first: 300 Hz is fitted where their frequency says, not where the other's name says
    for index in sorted(range(len(mains)), key=lambda index: not stands_out[index]):
        base, gap = mains[index], (APART_SEEN_BINS if stands_out[index] else APART_BINS) / n
        places: list[int | None] = []
        hidden: list[int] = []
        for m in range(1, MULTIPLES + 1):
            cycles = m * base
            near = next((i for i, line in enumerate(lines) if abs(line - cycles) < gap), None)
            if near is not None and near < count:
                hidden.append(near)
                near = None
            elif near is None and edge < cycles < 0.5 - edge:
                lines.append(cycles)
                near = len(lines) - 1
            places.append(near)
        families[index], shared[index] = tuple(places), tuple(hidden)
    return Layout(np.array(lines), count, tuple(families), tuple(shared))


def find_mains(power: Array, floor: Array, n: int, rate_hz: int, mains_hz: float, avoid: Array) -> float | None:
    """Frequency in Hz of a family from its strongest line, None when nothing of it stands out.

    `power`, `floor` (n // 2 + 1,): Hann spectrum of what the tone's fit left, and the local noise in it; `avoid`
    (k,): bins of the tone's orders, beside which nothing is read.
    """
    best, found = STANDS_OUT, None
    for m in range(1, MULTIPLES + 1):
        if m * mains_hz == BOTH_HZ:
            continue
        middle = m * mains_hz * n / rate_hz
        reach = max(WANDER * middle, 0.6)
        low, high = max(math.ceil(middle - reach), 2), min(math.floor(middle + reach), power.size - 2)
        if high < low or (avoid.size and float(np.abs(avoid - middle).min()) < reach + 3.0):
            continue
        k = low + int(np.argmax(power[low : high + 1]))
        if power[k] < max(power[k - 1], power[k + 1]):
            continue  # the slope of another line
        over = float(power[k] / max(float(floor[k]), 1e-300))
        if over > best:
            best, found = over, (k + hann_offset(power, k)) * rate_hz / n / m
    return found


def hann_offset(power: Array, k: int) -> float:
    """How far (in bins, -0.5 to 0.5 for a line alone) a line lies beside the highest bin `k` of a Hann spectrum."""
    step = 1 if power[k + 1] >= power[k - 1] else -1
    share = math.sqrt(float(power[k + step]) / max(float(power[k]), 1e-300))
    return step * (2.0 * share - 1.0) / (share + 1.0)
