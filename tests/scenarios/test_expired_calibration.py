"""A whole station whose tester is out of calibration: START is refused, and a trial with it is an ERROR, no PASS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.live import PLAN, Live

EXPIRED = """\
role = "tester"
serial_number = "SIM000000001"
[[revision]]
date = 2020-01-10
due = 2021-01-10
by = "laboratory"
reference = "box, serial number 7"
certificate = "C-1"
[revision.quantity.earth_bond_ohm]
factor = 1.05
relative = 0.01
"""


@pytest.mark.timeout(120)
def test_an_expired_instrument_is_refused_before_start_and_a_trial_with_it_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "config" / "calibration").mkdir(parents=True)
    (tmp_path / "config" / "calibration" / "tester.toml").write_text(EXPIRED, encoding="utf-8")
    told, run_id = {}, ""
    with Live(tmp_path, steps=("earth-bond",)) as live:
        for event in live.watch():
            if event["kind"] == "tell" and event["data"]["code"] == "not_calibrated" and not told:
                told = event["data"]["text"]
                assert not live.energised()
                live.send(f"scan PL:{PLAN}/earth-bond")
            elif event["kind"] == "session" and event["data"]["scans"]["step"] and event["data"]["state"] == "ready":
                live.send("press start")
            elif event["kind"] == "run_ended":
                run_id = event["data"]["run_id"]
                break
        record = live.result(run_id)

    assert "its calibration ended on 2021-01-10" in told["en"] and "已于 2021-01-10 到期" in told["zh"]
    assert (record["verdict"], record["purpose"]) == ("ERROR", "engineering")
    bond = next(m for step in record["steps"] for m in step["measurements"] if m["name"] == "earth_bond_ohm")
    assert bond["verdict"] == "ERROR" and bond["value"] is not None, "what was read stays on record"
    assert bond["uncertainty"] == pytest.approx(0.01 * bond["value"], rel=0.6)
    assert "its calibration ended on 2021-01-10" in record["causes"][0]["text"]
    until = {one["role"]: one["calibrated_until"] for one in record["instruments"]}
    assert until["tester"] == "2021-01-10" and until["touch"] > "2026" and until["audio"] > "2026"
    assert until["relays"] is None
