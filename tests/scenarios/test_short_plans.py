"""`safety-only` and `verify-golden` as the demo plays them: a verdict that means something, no paper of a release."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.live import ROOT

SAFETY = ["earth_bond_ohm", "insulation_mohm", "inrush_a", "touch_current_ma", "idle_power_w"]


def demo(plan: str, dut: str, out: Path) -> tuple[int, dict[str, Any], set[str]]:
    """Exit status, record, and the names of what was left in the output folder."""
    made = subprocess.run(
        [sys.executable, "-m", "station", "demo", "--plan", plan, "--dut", dut, "--out", str(out), "--json"],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, timeout=90,
    )  # fmt: skip
    assert made.stdout, made.stderr
    return made.returncode, json.loads(made.stdout), {path.name for path in out.iterdir()}


def measured(record: dict[str, Any]) -> list[str]:
    return [m["name"] for step in record["steps"] for m in step["measurements"]]


def test_safety_only_is_a_trial_of_the_electrical_safety_alone(tmp_path: Path) -> None:
    status, record, left = demo("safety-only", "repaired", tmp_path)
    assert (status, record["verdict"], record["purpose"]) == (0, "PASS", "engineering"), record["causes"]
    assert measured(record) == SAFETY
    assert "confirmed: power" in record["steps"][0]["notes"]
    assert "label.zpl" not in left and "report.html" in left


def test_safety_only_finds_what_would_hurt_somebody(tmp_path: Path) -> None:
    status, record, _ = demo("safety-only", "leaky", tmp_path)
    assert (status, record["verdict"]) == (1, "FAIL")
    assert record["causes"][0]["measurement"] == "touch_current_ma"
    assert record["steps"][-1]["verdict"] == "SKIPPED", "and mains went off at once"


def test_the_golden_unit_is_measured_whole_but_for_the_soak_within_limits_of_its_own(tmp_path: Path) -> None:
    status, record, left = demo("verify-golden", "repaired", tmp_path)
    assert (status, record["verdict"], record["purpose"]) == (0, "PASS", "verify"), record["causes"]
    rows = {m["name"]: m for step in record["steps"] for m in step["measurements"]}
    assert set(rows) > {*SAFETY, "thd_percent", "snr_db", "damping_factor"} and "soak_s" not in rows
    assert all(m["limit_source"].startswith("golden unit:") for m in rows.values())
    assert all("low" in m for name, m in rows.items() if name != "channel_balance_db"), "too good is wrong as well"
    assert "label.zpl" not in left


@pytest.mark.byhand
@pytest.mark.parametrize("dut", ["crossover", "noisy", "narrow-band", "crosstalk", "dc-offset"])
def test_what_is_not_the_golden_unit_is_noticed(dut: str, tmp_path: Path) -> None:
    status, record, _ = demo("verify-golden", dut, tmp_path)
    assert (status, record["verdict"]) == (1, "FAIL")
