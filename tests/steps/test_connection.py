"""The connection check against the plant: which lead it names, that it asks once, and what it does with the answer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from drivers.sim.dut import Dut, load_dut
from station.domain.errors import StepError
from station.steps.connection import Params, measure
from tests.steps.lead_bench import LeadBench, lead_bench

DUTS = Path(__file__).parents[2] / "config" / "duts"


def dut(name: str = "repaired", **changes: Any) -> Dut:
    return dataclasses.replace(load_dut(DUTS / f"{name}.toml"), **changes)


def put_right(bench: LeadBench) -> bool:
    bench.join("straight")
    return True


async def check(words: str, answer: Any = put_right, of: Dut | None = None) -> LeadBench:
    async with lead_bench(of or dut(), words) as bench:
        bench.answer = answer
        try:
            await measure(bench, Params())  # type: ignore[arg-type]
        except StepError as error:
            bench.notes.append(f"StepError: {error}")
        return bench


async def test_straight_leads_ask_nothing_and_note_nothing() -> None:
    bench = await check("straight")
    assert (bench.asked, bench.notes, bench.ons) == ([], [], 0)


@pytest.mark.parametrize(
    ("words", "told", "zh"),
    [
        ("swapped", "swapped", "左右声道接反"),
        ("speakers-swapped", "swapped", "左右声道接反"),
        ("load-short-left", "load-short:left", "左声道负载短路"),
        ("load-open-right", "load-open:right", "右声道负载未接"),
        ("speaker-short-right", "speaker-short:right", "右音箱线短路"),
        ("capture-open-left", "capture-open:left", "左测量线"),
        ("source-open-right", "source-open:right", "右输入端有哼声"),
        ("source-short-left", "silent:left", "左输入线"),
        ("left-open", "silent:left", "左输入线和音箱线"),
        ("left-open right-open", "silent:left,silent:right", "右输入线和音箱线"),
    ],
)
async def test_each_fault_of_a_lead_is_told_once_and_goes_when_it_is_put_right(words: str, told: str, zh: str) -> None:
    bench = await check(words)
    assert (bench.about, bench.ons) == ([told], 1), bench.notes
    assert zh in bench.asked[0]["zh"], bench.asked
    assert bench.notes[-1] == "connection: the leads were put right", bench.notes


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("swapped", "the tone on left comes out of right"),
        ("speaker-short-right", "right: mains power rises by"),
        ("capture-open-left", "check its measuring lead, then test again"),
        ("load-short-left", "the left load is shorted"),
    ],
)
async def test_leads_that_are_still_wrong_after_an_ok_are_the_stations_fault(words: str, error: str) -> None:
    bench = await check(words, lambda bench: True)
    assert len(bench.asked) == 1
    assert bench.notes[-1].startswith("StepError") and error in bench.notes[-1], bench.notes


async def test_a_channel_that_stays_silent_is_left_to_the_measurements() -> None:
    for of, words in ((dut("dead-left"), "straight"), (dut(), "source-short-left")):
        bench = await check(words, lambda bench: True, of)
        assert bench.about == ["silent:left"]
        assert not any(note.startswith("StepError") for note in bench.notes), bench.notes
        assert "its speaker lead is in" in bench.notes[-1], bench.notes
        assert bench.plant.contactor_closed()


async def test_an_ng_says_that_the_leads_are_right_and_the_measurements_judge() -> None:
    bench = await check("swapped", lambda bench: False)
    assert bench.notes[-1] == "connection: the technician says that the leads are right; the measurements judge"
    bench = await check("load-open-left", lambda bench: False)
    assert bench.notes[-1].startswith("StepError"), "a load is the bench's, whatever anybody says"


@pytest.mark.parametrize("name", ["crossover", "low-power", "hum", "noisy", "crosstalk", "narrow-band"])
async def test_no_fault_of_a_dut_that_plays_is_taken_for_a_lead(name: str) -> None:
    bench = await check("straight", of=dut(name))
    assert bench.asked == [], bench.notes
