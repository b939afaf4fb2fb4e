"""Output power: the largest at the stated THD, both channels driven, into the measured load (IEC 60268-3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import CHANNELS, Bound, Channel, Measurement
from station.domain.sound import Stimulus, ToneReading
from station.metrology.uncertainty import bound as half_width
from station.metrology.uncertainty import expanded, normal, relative
from station.steps.levels import delivers, rated_output_v, source_v
from station.steps.params import require
from station.steps.step import StepContext

LOAD_TOLERANCE = 0.05
COARSE_DB = 1.0
RESOLUTION_DB = 0.02
"""0.5 % of power."""
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
    """One channel's drive in dB re rated: down from the top in coarse steps to the first clean level, then bisection.

    From the top, because crossover distortion makes low levels dirtier than high ones. `good_db` held the THD, `bad_db`
    did not; `level_v` is the largest clean level.
    """

    channel: Channel
    top_db: float
    floor_db: float
    good_db: float | None = None
    bad_db: float | None = None
    level_v: float = 0.0
    uncertainty_v: float = 0.0
    good_thd: float = 0.0
    bad_thd: float = 0.0
    thd_uncertainty: float = 0.0
    lowest_v: float = 0.0
    """The level at the lowest drive that was looked at."""
    silent: bool = False
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
            return max(self.bad_db - COARSE_DB, self.floor_db)
        return self.good_db if self.done else (self.good_db + self.bad_db) / 2.0

    def take(self, drive_db: float, reading: ToneReading, thd_percent: float) -> None:
        """Learn from one capture."""
        if self.done:
            return
        if reading.thd_percent is None:
            self.silent = True
            self.level_v = max(self.level_v, reading.level_v.value)
            self.uncertainty_v = reading.level_v.uncertainty
            return
        self.thd_uncertainty = reading.thd_percent.uncertainty
        if reading.thd_percent.value <= thd_percent:
            self.good_db, self.good_thd = drive_db, reading.thd_percent.value
            if reading.level_v.value > self.level_v:
                self.level_v, self.uncertainty_v = reading.level_v.value, reading.level_v.uncertainty
        else:
            self.bad_db, self.bad_thd = drive_db, reading.thd_percent.value
            self.lowest_v = reading.level_v.value

    def power(self, load_ohm: float, load_uncertainty_ohm: float) -> tuple[float, float, Bound | None]:
        """Power (W), its uncertainty (k=2), and whether it is only a bound. The truth lies between the largest clean
        level and the smallest that was not."""
        bound: Bound | None = None
        if self.good_db is not None and self.bad_db is not None:
            step_db = self.bad_db - self.good_db
            volts = self.level_v * 10 ** (step_db / 40.0)
            parts = [
                half_width("search", POWER_OF_DB * step_db / 2.0),
                normal("THD", POWER_OF_DB * self._thd_db(step_db)),
            ]
        elif self.clean_at_top or self.silent:
            volts, parts = self.level_v, []
            bound = "below" if self.silent else None if self.quiet else "above"
        else:  # never clean down to the floor: less than there, if any at all
            volts, parts, bound = self.lowest_v, [], "below"
        if volts <= 0.0:
            return 0.0, 0.0, bound
        level = self.uncertainty_v / self.level_v if self.level_v > 0.0 else 0.0
        parts += [normal("level", 2.0 * level), normal("load", load_uncertainty_ohm / load_ohm)]
        return volts**2 / load_ohm, expanded(relative(parts, volts**2 / load_ohm)), bound

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
    searches = [_Search(channel, params.above_rated_db, -params.below_rated_db) for channel in CHANNELS]
    asked_v = rated_output_v(context) * 10 ** (params.above_rated_db / 20.0)
    for capture in range(params.captures_max):
        if all(search.done for search in searches):
            break
        drives = [search.drive_db() for search in searches]
        readings = await _capture(context, params, drives)
        for search, drive_db, reading in zip(searches, drives, readings, strict=True):
            search.take(drive_db, reading, params.thd_percent)
            if capture == 0:
                search.quiet = not search.silent and not delivers(reading.level_v, asked_v)
        context.progress((capture + 1) / params.captures_max, {f"{s.channel}_v": s.level_v for s in searches})
    _record(context, params, searches, load_ohm)


async def _loads(context: StepContext) -> Mapping[Channel, tuple[float, float]]:
    """The measured load; a load bank that is not the product's load would make every watt a lie."""
    loads = await context.bench.drive.measure_loads()
    for channel, (ohm, _) in loads.items():
        if abs(ohm / context.product.load_ohm - 1.0) > LOAD_TOLERANCE:
            raise StepError(
                f"load bank, {channel}: {ohm:.3f} ohm, the product wants {context.product.load_ohm:g} ohm "
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
