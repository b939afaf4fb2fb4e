"""WSJF against our own field list, and the rules that a list cannot say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from station.domain.measurement import Curve
from station.domain.verdict import Verdict
from station.report.exports.charts import charts
from station.report.exports.shared import ExportError
from station.report.exports.wsjf import wsjf
from tests.report.exports.records import MAKERS, make_rich
from tests.report.exports.wsjf_fields import faults


@cache
def report_of(name: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(wsjf(MAKERS[name]()))
    return report


def every_step(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield step
    for below in step.get("steps", []):
        yield from every_step(below)


def step_named(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(step for step in every_step(report["root"]) if step["name"] == name)


@pytest.mark.parametrize("name", MAKERS)
def test_a_report_holds_what_the_field_list_knows_and_nothing_else(name: str) -> None:
    assert list(faults(report_of(name))) == []


def test_the_field_list_sees_what_is_missing_unknown_and_wrong() -> None:
    report = json.loads(json.dumps(report_of("fail")))
    del report["rev"]
    report["colour"] = "red"
    report["root"]["steps"][0]["steps"][0]["numericMeas"][0]["value"] = None
    told = list(faults(report))
    assert len(told) == 3 and "report.rev: missing" in told and "report.colour: unknown" in told


@pytest.mark.parametrize("name", MAKERS)
def test_each_kind_of_step_holds_what_belongs_to_it_and_operators_their_limits(name: str) -> None:
    report = report_of(name)
    ids = [step["id"] for step in every_step(report["root"])]
    assert ids == list(range(len(ids))), "in the order of the report"
    assert report["result"] == report["root"]["status"]
    for step in every_step(report["root"]):
        kinds = {"SequenceCall": "seqCall", "ET_NLT": "numericMeas", "ET_PFT": "booleanMeas"}
        holds = {field for field in kinds.values() if field in step}
        assert holds == ({kinds[step["stepType"]]} if step["stepType"] in kinds else set())
        assert len({one["name"] for one in step.get("steps", [])}) == len(step.get("steps", []))
        for one in step.get("numericMeas", []):
            limits = {"LOG": set(), "GELE": {"lowLimit", "highLimit"}}.get(one["compOp"], {"lowLimit"})
            assert {field for field in ("lowLimit", "highLimit") if field in one} == limits
            assert one["status"] == step["status"]


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("thd_n_percent right", "ET_PFT", "P"),
        ("snr_db left", "ET_PFT", "F"),
        ("crosstalk_db left", "Action", "E"),
        ("crosstalk_db right", "Action", "E"),
        ("damping_factor left", "Action", "S"),
        ("output_power_w left", "Action", "T"),
        ("soak_s", "Action", "S"),
        ("touch_current_ma", "ET_NLT", "P"),
    ],
)
def test_neither_a_bound_nor_what_was_not_judged_becomes_a_number(name: str, kind: str, status: str) -> None:
    step = step_named(report_of("rich"), name)
    assert (step["stepType"], step["status"]) == (kind, status)
    assert ("numericMeas" in step) == (kind == "ET_NLT")
    if kind == "ET_PFT":
        assert step["reportText"].startswith("below ")


def test_the_step_that_made_it_a_fail_is_named_and_no_other() -> None:
    report = report_of("fail")
    blamed = [step for step in every_step(report["root"]) if step.get("causedUUTFailure")]
    assert [step["name"] for step in blamed] == ["thd_percent left"]
    assert report["uut"]["stepIdCausedUUTFailure"] == blamed[0]["id"]
    assert not any(step.get("causedUUTFailure") for step in every_step(report_of("error")["root"]))


@pytest.mark.parametrize("points", [1, 900, 9000])
def test_a_long_curve_is_cut_into_series_and_charts_and_no_point_is_lost(points: int) -> None:
    x = tuple(place * 1.000001 for place in range(points))
    y = tuple(-0.1234567890123 / (1 + place) for place in range(points))
    made = list(charts([Curve("soak", "time", "s", "level", "V", x, y, "left", y)]))
    assert len({name for name, _ in made}) == len(made)
    series = [one for _, chart in made for one in chart["series"]]
    assert all(len(chart["series"]) <= 10 for _, chart in made)
    assert all(len(one[axis]) <= 10_000 for one in series for axis in ("xdata", "ydata"))
    for title, wanted in (("left", y), ("left limit", y)):
        mine = [one for one in series if one["name"].rstrip("0123456789 ") == title]
        assert tuple(float(text) for one in mine for text in one["xdata"].split(";")) == x
        assert tuple(float(text) for one in mine for text in one["ydata"].split(";")) == wanted


def test_a_text_that_is_too_long_is_refused_by_name_and_never_cut() -> None:
    rich = make_rich()
    long = replace(rich, dut=replace(rich.dut, serial_number="S" * 101))
    with pytest.raises(ExportError, match=r"run 61: 'SSSSSSSSSSSSSSSSSSSS'… has 101 characters and WSJF takes 100"):
        wsjf(long)
    assert json.loads(wsjf(replace(rich, dut=replace(rich.dut, serial_number=""))))["sn"] == "-"


def test_the_process_code_is_the_one_that_was_named() -> None:
    assert json.loads(wsjf(make_rich(), 500))["processCode"] == 500
    assert report_of("pass")["processCode"] == 10


def test_a_cause_that_names_a_step_that_is_not_there_blames_none() -> None:
    rich = make_rich()
    odd = replace(rich, verdict=Verdict.FAIL, causes=(replace(rich.causes[0], step="gone"),))
    assert "stepIdCausedUUTFailure" not in json.loads(wsjf(odd))["uut"]
