"""Made-up records of runs on `example-a-100` that look like real ones: a PASS, a FAIL, an ERROR, a trip."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from station.domain.earlier import earlier_of
from station.domain.measurement import Channel, Curve
from station.domain.quantity import unit_of
from station.domain.record import (
    Capture,
    Cause,
    ClockStamp,
    DutInfo,
    Finding,
    Handover,
    Instrument,
    JudgedMeasurement,
    Part,
    PlanInfo,
    Record,
    StepRecord,
    TripRecord,
)
from station.domain.verdict import Verdict, worst
from station.report.record_view import plain

Limits = tuple[float | None, float | None]
STEPS: tuple[tuple[str, str, str, tuple[tuple[str, Limits, float, float, bool], ...]], ...] = (
    ("earth-bond", "接地电阻", "Earth bond", (("earth_bond_ohm", (None, 0.3), 0.0613, 0.0009, False),)),
    ("insulation", "绝缘电阻", "Insulation", (("insulation_mohm", (5.0, None), 80.7, 1.2, False),)),
    ("inrush", "开机冲击电流", "Inrush", (("inrush_a", (None, 40.0), 14.12, 0.33, False),)),
    ("touch-current", "接触电流", "Touch current", (("touch_current_ma", (None, 0.5), 0.1208, 0.0028, False),)),
    ("idle-power", "空载功耗", "Idle power", (("idle_power_w", (10.0, 80.0), 38.13, 0.22, False),)),
    ("dc-offset", "输出直流偏移", "DC offset", (("dc_offset_mv", (-50.0, 50.0), 8.04, 0.06, True),)),
    ("connection", "接线检查", "Connection check", ()),
    (
        "gain",
        "增益与声道平衡",
        "Gain and balance",
        (("gain_db", (28.0, 30.0), 28.991, 0.023, True), ("channel_balance_db", (None, 0.5), 0.004, 0.012, False)),
    ),
    ("output-power", "输出功率", "Output power", (("output_power_w", (100.0, None), 113.4, 0.9, True),)),
    ("thd", "总谐波失真", "THD", (("thd_percent", (None, 0.1), 0.02818, 0.00031, True),)),
    ("thd-n", "失真加噪声", "THD+N", (("thd_n_percent", (None, 0.2), 0.0283, 0.0004, True),)),
    ("response", "频率响应", "Response", (("response_drop_db", (None, 3.0), 0.22, 0.02, True),)),
    ("snr", "信噪比", "Signal-to-noise ratio", (("snr_db", (95.0, None), 112.4, 0.2, True),)),
    ("crosstalk", "串扰", "Crosstalk", (("crosstalk_db", (None, -50.0), -70.1, 0.1, True),)),
    ("damping", "阻尼系数", "Damping factor", (("damping_factor", (50.0, None), 199.0, 4.0, True),)),
    (
        "soak",
        "满功率稳定性 2 h",
        "Soak, 2 h at full power",
        (
            ("soak_s", (7200.0, None), 7200.0, 0.0, False),
            ("dropouts", (None, 0.0), 0.0, 0.0, True),
            ("power_drift_db", (-0.2, 0.2), -0.011, 0.005, True),
            ("soak_thd_percent", (None, 0.1), 0.0301, 0.0004, True),
            ("soak_dc_offset_mv", (-50.0, 50.0), 9.2, 0.07, True),
            ("soak_mains_power_w", (336.2, 410.9), 371.8, 2.1, False),
            ("load_drift_percent", (-2.0, 2.0), 0.31, 0.2, True),
            ("heatsink_rise_k", (None, 1.0), 0.08, 0.03, False),
            ("heatsink_degc", (None, 90.0), 61.3, 0.6, False),
        ),
    ),
)
_SIDES: tuple[Channel, Channel] = ("left", "right")


def _measured(name: str, limits: Limits, value: float, uncertainty: float, both: bool) -> list[JudgedMeasurement]:
    channels: tuple[Channel | None, ...] = _SIDES if both else (None,)
    return [
        JudgedMeasurement(
            name,
            value * (1.0 + 0.002 * index),
            unit_of(name),
            Verdict.PASS,
            channel,
            *limits,
            uncertainty=uncertainty,
            limit_source="product data, example-a-100",
            conditions={"frequency_hz": 1000.0, "driven": "both"} if name == "thd_percent" else {},
        )
        for index, channel in enumerate(channels)
    ]


def _response() -> tuple[Curve, ...]:
    hz = tuple(round(20.0 * 1000.0 ** (index / 30), 1) for index in range(31))
    curves = []
    for channel, highpass in zip(_SIDES, (4.0, 4.4), strict=True):
        db = tuple(-10 * math.log10(1 + (highpass / f) ** 2) - 10 * math.log10(1 + (f / 90000.0) ** 2) for f in hz)
        curves.append(Curve("response", "frequency", "Hz", "level", "dB", hz, db, channel, (-3.0,) * len(hz)))
    return tuple(curves)


def _thd_frequency() -> tuple[Curve, ...]:
    hz = tuple(round(20.0 * 1000.0 ** (index / 30), 1) for index in range(28))
    return tuple(
        Curve("thd_frequency", "frequency", "Hz", "thd", "%", hz,
              tuple(0.008 * (1 + 0.3 * side) * (1 + (f / 4000.0) ** 1.5) for f in hz), channel)
        for side, channel in enumerate(_SIDES)
    )  # fmt: skip


def _spectrum() -> tuple[Curve, ...]:
    noise = random.Random(3)
    hz = tuple(20.0 * 1000.0 ** (index / 239) for index in range(240))
    curves = []
    for side, levels in zip(_SIDES, ((-72.1, -78.2, -101.0), (-72.4, -77.9, -102.0)), strict=True):
        tones = {1000.0: 0.0, 100.0: -104.0} | {1000.0 * order: level for order, level in enumerate(levels, start=2)}
        level = [
            max([-118.0 + noise.gauss(0, 2)] + [a for f, a in tones.items() if abs(math.log(h / f)) < 0.0145])
            for h in hz
        ]
        curves.append(Curve("spectrum", "frequency", "Hz", "level", "dBc", hz, tuple(level), side))
    return tuple(curves)


def _harmonics() -> tuple[Curve, ...]:
    levels = {"left": (-72.1, -78.2, -101.0, -104.0, -112.0), "right": (-72.4, -77.9, -102.0, -103.0, -114.0)}
    return tuple(
        Curve("harmonics", "harmonic", "1", "level", "dBc", (2.0, 3.0, 4.0, 5.0, 6.0), levels[side], side)
        for side in _SIDES
    )


def _soak(until_s: int = 7200) -> tuple[Curve, ...]:
    noise = random.Random(7)
    at = tuple(float(second) for second in range(0, until_s, 8))
    sink = tuple(25.0 + 36.2 * (1 - math.exp(-t / 315.0)) + noise.gauss(0, 0.02) for t in at)
    mains = tuple(362.0 + 9.5 * (1 - math.exp(-t / 400.0)) + noise.gauss(0, 0.4) for t in at)
    curves = [
        Curve("soak_level_v", "time", "s", "soak_level", "V", at, tuple(_volts(t, noise) for t in at), side)
        for side in _SIDES
    ]
    curves += [
        Curve("soak_thd_percent", "time", "s", "soak_thd", "%", at, tuple(0.0287 + noise.gauss(0, 2e-4) for _ in at), s)
        for s in _SIDES
    ]
    curves.append(Curve("soak_mains_power_w", "time", "s", "soak_mains_power", "W", at, mains))
    curves.append(Curve("soak_heatsink_degc", "time", "s", "soak_heatsink", "degC", at, sink))
    return tuple(curves)


def _volts(t: float, noise: random.Random) -> float:
    return 28.284 * (1 - 0.0012 * (1 - math.exp(-t / 500.0))) + noise.gauss(0, 0.0006)


_CURVES: dict[str, Callable[[], tuple[Curve, ...]]] = {
    "response": lambda: _response() + _thd_frequency(),
    "thd": lambda: _harmonics() + _spectrum(),
    "soak": _soak,
}


def _steps() -> list[StepRecord]:
    steps = []
    for id_, chinese, english, measurements in STEPS:
        made = tuple(one for m in measurements for one in _measured(*m))
        curves = _CURVES[id_]() if id_ in _CURVES else ()
        notes = ("left and right joined as wired",) if id_ == "connection" else ()
        seconds = 7204.5 if id_ == "soak" else 4.2
        steps.append(
            StepRecord(
                id_, id_.replace("-", "_"), {"zh": chinese, "en": english}, worst([m.verdict for m in made] or
                [Verdict.PASS]), 1, "2026-11-22T03:52:10.123Z", seconds, made, curves, notes,
            )
        )  # fmt: skip
    return steps


def make_pass() -> Record:
    """A repaired amplifier that passes everything."""
    return Record(
        run_id="019abf0e-7c3e-7d1a-9a55-2f1c5f0b7d11",
        run_no=184,
        purpose="outgoing",
        work_order="WO-2026-1187",
        operator="E07",
        second_operator=None,
        repair_engineer="R12",
        dut=DutInfo("example-a-100", "Example", "A-100", "A100-000451"),
        plan=PlanInfo("outgoing-amplifier", "1", "5e" * 32),
        station="bench-07",
        software="0.2.0",
        config_sha256="ab" * 32,
        simulated=False,
        speed=1.0,
        started_at="2026-11-22T03:52:10.123Z",
        ended_at="2026-11-22T05:54:20.456Z",
        clock=ClockStamp("synced", 12.0, "0f0e"),
        duration_s=7330.3,
        verdict=Verdict.PASS,
        steps=tuple(_steps()),
        parts=(
            Part("2SC5200 output transistor", "TTC5200", 2, "Toshiba, lot 2547"),
            Part("滤波电容 10000 µF 63 V", "LKG1J103", 1, "Nichicon 授权代理"),
        ),
        instruments=(
            Instrument("tester", "gpt-9800", "GPT-9804", "GES870123", "2027-03-01"),
            Instrument("mains", "pzem-016", "PZEM-016", "", None),
            Instrument("audio", "portaudio", "Scarlett 2i2", "S2X991", "2027-05-12"),
        ),
        handovers=(Handover("E09", "2026-11-22T04:30:00.000Z"),),
    )


def _judge_again(
    step: StepRecord, verdict: Verdict, change: Callable[[JudgedMeasurement], JudgedMeasurement]
) -> StepRecord:
    return replace(step, measurements=tuple(map(change, step.measurements)), verdict=verdict)


def _skipped(step: StepRecord) -> StepRecord:
    made = tuple(
        replace(m, value=None, uncertainty=None, verdict=Verdict.SKIPPED, conditions={}) for m in step.measurements
    )
    return replace(step, measurements=made, curves=(), attempt=0, started_at=None, duration_s=0.0,
                   verdict=Verdict.SKIPPED, notes=())  # fmt: skip


def make_fail() -> Record:
    """Crossover distortion on the left; the soak was not started."""
    good = make_pass()
    steps = []
    for step in good.steps:
        if step.id in ("thd", "thd-n"):

            def spoil(m: JudgedMeasurement) -> JudgedMeasurement:
                bad = m.channel == "left"
                return replace(m, value=0.4127, uncertainty=0.0031, verdict=Verdict.FAIL) if bad else m

            step = _judge_again(step, Verdict.FAIL, spoil)
        steps.append(_skipped(step) if step.id == "soak" else step)
    causes = (
        Cause("thd", "thd_percent", "left", "thd_percent (left): 0.4127 %; limit at most 0.1 %"),
        Cause("thd-n", "thd_n_percent", "left", "thd_n_percent (left): 0.4127 %; limit at most 0.2 %"),
    )
    findings = (
        Finding(
            "bias",
            {"zh": "左声道输出级静态偏流过低", "en": "left output stage: bias too low"},
            ("thd/thd_percent/left", "thd-n/thd_n_percent/left"),
            0.9,
            {"zh": "偏流微调电位器、偏流二极管", "en": "bias trimmer, bias diodes"},
        ),
        Finding(
            "output-stage",
            {"zh": "输出级不对称", "en": "output stage not symmetrical"},
            ("thd/thd_percent/left", "gone/supply_v"),
            0.3,
        ),
    )
    return replace(good, verdict=Verdict.FAIL, causes=causes, steps=tuple(steps), findings=findings, parts=())


def make_trip() -> Record:
    """The heatsink ran away in the soak: a trip that blames the DUT."""
    good = make_pass()
    *before, soak = good.steps
    made = tuple(
        replace(m, value=100.4, verdict=Verdict.FAIL)
        if m.name == "heatsink_degc"
        else replace(m, value=None, uncertainty=None, verdict=Verdict.SKIPPED)
        for m in soak.measurements
    )
    soak = replace(soak, measurements=made, verdict=Verdict.FAIL, duration_s=518.0, curves=_soak(520))
    trip = TripRecord("sink_hot", "heatsink.degc above 100 for 0 s", 100.4, 100.0, "dut", 568.2)
    cause = Cause("soak", "heatsink_degc", None, "sink_hot tripped: heatsink.degc 100.4, limit 100")
    return replace(good, verdict=Verdict.FAIL, causes=(cause,), steps=(*before, soak), trips=(trip,))


def make_error() -> Record:
    """The station failed at the second step; nothing else was made. Simulated."""
    good = make_pass()
    first, second, *rest = good.steps
    second = _judge_again(
        second, Verdict.ERROR, lambda m: replace(m, value=None, uncertainty=None, verdict=Verdict.ERROR)
    )
    cause = Cause("insulation", None, None, "tester: no reply within 2 s; check the cable and the port")
    return replace(
        good, verdict=Verdict.ERROR, causes=(cause,), steps=(first, second, *map(_skipped, rest)), simulated=True,
        speed=240.0,
    )  # fmt: skip


def make_incoming() -> Record:
    """The same amplifier as found, on another bench: crossover distortion, a droop, a trace that kept captures."""
    bad = make_fail()
    steps = []
    for step in bad.steps:
        if step.id == "response":
            droop = tuple(
                replace(c, y=tuple(y - 10 * math.log10(1 + (f / 24000.0) ** 2) for f, y in zip(c.x, c.y, strict=True)))
                if c.name == "response" and c.channel == "left" else c for c in step.curves
            )  # fmt: skip
            step = replace(step, curves=droop)
        if step.id == "thd":
            step = replace(step, signed_by="E07")
        steps.append(step)
    kept = Capture("trace-019abf0d-0001.flac", "dropout left", 412.31, 30.0, 30.0, 48000, 5_312_880, "c4" * 32)
    captures = (kept, replace(kept, file="trace-2.flac", at_s=900.0))
    trace = StepRecord("trace", "trace", {"zh": "长时跟踪", "en": "Long trace"}, Verdict.PASS, 1,
                       "2026-11-20T04:52:10.123Z", 1800.0, captures=captures)  # fmt: skip
    return replace(
        bad, run_id="019abf0d-1111-7d1a-9a55-2f1c5f0b7d11", run_no=61, purpose="incoming", station="bench-03",
        plan=PlanInfo("incoming-amplifier", "1", "6f" * 32), steps=(*steps[:-1], trace),
        ended_at="2026-11-20T05:54:20.456Z", started_at="2026-11-20T03:54:20.456Z",
    )  # fmt: skip


def make_found() -> dict[str, Any]:
    """The incoming run as what an outgoing run is compared with."""
    return plain(earlier_of(make_incoming()))


@pytest.fixture(scope="session")
def passed() -> Record:
    return make_pass()


@pytest.fixture(scope="session")
def incoming() -> Record:
    return make_incoming()


@pytest.fixture(scope="session")
def found() -> dict[str, Any]:
    return make_found()


@pytest.fixture(scope="session")
def failed() -> Record:
    return make_fail()


@pytest.fixture(scope="session")
def tripped() -> Record:
    return make_trip()


@pytest.fixture(scope="session")
def errored() -> Record:
    return make_error()
