"""The cable under a hand: a gapless tone on the couplers while the technician bends cable, plug and entries.

A lead that parts is silence, and counts from 50 ms on; a crackle is shorter, and the second that holds one counts; a
joint that is only poor, or a return, shows as a fall of a second's level.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from station.domain.measurement import CHANNELS, Channel, Measurement
from station.metrology.uncertainty import DB, bound, expanded, normal
from station.steps.headphones import FAINT_DB, have_done, plate_of, tone
from station.steps.levels import STABILITY, db
from station.steps.params import require
from station.steps.soak_tally import DROPOUT_S, Tally
from station.steps.step import StepContext

FLEX = {
    "zh": "按 OK 后边响边弯折线：插头处、分线处、左右入壳处各几次，直到结束；先不要碰耳机",
    "en": "After OK bend the cable while it plays: plug, split, both entries, until the step ends; not the headphones",
}
BATCH_S = 1.0
LEVELS_LEAST = 3
"""Seconds without a silence that are needed to say what a level falls from."""


@dataclass(frozen=True, slots=True)
class Params:
    """How long the cable is bent (test time); what a level may wander by itself while hands are at the cable (k=2)."""

    duration_s: float = 20.0
    wander_db: float = 0.1

    def __post_init__(self) -> None:
        require("duration_s", self.duration_s, 5.0, 300.0)
        require("wander_db", self.wander_db, 0.0, 3.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records per channel `dropouts` (silences longer than 50 ms), `cut_s` (seconds in which it was cut, 6 dB for a
    millisecond or more) and `flex_drop_db` (the largest fall of a second's level under the median)."""
    await context.bench.drive.prepare()
    await have_done(context, FLEX, "flex")
    tally = await _listen(context, params)
    for index, channel in enumerate(CHANNELS):
        before = context.already("sensitivity_db", channel)
        if before is None or before < plate_of(context).sensitivity_db_v - FAINT_DB:  # it drops out of nothing
            context.note(f"{channel}: no sound that could drop out")
            for name in ("dropouts", "cut_s", "flex_drop_db"):
                context.skip(name, channel)
            continue
        _record(context, params, channel, tally, index)


async def _listen(context: StepContext, params: Params) -> Tally:
    """The stream to its end; while it runs the screen counts down and shows each side's silences."""
    tally = Tally(reference_s=params.duration_s, window_s=1.0)
    stream = await context.bench.sound.start_soak(tone(context, params.duration_s))
    batch = None
    try:
        while tally.end_s < params.duration_s - 1e-6:
            batch = await stream.advance(min(params.duration_s, tally.end_s + BATCH_S))
            tally.take(batch)
            found = {f"{channel}_dropouts": float(len(tally.dropouts(i))) for i, channel in enumerate(CHANNELS)}
            left_s = params.duration_s - tally.end_s
            context.progress(tally.end_s / params.duration_s, {**found, "remaining_s": left_s}, left_s)
    finally:
        await stream.close()
    tally.close(batch)
    return tally


def _record(context: StepContext, params: Params, channel: Channel, tally: Tally, index: int) -> None:
    dropouts = tally.dropouts(index)
    conditions: dict[str, str | float] = {"longer_than_s": DROPOUT_S, "flexed_s": params.duration_s}
    if dropouts:
        conditions |= {
            "first_at_s": round(dropouts[0][0], 3), "longest_s": round(max(length for _, length in dropouts), 3)
        }  # fmt: skip
    context.record(Measurement("dropouts", float(len(dropouts)), channel, 0.0, conditions=conditions))
    levels = [level for _, level in tally.level_v[index]]
    context.record(Measurement("cut_s", float(round(tally.end_s) - len(levels)), channel, 0.0))
    if len(levels) < LEVELS_LEAST:
        context.note(f"{channel}: too many silences to tell what its level does")
        context.skip("flex_drop_db", channel)
        return
    fall_db = db(statistics.median(levels) / max(min(levels), 1e-9))
    parts = (normal("interface", DB * STABILITY), bound("cable and seat", params.wander_db))
    context.record(Measurement("flex_drop_db", fall_db, channel, expanded(parts)))
