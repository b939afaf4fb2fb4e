"""Output power: the largest at the stated THD, both channels driven, into the measured load (IEC 60268-3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from station.domain.errors import StepError
from station.domain.measurement import CHANNELS, Bound, Channel, Measurement
from station.domain.sound import Stimulus, ToneReading
from station.metrology.uncertainty import bound as half_width
from station.metrology.uncertainty import expanded, normal, relative
from station.steps.levels import delivers, plate_of, rated_output_v, source_v
from station.steps.params import require
from station.steps.step import StepContext

LOAD_TOLERANCE = 0.05
COARSE_DB, LEAP_DB = 1.0, 3.0
RESOLUTION_DB = 0.02
"""0.5 % of power."""
BESIDE_DB = 0.006
"""So far beside where the limit is expected the search looks, to have it between two levels."""
CLIPPED = (
    (0.0, 0.0), (0.269, 0.1), (0.694, 0.2), (1.17, 0.3), (2.16, 0.5), (3.63, 0.8), (4.60, 1.0), (6.96, 1.5),
    (9.22, 2.0), (11.35, 2.5), (15.2, 3.5), (20.3, 5.0), (28.1, 8.0),
)  # fmt: skip
"""THD (%, harmonics 2 to 10) of a sine that is cut off hard on both sides, and by how much (dB) it is overdriven."""
STEEP = (0.25, 4.0)
"""How many of those dB a dB of drive is believed to be worth: a soft limiter's are few at first, then many."""
TOLD_BY = 0.3
"""A clean level whose THD is this part of the limit's is at the knee as well, and tells how steep it is."""
DOUBTED = 0.1
"""Of the way between the last two levels, to each side of the limit between them: five times what the bend of a hard
limiter's distortion over 0.02 dB makes of a straight line."""
POWER_OF_DB = math.log(10.0) / 10.0
"""Relative change of a power with a decibel."""


@dataclass(frozen=True, slots=True)
class Params:
    """THD that bounds the power, range of the search around rated power (dB), captures it may take."""

    thd_percent: float = 1.0
    frequency_hz: float = 1000.0
    below_rated_db: float = 9.0
    above_rated_db: float = 2.5
    captures_max: int = 24
    capture_s: float = 0.15

    def __post_init__(self) -> None:
        require("thd_percent", self.thd_percent, 0.1, 10.0)
        require("frequency_hz", self.frequency_hz, 20.0, 20000.0)
        require("below_rated_db", self.below_rated_db, 1.0, 40.0)
        require("above_rated_db", self.above_rated_db, 0.5, 6.0)
        require("captures_max", self.captures_max, 12, 60)
        require("capture_s", self.capture_s, 0.1, 5.0)


