"""Every simulated phone of config/duts through outgoing-phone: judged rightly, the first cause where the fault is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from drivers.sim.families import load_any
from drivers.sim.phone import PhoneDut
from station.domain.record import Record
from station.domain.verdict import Verdict
from tests.run.fast_bench import CONFIG, run_plan, tree

FIRST: Mapping[str, str | None] = {
    "repaired-phone": None,
    "phone-no-charge": "charging_current_ma",
    "phone-slow-charge": "charging_current_ma",
    "phone-wet-port": "charging_current_ma",
    "phone-dead-charger": "charging_current_ma",
    "phone-overcharge": "charging_battery_v",
    "phone-drain": "idle_current_ma",
    "phone-flat-battery": "battery_voltage_v",
    "phone-camera": "camera_ok",
}
GOOD = PhoneDut()


def load(name: str) -> PhoneDut:
    dut = load_any(CONFIG / "duts" / f"{name}.toml", lambda product: tree().products[product].family)
    assert isinstance(dut, PhoneDut)
    return dut


def judge(dut: PhoneDut) -> Record:
    return run_plan(dut, "outgoing-phone")


def values(record: Record) -> dict[str, float | None]:
    return {one.name: one.value for step in record.steps for one in step.measurements}


def test_the_table_names_every_phone() -> None:
    found = {path.stem for path in (CONFIG / "duts").glob("*phone*.toml") if "headphone" not in path.stem}
    assert found == set(FIRST) and len(found) >= 5


@pytest.mark.parametrize("name", FIRST)
def test_a_phone_is_judged_rightly_and_its_first_cause_is_the_fault(name: str) -> None:
    record = judge(load(name))
    first = record.causes[0].measurement if record.causes else None
    assert (record.verdict, first) == (Verdict.FAIL if FIRST[name] else Verdict.PASS, FIRST[name])


def test_a_deeply_discharged_battery_is_never_charged_and_the_phone_not_asked_about() -> None:
    record = judge(load("phone-flat-battery"))
    made = {step.id for step in record.steps if any(one.value is not None for one in step.measurements)}
    assert made == {"battery-voltage"}


def test_nobody_is_asked_about_a_phone_that_goes_back_anyway() -> None:
    record = judge(load("phone-drain"))
    asked = {one.name: one.value for step in record.steps for one in step.measurements if one.name.endswith("_ok")}
    assert asked.pop("starts_ok") == 1.0 and set(asked.values()) == {None}
    assert values(record)["charging_current_ma"] is not None, "charging says more about the fault"


def test_the_second_engineer_is_on_record_and_is_not_the_first() -> None:
    record = judge(GOOD)
    assert record.second_operator and record.second_operator != record.operator


def _percent_at(volts: float) -> float:
    """Charge at which an unloaded cell has these volts: between 3.0 V (0 %) and 3.55 V (5 %), or from there on."""
    return (volts - 3.0) / 0.11 if volts < 3.55 else 5.0 + (volts - 3.55) / 0.022


MARGINS: list[tuple[str, float, Callable[[float], PhoneDut]]] = [
    ("idle_current_ma", 20.0, lambda share: replace(GOOD, idle_ma=20.0 * share)),
    ("battery_voltage_v", 3.5, lambda share: replace(GOOD, awake_ma=0.0, charge_percent=_percent_at(3.5 * share))),
    ("charging_current_ma", 1000.0, lambda share: replace(GOOD, input_a=1.0 * share)),
    ("charging_current_ma", 1700.0, lambda share: replace(GOOD, charge_a=3.0, input_a=1.7 * share)),
]


@pytest.mark.parametrize(("name", "limit", "phone"), MARGINS)
@pytest.mark.parametrize("share", [0.94, 1.06])
def test_a_value_6_percent_inside_or_outside_a_limit_is_judged_rightly(
    name: str, limit: float, phone: Callable[[float], PhoneDut], share: float
) -> None:
    record = judge(phone(share))
    (found,) = (one for step in record.steps for one in step.measurements if one.name == name)
    bounds = tree().products["example-s-5"].limits[name]
    inside = share < 1.0 if bounds.high == limit else share > 1.0
    assert found.value == pytest.approx(limit * share, rel=0.01)
    assert found.verdict is (Verdict.PASS if inside else Verdict.FAIL)


def test_an_adapter_that_is_the_wrong_way_round_or_a_phone_that_is_off_does_not_pass() -> None:
    record = judge(replace(GOOD, idle_ma=0.0))
    assert record.causes[0].measurement == "idle_current_ma"


@pytest.mark.parametrize("supply_v", [0.0, 4.0, 9.0, 12.0, 20.0])
def test_a_supply_that_is_set_for_something_else_is_an_error_of_the_bench_and_off_at_once(supply_v: float) -> None:
    record = judge(replace(GOOD, supply_v=supply_v))
    assert record.verdict is Verdict.ERROR and len(record.causes) == 1
    assert "the product wants 5 V; set the supply" in record.causes[0].text
    if supply_v > 5.0:
        charging = next(step for step in record.steps if step.id == "charging")
        assert charging.duration_s < 16.0, "the question and the pause before ON, and no settling"
