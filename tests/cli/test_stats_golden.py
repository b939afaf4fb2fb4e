"""The golden units of `stats`: what drifts first, against kept limits or those of the first checks, unit by unit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC

import pytest

from station.cli.stats_golden import golden_units
from station.domain.record import Record
from station.metrology.golden import FIRST, Frozen, charts_of, check_of, freeze
from tests.report.conftest import make_pass

LIMIT = 0.1
STEPS = tuple(replace(step, curves=()) for step in make_pass().steps if step.id in ("earth-bond", "thd"))


def checks(
    count: int, moved_from: int | None = None, serial: str = "G-1", station: str = "bench-01"
) -> Iterator[Record]:
    """THD left at 0.02 % with a scatter of 0.0004, and 0.0024 more from a run on."""
    draw = random.Random(serial)
    good = make_pass()
    for run_no in range(1, count + 1):
        moved = 0.0024 if moved_from is not None and run_no >= moved_from else 0.0
        steps = tuple(
            replace(step, measurements=tuple(
                replace(one, value=0.02 + draw.gauss(0.0, 0.0004) + moved * (one.channel == "left"))
                for one in step.measurements
            )) for step in STEPS
        )  # fmt: skip
        yield replace(good, purpose="verify", run_no=run_no, station=station, steps=steps,
                      dut=replace(good.dut, serial_number=serial))  # fmt: skip


def nothing_kept(serial: str) -> Frozen | None:
    return None


def test_what_drifts_comes_first_with_where_it_stands_and_since_when() -> None:
    (unit,) = golden_units((("e", one) for one in checks(45, moved_from=31)), nothing_kept, UTC, "UTC")
    assert (unit.station, unit.serial_number, unit.checks, unit.state) == ("bench-01", "G-1", 45, "out_of_control")
    first = unit.charts[0]
    assert (first.measurement, first.channel, first.state, first.since_run) == (
        "thd_percent",
        "left",
        "out_of_control",
        31,
    )
    assert first.centre == pytest.approx(0.02, abs=2e-4) and first.level == pytest.approx(0.0224, abs=2e-4)
    assert first.off_sigma is not None and first.off_sigma > 8.0
    assert first.percent_to_limit == pytest.approx(100.0 * 0.0024 / (LIMIT - 0.02), abs=0.4)
    assert first.chance is not None and first.chance < 1e-3 and len(first.means) == 15
    assert not unit.kept and [one.measurement for one in unit.charts[1:]].count("thd_percent") == 1


def test_kept_limits_hold_where_the_first_checks_have_drifted_already() -> None:
    frozen = freeze(charts_of([check_of(one) for one in checks(24)]), "G-1", FIRST)
    moved = [("e", one) for one in checks(30, moved_from=1)]
    (alone,) = golden_units(moved, nothing_kept, UTC, "UTC")
    (held,) = golden_units(moved, lambda serial: frozen if serial == "G-1" else None, UTC, "UTC")
    assert alone.state == "in_control" and held.state == "out_of_control" and held.kept


def test_units_benches_and_cards_are_told_apart_and_few_checks_are_collecting() -> None:
    mixed = [("e", one) for one in checks(3)] + [("f", one) for one in checks(2)]
    mixed += [("f", one) for one in checks(2, serial="G-2")] + [("f", one) for one in checks(2, station="bench-02")]
    units = list(golden_units(mixed, nothing_kept, UTC, "UTC"))
    assert [(one.station, one.serial_number, one.checks) for one in units] == [
        ("bench-01", "G-1", 3), ("bench-01", "G-1", 2), ("bench-01", "G-2", 2), ("bench-02", "G-1", 2),
    ]  # fmt: skip
    assert {one.state for one in units} == {"collecting"}
    assert all(chart.centre is None and chart.level is not None for one in units for chart in one.charts)
