"""The power drift of a soak is the one that is largest in dB, which is not the one that is largest in volts."""

from __future__ import annotations

import asyncio
import math
from typing import Any, cast

import pytest

from drivers.ports import Accuracy
from station.domain.measurement import Measurement
from station.steps.soak import _record_sound
from station.steps.soak_tally import Tally


class Context:
    """As much of a step's context as the record of a soak's sound takes."""

    def __init__(self) -> None:
        self.measured: dict[tuple[str, str | None], Measurement] = {}
        self.bench = self.meters = self

    def accuracy(self, reading: str) -> Accuracy:
        return Accuracy(0.01)

    def record(self, measurement: Measurement) -> None:
        self.measured[measurement.name, measurement.channel] = measurement


def drift_db(*levels_v: float) -> float | None:
    """Of a soak at 1 V whose later seconds have these levels."""
    level = [(float(second), 1.0) for second in range(290, 311)] + [(400.0 + n, v) for n, v in enumerate(levels_v)]
    thd, offset = [(300.0, 0.01)], [(300.0, 0.001)]
    context: Any = Context()
    tally = Tally(300.0, 5.0, (level, level), (thd, thd), offset_v=(offset, offset), end_s=410.0)
    asyncio.run(_record_sound(context, tally))
    found = context.measured["power_drift_db", "left"].value
    assert found == context.measured["power_drift_db", "right"].value
    return None if found is None else float(found)


def test_a_fall_counts_before_a_rise_of_more_volts_but_less_db() -> None:
    assert drift_db(1.11, 0.90, 1.0) == pytest.approx(20.0 * math.log10(0.90))


def test_a_rise_counts_where_it_is_the_largest_in_db_too() -> None:
    assert drift_db(1.12, 0.90, 1.0) == pytest.approx(20.0 * math.log10(1.12))


async def test_between_the_figures_of_two_hours_whoever_waits_has_his_turn() -> None:
    """As the scan does: the seconds of a whole soak, and nothing may be computed of them in one go."""
    hours = [(float(second), 1.0 + second * 1e-6) for second in range(7200)]
    context, turns = Context(), []

    async def scan() -> None:
        while True:
            await asyncio.sleep(0.0)
            turns.append(len(context.measured))

    scanning = asyncio.create_task(scan())
    await _record_sound(cast(Any, context), Tally(300.0, 5.0, (hours, hours), (hours, hours), offset_v=(hours, hours)))
    scanning.cancel()
    figures = len(context.measured)
    assert figures == 7
    assert set(turns) >= set(range(1, figures)), "a turn before each of them"
