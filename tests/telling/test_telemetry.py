"""Telemetry: aggregates of what was read in their own seconds, nothing else, and cheap."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.contract.bodies import Telemetry
from station.safety.readings import ReadingTable
from station.telling.aggregates import LEAST_S, MOST_S, PERIOD_S, Stretch

SCAN_S = 0.05


class Desk:
    """A table that is looked at every scan; `told` is what came out."""

    def __init__(self) -> None:
        self.table, self.stretch = ReadingTable(), Stretch()
        self.now_s = 100.0
        self.run: str | None = "run-1"
        self.step: str | None = "power"
        self.told: list[Telemetry] = []

    def put(self, **values: float) -> None:
        self.table.put("mains", values, self.now_s)

    def go_on(self, seconds: float) -> None:
        for _ in range(round(seconds / SCAN_S)):
            self.now_s = round(self.now_s + SCAN_S, 6)
            if told := self.stretch.look(self.table.snapshot(), self.run, self.step, self.now_s):
                self.told.append(told)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_mean_low_and_high_of_what_was_read_in_the_stretch(desk: Desk) -> None:
    desk.go_on(SCAN_S)
    for value in (40.0, 44.0, 36.0, 40.0):
        desk.put(power_w=value)
        desk.go_on(0.5)
    (told,) = desk.told
    assert (told.run_id, told.step, told.seconds) == ("run-1", "power", PERIOD_S)
    power = told.readings["mains.power_w"]
    assert (power.mean, power.low, power.high) == (40.0, 36.0, 44.0)


def test_nothing_is_told_while_no_test_runs_and_nothing_of_before_it_after(desk: Desk) -> None:
    desk.run = None
    for _ in range(10):
        desk.put(power_w=900.0)
        desk.go_on(0.5)
    assert desk.told == []
    desk.run = "run-1"
    desk.go_on(PERIOD_S + 0.2)
    assert desk.told == [], "the reading was taken before the run"
    desk.put(power_w=41.0)
    desk.go_on(PERIOD_S)
    assert [told.readings["mains.power_w"].high for told in desk.told] == [41.0]


def test_a_reading_that_went_stale_failed_or_never_came_is_left_out(desk: Desk) -> None:
    desk.go_on(SCAN_S)
    desk.put(power_w=40.0, voltage_v=230.0)
    desk.table.fail("fan", ("rpm",), desk.now_s)
    desk.go_on(PERIOD_S)
    desk.table.put("mains", {"voltage_v": 231.0}, desk.now_s)
    desk.go_on(PERIOD_S)
    desk.table.fail("mains", (), desk.now_s)
    desk.go_on(2 * PERIOD_S)
    assert [sorted(told.readings) for told in desk.told] == [["mains.power_w", "mains.voltage_v"], ["mains.voltage_v"]]


def test_a_stretch_names_one_step_or_none(desk: Desk) -> None:
    desk.go_on(SCAN_S)
    desk.put(power_w=1.0)
    desk.go_on(1.5)
    desk.step = "soak"  # long enough: what there is goes out, and the next stretch is the soak's alone
    desk.go_on(0.1)
    desk.put(power_w=2.0)
    desk.go_on(0.5)
    desk.step = "after"  # too short for a message of its own
    desk.put(power_w=3.0)
    desk.go_on(PERIOD_S)
    assert [(told.step, told.readings["mains.power_w"].high) for told in desk.told] == [("power", 1.0), (None, 3.0)]


def test_a_run_that_is_over_ends_its_stretch_and_no_stretch_spans_two_runs(desk: Desk) -> None:
    desk.go_on(SCAN_S)
    desk.put(power_w=1.0)
    desk.go_on(1.2)
    desk.run = "run-2"
    desk.go_on(SCAN_S)
    desk.put(power_w=2.0)
    desk.go_on(0.5)
    desk.run = desk.step = None
    desk.go_on(5.0)
    assert [(told.run_id, told.readings["mains.power_w"].high) for told in desk.told] == [("run-1", 1.0)]


def test_a_stretch_that_a_stalled_station_made_too_long_is_not_told(desk: Desk) -> None:
    desk.go_on(SCAN_S)
    desk.put(power_w=1.0)
    desk.now_s += MOST_S + 1.0
    desk.go_on(SCAN_S)
    assert desk.told == []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["read", "fail", "wait", "step", "stop", "start"]),
            st.floats(-1e30, 1e30),
            st.floats(0.05, 3.0),
        ),
        max_size=40,
    )
)
def test_whatever_happens_each_value_is_told_at_most_once_and_within_its_bounds(
    story: list[tuple[str, float, float]],
) -> None:
    desk = Desk()
    taken: list[float] = []
    for deed, value, seconds in story:
        if deed == "read":
            taken.append(value)
            desk.put(power_w=value)
        elif deed == "fail":
            desk.table.fail("mains", ("power_w",), desk.now_s)
        elif deed == "step":
            desk.step = f"{value:.0f}"
        elif deed in ("stop", "start"):
            desk.run = None if deed == "stop" else "run-1"
        desk.go_on(seconds)
    assert len(desk.told) <= len(taken)
    for told in desk.told:
        assert LEAST_S <= told.seconds <= MOST_S and told.readings
        reading = told.readings["mains.power_w"]
        assert reading.low <= reading.mean <= reading.high and {reading.low, reading.high} <= set(taken)


def test_a_look_costs_next_to_nothing() -> None:
    """Processor time of a second of looks at 40 readings; a generous bound, seen 0.2 ms."""
    table, stretch, now_s = ReadingTable(), Stretch(), 0.0
    began_s = time.process_time()
    for scan in range(2000):
        now_s = scan * SCAN_S
        if scan % 4 == 0:
            table.put("meter", {f"q{number}": float(scan) for number in range(40)}, now_s)
        stretch.look(table.snapshot(), "run", "step", now_s)
    spent_ms = (time.process_time() - began_s) * 1000.0 / (2000 * SCAN_S)
    assert spent_ms < 10.0, f"{spent_ms:.2f} ms of processor time a second"
