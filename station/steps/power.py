"""Output power: the largest at the stated THD, both channels driven, into the measured load (IEC 60268-3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import CHANNELS, Bound, Channel, Measurement
from station.domain.sound import Stimulus, ToneReading
from station.steps.levels import delivers, rated_output_v, source_v
from station.steps.params import require
from station.steps.step import StepContext

LOAD_TOLERANCE = 0.05
COARSE_DB = 1.0
RESOLUTION_DB = 0.02
"""0.5 % of power."""


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
        elif reading.thd_percent.value <= thd_percent:
            self.good_db = drive_db
            if reading.level_v.value > self.level_v:
                self.level_v, self.uncertainty_v = reading.level_v.value, reading.level_v.uncertainty
        else:
            self.bad_db = drive_db


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
        power_w = search.level_v**2 / ohm
        bound: Bound | None
        if search.silent:  # the level is a bound of the truth
            relative, bound = 0.0, "below"
        elif search.clean_at_top:
            relative = 2 * search.uncertainty_v / search.level_v
            bound = None if search.quiet else "above"
        elif search.good_db is None or search.bad_db is None:  # never clean down to the floor: no power at this THD
            relative, bound = 0.0, None
        else:
            step_db = search.bad_db - search.good_db
            relative = 2 * search.uncertainty_v / search.level_v + ohm_uncertainty / ohm + 0.23 * step_db
            bound = None
        context.record(
            Measurement(
                "output_power_w", power_w, search.channel, power_w * relative, bound,
                conditions={"thd_percent": params.thd_percent, "load_ohm": round(ohm, 4), "driven": "both"},
            )
        )  # fmt: skip
