"""The trace against the plant and the real sound process: what ends it, what it keeps, and what the record is told."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from drivers.sim.dut import Dropout, Dut, load_dut
from station.steps.trace import Params, measure
from tests.steps.lead_bench import LeadBench, lead_bench

REPAIRED = Path(__file__).parents[2] / "config" / "duts" / "repaired.toml"
RUN = "0190-run"


def dut(*dropouts: tuple[float, float]) -> Dut:
    return dataclasses.replace(load_dut(REPAIRED), dropouts=tuple(Dropout(*one) for one in dropouts))


def params(duration_s: float, **changes: Any) -> Params:
    return Params(duration_s=duration_s, reference_s=20.0, rise_window_s=20.0, **changes)


async def trace(folder: Path, duration_s: float, *dropouts: tuple[float, float], **changes: Any) -> LeadBench:
    async with lead_bench(dut(*dropouts), captures=str(folder)) as bench:
        bench.sound.keep_under(RUN)
        await measure(bench, params(duration_s, **changes))  # type: ignore[arg-type]
        return bench


def silent_from_s(path: Path) -> float:
    """Where the first silence of a file begins, to a millisecond."""
    samples, rate_hz = soundfile.read(path)
    loud = np.abs(samples[:, 0]).reshape(-1, rate_hz // 1000).max(axis=1) > 0.01
    return float(np.argmin(loud)) / 1000.0


async def test_a_dropout_does_not_stop_it_and_all_that_the_soak_measures_is_there(tmp_path: Path) -> None:
    bench = await trace(tmp_path, 180.0, (60.0, 0.3), (110.0, 0.1))
    assert bench.measured["soak_s", None].value == pytest.approx(180.0)
    assert bench.measured["dropouts", "left"].value == 2.0
    assert len(bench.measured) == 4 + 5 * 2 and not bench.skipped
    (capture,) = bench.captures
    assert (capture.event, capture.before_s, capture.after_s) == ("dropout", 30.0, 80.0), "two windows that overlap"
    assert silent_from_s(tmp_path / capture.file) == pytest.approx(30.0, abs=0.01)
    assert bench.notes == [f"{capture.file}: dropout left and right at 60.000 s; dropout left and right at 110.000 s"]


async def test_a_silence_that_lasts_ends_it_30_s_after_it_began(tmp_path: Path) -> None:
    bench = await trace(tmp_path, 3600.0, (70.0, 4000.0))
    (capture,) = bench.captures
    assert capture.event == "silence" and capture.file.startswith(f"{RUN}/1-silence-70.")
    assert (capture.before_s, capture.after_s) == (pytest.approx(30.0), pytest.approx(30.0))
    assert soundfile.info(tmp_path / capture.file).duration == pytest.approx(60.0)
    assert bench.skipped >= {"soak_s", "power_drift_db"} and bench.measured["dropouts", "right"].value == 1.0
    assert "ended at" in bench.notes[-1] and bench.notes[0].endswith("silence left and right at 70.000 s")


async def test_a_step_of_dc_is_an_event_of_the_meter(tmp_path: Path) -> None:
    async with lead_bench(dut(), captures=str(tmp_path)) as bench:
        bench.sound.keep_under(RUN)
        tracing = asyncio.ensure_future(measure(bench, params(240.0)))  # type: ignore[arg-type]
        await asyncio.sleep(0.5)
        bench.plant.device.file = dataclasses.replace(bench.plant.device.file, dc_offset_mv=(8.0, 44.0))
        await tracing
    (capture,) = bench.captures
    assert capture.event == "dc" and capture.before_s == pytest.approx(30.0)
    assert "dc step right by +36.00 mV at" in bench.notes[0]


@pytest.mark.parametrize("between_s", [0.0, 0.003, 0.02])
async def test_an_abort_keeps_what_there_is_whenever_it_reaches_the_step(tmp_path: Path, between_s: float) -> None:
    async with lead_bench(dut((60.0, 0.3)), captures=str(tmp_path)) as bench:
        bench.sound.keep_under(RUN)
        tracing = asyncio.ensure_future(measure(bench, params(3600.0)))  # type: ignore[arg-type]
        await bench.until_remaining(3534.0)
        await bench.sound.mute()  # as the guarded port does when a step is cancelled
        await asyncio.sleep(between_s)  # the stream has ended by then, and the step is clearing up
        tracing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await tracing
    assert bench.captures, bench.notes
    first = bench.captures[0]
    assert (first.event, first.before_s) == ("dropout", 30.0)
    assert soundfile.info(tmp_path / first.file).duration == pytest.approx(first.before_s + first.after_s)
    assert any("cut-off" in note for note in bench.notes), bench.notes


async def test_without_a_folder_the_trace_goes_on_and_says_what_is_missing() -> None:
    async with lead_bench(dut((60.0, 0.3))) as bench:
        await measure(bench, params(100.0))  # type: ignore[arg-type]
    assert bench.captures == [] and bench.measured["soak_s", None].value == pytest.approx(100.0)
    assert bench.notes == [
        "no sound was kept of dropout left and right at 60.000 s",
        "there is no folder for captures: nothing was kept",
    ]


async def test_a_level_of_its_own_below_rated(tmp_path: Path) -> None:
    bench = await trace(tmp_path, 40.0, below_rated_db=20.0)
    level = bench.measured["power_drift_db", "left"].conditions["reference_v"]
    assert level == pytest.approx(2.828, rel=0.01)


@pytest.mark.parametrize(("name", "value"), [("below_rated_db", 41.0), ("before_s", 0.0), ("duration_s", 1.0)])
def test_a_parameter_out_of_its_bounds_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        Params(**{name: value})
