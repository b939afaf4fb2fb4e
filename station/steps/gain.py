"""Gain of each channel and the balance between them, 10 dB below rated power at 1 kHz."""

from __future__ import annotations

import math
from dataclasses import dataclass

from station.domain.measurement import CHANNELS, Bound, Measurement
from station.domain.sound import Stimulus
from station.metrology.uncertainty import DB
from station.steps.levels import db, db_uncertainty, rated_output_v, source_v
from station.steps.params import require
from station.steps.step import StepContext


@dataclass(frozen=True, slots=True)
class Params:
    """Level below rated power (dB), frequency and length of the capture."""

    below_rated_db: float = 10.0
    frequency_hz: float = 1000.0
    capture_s: float = 0.3

    def __post_init__(self) -> None:
        require("below_rated_db", self.below_rated_db, 0.0, 40.0)
        require("frequency_hz", self.frequency_hz, 20.0, 20000.0)
        require("capture_s", self.capture_s, 0.1, 10.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `gain_db` per channel and `channel_balance_db` (absolute difference)."""
    await context.bench.drive.prepare()
    output_v = rated_output_v(context) / 10 ** (params.below_rated_db / 20.0)
    drive_v = [source_v(context, channel, output_v) for channel in CHANNELS]
    readings = await context.bench.sound.measure_tone(
        Stimulus(params.frequency_hz, drive_v[0], drive_v[1], params.capture_s)
    )
    gains, uncertainties = [], []
    for reading, source in zip(readings, drive_v, strict=True):
        gain_db = db(reading.level_v.value / source)
        uncertainty = math.hypot(db_uncertainty(reading.level_v), DB * reading.source_relative)
        gains.append(gain_db)
        uncertainties.append(uncertainty if reading.level_v.bound is None else 0.0)
        context.record(
            Measurement(
                "gain_db", gain_db, reading.channel, uncertainty, reading.level_v.bound,
                conditions={"frequency_hz": params.frequency_hz, "source_v": round(source, 4)},
            )
        )  # fmt: skip
    silent = [reading.level_v.bound is not None for reading in readings]
    if all(silent):
        context.skip("channel_balance_db")
        return
    bound: Bound | None = "above" if any(silent) else None
    context.record(Measurement("channel_balance_db", abs(gains[0] - gains[1]), None, math.hypot(*uncertainties), bound))
