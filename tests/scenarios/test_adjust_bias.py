"""adjust-bias on a whole live station: a hand is led to 50 mA, overshoot switches off, and nobody passes unsigned."""

from __future__ import annotations

import itertools
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from station.cli.demo import Technician
from tests.scenarios.live import SHIPPED, Event, Live

PLAN = "adjust-bias"
SHORT = ("switched-on", "earth-bond", "insulation", "clips-on", "meter-zero", "inrush", "bias", "clips-off", "sign")
"""Without the waits for idle power and for a warm heatsink."""
DANGER_MA = 33.0 / 0.22
OVERSHOOT_OFF_S = 1.0


class Hands(Technician):
    """The demo's technician; `turning` False: never touches a trimmer. `badge` "": NG where one is asked for."""

    def __init__(self, live: Live, *, turning: bool = True, badge: str = "demo-0042") -> None:
        scans = {"operator": "OP:demo-0042", "work_order": "WO:BIAS-1", "serial_number": "SN:S1",
                 "product": "PR:example-a-100", "plan": f"PL:{PLAN}"}  # fmt: skip
        super().__init__(scans, live.send)
        self._turning, self._signs = turning, badge

    def acts(self, kind: str, data: dict[str, Any]) -> Iterator[str]:
        if kind == "run_started":
            self.run_id = data["run_id"]
        if kind == "guide" and not self._turning:
            return
        for command in super().acts(kind, data):
            yield "press ng" if command.startswith("scan OP") and self.run_id and not self._signs else command


class Adjusting(Live):
    """A station whose plan is the shipped one, or a part of it with other parameters of the step `bias`."""

    def __init__(self, folder: Path, dut: str, steps: tuple[str, ...] = (), **bias: float) -> None:
        super().__init__(folder, dut)
        self._only, self._bias = steps, bias

    def _add_plan(self) -> None:
        plan = tomllib.loads((SHIPPED / "plans" / f"{PLAN}.toml").read_text(encoding="utf-8"))
        plan["step"] = [step for step in plan["step"] if not self._only or step["id"] in self._only]
        for step in plan["step"]:
            if step["id"] == "bias":
                step["params"] |= self._bias
        (self._config / "plans" / f"{PLAN}.toml").write_text(tomli_w.dumps(plan), encoding="utf-8")

    def play(self, hands: Hands) -> Iterator[Event]:
        """Every event of one run, to its end."""
        for event in self.watch(hands, limit_s=80.0):  # type: ignore[arg-type]
            yield event
            if event["kind"] == "run_ended":
                return

    def finish(self, hands: Hands) -> dict[str, Any]:
        """The record of one run, from scans to the centre."""
        for _ in self.play(hands):
            pass
        return self.result(hands.run_id)


def step(record: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in record["steps"] if one["id"] == name)


