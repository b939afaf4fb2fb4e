"""Silences in the two hours: which are dropouts, what they leave of the rest, and when the soak ends for them."""

from __future__ import annotations

from typing import Any

import pytest

from station.domain.verdict import Verdict
from tests.scenarios.harness import Scenario, Scene, dut_text, play
from tests.scenarios.truths import h2_for_thd

SHORT: dict[str, float] = {"duration_s": 120.0, "reference_s": 60.0, "rise_window_s": 120.0}
"""A soak of two minutes, for what does not need two hours."""
STILL_WARM = {"soak_s": {"low": 120.0}, "heatsink_rise_k": {"high": 20.0}}


def _short(**dut: Any) -> Scene:
    return play(Scenario(dut_text(**dut), soak=SHORT, limits=STILL_WARM))


def _silences(*spans: tuple[float, float]) -> list[dict[str, float]]:
    return [{"at_s": at_s, "for_s": for_s} for at_s, for_s in spans]


def test_dropouts_at_the_first_and_the_last_moment_are_counted_and_nothing_else_suffers() -> None:
    scene = _short(dropouts=_silences((0.0, 0.1), (33.333, 0.06), (77.7, 0.04), (119.9, 0.1)))
    assert scene.record.verdict is Verdict.FAIL, scene.told()
    assert (scene.first.measurement, scene.first.channel) == ("dropouts", "left"), scene.told()
    for channel in ("left", "right"):
        assert scene.measured("dropouts", channel).value == 3.0
    others = [m for m in scene.step("soak").measurements if m.name != "dropouts"]
    assert all(m.verdict is Verdict.PASS for m in others), scene.told()


def test_silences_of_40_ms_are_no_dropouts() -> None:
    scene = _short(dropouts=_silences((0.0, 0.04), (30.0, 0.04), (59.98, 0.04), (61.2, 0.04), (119.96, 0.04)))
    assert scene.record.verdict is Verdict.PASS, scene.told()


def test_a_silence_of_ten_seconds_ends_the_soak_and_the_rest_is_skipped() -> None:
    scene = _short(dropouts=_silences((70.5, 10.5)))
    assert scene.record.verdict is Verdict.FAIL, scene.told()
    assert scene.first.measurement == "dropouts", scene.told()
    made = {m.name for m in scene.step("soak").measurements if m.value is not None}
    assert made == {"dropouts", "heatsink_degc"}
    rest = [m for m in scene.step("soak").measurements if m.name not in made]
    assert rest and all(m.verdict is Verdict.SKIPPED and m.value is None for m in rest)
    assert scene.step("soak").duration_s < 110.0
    assert scene.contactor[-1][1] is False


@pytest.mark.byhand
def test_silences_of_a_millisecond_are_not_taken_for_distortion() -> None:
    lengths_s = (0.0003, 0.0005, 0.0007, 0.0009, 0.0012, 0.0015, 0.0018, 0.002) * 3
    spans = ((20.0 + 3.00023 * i, length_s) for i, length_s in enumerate(lengths_s))
    scene = _short(h2_dbc=h2_for_thd(0.094), dropouts=_silences(*spans))
    assert scene.record.verdict is Verdict.PASS, scene.told()


@pytest.mark.byhand
def test_a_silence_under_ten_seconds_does_not_end_the_soak() -> None:
    scene = _short(dropouts=_silences((70.5, 9.5)))
    assert (scene.first.measurement, scene.record.verdict) == ("dropouts", Verdict.FAIL), scene.told()
    assert scene.measured("soak_s").value == pytest.approx(120.0)
    assert all(m.verdict is Verdict.PASS for m in scene.step("soak").measurements if m.name != "dropouts")


@pytest.mark.byhand
def test_silences_all_over_the_reference_window_are_the_duts_fault() -> None:
    scene = _short(dropouts=_silences(*((55.0 + i / 2, 0.1) for i in range(22))))
    assert scene.record.verdict is Verdict.FAIL, scene.told()
    assert scene.measured("dropouts", "right").value == 22.0


@pytest.mark.byhand
@pytest.mark.timeout(400)
def test_two_hours_with_silences_anywhere_count_every_dropout_and_no_other() -> None:
    dropouts = ((0.0, 0.1), (0.5, 0.06), (59.97, 0.06), (299.98, 0.1), (3600.0005, 0.06), (5000.0, 0.3), (7199.9, 0.1))
    none = ((10.0, 0.04), (300.7, 0.04), (1234.5678, 0.04), (4444.98, 0.04), (7100.0, 0.04))
    scene = play(Scenario(dut_text(dropouts=_silences(*dropouts, *none))))
    assert scene.record.verdict is Verdict.FAIL, scene.told()
    for channel in ("left", "right"):
        assert scene.measured("dropouts", channel).value == len(dropouts)
    others = [m for m in scene.step("soak").measurements if m.name != "dropouts"]
    assert all(m.verdict is Verdict.PASS for m in others), scene.told()


@pytest.mark.byhand
@pytest.mark.timeout(400)
def test_two_hours_with_silences_of_40_ms_pass() -> None:
    scene = play(Scenario(dut_text(dropouts=_silences(*((at_s, 0.04) for at_s in (0.0, 5.5, 297.3, 301.0, 7199.96))))))
    assert scene.record.verdict is Verdict.PASS, scene.told()
