"""`demo --plan incoming-amplifier`, whole: wires, guard, the technician's probe; findings as on the fast rig."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.sim.dut import load_dut
from tests.run.fast_bench import CONFIG, run_incoming
from tests.run.named_duts import AREAS

ROOT = CONFIG.parent
RUN_S = 110.0


def _demo(out: Path, dut: str, timeout_s: float = RUN_S) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "station", "demo", "--plan", "incoming-amplifier", "--dut", dut, "--out", str(out),
         "--json"], cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr[-3000:]
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def _findings(record: dict[str, Any]) -> list[tuple[str, str]]:
    return [(finding["area"], finding["text"]["en"]) for finding in record["findings"]]


def test_a_crossover_fault_is_found_with_the_probe_in_the_technicians_hand(tmp_path: Path) -> None:
    record = _demo(tmp_path, "crossover")
    assert (record["purpose"], record["verdict"]) == ("incoming", "FAIL")
    assert record["findings"][0]["area"] == "bias"
    nodes = next(step for step in record["steps"] if step["id"] == "nodes")
    rails = {(m["name"], m["channel"]): m["value"] for m in nodes["measurements"]}
    assert rails["rail_plus_v", "left"] == pytest.approx(46.0, rel=0.01)
    assert rails["rail_minus_v", "right"] == pytest.approx(-46.0, rel=0.01)
    assert rails["bias_ma", "left"] == pytest.approx(3.0, abs=2.0)
    made = [step["id"] for step in record["steps"] if step["started_at"] is not None]
    assert made[-1] == "heat-for-drive" and len(made) == len(record["steps"]) - 1, "nothing but the trace is left out"
    fast = run_incoming(load_dut(CONFIG / "duts" / "crossover.toml"))
    assert _findings(record) == [(finding.area, finding.text["en"]) for finding in fast.findings]


def test_a_shorted_output_is_switched_off_at_once_and_found(tmp_path: Path) -> None:
    record = _demo(tmp_path, "shorted")
    assert record["verdict"] == "FAIL" and record["findings"][0]["area"] == "output-stage", record["causes"]
    assert record["findings"][0]["because"]
    power_up = next(step for step in record["steps"] if step["id"] == "power-up")
    assert power_up["started_at"] is not None
    later = record["steps"][record["steps"].index(power_up) + 1 :]
    assert all(step["started_at"] is None for step in later), "it is never switched on again"


@pytest.mark.byhand
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", AREAS)
def test_every_named_dut_is_found_on_the_whole_bench(tmp_path: Path, name: str) -> None:
    record = _demo(tmp_path, name, 500.0)
    assert record["verdict"] == "FAIL" and record["findings"][0]["area"] == AREAS[name], record["causes"]