def values(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {m.get("channel"): m for m in step(record, "bias")["measurements"] if m["name"] == name}


@pytest.mark.timeout(180)
def test_a_hand_is_led_to_50_ma_on_both_channels_and_signs_with_its_badge(tmp_path: Path) -> None:
    with Adjusting(tmp_path, "crossover") as live:
        hands = Hands(live)
        guides: list[tuple[float, dict[str, Any]]] = []
        for event in live.play(hands):
            if event["kind"] == "guide" and event["data"]["guide"] is not None:
                guides.append((time.monotonic(), event["data"]["guide"]))
        record = live.result(hands.run_id)
        live.wait_dead()
    assert (record["verdict"], record["purpose"]) == ("PASS", "adjust"), record["causes"]
    assert step(record, "sign")["signed_by"] == "demo-0042"
    for channel in ("left", "right"):
        assert 45.0 <= values(record, "bias_ma")[channel]["value"] <= 55.0
        assert abs(values(record, "bias_drift_ma")[channel]["value"]) < 1.0
        conditions = values(record, "bias_drift_ma")[channel]["conditions"]
        assert conditions["over_s"] >= 60.0
    assert values(record, "bias_ma")["left"]["conditions"]["readings"] >= 30
    channels = [guide["channel"] for _, guide in guides]
    assert channels[0] == "left" and channels.index("right") > 0
    assert {guide["hint"] for _, guide in guides} >= {"raise", "hold", "done"}
    readings = [at_s for at_s, guide in guides if guide["channel"] == "left"]
    gaps = sorted(b - a for a, b in itertools.pairwise(readings))
    assert gaps[len(gaps) // 2] < 0.16, f"a reading every {gaps[len(gaps) // 2]:.3f} s, ten a second are wanted"


@pytest.mark.timeout(180)
def test_overshoot_trips_within_a_second_opens_k_and_is_on_record(tmp_path: Path) -> None:
    with Adjusting(tmp_path, "repaired", SHORT) as live:
        hands = Hands(live, turning=False)
        turned, over_s = False, 0.0
        for event in live.play(hands):
            guide = event["data"].get("guide") if event["kind"] == "guide" else None
            if guide is not None and not turned:
                turned = True
                live.send("trim right 5")
                live.send("trim left 400")
            if guide is not None and guide["value"] > DANGER_MA and not over_s:
                over_s = time.monotonic()
        live.wait_dead()
        off_s = live.outputs("k")[-1][0]
        record = live.result(hands.run_id)
    assert over_s, "the reading that was over the bound was shown"
    assert off_s - over_s < OVERSHOOT_OFF_S, f"K opened {off_s - over_s:.2f} s after the first reading over the bound"
    assert record["verdict"] == "FAIL"
    (trip, *_) = record["trips"]
    assert (trip["interlock"], trip["cause"], trip["blames"], trip["limit"]) == ("bias-left", "HIGH", "dut", 33.0)
    assert record["causes"][0]["measurement"] == "bias_ma" and record["causes"][0]["step"] == "bias"
    assert [step(record, name)["verdict"] for name in ("bias", "clips-off", "sign")] == ["FAIL", "SKIPPED", "SKIPPED"]
    assert all(m["value"] is None for m in step(record, "bias")["measurements"])


@pytest.mark.timeout(180)
def test_without_a_signature_there_is_no_pass(tmp_path: Path) -> None:
    with Adjusting(tmp_path, "repaired", SHORT) as live:
        record = live.finish(Hands(live, badge=""))
    assert record["verdict"] == "ABORTED"
    assert all(m["verdict"] == "PASS" for m in step(record, "bias")["measurements"])
    assert "signature" in record["causes"][0]["text"] and "signed_by" not in step(record, "sign")


@pytest.mark.timeout(180)
def test_a_trimmer_that_nobody_turns_is_a_fail_in_bounded_time_and_nobody_is_asked_to_sign(tmp_path: Path) -> None:
    with Adjusting(tmp_path, "crossover", SHORT, patience_s=5.0) as live:
        record = live.finish(Hands(live, turning=False))
    assert record["verdict"] == "FAIL", record["causes"]
    bias = values(record, "bias_ma")
    assert {channel: m["verdict"] for channel, m in bias.items()} == {"left": "FAIL", "right": "FAIL"}
    assert all(2.0 < m["value"] < 4.0 for m in bias.values())
    assert {m["verdict"] for m in values(record, "bias_drift_ma").values()} == {"SKIPPED"}
    assert step(record, "sign")["verdict"] == "SKIPPED" and step(record, "clips-off")["verdict"] == "PASS"


@pytest.mark.timeout(180)
def test_a_good_bias_that_had_no_time_to_settle_is_no_pass(tmp_path: Path) -> None:
    with Adjusting(tmp_path, "repaired", SHORT, patience_s=5.0, readings_min=200) as live:
        record = live.finish(Hands(live))
    assert record["verdict"] == "ERROR"
    assert {m["verdict"] for m in values(record, "bias_ma").values()} == {"PASS"}
    assert {m["verdict"] for m in values(record, "bias_drift_ma").values()} == {"ERROR"}
    assert step(record, "sign")["verdict"] == "SKIPPED"


@pytest.mark.timeout(180)
def test_a_bias_that_runs_away_with_the_heatsink_is_the_duts_fault_and_switches_off(tmp_path: Path) -> None:
    with Adjusting(tmp_path, "runaway") as live:
        record = live.finish(Hands(live))
        live.wait_dead()
    assert record["verdict"] == "FAIL", record["causes"]
    assert {trip["interlock"] for trip in record["trips"]} <= {"bias-left", "bias-right"} and record["trips"]
    assert record["causes"][0]["measurement"] == "bias_ma" and step(record, "sign")["verdict"] == "SKIPPED"