@dataclass(slots=True)
class _Search:
    """One channel's drive in dB re rated: down from the top to the first clean level, then between the two.

    From the top, because crossover distortion makes low levels dirtier than high ones. Where to look next is told by
    what a hard limiter's THD says of its overdrive: three or four captures for an amplifier that clips, and coarse
    steps and bisection for one that does it its own way. `good_db` held the THD, `bad_db` did not; `level_v` is the
    largest clean level.
    """

    channel: Channel
    top_db: float
    floor_db: float
    limit_thd: float
    good_db: float | None = None
    bad_db: float | None = None
    level_v: float = 0.0
    uncertainty_v: float = 0.0
    good_thd: float = 0.0
    bad_thd: float = 0.0
    thd_uncertainty: float = 0.0
    lowest_v: float = 0.0
    """The level at the lowest drive that was too distorted: that of `bad_db`."""
    lowest_uncertainty_v: float = 0.0
    silent: bool = False
    leapt: bool = False
    idle: int = 0
    """Captures that did not halve what is left to search."""
    quiet: bool = False
    """It gives far less than it is asked for: what comes out at the top of the search is all there is."""

    @property
    def clean_at_top(self) -> bool:
        """Nothing at the top of the search was too distorted: the power is at least that."""
        return self.good_db == self.top_db

    @property
    def done(self) -> bool:
        """Whether another capture would tell no more."""
        if self.silent or self.clean_at_top:
            return True
        if self.good_db is None:
            return self.bad_db is not None and self.bad_db <= self.floor_db
        return self.bad_db is not None and self.bad_db - self.good_db <= RESOLUTION_DB

    def drive_db(self) -> float:
        """Where to look next; a channel that is done stays driven where it is clean."""
        if self.bad_db is None:
            return self.top_db
        if self.good_db is None:
            leap_db = min(_overdrive_db(self.bad_thd) - _overdrive_db(self.limit_thd) + BESIDE_DB, LEAP_DB)
            return max(self.bad_db - (max(leap_db, COARSE_DB) if self.leapt else leap_db), self.floor_db)
        if self.done:
            return self.good_db
        return (self.good_db + self.bad_db) / 2.0 if self.idle > 1 else self._expected_db(self.good_db, self.bad_db)

    def _expected_db(self, good_db: float, bad_db: float) -> float:
        """Beside the drive at which the limit is expected: on the far side from the nearer of the two levels."""
        between_db, over_db = bad_db - good_db, _overdrive_db(self.bad_thd)
        steep = (
            (over_db - _overdrive_db(self.good_thd)) / between_db if self.good_thd > TOLD_BY * self.limit_thd else 1.0
        )
        below_db = (over_db - _overdrive_db(self.limit_thd)) / min(max(steep, STEEP[0]), STEEP[1])
        aim_db = bad_db - below_db + (BESIDE_DB if 2.0 * below_db > between_db else -BESIDE_DB)
        return min(max(aim_db, good_db + BESIDE_DB), bad_db - BESIDE_DB)

    def take(self, drive_db: float, reading: ToneReading) -> None:
        """Learn from one capture."""
        if self.done:
            return
        self.leapt = self.bad_db is not None
        left_db = self._left_db
        self._learn(drive_db, reading)
        self.idle = self.idle + 1 if self.idle < 2 and self._left_db > left_db / 2.0 else 0

    @property
    def _left_db(self) -> float:
        """How wide what is left to search is."""
        return math.inf if self.good_db is None or self.bad_db is None else self.bad_db - self.good_db

    def _learn(self, drive_db: float, reading: ToneReading) -> None:
        if reading.thd_percent is None:
            self.silent = True
            self.level_v = max(self.level_v, reading.level_v.value)
            self.uncertainty_v = reading.level_v.uncertainty
            return
        self.thd_uncertainty = reading.thd_percent.uncertainty
        if reading.thd_percent.value <= self.limit_thd:
            self.good_db, self.good_thd = drive_db, reading.thd_percent.value
            if reading.level_v.value > self.level_v:
                self.level_v, self.uncertainty_v = reading.level_v.value, reading.level_v.uncertainty
        else:
            self.bad_db, self.bad_thd = drive_db, reading.thd_percent.value
            self.lowest_v, self.lowest_uncertainty_v = reading.level_v.value, reading.level_v.uncertainty

    def power(self, load_ohm: float, load_uncertainty_ohm: float) -> tuple[float, float, Bound | None]:
        """Power (W), its uncertainty (k=2), and whether it is only a bound. The truth lies between the largest clean
        level and the smallest that was not."""
        bound: Bound | None = None
        if self.good_db is not None and self.bad_db is not None:
            apart = math.log(max(self.lowest_v / self.level_v, 1.0))
            share, doubted = self._share()
            volts = self.level_v * math.exp(share * apart)
            parts = [
                half_width("search", doubted * 2.0 * apart),
                normal("THD", POWER_OF_DB * self._thd_db(self.bad_db - self.good_db)),
            ]
        elif self.clean_at_top or self.silent:
            volts, parts = self.level_v, []
            bound = "below" if self.silent else None if self.quiet else "above"
        else:  # never clean down to the floor: less than there, if any at all
            volts, parts, bound = self.lowest_v + self.lowest_uncertainty_v, [], "below"
        if volts <= 0.0:
            return 0.0, 0.0, bound
        level = self.uncertainty_v / self.level_v if self.level_v > 0.0 else self.lowest_uncertainty_v / volts
        parts += [normal("level", 2.0 * level), normal("load", load_uncertainty_ohm / load_ohm)]
        return volts**2 / load_ohm, expanded(relative(parts, volts**2 / load_ohm)), bound

    def _share(self) -> tuple[float, float]:
        """Where between the two levels the limit lies, and what is doubted of that to each side, both as a part of the
        way: distortion grows by about the same factor for each decibel."""
        if not 0.0 < self.good_thd < self.bad_thd:
            return 0.5, 0.5
        share = math.log(self.limit_thd / self.good_thd) / math.log(self.bad_thd / self.good_thd)
        return min(max(share, 0.0), 1.0), DOUBTED

    def _thd_db(self, step_db: float) -> float:
        """What the uncertainty of THD moves the level at which it is crossed, in dB; at most the coarse search."""
        rise = self.bad_thd - self.good_thd
        if rise <= 0.0:
            return COARSE_DB
        return min(COARSE_DB, step_db * self.thd_uncertainty / rise)


