"""The pure scan: tables of single inputs, and properties over histories of anything."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ports import GuardState, GuardStatus
from station.domain.interlock import Interlock, Reading, Trip
from station.safety import scan
from station.safety.causes import guard_trip, kind_of, station_trip, verdict_of
from station.safety.interlocks import find_unproven
from station.safety.permit import NAMES
from station.safety.rules import AUDIO, ISOLATED_FROM, ROLES, Rules
from station.safety.snapshot import DriveWish, HvWish, MainsWish, RelayImage, ScanInputs, ScanState, Wishes

RULES = Rules()
T0 = 1000.0
EXAMPLES = int(os.environ.get("SAFETY_EXAMPLES", "50"))
"""Histories a property; by hand thousands."""
LOCKS = (
    Interlock("heatsink", "temperature.heatsink_degc", 2.0, high=100.0, measurement="heatsink_degc"),
    Interlock("volts", "mains.voltage_v", 1.0, low=200.0, high=250.0, for_s=0.3, blames="station"),
    Interlock("dc", "dc.left_plus_v", 1.0, low=-2.0, high=2.0, for_s=0.1, when="drive"),
    Interlock("fan", "fan.rpm", 2.0, low=500.0, when="drive", blames="station"),
    Interlock("smoke", "air.smoke_percent", 2.0, high=5.0, when="always", blames="station"),
    Interlock("hv-temperature", "temperature.ambient_degc", 2.0, high=50.0, when="hv", blames="station"),
)
GOOD = {
    "temperature.heatsink_degc": 40.0, "temperature.ambient_degc": 25.0, "temperature.loadbank_degc": 30.0,
    "mains.voltage_v": 230.0, "dc.left_plus_v": 0.0, "fan.rpm": 1500.0, "air.smoke_percent": 0.0,
}  # fmt: skip


def status(state: str = "SAFE", **other: Any) -> GuardStatus:
    fields: dict[str, Any] = {
        "k": state == "ENERGISED", "h": state == "HV", "lock": True, "fb": state == "ENERGISED",
        "estop": True, "lid": True, "thermo": True, "cause": None, "also": (),
        "hb_age_ms": 10, "on_left_s": 0, "bad": 0, "up_ms": 60000, "received_at": T0,
    }  # fmt: skip
    return GuardStatus(state=GuardState(state), **{**fields, **other})


def readings(at: float = T0, **changed: float | None) -> Mapping[str, Reading]:
    return {name: Reading(value, at) for name, value in {**GOOD, **changed}.items()}


def relays(*closed: str, at: float = T0) -> RelayImage:
    positions = {role: role in closed for role in ROLES}
    return RelayImage(positions, positions, at)


def inputs(at: float = T0, **other: Any) -> ScanInputs:
    fields: dict[str, Any] = {
        "now": at, "due": at, "readings": readings(at), "guard": status(received_at=at), "boot": "b",
        "relays": relays(at=at),
    }  # fmt: skip
    return ScanInputs(**{**fields, **other})


def quiet() -> ScanState:
    """A state in which every pause is over and nothing has tripped."""
    return scan.begin(RULES, T0 - 100.0)


def run(*steps: ScanInputs, state: ScanState | None = None) -> tuple[ScanState, Any]:
    state = state if state is not None else quiet()
    outputs = None
    for one in steps:
        state, outputs = scan.step(RULES, LOCKS, state, one)
    return state, outputs


ON = Wishes(mains=MainsWish.ON, mains_until=T0 + 100.0)
DRIVING = replace(ON, drive=DriveWish.FULL)
DRIVE_RELAYS = relays("fan", *AUDIO)
HV = Wishes(hv=HvWish.ON)


# ---- one input at a time -----------------------------------------------------------------------------------------


def test_a_quiet_bench_trips_nothing_and_is_fed() -> None:
    state, outputs = run(inputs())
    assert state.trips == () and outputs.heartbeat and not outputs.stop
    assert [name for name in NAMES if not outputs.refusals[name]] == ["routing"]


@pytest.mark.parametrize(
    ("name", "given_inputs"),
    [
        ("mains", inputs(wishes=Wishes(mains=MainsWish.PREPARE))),
        ("hv", inputs(wishes=HV, relays=relays("tester"))),
        ("test_voltage", inputs(wishes=HV, relays=relays("tester"), guard=status("HV"))),
        ("drive", inputs(wishes=DRIVING, relays=DRIVE_RELAYS, guard=status("ENERGISED"))),
        ("drive", inputs(wishes=replace(DRIVING, drive=DriveWish.LOW), relays=relays("fan", "source", "capture"),
                         guard=status("ENERGISED"))),
    ],
)  # fmt: skip
def test_a_permit_is_granted_where_everything_is_as_it_must_be(name: str, given_inputs: ScanInputs) -> None:
    state, outputs = run(given_inputs)
    assert state.trips == () and outputs.refusals[name] == ""
    assert outputs.permit_until == pytest.approx(T0 + 0.15)


WANT_MAINS = Wishes(mains=MainsWish.PREPARE)


@pytest.mark.parametrize(
    "changed",
    [
        {"readings": readings(**{"temperature.heatsink_degc": None})},
        {"readings": readings(**{"temperature.heatsink_degc": math.nan})},
        {"readings": readings(**{"temperature.heatsink_degc": 100.5})},
        {"readings": readings(at=T0 - 2.1)},
        {"readings": {name: reading for name, reading in readings().items() if "volt" not in name}},
        {"relays": None},
        {"relays": relays(at=T0 - 3.0)},
        *({"relays": relays(role)} for role in ("tester", "bleed", "touch", *AUDIO)),
        {"service_latch": "WELD"},
        {"guard": status(lid=False)},
        {"guard": status(estop=False)},
        {"guard": status(thermo=False)},
        {"guard": status(fb=True)},
        {"guard": status("HV")},
        {"guard": None},
        {"wishes": replace(WANT_MAINS, hv=HvWish.PREPARE)},
        {"wishes": Wishes()},
    ],
)  # fmt: skip
def test_mains_is_refused_for_any_one_thing_that_is_not_right(changed: dict[str, Any]) -> None:
    _, outputs = run(inputs(**{"wishes": WANT_MAINS, **changed}))
    assert outputs.refusals["mains"] != ""


@pytest.mark.parametrize(
    "changed",
    [
        {"relays": relays()},
        *({"relays": relays("tester", role)} for role in ISOLATED_FROM),
        {"relays": relays("tester", at=T0 - 3.0)},
        {"guard": status(fb=True)},
        {"guard": status("ENERGISED")},
        {"guard": status(lid=False)},
        {"wishes": replace(HV, mains=MainsWish.PREPARE)},
        {"wishes": replace(HV, drive=DriveWish.PREPARE)},
        {"service_latch": "WELD"},
        {"readings": readings(**{"temperature.ambient_degc": 60.0})},
    ],
)
def test_the_test_voltage_is_refused_for_any_one_thing_that_is_not_right(changed: dict[str, Any]) -> None:
    fields = {"wishes": HV, "relays": relays("tester"), **changed}
    _, outputs = run(inputs(**fields))
    assert outputs.refusals["hv"] != "" and outputs.refusals["test_voltage"] != ""


def test_the_tester_is_not_started_before_the_guard_says_hv() -> None:
    _, outputs = run(inputs(wishes=HV, relays=relays("tester")))
    assert outputs.refusals["hv"] == "" and outputs.refusals["test_voltage"] != ""


@pytest.mark.parametrize(
    "changed",
    [
        *({"relays": relays(*(role for role in ("fan", *AUDIO) if role != gone))} for gone in ("fan", *AUDIO)),
        {"relays": relays("fan", "touch", *AUDIO)},
        {"guard": status("SAFE")},
        {"guard": status("ENERGISED", fb=False)},
        {"readings": readings(**{"fan.rpm": 100.0})},
        {"readings": readings(**{"fan.rpm": None})},
        {"readings": readings(**{"dc.left_plus_v": 3.0})},
        {"wishes": replace(DRIVING, drive=DriveWish.PREPARE)},
    ],
)
def test_drive_is_refused_for_any_one_thing_that_is_not_right(changed: dict[str, Any]) -> None:
    fields = {"wishes": DRIVING, "relays": DRIVE_RELAYS, "guard": status("ENERGISED"), **changed}
    _, outputs = run(inputs(**fields))
    assert outputs.refusals["drive"] != ""


@pytest.mark.parametrize(
    ("changed", "cause", "verdict"),
    [
        ({"guard": status("TRIPPED", cause="ESTOP")}, ("guard", "ESTOP"), "ABORTED"),
        ({"guard": status("TRIPPED", cause="LID")}, ("guard", "LID"), "ABORTED"),
        ({"guard": status("TRIPPED", cause="THERMO")}, ("guard", "THERMO"), "ERROR"),
        ({"guard": status("TRIPPED", cause="WELD")}, ("guard", "WELD"), "ERROR"),
        ({"guard": status("TRIPPED", cause=None)}, ("guard", "UNKNOWN"), "ERROR"),
        ({"guard": None}, ("guard", "LOST"), "ERROR"),
        ({"guard": status(received_at=T0 - 1.3)}, ("guard", "SILENT"), "ERROR"),
        ({"dead_pollers": frozenset({"dc"})}, ("poller", "DEAD dc"), "ERROR"),
        ({"due": T0 - 0.051}, ("scan", "LATE"), "ERROR"),
        ({"relays": RelayImage({"source": False}, {"source": True}, T0)}, ("relays", "MISMATCH source"), "ERROR"),
        ({"readings": readings(**{"air.smoke_percent": 6.0})}, ("smoke", "HIGH"), "ERROR"),
        ({"readings": readings(**{"air.smoke_percent": None})}, ("smoke", "FAILED"), "ERROR"),
        ({"readings": readings(at=T0 - 5.0)}, ("smoke", "STALE"), "ERROR"),
        ({"readings": readings(at=T0 + 5.0)}, ("smoke", "INVALID"), "ERROR"),
        ({"readings": {}}, ("smoke", "MISSING"), "ERROR"),
    ],
)
def test_what_trips_an_idle_bench(changed: dict[str, Any], cause: tuple[str, str], verdict: str) -> None:
    state, outputs = run(inputs(**changed))
    assert (state.trips[0].interlock, state.trips[0].cause) == cause
    assert verdict_of(state.trips[0]) == verdict
    assert all(outputs.refusals[name] for name in NAMES)


def test_a_scan_late_by_no_more_than_a_period_does_not_trip() -> None:
    state, _ = run(inputs(due=T0 - 0.05))
    assert state.trips == ()


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"readings": readings(**{"temperature.heatsink_degc": 100.1})}, ("heatsink", "HIGH")),
        ({"readings": readings(**{"temperature.heatsink_degc": None})}, ("heatsink", "FAILED")),
        ({"relays": relays(at=T0 - 2.1)}, ("relays", "STALE")),
        ({"relays": relays("tester")}, ("relays", "TESTER_ON_MAINS")),
        ({"wishes": replace(ON, mains_until=T0)}, ("mains", "BOUND")),
    ],
)
def test_what_trips_under_mains(changed: dict[str, Any], cause: tuple[str, str]) -> None:
    fields = {"wishes": ON, "guard": status("ENERGISED"), **changed}
    state, outputs = run(inputs(**fields))
    assert (state.trips[0].interlock, state.trips[0].cause) == cause
    assert not outputs.heartbeat and outputs.stop


def test_an_interlock_that_blames_the_dut_makes_a_fail_and_names_its_measurement() -> None:
    hot = readings(**{"temperature.heatsink_degc": 101.0})
    state, _ = run(inputs(wishes=ON, guard=status("ENERGISED"), readings=hot))
    assert verdict_of(state.trips[0]) == "FAIL" and state.trips[0].measurement == "heatsink_degc"


def test_a_reading_out_of_bounds_trips_after_its_time_counted_from_the_reading() -> None:
    low = {"mains.voltage_v": 180.0}
    base = {"wishes": ON, "guard": status("ENERGISED")}
    before = inputs(**base)
    early = inputs(
        T0 + 0.25, **{**base, "guard": status("ENERGISED", received_at=T0)}, readings=readings(T0 + 0.05, **low)
    )
    late = inputs(
        T0 + 0.36, **{**base, "guard": status("ENERGISED", received_at=T0)}, readings=readings(T0 + 0.05, **low)
    )
    state, _ = run(before, early)
    assert state.trips == ()
    state, _ = run(late, state=state)
    assert [(trip.interlock, trip.cause) for trip in state.trips] == [("volts", "LOW")]


def test_a_violation_that_ends_in_time_does_not_trip_and_starts_anew() -> None:
    base: dict[str, Any] = {"wishes": ON}
    state = quiet()
    for at, volts in ((0.0, 230.0), (0.1, 180.0), (0.3, 230.0), (0.5, 180.0), (0.7, 180.0)):
        one = inputs(
            T0 + at,
            **base,
            guard=status("ENERGISED", received_at=T0 + at),
            readings=readings(T0 + at, **{"mains.voltage_v": volts}),
        )
        state, _ = run(one, state=state)
    assert state.trips == ()


def test_a_low_bound_waits_for_the_first_reading_after_energising() -> None:
    old = readings(T0 - 0.5, **{"mains.voltage_v": 0.0})
    state, _ = run(inputs(wishes=ON, guard=status("ENERGISED"), readings=old))
    assert state.trips == ()
    stale = inputs(T0 + 0.6, wishes=ON, guard=status("ENERGISED", received_at=T0 + 0.6), readings=old)
    state, _ = run(stale, state=state)
    assert ("volts", "STALE") in [(trip.interlock, trip.cause) for trip in state.trips]


def test_the_first_cause_is_kept_and_later_ones_follow_once() -> None:
    first = inputs(dead_pollers=frozenset({"dc"}))
    second = inputs(guard=status("TRIPPED", cause="ESTOP", also=("THERMO",)), dead_pollers=frozenset({"dc"}))
    state, _ = run(first, second, second)
    assert [(trip.interlock, trip.cause) for trip in state.trips] == [
        ("poller", "DEAD dc"), ("guard", "ESTOP"), ("guard", "THERMO"),
    ]  # fmt: skip


def test_the_echo_of_our_own_stop_is_no_second_cause() -> None:
    state = scan.latch(quiet(), station_trip("stop", "STOP", T0))
    state, _ = run(inputs(guard=status("TRIPPED", cause="HOST")), state=state)
    assert [trip.cause for trip in state.trips] == ["STOP"] and kind_of(state.trips[0]) == "person"


def test_a_changed_boot_id_or_a_counter_that_goes_back_is_a_restarted_guard() -> None:
    for changed in ({"boot": "c"}, {"guard": status(up_ms=5)}):
        state, _ = run(inputs(), inputs(**changed))
        assert [trip.cause for trip in state.trips] == ["RESTARTED"]


def test_a_guard_that_is_on_though_nobody_wants_it_trips() -> None:
    early = inputs(guard=status("ENERGISED"))
    late = inputs(T0 + 1.3, guard=status("ENERGISED", received_at=T0 + 1.3))
    state, _ = run(early)
    assert state.trips == ()
    state, _ = run(late, state=state)
    assert ("guard", "UNWANTED") in [(trip.interlock, trip.cause) for trip in state.trips]


def test_a_guard_that_leaves_energised_without_being_told_trips() -> None:
    state, _ = run(inputs(wishes=ON, guard=status("ENERGISED")), inputs(wishes=ON, guard=status("SAFE")))
    assert [trip.cause for trip in state.trips] == ["LEFT"]


def test_mains_waits_ten_seconds_from_the_start_and_from_every_off() -> None:
    state, outputs = run(inputs(wishes=WANT_MAINS), state=scan.begin(RULES, T0 - 9.9))
    assert "less than 10 s" in outputs.refusals["mains"]
    state, _ = run(inputs(wishes=ON, guard=status("ENERGISED")), inputs())
    for after_s, granted in ((9.95, False), (10.05, True)):
        _, outputs = run(inputs(T0 + after_s, wishes=WANT_MAINS), state=state)
        assert (outputs.refusals["mains"] == "") is granted


@pytest.mark.parametrize(
    ("given_readings", "given_relays", "drive", "fan"),
    [
        (readings(), relays(), DriveWish.OFF, False),
        (readings(**{"temperature.loadbank_degc": 61.0}), relays(), DriveWish.OFF, True),
        (readings(**{"temperature.loadbank_degc": None}), relays(), DriveWish.OFF, True),
        ({}, relays(), DriveWish.OFF, True),
        (readings(at=T0 - 6.0), relays(), DriveWish.OFF, True),
        (readings(), relays("load_left"), DriveWish.OFF, True),
        (readings(), None, DriveWish.OFF, True),
        (readings(), relays(), DriveWish.PREPARE, True),
    ],
)
def test_the_fan_stands_still_only_beside_a_cold_load_bank(
    given_readings: Any, given_relays: Any, drive: DriveWish, fan: bool
) -> None:
    _, outputs = run(inputs(readings=given_readings, relays=given_relays, wishes=Wishes(drive=drive)))
    assert outputs.fan is fan


@pytest.mark.parametrize(
    ("changed", "bleed"),
    [
        ({}, True),
        ({"wishes": WANT_MAINS}, False),
        ({"wishes": ON}, False),
        ({"guard": status("ARMED")}, False),
        ({"guard": status("ENERGISED")}, False),
        ({"guard": status("TRIPPED", cause="WELD", fb=True)}, False),
        ({"guard": status("HV")}, False),
        ({"guard": None}, False),
        ({"guard": status("TRIPPED", cause="BOOT")}, True),
    ],
)
def test_the_bleed_resistor_hangs_on_the_plug_only_while_it_is_off(changed: dict[str, Any], bleed: bool) -> None:
    _, outputs = run(inputs(**changed))
    assert outputs.bleed is bleed


@pytest.mark.parametrize(
    "changed",
    [
        {"guard": status("TRIPPED", cause="ESTOP", estop=False)},
        {"guard": status("TRIPPED", cause="LID", lid=False)},
        {"guard": status("TRIPPED", cause="WELD", fb=True)},
        {"guard": status("ENERGISED")},
        {"guard": status(received_at=T0 - 2.0)},
        {"guard": None},
        {"service_latch": "WELD"},
        {"dead_pollers": frozenset({"dc"})},
        {"relays": RelayImage({"source": False}, {"source": True}, T0)},
        {"readings": readings(**{"air.smoke_percent": 9.0})},
    ],
)
def test_reset_is_refused_while_something_is_not_healthy(changed: dict[str, Any]) -> None:
    assert scan.reset_refusals(RULES, LOCKS, quiet(), inputs(**changed))
    assert scan.reset_refusals(RULES, LOCKS, quiet(), inputs(guard=status("TRIPPED", cause="BOOT"))) == ()


def test_a_guard_that_is_safe_again_during_reset_is_not_told_stop() -> None:
    state = scan.latch(quiet(), guard_trip("ESTOP", T0))
    assert run(inputs(), state=state)[1].stop
    assert not run(inputs(resetting=True), state=state)[1].stop
    assert run(inputs(resetting=True, guard=status("ARMED")), state=state)[1].stop


# ---- properties --------------------------------------------------------------------------------------------------

values = st.one_of(st.none(), st.just(math.nan), st.sampled_from([0.0, 30.0, 59.0, 101.0, 230.0, 600.0, 1500.0, -3.0]))
ages = st.sampled_from([0.0, 0.2, 0.9, 1.1, 1.9, 2.1, 5.5, -1.0])


@st.composite
def any_status(draw: st.DrawFn, at: float) -> GuardStatus | None:
    if draw(st.integers(0, 9)) == 0:
        return None
    state = draw(st.sampled_from([*GuardState, GuardState.SAFE, GuardState.ENERGISED]))
    cause = draw(st.sampled_from(["BOOT", "ESTOP", "HOST", None])) if state is GuardState.TRIPPED else None
    healthy = {name: draw(st.integers(0, 7)) > 0 for name in ("estop", "lid", "thermo")}
    fb = state is GuardState.ENERGISED if draw(st.integers(0, 5)) else draw(st.booleans())
    return status(
        state.value,
        cause=cause,
        fb=fb,
        up_ms=int(at * 1000),
        received_at=at - draw(st.sampled_from([0.0, 0.1, 1.0, 1.3])),
        **healthy,
    )


@st.composite
def any_inputs(draw: st.DrawFn, at: float) -> ScanInputs:
    table = {name: Reading(value, at) for name, value in GOOD.items()}
    for name in draw(st.lists(st.sampled_from(sorted(GOOD)), max_size=2)):
        table[name] = Reading(draw(values), at - draw(ages))
    wishes = draw(
        st.sampled_from(
            [Wishes(), WANT_MAINS, replace(ON, mains_until=T0 + 4.0), replace(DRIVING, mains_until=T0 + 9.0), HV]
        )
    )
    closed = draw(
        st.sampled_from(
            [(), ("tester",), ("fan", *AUDIO), ("bleed",), ("fan", "source", "capture"), ("tester", "touch")]
        )
    )
    image = relays(*closed, at=at - draw(st.sampled_from([0.0, 0.5, 2.5])))
    if draw(st.integers(0, 9)) == 0:
        image = replace(image, seen={**image.seen, "source": not image.seen["source"]})
    return ScanInputs(
        now=at, due=at - draw(st.sampled_from([0.0, 0.0, 0.0, 0.04, 0.2])), readings=table,
        guard=draw(any_status(at)), boot="b",
        relays=draw(st.sampled_from([image, image, None])), wishes=wishes,
        dead_pollers=draw(st.sampled_from([frozenset(), frozenset(), frozenset({"dc"})])),
        service_latch=draw(st.sampled_from([None, None, "WELD"])),
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[ScanInputs]:
    at, history = T0, []
    for _ in range(draw(st.integers(1, 8))):
        history.append(draw(any_inputs(at)))
        at += draw(st.sampled_from([0.05, 0.1, 1.0]))
    return history


def _ok(row: Interlock, one: ScanInputs) -> bool:
    reading = one.readings.get(row.reading)
    if reading is None or reading.value is None or not math.isfinite(reading.value):
        return False
    fresh = 0.0 <= one.now - reading.taken_at <= row.max_age_s
    return fresh and (row.high is None or reading.value <= row.high)


@settings(max_examples=EXAMPLES, deadline=None)
@given(histories())
def test_what_tripped_stays_tripped_and_nothing_is_permitted_or_fed(history: list[ScanInputs]) -> None:
    state = quiet()
    latched: tuple[Trip, ...] = ()
    for one in history:
        state, outputs = scan.step(RULES, LOCKS, state, one)
        assert state.trips[: len(latched)] == latched, "a cause was lost or reordered"
        assert state.trips == latched + outputs.trips
        assert len({(trip.interlock, trip.cause) for trip in state.trips}) == len(state.trips)
        latched = state.trips
        if latched:
            assert all(outputs.refusals[name] for name in NAMES)
            assert not outputs.heartbeat or scan.confirmed_off(RULES, one.guard, one.now)
            assert outputs.stop or (one.guard is not None and one.guard.state is GuardState.TRIPPED)


@settings(max_examples=EXAMPLES, deadline=None)
@given(histories())
def test_no_permit_stands_on_a_sensor_that_is_not_ok_or_a_relay_that_is_not_known(history: list[ScanInputs]) -> None:
    state = quiet()
    for one in history:
        state, outputs = scan.step(RULES, LOCKS, state, one)
        granted = {name for name in NAMES if not outputs.refusals[name]}
        needs = {"mains": {"always", "energised"}, "hv": {"always", "hv"}, "drive": {"always", "energised", "drive"}}
        for name in granted & set(needs):
            assert all(_ok(row, one) for row in LOCKS if row.when in needs[name])
            assert one.relays is not None and one.now - one.relays.seen_at <= RULES.relay_max_age_s
        seen = one.relays.seen if one.relays is not None else {}
        if granted & {"hv", "test_voltage"}:
            assert one.guard is not None and not one.guard.k and not one.guard.fb
            assert seen["tester"] and not any(seen[role] for role in ISOLATED_FROM)
        if "test_voltage" in granted:
            assert one.guard is not None and one.guard.h
        if "mains" in granted:
            assert one.service_latch is None and not seen["tester"] and one.guard is not None
            assert one.guard.estop and one.guard.lid and one.guard.thermo and not one.guard.h
        if "drive" in granted:
            assert seen["fan"] and seen["source"] and one.guard is not None and one.guard.k
            assert all(seen[role] for role in AUDIO) or one.wishes.drive is DriveWish.LOW


@settings(max_examples=EXAMPLES, deadline=None)
@given(histories())
def test_reset_clears_only_the_latch_and_grants_nothing(history: list[ScanInputs]) -> None:
    state, _ = run(*history)
    last = replace(history[-1], wishes=Wishes())
    if not scan.reset_refusals(RULES, LOCKS, state, last):
        state = scan.reset(state, last)
        assert state.trips == ()
        _, outputs = scan.step(RULES, LOCKS, state, replace(last, due=last.now))
        assert all(outputs.refusals[name] for name in ("hv", "test_voltage", "mains", "drive"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(histories(), st.floats(0.001, 0.999))
def test_unchanged_inputs_give_the_same_until_the_next_deadline(history: list[ScanInputs], part: float) -> None:
    state, outputs = run(*history)
    last = history[-1]
    span_s = min(scan.next_deadline(RULES, LOCKS, state, last) - last.now, 20.0)
    at = last.now + part * span_s
    settled, calm = scan.step(RULES, LOCKS, state, replace(last, due=last.now))
    later, same = scan.step(RULES, LOCKS, settled, replace(last, now=at, due=at))
    assert later.trips == settled.trips == state.trips
    assert same.refusals == calm.refusals == outputs.refusals
    assert (same.heartbeat, same.stop, same.fan, same.bleed) == (
        outputs.heartbeat,
        outputs.stop,
        outputs.fan,
        outputs.bleed,
    )


@given(values, ages, st.sampled_from([0.5, 1.0, 2.0]))
def test_only_a_finite_fresh_reading_is_proven(value: float | None, age_s: float, max_age_s: float) -> None:
    fault = find_unproven(Reading(value, T0 - age_s), max_age_s, T0)
    proven = value is not None and math.isfinite(value) and 0.0 <= age_s <= max_age_s
    assert (fault is None) is proven


def test_opening_a_load_that_is_open_already_does_not_make_the_fan_clatter() -> None:
    still = replace(scan.begin(RULES, T0 - 60.0), fan=False)
    image = relays()
    moving = replace(image, seen={role: seen for role, seen in image.seen.items() if role != "load_left"})
    assert not run(inputs(relays=moving), state=still)[1].fan
    assert run(inputs(relays=moving), state=replace(still, fan=True))[1].fan, "a load on its way out is still cooled"
    never_put = replace(moving, commanded={})
    assert run(inputs(relays=never_put), state=still)[1].fan, "what was never put anywhere may be closed"
