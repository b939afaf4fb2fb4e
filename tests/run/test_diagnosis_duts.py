"""Whole incoming runs on the fast rig: the right area first for named and random DUTs, none for good ones.

More of the random ones: tests/benchmarks/bench_findings.py.
"""

from __future__ import annotations

import math
import random

import pytest

from drivers.sim.dut import Dut, load_dut
from station.domain.record import Record
from station.domain.verdict import Verdict
from tests.run.fast_bench import CONFIG, run_incoming, tree
from tests.run.named_duts import AREAS
from tests.run.random_duts import FAULTS, RandomDut, draw, healthy

LONG = ("thermal-shutdown", "intermittent")
"""They show in the two hours of the trace alone: six seconds of processor time each."""
NOT_HERE = (*LONG, "no cooling", "protects too early", "dropouts", "dead both", "h3", "gain of both", "touch current")
SEEDS = tuple(31 * n for n, (fault, _, _) in enumerate(FAULTS) if fault not in NOT_HERE and n % 3)
"""Most faults once each; 31 n is a seed of fault n."""


def _told(record: Record) -> str:
    found = [(finding.area, finding.weight, finding.because) for finding in record.findings]
    return f"{record.verdict}, found {found}, causes {[cause.text for cause in record.causes]}"


def _assert_uncertain(record: Record) -> None:
    """Whatever is a value and no count says by how much it may be off."""
    for step in record.steps:
        for m in step.measurements:
            if m.value is not None and m.bound is None and m.name != "dropouts" and not m.name.endswith("_ok"):
                assert m.uncertainty is not None and 0.0 < m.uncertainty < math.inf, (step.id, m)


def _assert_found(record: Record, area: str) -> None:
    _assert_uncertain(record)
    assert record.verdict is Verdict.FAIL, _told(record)
    assert record.findings and record.findings[0].area == area, _told(record)
    measurements = {
        "/".join((step.id, m.name, *([m.channel] if m.channel else [])))
        for step in record.steps
        for m in step.measurements
    }
    if not record.trips and all(step.started_at for step in record.steps if step.use not in ("earth_bond", "trace")):
        weights = {rule.text["en"]: rule.weight for rule in tree().diagnosis}
        assert all(one.weight == weights[one.text["en"]] for one in record.findings), "nothing was cut short"
    for finding in record.findings:
        assert finding.because and measurements.issuperset(finding.because), finding
        assert finding.text["zh"] and finding.text["en"] and finding.parts["zh"] and finding.parts["en"]


@pytest.mark.parametrize("name", [name for name in AREAS if name not in LONG])
def test_a_named_dut_is_found_by_its_area(name: str) -> None:
    _assert_found(run_incoming(load_dut(CONFIG / "duts" / f"{name}.toml")), AREAS[name])


@pytest.mark.byhand
@pytest.mark.parametrize("name", LONG)
def test_a_named_dut_that_shows_in_the_trace_alone_is_found_by_its_area(name: str) -> None:
    _assert_found(run_incoming(load_dut(CONFIG / "duts" / f"{name}.toml")), AREAS[name])


@pytest.mark.parametrize("one", [draw(seed) for seed in SEEDS], ids=lambda one: one.fault)
def test_a_random_faulty_dut_is_found_by_its_area(one: RandomDut) -> None:
    _assert_found(run_incoming(one.dut), one.area)


def test_the_repaired_dut_passes_and_nothing_is_found() -> None:
    record = run_incoming(load_dut(CONFIG / "duts" / "repaired.toml"))
    assert record.verdict is Verdict.PASS and record.findings == (), _told(record)


@pytest.mark.byhand
@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_found_in_a_good_dut_that_scatters(seed: int) -> None:
    one = RandomDut("none", "", healthy(random.Random(seed)))
    record = run_incoming(one.dut)
    assert record.verdict is Verdict.PASS and record.findings == (), _told(record)


def test_an_intermittent_fault_is_traced_although_something_else_was_found() -> None:
    record = run_incoming(Dut(bias_ma=load_dut(CONFIG / "duts" / "crossover.toml").bias_ma, protect_degc=33.0,
                              heatsink_j_per_k=400.0), "incoming-intermittent")  # fmt: skip
    assert {finding.area for finding in record.findings} == {"bias", "contact"}, _told(record)
    assert record.steps[-1].use == "trace" and record.steps[-1].started_at is not None