async def measure(context: StepContext, params: Params) -> None:
    """Records `output_power_w` per channel. A DUT still clean at the top of the search gives a lower bound."""
    load_ohm = await _loads(context)
    await context.bench.drive.prepare()
    searches = [
        _Search(channel, params.above_rated_db, -params.below_rated_db, params.thd_percent) for channel in CHANNELS
    ]
    asked_v = rated_output_v(context) * 10 ** (params.above_rated_db / 20.0)
    for capture in range(params.captures_max):
        if all(search.done for search in searches):
            break
        drives = [search.drive_db() for search in searches]
        readings = await _capture(context, params, drives)
        for search, drive_db, reading in zip(searches, drives, readings, strict=True):
            search.take(drive_db, reading)
            if capture == 0:
                search.quiet = not search.silent and not delivers(reading.level_v, asked_v)
        context.progress((capture + 1) / params.captures_max, {f"{s.channel}_v": s.level_v for s in searches})
    _record(context, params, searches, load_ohm)


def _overdrive_db(thd_percent: float) -> float:
    """How far a sine of this THD is beyond the level at which it is cut off, dB, if it is cut off hard."""
    for (low, low_db), (high, high_db) in pairwise(CLIPPED):
        if thd_percent <= high:
            return low_db + (high_db - low_db) * (thd_percent - low) / (high - low)
    return CLIPPED[-1][1]


async def _loads(context: StepContext) -> Mapping[Channel, tuple[float, float]]:
    """The measured load; a load bank that is not the product's load would make every watt a lie."""
    loads = await context.bench.drive.measure_loads()
    for channel, (ohm, _) in loads.items():
        if abs(ohm / plate_of(context).load_ohm - 1.0) > LOAD_TOLERANCE:
            raise StepError(
                f"load bank, {channel}: {ohm:.3f} ohm, the product wants {plate_of(context).load_ohm:g} ohm "
                f"within {100 * LOAD_TOLERANCE:g} %; set the load bank, then test again"
            )
    return loads


async def _capture(context: StepContext, params: Params, drives_db: list[float]) -> tuple[ToneReading, ToneReading]:
    rated_v = rated_output_v(context)
    drive_v = [
        source_v(context, channel, rated_v * 10 ** (drive_db / 20.0))
        for channel, drive_db in zip(CHANNELS, drives_db, strict=True)
    ]
    return await context.bench.sound.measure_tone(
        Stimulus(params.frequency_hz, drive_v[0], drive_v[1], params.capture_s)
    )


def _record(
    context: StepContext, params: Params, searches: list[_Search], load_ohm: Mapping[Channel, tuple[float, float]]
) -> None:
    for search in searches:
        ohm, ohm_uncertainty = load_ohm[search.channel]
        power_w, uncertainty_w, bound = search.power(ohm, ohm_uncertainty)
        context.record(
            Measurement(
                "output_power_w", power_w, search.channel, uncertainty_w, bound,
                conditions={"thd_percent": params.thd_percent, "load_ohm": round(ohm, 4), "driven": "both"},
            )
        )  # fmt: skip
