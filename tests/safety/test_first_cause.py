"""What one scan finds at once is ordered by its evidence: the oldest is the cause, and the cause is kept [4]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drivers.ports import GuardState, GuardStatus
from station.domain.interlock import Interlock, Reading
from station.safety import scan
from station.safety.causes import verdict_of
from station.safety.rules import ROLES, Rules
from station.safety.snapshot import MainsWish, RelayImage, ScanInputs, ScanState, Wishes

RULES = Rules()
NOW = 1000.0
LOCKS = (
    Interlock("power", "mains.power_w", 2.0, high=900.0, measurement="idle_power_w"),
    Interlock("fan", "fan.rpm", 2.0, low=500.0, blames="station"),
)
ON = Wishes(mains=MainsWish.ON, mains_until=NOW + 100.0)


def guard(cause: str | None, received_at: float) -> GuardStatus:
    on = cause is None
    return GuardStatus(
        state=GuardState.ENERGISED if on else GuardState.TRIPPED, k=on, h=False, lock=True, fb=on, estop=True, lid=True,
        thermo=True, cause=cause, also=(), hb_age_ms=10, on_left_s=50, bad=0, up_ms=60000, received_at=received_at,
    )  # fmt: skip


def look(at: float, power: Reading, said: GuardStatus, **other: Any) -> ScanInputs:
    readings: Mapping[str, Reading] = {"mains.power_w": power, "fan.rpm": Reading(1500.0, at)}
    positions = dict.fromkeys(ROLES, False)
    fields: dict[str, Any] = {
        "now": at, "due": at, "readings": readings, "guard": said, "boot": "b",
        "relays": RelayImage(positions, positions, at), "wishes": ON,
    }  # fmt: skip
    return ScanInputs(**{**fields, **other})


def energised() -> ScanState:
    state = scan.begin(RULES, NOW - 100.0)
    state, _ = scan.step(RULES, LOCKS, state, look(NOW - 0.05, Reading(40.0, NOW - 0.2), guard(None, NOW - 0.06)))
    assert state.trips == ()
    return state


def causes(state: ScanState) -> list[tuple[str, str]]:
    return [(trip.interlock, trip.cause) for trip in state.trips]


def test_a_short_that_was_read_before_the_contactor_dropped_out_is_the_duts_and_the_dropout_is_kept_beside_it() -> None:
    short = Reading(1800.0, NOW - 0.04)
    state, outputs = scan.step(RULES, LOCKS, energised(), look(NOW, short, guard("DROPOUT", NOW - 0.02)))
    assert causes(state) == [("power", "HIGH"), ("guard", "DROPOUT")]
    assert verdict_of(state.trips[0]) == "FAIL" and outputs.trips == state.trips


def test_what_was_read_after_the_contactor_dropped_out_follows_from_it() -> None:
    late = Reading(1800.0, NOW - 0.01)
    state, _ = scan.step(RULES, LOCKS, energised(), look(NOW, late, guard("DROPOUT", NOW - 0.02)))
    assert causes(state) == [("guard", "DROPOUT"), ("power", "HIGH")]
    assert verdict_of(state.trips[0]) == "ERROR"


def test_a_sensor_that_fails_with_the_dropout_blames_no_dut() -> None:
    state, _ = scan.step(RULES, LOCKS, energised(), look(NOW, Reading(None, NOW - 0.04), guard("DROPOUT", NOW - 0.02)))
    assert causes(state) == [("guard", "DROPOUT"), ("power", "FAILED")]


def test_a_relay_astray_comes_before_what_it_may_have_put_wrong() -> None:
    positions = dict.fromkeys(ROLES, False)
    astray = RelayImage(positions, {**positions, "tester": True}, NOW)
    seen = look(NOW, Reading(1800.0, NOW - 0.04), guard(None, NOW - 0.02), relays=astray)
    state, _ = scan.step(RULES, LOCKS, energised(), seen)
    assert causes(state) == [("relays", "MISMATCH tester"), ("relays", "TESTER_ON_MAINS"), ("power", "HIGH")]
    assert verdict_of(state.trips[0]) == "ERROR"


def test_a_cause_of_an_earlier_scan_stays_first_whatever_is_read_later() -> None:
    state, _ = scan.step(RULES, LOCKS, energised(), look(NOW, Reading(40.0, NOW - 0.04), guard("LID", NOW - 0.02)))
    older = look(NOW + 0.05, Reading(1800.0, NOW - 0.03), replace(guard("LID", NOW + 0.04), k=True))
    state, _ = scan.step(RULES, LOCKS, state, older)
    assert causes(state) == [("guard", "LID"), ("power", "HIGH")]
    assert verdict_of(state.trips[0]) == "ABORTED"
