"""The golden units of `stats`: the charts of `verify`, of every unit and bench that the database knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from itertools import groupby

from station.cli.verify_words import View, headline, state_of
from station.domain.record import Record
from station.metrology.golden import FIRST, SUBGROUP, Chart, Check, Frozen, charts_of, check_of
from station.statistics.results import GoldenChart, GoldenUnit


def golden_units(
    checks: Iterable[tuple[str, Record]], kept: Callable[[str], Frozen | None], zone: tzinfo, zone_name: str
) -> Iterator[GoldenUnit]:
    """One a unit, bench and store, which come in a row; no more than one of them is held at a time."""
    for (station, _, serial), own in groupby(checks, lambda one: (one[1].station, one[0], one[1].dut.serial_number)):
        made, simulated = [], False
        for _, record in own:
            made.append(check_of(record))
            simulated = record.simulated
        frozen = kept(serial)
        charts = charts_of(made, frozen=frozen)
        size = frozen.size if frozen else SUBGROUP
        view = View(serial, simulated, made, charts, frozen, size, FIRST, zone, zone_name)
        yield GoldenUnit(
            station, serial, len(made), made[0].run_no, made[-1].run_no, made[-1].at, state_of(view),
            frozen is not None, headline(view),
            tuple(_chart(chart, made) for chart in sorted(charts, key=lambda chart: chart.bound)),
        )  # fmt: skip


def _chart(chart: Chart, checks: Sequence[Check]) -> GoldenChart:
    base, level = chart.baseline, chart.level
    low, high = base.mean_limits(chart.size) if base else (None, None)
    off = None if base is None or level is None else level - base.centre
    sigma = base.sigma / math.sqrt(chart.size) if base else 0.0
    return GoldenChart(
        chart.name, chart.channel, chart.unit, len(chart.values), chart.state, base.centre if base else None, low, high,
        level, off / sigma if off is not None and sigma > 0.0 else None, _way(chart, checks, off),
        chart.chance, chart.since_run,
        tuple(group.mean for group in chart.groups),
    )  # fmt: skip


def _way(chart: Chart, checks: Sequence[Check], off: float | None) -> float | None:
    """Percent of the way from the centre to the plan's limit on that side; None where there is no such limit."""
    key = chart.name, chart.channel
    if chart.baseline is None or not off:
        return None
    limits = next(check.limits[key] for check in reversed(checks) if key in check.limits)
    limit = limits[1 if off > 0.0 else 0]
    room = None if limit is None else limit - chart.baseline.centre
    return 100.0 * off / room if room is not None and room * off > 0.0 else None
