"""Whole runs of home appliances on the fast bench: every DUT of config/duts judged rightly, near its limits too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from drivers.sim.appliance import Appliance
from drivers.sim.appliance_device import ApplianceDevice
from drivers.sim.families import load_any
from station.cli.simulate import family_of
from station.domain.plan import Needs
from station.domain.record import Record, StepRecord
from station.domain.verdict import Verdict
from station.steps.catalog import STEPS
from tests.run.fast_bench import CONFIG, run_plan

PLAN = "outgoing-appliance"
FIRST_CAUSE: Mapping[str, str] = {
    "appliance-open-earth": "earth_bond_ohm",
    "appliance-low-insulation": "insulation_mohm",
    "appliance-leaky": "touch_current_ma",
    "appliance-stalled": "start_power_w",
    "appliance-element": "work_power_w",
    "appliance-noisy": "quiet_ok",
    "appliance-lid-switch": "stopped_power_w",
    "appliance-hot": "temperature_rise_k",
}
GOOD = ("repaired-appliance", "repaired-appliance-class2")


def shipped(name: str) -> Appliance:
    dut = load_any(CONFIG / "duts" / f"{name}.toml", family_of)
    assert isinstance(dut, Appliance)
    return dut


def step_of(record: Record, name: str) -> StepRecord:
    return next(step for step in record.steps if step.id == name)


def value_of(record: Record, name: str) -> float | None:
    return next(m.value for step in record.steps for m in step.measurements if m.name == name)


def told(record: Record) -> str:
    return f"{record.verdict}, causes {[cause.text for cause in record.causes]}"


def causes(record: Record) -> list[str | None]:
    return [cause.measurement for cause in record.causes]


def test_every_appliance_of_the_house_has_its_first_cause_here() -> None:
    files = {path.stem for path in (CONFIG / "duts").glob("*appliance*.toml")}
    assert files == {*FIRST_CAUSE, *GOOD}


@pytest.mark.parametrize("name", FIRST_CAUSE)
def test_a_faulty_appliance_fails_by_its_fault_and_by_nothing_else(name: str) -> None:
    record = run_plan(shipped(name), PLAN)
    assert record.verdict is Verdict.FAIL and record.trips == (), told(record)
    assert causes(record) == [FIRST_CAUSE[name]], told(record)


@pytest.mark.parametrize("name", GOOD)
def test_a_repaired_appliance_passes_with_an_uncertainty_behind_every_reading(name: str) -> None:
    record = run_plan(shipped(name), PLAN)
    assert record.verdict is Verdict.PASS and record.trips == (), told(record)
    for step in record.steps:
        for m in step.measurements:
            if m.value is not None and not m.name.endswith("_ok"):
                assert m.uncertainty is not None and m.uncertainty > 0.0, (step.id, m)
    bond = step_of(record, "earth-bond")
    assert bond.verdict is (Verdict.NOT_APPLICABLE if name.endswith("class2") else Verdict.PASS)


@pytest.mark.parametrize("name", ["appliance-open-earth", "appliance-low-insulation"])
def test_what_fails_its_insulation_or_its_earth_is_never_energised(name: str) -> None:
    record = run_plan(shipped(name), PLAN)
    live = [step for step in record.steps if STEPS[step.use].needs is not Needs.NOTHING]
    assert live and all(step.started_at is None for step in live)


HEATER, MIXER = "repaired-appliance", "repaired-appliance-class2"
NEAR: tuple[tuple[str, str, float, float, str], ...] = (
    # DUT, key, 6 % inside its limit, 6 % outside, what it fails
    (HEATER, "earth_contact_ohm", 0.282 - 0.0322, 0.318 - 0.0322, "earth_bond_ohm"),
    (HEATER, "insulation_mohm", 5.3, 4.7, "insulation_mohm"),
    (MIXER, "insulation_mohm", 5.3, 4.7, "insulation_mohm"),
    (HEATER, "leakage_nf", 45.5, 51.4, "touch_current_ma"),  # 3.5 mA
    (MIXER, "leakage_nf", 6.5, 7.34, "touch_current_ma"),  # 0.5 mA
    (MIXER, "motor_start_times", 8.55, 9.67, "start_current_a"),  # 30 A peak
    (MIXER, "motor_w", 541.0, 610.0, "work_power_w"),
    (MIXER, "motor_w", 318.0, 282.0, "work_power_w"),
    (HEATER, "element_2_w", 665.0, 498.0, "work_power_w"),
    (MIXER, "loss_share", 0.655, 0.74, "temperature_rise_k"),
)


@pytest.mark.parametrize(("name", "key", "inside", "outside", "cause"), NEAR)
def test_six_per_cent_inside_and_outside_of_a_limit_are_judged_rightly(
    name: str, key: str, inside: float, outside: float, cause: str
) -> None:
    within: dict[str, Any] = {key: inside}
    beyond: dict[str, Any] = {key: outside}
    good = run_plan(replace(shipped(name), **within), PLAN)
    assert good.verdict is Verdict.PASS, told(good)
    bad = run_plan(replace(shipped(name), **beyond), PLAN)
    assert bad.verdict is Verdict.FAIL and causes(bad)[0] == cause, told(bad)


def test_a_heaters_power_is_told_at_its_rated_voltage_and_what_it_drew_beside_it() -> None:
    (power, current) = step_of(run_plan(shipped(HEATER), PLAN), "work").measurements
    drawn_w, volts = float(power.conditions["drawn_w"]), float(power.conditions["voltage_v"])
    assert power.value == pytest.approx(drawn_w * (230.0 / volts) ** 2, rel=0.001) and volts < 229.0
    assert current.value == pytest.approx(drawn_w / volts, rel=0.02)


def test_pauses_of_a_thermostat_are_left_out_of_the_power_at_work() -> None:
    """A body so small that it cycles within seconds."""
    quick = replace(shipped(HEATER), body_j_per_k=60.0)
    record = run_plan(quick, PLAN)
    assert record.verdict is Verdict.PASS, told(record)
    assert value_of(record, "work_power_w") == pytest.approx(1520.0, rel=0.02)
    assert any("in a pause (thermostat), left out" in note for note in step_of(record, "work").notes)


def test_a_device_that_stops_by_itself_is_said_to_have_stopped() -> None:
    """Its thermostat opens and does not close again within the step."""
    stops = replace(shipped(HEATER), body_j_per_k=60.0, thermostat_k=54.9)
    record = run_plan(stops, PLAN)
    assert causes(record)[0] == "work_power_w", told(record)
    assert any("a thermostat or a safety device has stopped it" in note for note in step_of(record, "work").notes)


def test_a_safety_device_that_no_hand_can_operate_fails_without_power_being_read() -> None:
    record = run_plan(replace(shipped(MIXER), wrong=("safety-stop-operate",)), PLAN)
    step = step_of(record, "safety-stop")
    assert causes(record) == ["safety_device_ok"], told(record)
    assert {m.name: m.verdict for m in step.measurements} == {
        "stopped_power_w": Verdict.SKIPPED, "safety_device_ok": Verdict.FAIL,
    }  # fmt: skip


def test_a_safety_device_that_does_not_go_back_fails_and_nothing_is_switched_on_again() -> None:
    record = run_plan(replace(shipped(MIXER), wrong=("safety-stop-restore",)), PLAN)
    assert causes(record) == ["safety_device_ok"], told(record)
    assert step_of(record, "temperature-rise").started_at is None


def test_a_large_motor_that_stands_still_trips_before_anything_burns_and_is_the_devices_fault() -> None:
    record = run_plan(replace(shipped(MIXER), motor_w=900.0, motor_stalled="yes"), PLAN)
    assert record.verdict is Verdict.FAIL, told(record)
    assert [trip.interlock for trip in record.trips] == ["mains-power-appliance"]
    assert record.trips[0].blames == "dut"


def test_a_heater_without_any_thermostat_is_switched_off_at_the_outlet() -> None:
    record = run_plan(replace(shipped(HEATER), thermostat="stuck", body_k_per_w=0.1), PLAN)
    assert record.verdict is Verdict.FAIL and [trip.interlock for trip in record.trips] == ["heatsink"], told(record)


def test_the_temperature_rise_is_the_same_from_cold_and_from_warm() -> None:
    """What the station did before, at any speed of a simulated bench, does not move it."""
    cold = value_of(run_plan(shipped(MIXER), PLAN), "temperature_rise_k")
    quick = value_of(run_plan(replace(shipped(MIXER), body_j_per_k=120.0), PLAN), "temperature_rise_k")
    assert cold is not None and quick == pytest.approx(cold, abs=0.3)


def test_a_cut_out_that_opens_for_good_fails_although_nothing_got_hot() -> None:
    record = run_plan(replace(shipped(HEATER), thermostat_degc=60.0, thermostat_k=200.0, body_j_per_k=9000.0), PLAN)
    assert causes(record) == ["held_power_percent"], told(record)
    rise_k = value_of(record, "temperature_rise_k")
    assert rise_k is not None and 5.0 < rise_k < 60.0, "it was warm once, and that alone would have passed"


@pytest.mark.parametrize("name", [HEATER, MIXER])
def test_what_stays_off_once_its_safety_device_is_put_back_has_proven_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = ApplianceDevice.act
    monkeypatch.setattr(ApplianceDevice, "act", lambda device, words: act(device, words.replace("restore", "operate")))
    record = run_plan(shipped(name), PLAN)
    assert causes(record) == ["safety_device_ok"], told(record)
    assert any("that it stood still proves nothing" in note for note in step_of(record, "safety-stop").notes)
    assert step_of(record, "temperature-rise").started_at is None


def test_a_room_thermocouple_in_the_devices_warm_air_hides_no_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the rise comes back to it: a place 8 K too hot would read as sound."""
    monkeypatch.setattr(
        ApplianceDevice, "ambient_degc",
        property(lambda device: 25.0 + 0.3 * (device._body.value - 25.0) if "_body" in vars(device) else 25.0,
                 lambda device, value: None), raising=False,
    )  # fmt: skip
    record = run_plan(shipped(HEATER), PLAN)
    assert record.verdict is Verdict.ERROR, told(record)
    assert "away from the device's air" in record.causes[0].text
