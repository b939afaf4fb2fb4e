"""The tally beside the plain way: every figure from all runs at once, by definition and without regard to time."""

from __future__ import annotations

import statistics
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.statistics.run import Run
from station.statistics.selection import Selection
from tests.statistics.runs import NOW, at, made, tallied, value

RUNS = st.lists(
    st.builds(
        lambda serial, order, verdict, purpose, plan, bench, gain, minutes, area: (
            serial, order, verdict, purpose, plan, bench, gain, minutes, area
        ),
        st.sampled_from("ABC"), st.sampled_from(("1", "2", "3", None)), st.sampled_from(("PASS", "FAIL", "ABORTED")),
        st.sampled_from(("outgoing", "outgoing", "incoming", "engineering")), st.sampled_from(("whole", "soak")),
        st.sampled_from(("x", "y")), st.one_of(st.none(), st.floats(20.0, 40.0)), st.integers(0, 50),
        st.sampled_from("pq"),
    ), max_size=40,
)  # fmt: skip
SELECTIONS = st.builds(
    Selection, plan=st.sampled_from((None, "soak")), station=st.sampled_from((None, "x")),
    since=st.sampled_from((None, at(20))), until=st.sampled_from((None, at(60))),
)  # fmt: skip


def history(drawn: list[tuple[str, ...]]) -> list[Run]:
    """Every run at a moment of its own, up to 4 days after the one before it."""
    runs, day = [], 0.0
    for serial, order, verdict, purpose, plan, bench, gain, wait, area in drawn:
        day += 0.05 + float(wait) / 12.0
        values = (value(gain, 28.0, 30.0, verdict="SKIPPED" if gain is None else "PASS"),)  # type: ignore[arg-type]
        runs.append(made(serial, order and f"{serial}{order}", verdict, day, purpose, plan=plan, station=bench,
                         values=values, areas=(area,), cause=area))  # fmt: skip
    return runs


def stamp(text: str) -> datetime:
    return datetime.fromisoformat(text)


def slow_yield(runs: list[Run], asked: Selection) -> tuple[int, int, int]:
    """First passes, final passes, units."""
    outgoing = [run for run in runs if run.purpose == "outgoing" and run.verdict in ("PASS", "FAIL")]
    outgoing = [run for run in outgoing if asked.plan in (None, run.plan)]
    first = final = of = 0
    for unit in {(run.serial_number, run.work_order) for run in outgoing}:
        own = sorted((r for r in outgoing if (r.serial_number, r.work_order) == unit), key=lambda r: r.started_at)
        if asked.holds(own[0]):
            plans = {run.plan for run in own}
            of += 1
            first += all(next(run for run in own if run.plan == plan).verdict == "PASS" for plan in plans)
            final += own[-1].verdict == "PASS"
    return first, final, of


def slow_rework(runs: list[Run], asked: Selection) -> tuple[int, int]:
    """Returned, repairs; all are old."""
    tests = [run for run in runs if run.purpose in ("incoming", "outgoing") and run.work_order is not None]
    returned = of = 0
    for order in {run.work_order for run in tests}:
        own = [r for r in tests if r.work_order == order and r.purpose == "outgoing" and r.verdict in ("PASS", "FAIL")]
        done = max(own, key=lambda run: run.started_at, default=None)
        if done is None or done.verdict != "PASS" or not asked.holds(done):
            continue
        of += 1
        mine = [run for run in tests if run.serial_number == done.serial_number and run.work_order != order]
        begun = [min(stamp(r.started_at) for r in mine if r.work_order == one) for one in {r.work_order for r in mine}]
        gaps = [began - stamp(done.ended_at) for began in begun if began > stamp(done.ended_at)]
        returned += any(gap <= timedelta(days=30) for gap in gaps)
    return returned, of


def slow_values(runs: list[Run], asked: Selection) -> list[float]:
    """The first value of every unit, where its run is asked about."""
    seen, found = set(), []
    for run in sorted(runs, key=lambda run: run.started_at):
        unit = run.serial_number, run.work_order
        number = run.values[0].value
        of_plan = run.purpose == "outgoing" and asked.plan in (None, run.plan)
        if of_plan and number is not None and unit not in seen:
            seen.add(unit)
            if asked.holds(run):
                found.append(number)
    return found


@given(RUNS, SELECTIONS)
@settings(max_examples=120, deadline=None)
def test_the_tally_says_what_the_plain_way_says(drawn: list[tuple[str, ...]], asked: Selection) -> None:
    runs = history(drawn)
    found = tallied(*runs, selection=asked, now=NOW + timedelta(days=365))
    units = found.yields[0] if found.yields else None
    mine = (units.first_pass.hits, units.final.hits, units.first_pass.of) if units else (0, 0, 0)
    assert mine == slow_yield(runs, asked)
    backs = found.rework[0].returned if found.rework else None
    assert ((backs.hits, backs.of) if backs else (0, 0)) == slow_rework(runs, asked)
    assert sum(one.first_pass.of for one in found.engineers) == mine[2] == sum(m.first_pass.of for m in found.months)
    failed = [run for run in runs if run.verdict == "FAIL" and run.purpose != "engineering" and asked.holds(run)]
    counts = Counter((run.purpose, run.cause) for run in failed)
    assert {(one.purpose, one.name): one.count for one in found.causes} == counts
    values = slow_values(runs, asked)
    made_of = found.capabilities[0] if found.capabilities else None
    assert (made_of.n if made_of else 0) == len(values)
    if made_of is not None and len(values) > 1:
        assert made_of.mean == pytest.approx(statistics.fmean(values))
        assert made_of.deviation == pytest.approx(statistics.stdev(values), abs=1e-9)
        assert made_of.outside == sum(not 28.0 <= number <= 30.0 for number in values)
