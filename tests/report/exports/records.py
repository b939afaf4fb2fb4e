"""Records that the exports are tried on: a rich one, and those that the papers are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from station.domain.record import JudgedMeasurement, Part, Record, Reference, StepRecord, TripRecord
from station.domain.verdict import Verdict
from tests.report.conftest import make_error, make_fail, make_incoming, make_pass, make_trip

NASTY = 'left <out> & "so" 左声道; =1+1'
CHANGES: dict[tuple[str, str | None], dict[str, Any]] = {
    ("thd_n_percent", "right"): {"value": 0.0031, "bound": "below", "uncertainty": None},
    ("snr_db", "left"): {"value": 60.0, "bound": "below", "verdict": Verdict.FAIL},
    ("crosstalk_db", "left"): {"verdict": Verdict.ERROR},
    ("crosstalk_db", "right"): {"value": None, "uncertainty": None, "verdict": Verdict.ERROR},
    ("damping_factor", "left"): {"value": None, "uncertainty": None, "verdict": Verdict.NOT_APPLICABLE},
    ("output_power_w", "left"): {"value": None, "uncertainty": None, "verdict": Verdict.ABORTED},
    ("touch_current_ma", None): {"low": None, "high": None, "limit_source": None},
    ("inrush_a", None): {"value": -0.0, "uncertainty": 1e-05},
    ("channel_balance_db", None): {"value": -1e-07, "conditions": {"level": "-20 dB", "frequency_hz": 1000.0}},
}


def _changed(one: JudgedMeasurement) -> JudgedMeasurement:
    return replace(one, **CHANGES.get((one.name, one.channel), {}))


@cache
def make_rich() -> Record:
    """Every field filled, every verdict, bounds, nulls, a step that never began, and texts that formats trip over."""
    found, failed = make_incoming(), make_fail()
    never = next(step for step in failed.steps if step.attempt == 0)
    steps: list[StepRecord] = [
        replace(step, measurements=tuple(map(_changed, step.measurements))) for step in (*found.steps, never)
    ]
    steps[1] = replace(steps[1], notes=("first note", NASTY), verdict=Verdict.ABORTED, signed_by="E07")
    for number, step in enumerate(steps):  # each channel's curves in a row, as the steps of a bench give them
        steps[number] = replace(step, curves=tuple(sorted(step.curves, key=lambda curve: curve.channel or "")))
    steps[2] = replace(steps[2], verdict=Verdict.NOT_APPLICABLE)
    return replace(
        found,
        steps=tuple(steps), operator=None, second_operator="E11", simulated=True, speed=240.0,
        dut=replace(found.dut, imei="356938035643809", serial_number="=A100/+451"),
        plan=replace(found.plan, label=False), clock=replace(found.clock, quality="holdover", max_error_ms=None),
        causes=(replace(found.causes[0], text=NASTY), replace(found.causes[1], step=None, measurement=None)),
        trips=(TripRecord("sink_hot", "heatsink.degc above 100", 100.4, 100.0, "dut", 568.2),
               TripRecord("estop", "pressed", None, None, "station", 570.0)),
        parts=(Part("output transistor", "TTC5200", 2, "lot 2547"), Part("滤波电容")),
        reference=Reference("019abf0c-1111-7d1a-9a55-2f1c5f0b7d11", "outgoing", "PASS", "bench-07",
                            "2026-11-01T05:54:20.456Z", True, None),
    )  # fmt: skip


MAKERS: dict[str, Callable[[], Record]] = {
    "rich": make_rich, "pass": make_pass, "fail": make_fail, "trip": make_trip, "error": make_error,
    "incoming": make_incoming,
}  # fmt: skip


def all_records() -> dict[str, Record]:
    """By name; the rich one first."""
    return {name: make() for name, make in MAKERS.items()}
