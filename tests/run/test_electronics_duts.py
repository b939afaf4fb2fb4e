"""The family electronics: every DUT file is judged rightly, for the right reason, and at its limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.sim.electronics import ElectronicsDut
from drivers.sim.families import load_any
from station.domain.record import Record
from station.domain.verdict import Verdict
from tests.run.fast_bench import run_plan, tree

DUTS = Path(__file__).resolve().parents[2] / "config" / "duts"
PLAN = "outgoing-electronics"
FIRST_CAUSE = {
    "repaired-electronics": None,
    "electronics-short": "supply_current_ma",
    "electronics-leaky-5v": "supply_current_ma",
    "electronics-no-load": "supply_current_ma",
    "electronics-dead-rail": "rail_3v3_v",
    "electronics-drifted": "rail_5v_v",
    "electronics-reference": "reference_v",
    "electronics-led": "led_ok",
    "electronics-mains": None,
    "electronics-mains-sags": "rail_12v_v",
    "electronics-mains-touch": "touch_current_ma",
}


def run(dut: ElectronicsDut) -> Record:
    return run_plan(dut, PLAN)


def dut_of(name: str) -> ElectronicsDut:
    dut: ElectronicsDut = load_any(DUTS / f"{name}.toml", lambda product: tree().products[product].family)
    return dut


def verdicts(record: Record) -> dict[tuple[str, str], Verdict]:
    return {(step.id, one.name): one.verdict for step in record.steps for one in step.measurements}


def test_the_table_names_every_dut_of_the_family() -> None:
    families = {file.stem: load_any(file, lambda p: tree().products[p].family) for file in DUTS.glob("*.toml")}
    assert set(FIRST_CAUSE) == {name for name, dut in families.items() if isinstance(dut, ElectronicsDut)}


@pytest.mark.parametrize("name", FIRST_CAUSE)
def test_every_dut_is_judged_rightly_for_its_first_cause(name: str) -> None:
    record = run(dut_of(name))
    cause = FIRST_CAUSE[name]
    assert record.verdict is (Verdict.PASS if cause is None else Verdict.FAIL), record.causes
    assert (record.causes[0].measurement if record.causes else None) == cause


@pytest.mark.parametrize(
    ("change", "verdict", "cause"),
    [
        ({"quiescent_ma": 8.0 + 39.0}, Verdict.PASS, None),  # 169 mA, 6 % inside 180
        ({"quiescent_ma": 8.0 + 61.0}, Verdict.FAIL, "supply_current_ma"),  # 191 mA, 6 % outside
        ({"quiescent_ma": 0.0, "load_5v_ohm": 37.0}, Verdict.PASS, None),  # 95.4 mA, 6 % inside 90
        ({"quiescent_ma": 0.0, "load_5v_ohm": 47.0}, Verdict.FAIL, "supply_current_ma"),  # 84.6 mA, 6 % outside
        ({"reference_v": 2.5 * 1.014}, Verdict.PASS, None),
        ({"reference_v": 2.5 * 1.03}, Verdict.FAIL, "reference_v"),
        ({"source_v": 11.85}, Verdict.PASS, None),  # the bench's supply, set within its 5 %
    ],
)
def test_values_near_a_limit_fall_on_the_right_side(change: Any, verdict: Verdict, cause: str | None) -> None:
    record = run(replace(ElectronicsDut(), **change))
    assert record.verdict is verdict, record.causes
    assert (record.causes[0].measurement if record.causes else None) == cause


def test_what_does_not_apply_leaves_itself_out_by_class_and_by_product() -> None:
    board, mains = verdicts(run(ElectronicsDut())), verdicts(run(dut_of("electronics-mains")))
    none = {key for key, verdict in board.items() if verdict is Verdict.NOT_APPLICABLE}
    assert {step for step, _ in none} == {"earth-bond", "insulation", "inrush", "touch-current", "mains-current"}
    none = {key for key, verdict in mains.items() if verdict is Verdict.NOT_APPLICABLE}
    assert {step for step, _ in none} == {"earth-bond", "supply-current", "reference"}


def test_after_a_short_power_is_off_and_no_probe_goes_near_it() -> None:
    record = run(dut_of("electronics-short"))
    done = verdicts(record)
    assert done["supply-current", "supply_voltage_v"] is Verdict.FAIL, "the supply limits, so its voltage gives way"
    assert {done[step, name] for step, name in done if name.startswith(("rail", "reference", "led"))} == {
        Verdict.SKIPPED
    }


@pytest.mark.parametrize("source_v", [5.0, 24.0, 0.0])
def test_a_supply_that_is_set_wrongly_is_an_error_of_the_bench_and_off_at_once(source_v: float) -> None:
    record = run(replace(ElectronicsDut(), source_v=source_v, load_5v_ohm=50.0))
    assert record.verdict is Verdict.ERROR
    assert "set the supply" in record.causes[0].text and "wants 12 V with a limit of 1 A" in record.causes[0].text
