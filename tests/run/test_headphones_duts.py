"""Whole runs of headphones on the fast bench: every DUT of config/duts judged rightly, and values near their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from drivers.sim.dut_file import Sides
from drivers.sim.families import load_any
from drivers.sim.headphones import Headphones
from drivers.sim.headphones_device import HeadphonesDevice
from drivers.sim.headphones_voice import HeadphonesVoice, Spectrum, Values
from station.cli.simulate import family_of
from station.domain.record import Record
from station.domain.verdict import Verdict
from tests.run.fast_bench import CONFIG, run_plan, tree

PLAN = "outgoing-headphones"
FIRST_CAUSE: Mapping[str, tuple[str, str | None]] = {
    "headphones-dead-left": ("impedance_ohm", "left"),
    "headphones-shorted-right": ("impedance_ohm", "right"),
    "headphones-wrong-driver": ("impedance_ohm", "right"),
    "headphones-quiet-right": ("sensitivity_db", "right"),
    "headphones-imbalance": ("channel_balance_db", None),
    "headphones-broken-return": ("crosstalk_db", "left"),
    "headphones-swapped": ("crosstalk_db", "left"),
    "headphones-torn-pad": ("response_deviation_db", "left"),
    "headphones-rattle": ("thd_percent", "left"),
    "headphones-inverted": ("polarity_deg", "left"),
    "headphones-both-inverted": ("polarity_deg", "left"),
    "headphones-broken-cable": ("dropouts", "right"),
    "headphones-crackling-cable": ("cut_s", "left"),
    "headphones-buzz": ("listening_ok", None),
}
"""What each fails by first, and on which side."""
GOOD = ("repaired-headphones", "repaired-headphones-420")
LIKE_OTHERS = ("imbalance", "broken-return", "inverted", "buzz", "crackling-cable")
"""Half a second of processor time each for what others show too: by hand."""


def shipped(name: str) -> Headphones:
    dut = load_any(CONFIG / "duts" / f"{name}.toml", family_of)
    assert isinstance(dut, Headphones)
    return dut


def told(record: Record) -> str:
    notes = [note for step in record.steps for note in step.notes]
    return f"{record.verdict}, causes {[cause.text for cause in record.causes]}, notes {notes}"


def notes_of(record: Record) -> str:
    return " | ".join(note for step in record.steps for note in step.notes)


def run_first(dut: Headphones, *steps: str) -> Record:
    """A run of only these steps of the plan."""
    whole = tree().plans[PLAN]
    some = replace(whole, steps=tuple(step for step in whole.steps if step.id in steps))
    return run_plan(dut, PLAN, replace(tree(), plans={**tree().plans, PLAN: some}))


def test_every_pair_of_the_house_has_its_first_cause_here() -> None:
    assert {path.stem for path in (CONFIG / "duts").glob("*headphones*.toml")} == {*FIRST_CAUSE, *GOOD}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.byhand if name.removeprefix("headphones-") in LIKE_OTHERS else ())
        for name in FIRST_CAUSE
    ],
)
def test_a_faulty_pair_fails_by_its_fault_first_and_on_its_side(name: str) -> None:
    record = run_plan(shipped(name), PLAN)
    assert record.verdict is Verdict.FAIL and record.trips == (), told(record)
    first = record.causes[0]
    assert (first.measurement, first.channel) == FIRST_CAUSE[name], told(record)
    blamed = {cause.channel for cause in record.causes}
    both = name.endswith(("swapped", "both-inverted", "broken-return"))
    assert both or blamed <= {first.channel, None}, told(record)


@pytest.mark.parametrize("name", [GOOD[0], pytest.param(GOOD[1], marks=pytest.mark.byhand)])
def test_a_repaired_pair_passes_with_an_uncertainty_behind_every_reading(name: str) -> None:
    record = run_plan(shipped(name), PLAN)
    assert record.verdict is Verdict.PASS and record.trips == (), told(record)
    for step in record.steps:
        for m in step.measurements:
            if m.value is not None and m.name not in ("dropouts", "cut_s") and not m.name.endswith("_ok"):
                assert m.uncertainty is not None and m.uncertainty > 0.0, (step.id, m)
    assert {curve.name for step in record.steps for curve in step.curves} >= {"impedance", "response", "spectrum"}


def test_an_impedance_six_percent_inside_its_limit_passes_and_one_outside_fails() -> None:
    record = run_first(replace(Headphones(), coil_ohm=Sides(36.8 * 0.94, 36.8 * 1.06)), "impedance")
    assert [(c.measurement, c.channel) for c in record.causes] == [("impedance_ohm", "right")], told(record)


def test_left_a_little_inside_of_its_limits_and_right_a_little_outside_is_judged_so() -> None:
    dut = replace(
        Headphones(), sensitivity_db_v=Sides(109.18, 108.82), leak_hz=Sides(95.0, 106.0),
        h2_dbc=Sides(-37.7, -36.3), h3_dbc=Sides(-200.0, -200.0),
    )  # fmt: skip
    record = run_first(dut, "impedance", "level", "distortion", "response")
    failed = [(cause.measurement, cause.channel) for cause in record.causes]
    assert failed == [(name, "right") for name in ("sensitivity_db", "thd_percent", "response_deviation_db")], told(
        record
    )


# ---- a hand that does not do what the bench asks for ----------------------------------------------------------
def forgets(monkeypatch: pytest.MonkeyPatch, what: str, times: int) -> None:
    """The technician answers OK to this prompt so many times without having done it."""
    real, left = HeadphonesDevice.act, [times]

    def act(self: HeadphonesDevice, words: str) -> bool:
        if words == f"fixture {what}" and left[0] > 0:
            left[0] -= 1
            return True
        return real(self, words)

    monkeypatch.setattr(HeadphonesDevice, "act", act)


@pytest.mark.parametrize(
    ("what", "times", "said"),
    [
        ("coupler", 9, "the jack is heard, not the microphones"),
        ("empty", 9, "the empty jack gives"),
    ],
)
def test_a_switch_that_stays_wrong_is_an_error_and_never_a_verdict_on_the_headphones(
    monkeypatch: pytest.MonkeyPatch, what: str, times: int, said: str
) -> None:
    forgets(monkeypatch, what, times)
    record = run_first(Headphones(), "impedance", "level")
    assert record.verdict is Verdict.ERROR and said in record.causes[0].text, told(record)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("coupler", "the switch is still at IMPEDANCE"),
        ("empty", "the empty jack gives 0.99"),
        ("plug", "both sides are open"),
    ],
)
def test_what_was_forgotten_once_is_asked_again_and_noted(
    monkeypatch: pytest.MonkeyPatch, what: str, said: str
) -> None:
    forgets(monkeypatch, what, 1)
    record = run_first(Headphones(), *(("impedance", "level") if what == "coupler" else ("impedance",)))
    assert record.verdict is Verdict.PASS and said in notes_of(record), told(record)


def test_a_gap_under_a_pad_is_seated_once_more_and_does_not_fail_the_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    real_act, real_pressure, seated = HeadphonesDevice.act, HeadphonesVoice.pressure, [0]

    def act(self: HeadphonesDevice, words: str) -> bool:
        seated[0] += words == "fixture coupler"
        return real_act(self, words)

    def pressure(self: HeadphonesVoice, hz: Values) -> Spectrum:
        found = real_pressure(self, hz)
        if seated[0] < 2:
            found[0] *= 1j * hz / (1j * hz + 150.0)
        return found

    monkeypatch.setattr(HeadphonesDevice, "act", act)
    monkeypatch.setattr(HeadphonesVoice, "pressure", pressure)
    record = run_first(Headphones(), "impedance", "level", "response")
    assert record.verdict is Verdict.PASS and "left lacks 5.1 dB at 100 Hz; seated once more" in notes_of(record), told(
        record
    )


def test_a_plug_left_in_is_told_by_the_empty_jack(monkeypatch: pytest.MonkeyPatch) -> None:
    def act(self: HeadphonesDevice, words: str) -> bool:
        self.at_coupler = words.endswith("coupler")
        return True

    monkeypatch.setattr(HeadphonesDevice, "act", act)
    record = run_first(Headphones(coil_ohm=Sides(600.0, 600.0)), "impedance")
    assert record.verdict is Verdict.ERROR and "the empty jack gives 0.119" in record.causes[0].text, told(record)


def test_open_on_both_sides_fails_once_the_fixture_has_been_proven_twice() -> None:
    record = run_first(Headphones(open_side="both"), "impedance")
    assert record.verdict is Verdict.FAIL and "both sides are open; the fixture is proven" in notes_of(record)
    assert [(c.measurement, c.channel) for c in record.causes] == [("impedance_ohm", c) for c in ("left", "right")]


def test_a_shorted_side_is_never_driven_by_the_bare_amplifier(monkeypatch: pytest.MonkeyPatch) -> None:
    positions: list[bool] = []
    real = HeadphonesDevice.act

    def act(self: HeadphonesDevice, words: str) -> bool:
        answer: Any = real(self, words)
        positions.append(self.at_coupler)
        return bool(answer)

    monkeypatch.setattr(HeadphonesDevice, "act", act)
    run_plan(shipped("headphones-shorted-right"), PLAN)
    assert positions and not any(positions)


def test_a_side_as_good_as_dead_has_no_cable_to_blame() -> None:
    record = run_first(replace(Headphones(), sensitivity_db_v=Sides(112.0, 60.0)), "impedance", "level", "cable")
    assert [(c.measurement, c.channel) for c in record.causes] == [
        ("sensitivity_db", "right"), ("channel_balance_db", None),
    ], told(record)  # fmt: skip
    assert "right more than 12 dB too quiet" in notes_of(record) and "no sound that could drop out" in notes_of(record)
