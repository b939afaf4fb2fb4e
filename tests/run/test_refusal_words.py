"""What forbids RESET is said in Chinese too: whatever the scan can give as a reason."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from drivers.ports import GuardHello, GuardState, GuardStatus
from station.domain.interlock import Interlock, Reading
from station.run.refusal_words import in_both, in_chinese
from station.safety.granting import bars
from station.safety.guard_line import unfit
from station.safety.rules import Rules
from station.safety.scan import begin, reset_refusals
from station.safety.snapshot import RelayImage, ScanInputs, Wishes

HAN = re.compile(r"[\u4e00-\u9fff]")
ALWAYS = Interlock("loadbank", "temperature.loadbank_degc", 2.0, high=120.0, when="always", blames="station")


def everything_wrong() -> tuple[str, ...]:
    image = RelayImage({"tester": False}, {"tester": True}, 10.0)
    inputs = ScanInputs(
        10.0, 10.0, {ALWAYS.reading: Reading(130.0, 10.0)},
        GuardStatus(
            state=GuardState.TRIPPED, k=False, h=False, lock=True, fb=True, estop=False, lid=False, thermo=False,
            cause="LID", also=(), hb_age_ms=10, on_left_s=0, bad=0, up_ms=1000, received_at=10.0,
        ),
        None, image, Wishes(), frozenset({"mains"}), "WELD: it stayed closed", False, None,
        unfit(Rules(), GuardHello("1", "b", 10_000, 9000, 10)),
    )  # fmt: skip
    assert inputs.guard is not None
    one_pressed = replace(inputs.guard, lid=True, thermo=True)
    silent = replace(inputs, guard=None, guard_trouble="guard port: cannot open")
    rules = Rules()
    return (
        *reset_refusals(rules, [ALWAYS], begin(rules, 0.0), inputs),
        *reset_refusals(rules, [ALWAYS], begin(rules, 0.0), replace(inputs, guard=one_pressed))[:1],
        *bars(replace(inputs, guard_unfit=unfit(rules, None))),
        *bars(replace(inputs, guard_unfit=unfit(rules, GuardHello("1", "b", 300, 9000, 0)))),
        *reset_refusals(rules, [ALWAYS], begin(rules, 0.0), silent)[:1],
        *reset_refusals(rules, [ALWAYS], begin(rules, 0.0), replace(silent, guard_trouble=None))[:1],
    )


def test_every_reason_of_the_scan_against_reset_is_in_the_table() -> None:
    reasons = everything_wrong()
    assert len(reasons) >= 9
    for reason in reasons:
        assert HAN.search(in_chinese(reason)), reason
    together = in_chinese("; ".join(reasons))
    assert len(together.split("；")) == len(reasons) and all(HAN.search(part) for part in together.split("；"))


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "guard input lid is not healthy; the contactor's feedback is closed",
            "防护盖回路未恢复；接触器触点仍闭合，可能带电",
        ),
        ("interlock fan: fan.rpm is low (12, limit 500)", "联锁 假负载风扇：过低 (12, limit 500)"),
        ("tripped again: stop, STOP", "再次跳闸：停止，已按停止"),
        ("no run is begun: interlock mains-feed: mains.voltage_v is high", "未开始测试：联锁 市电电压：过高"),
        (
            "the lid stays locked: mains and test voltage are not shown to be off",
            "盖仍锁着：未证明市电和试验电压已断开",
        ),
        ("the service latch: WELD", "the service latch: WELD"),
        ("guard: no answer to RESET", "guard: no answer to RESET"),
    ],
)
def test_reasons_are_said_in_chinese_and_what_is_unknown_stands_as_it_is(english: str, chinese: str) -> None:
    assert in_both(english) == {"zh": chinese, "en": english}
