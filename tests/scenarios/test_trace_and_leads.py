"""A long trace and wrong leads in the whole station: files that the record names, and a prompt that mends a lead."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tomli_w

from tests.scenarios.live import PLAN, SHIPPED, Live

SHORT: dict[str, Any] = {"duration_s": 2880.0}
NO_LIMIT_OF_TIME = {
    "soak_s": {"low": 0.0, "source": "scenario"},
    "heatsink_rise_k": {"high": 50.0, "source": "scenario"},
}


class Bench(Live):
    """A plan of the shipped steps that are named, and a trace where one is wanted."""

    trace = False

    def _add_plan(self) -> None:
        super()._add_plan()
        if not self.trace:
            return
        path = self._config / "plans" / f"{PLAN}.toml"
        plan = tomllib.loads(path.read_text(encoding="utf-8"))
        shipped = tomllib.loads((SHIPPED / "plans" / "incoming-intermittent.toml").read_text(encoding="utf-8"))
        step = next(step for step in shipped["step"] if step["use"] == "trace")
        step["params"] = {**step.get("params", {}), **SHORT}
        step |= {"limits": NO_LIMIT_OF_TIME, "only_after_pass": False}
        plan["step"].append(step)
        path.write_text(tomli_w.dumps(plan), encoding="utf-8")

    @property
    def captures(self) -> Path:
        """Where the station keeps them: beside its store."""
        return self._config / "var" / "captures"


class TraceBench(Bench):
    """With the trace."""

    trace = True


def step_of(record: dict[str, Any], use: str) -> dict[str, Any]:
    return next(step for step in record["steps"] if step["use"] == use)


def is_end(event: dict[str, Any]) -> bool:
    return bool(event["kind"] == "run_ended")


def is_well_into_the_trace(event: dict[str, Any]) -> bool:
    data = event["data"]
    return bool(event["kind"] == "progress" and data["step"] == "trace" and data["fraction"] > 0.05)


def test_the_sound_around_a_dropout_lies_beside_the_store_as_the_record_says(tmp_path: Path) -> None:
    with TraceBench(tmp_path, dut="intermittent", steps=("inrush",)) as bench:
        run_id, _ = bench.run_until(is_end)
        record = bench.result(run_id)
        step = step_of(record, "trace")
        (capture,) = step["captures"]
        path = bench.captures / capture["file"]
        assert path.parent.name == run_id and path.name == "1-dropout-2820.0.flac"
        assert sorted(bench.captures.rglob("*.flac")) == [path]
        assert capture["size_bytes"] == path.stat().st_size
        assert capture["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        samples, rate_hz = soundfile.read(path)
    assert rate_hz == capture["sample_rate_hz"] == 48000
    assert samples.shape == (60 * rate_hz, 2)
    assert (capture["before_s"], capture["after_s"]) == (30.0, 30.0)
    for channel in (0, 1):
        loud = np.abs(samples[:, channel]).reshape(-1, rate_hz // 1000).max(axis=1) > 0.01
        edges = np.flatnonzero(np.diff(loud.astype(int)))
        assert edges / 1000.0 == pytest.approx([30.0, 30.3], abs=0.01)
    (dropouts,) = (m for m in step["measurements"] if m["name"] == "dropouts" and m["channel"] == "left")
    assert (dropouts["value"], dropouts["conditions"]["first_at_s"]) == (1.0, pytest.approx(2820.0, abs=0.01))
    assert record["verdict"] == "FAIL"


def test_an_abort_in_the_trace_keeps_what_was_heard_last(tmp_path: Path) -> None:
    with TraceBench(tmp_path, steps=("inrush",)) as bench:
        run_id, _ = bench.run_until(is_well_into_the_trace)
        with bench.connect() as client:
            client.ask("abort", run_id=run_id)
        record = bench.result(run_id)
        (capture,) = step_of(record, "trace")["captures"]
        assert (record["verdict"], capture["event"], capture["before_s"]) == ("ABORTED", "cut-off", 30.0)
        assert soundfile.info(bench.captures / capture["file"]).duration == pytest.approx(30.0)


def test_swapped_leads_are_asked_about_once_and_the_run_goes_on_when_they_are_put_right(tmp_path: Path) -> None:
    with Bench(tmp_path, steps=("inrush", "connection", "gain")) as bench:
        bench.send("leads swapped")
        run_id, asked = "", []
        for event in bench.watch():
            run_id = event["data"]["run_id"] if event["kind"] == "run_started" else run_id
            if event["kind"] == "prompt":
                asked.append(event["data"]["about"])
                assert not bench.energised(), "hands are at the leads"
                bench.send("leads straight")
            if event["kind"] == "run_ended":
                break
        record = bench.result(run_id)
    assert asked == [{"leads": "swapped"}]
    assert record["verdict"] == "PASS", record["causes"]
    assert step_of(record, "connection")["notes"] == [
        "connection: the tone on left comes out of right", "connection: the leads were put right",
    ]  # fmt: skip


def test_a_dead_channel_is_asked_about_once_and_fails_as_it_did_before(tmp_path: Path) -> None:
    with Bench(tmp_path, dut="dead-left", steps=("inrush", "connection", "gain")) as bench:
        run_id, _ = bench.run_until(is_end)
        record = bench.result(run_id)
    prompts = [event["data"]["about"] for event in bench.events if event["kind"] == "prompt"]
    assert prompts == [{"leads": "silent:left"}]
    assert record["verdict"] == "FAIL"
    assert [(cause["measurement"], cause.get("channel")) for cause in record["causes"]] == [
        ("gain_db", "left"), ("channel_balance_db", None),
    ]  # fmt: skip
    assert all("8.0 mV DC" in note for note in step_of(record, "connection")["notes"])


def test_leads_that_stay_swapped_end_the_run_as_the_stations_fault(tmp_path: Path) -> None:
    with Bench(tmp_path, steps=("inrush", "connection", "gain")) as bench:
        bench.send("leads swapped")
        run_id, _ = bench.run_until(is_end)
        record = bench.result(run_id)
    assert record["verdict"] == "ERROR"
    assert "the tone on left comes out of right" in record["causes"][0]["text"]
