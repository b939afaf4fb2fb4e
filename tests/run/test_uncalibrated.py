"""An instrument whose calibration is not in force: told before START, and no PASS should a run come all the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from drivers.ports import Button, Identity
from station.domain.calibration import Calibration, Correction, Revision
from station.domain.plan import Plan, PlanStep, Requirement
from station.domain.session_state import State
from station.domain.verdict import Verdict
from station.domain.work_order import WorkOrder
from station.metrology.heard import Heard
from station.metrology.in_force import InForce
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.run.instruments import NotCalibrated, none_on_file, refuse_uncalibrated
from station.run.session import Session
from station.run.session_scans import Catalogue, PlanFacts
from tests.run.run_rig import LIMIT, Made, RunRig, good, play

DUE = date(2027, 1, 10)
WORDS = {"tester": {"zh": "安规测试仪的校准已于 2027-01-10 到期", "en": "tester: its calibration ended on 2027-01-10"}}
CATALOGUE = Catalogue(
    {"amp": "audio-amplifier"},
    {"outgoing-amplifier": "outgoing", "verify-golden": "verify", "self-test": "engineering", "incoming": "incoming"},
    {
        "outgoing-amplifier": PlanFacts(instruments=("audio", "tester")),
        "verify-golden": PlanFacts(instruments=("audio", "tester")),
        "self-test": PlanFacts(instruments=("tester",)),
        "incoming": PlanFacts(instruments=("audio",)),
    },
)


def desk(plan: str, purpose: str, *more: str) -> Session:
    """A session with everything scanned and the tester out of calibration."""
    session = Session(CATALOGUE)
    session.step(ev.Assigned(WorkOrder("WO-7", "amp", "A1", purpose, assigned=True)), 0.0)  # type: ignore[arg-type]
    for text in ("OP:E07", "WO:WO-7", "SN:A1", f"PL:{plan}", *more):
        session.step(ev.Scanned(text), 0.0)
    session.step(ev.TimeTold(None, uncalibrated=WORDS), 0.0)
    return session


def test_start_is_refused_in_both_languages_and_the_page_says_it_before() -> None:
    session = desk("outgoing-amplifier", "outgoing")
    lacking = session.view()["lacking"]
    assert lacking["code"] == "not_calibrated" and "ended on 2027-01-10" in lacking["text"]["en"]

    (refused,) = session.step(ButtonPressed(Button.START), 1.0)

    assert isinstance(refused, ev.Refuse) and refused.code == "not_calibrated"
    assert "tester: its calibration ended on 2027-01-10" in refused.text["en"]
    assert "安规测试仪的校准已于 2027-01-10 到期" in refused.text["zh"]
    assert refused.work_order == "WO-7" and session.state is State.READY, "the scans are kept"


@pytest.mark.parametrize(
    ("plan", "purpose"), [("verify-golden", "verify"), ("self-test", "engineering"), ("incoming", "incoming")]
)
def test_runs_that_decide_nothing_or_do_not_need_the_instrument_start(plan: str, purpose: str) -> None:
    session = desk(plan, purpose)

    actions = session.step(ButtonPressed(Button.START), 1.0)

    assert [type(action) for action in actions if isinstance(action, ev.StartRun)] == [ev.StartRun]


def test_once_it_is_in_force_again_start_starts() -> None:
    session = desk("outgoing-amplifier", "outgoing")
    session.step(ev.TimeTold(None), 1.0)

    assert any(isinstance(action, ev.StartRun) for action in session.step(ButtonPressed(Button.START), 2.0))


def bench(today: date, said: str = "GES1") -> InForce:
    kept = Revision(date(2026, 1, 10), DUE, "lab", "box", "C", {"insulation_mohm": Correction(relative=0.01)})
    files = {"tester": Calibration("tester", "GES1", (kept,))}
    return InForce(files, ("tester", "dc"), lambda role: said, lambda: today)


def plan(*measured: tuple[str, str], applicable: bool = True) -> Plan:
    title = {"zh": "x", "en": "x"}
    steps = tuple(
        PlanStep(use, use, title, None, (Requirement(name, LIMIT),), applicable=applicable) for name, use in measured
    )
    return Plan("p", "1", "0", title, "outgoing", True, steps, 60.0)


def test_right_before_a_run_it_is_asked_again_by_who_answers_now() -> None:
    wanted = plan(("insulation_mohm", "insulation"))
    refuse_uncalibrated(bench(DUE), wanted, "outgoing")
    refuse_uncalibrated(bench(DUE, "GES2"), plan(("dc_offset_mv", "dc_offset")), "outgoing")
    refuse_uncalibrated(bench(DUE, "GES2"), plan(("insulation_mohm", "insulation"), applicable=False), "outgoing")
    refuse_uncalibrated(bench(DUE, "GES2"), wanted, "verify")
    refuse_uncalibrated(bench(DUE, "GES2"), wanted, "engineering")

    with pytest.raises(NotCalibrated, match="says number GES2, and the calibration on file is of GES1") as caught:
        refuse_uncalibrated(bench(DUE, "GES2"), wanted, "outgoing")
    assert "自报编号 GES2" in caught.value.words["zh"]


def test_what_is_not_calibrated_at_all_is_noted_with_the_run() -> None:
    noted = none_on_file(bench(DUE), plan(("insulation_mohm", "insulation"), ("dc_offset_mv", "dc_offset")))

    assert noted == ("without a calibration on file: dc",)
    assert none_on_file(bench(DUE), plan(("insulation_mohm", "insulation"))) == ()
    assert none_on_file(bench(DUE), plan(("earth_bond_ohm", "earth_bond"))) == (
        "without a calibration of earth_bond_ohm: tester, of which other quantities are calibrated",
    )


def test_where_one_is_demanded_a_quantity_that_was_never_compared_refuses_the_run() -> None:
    strict = InForce(bench(DUE)._on_file, ("tester",), lambda role: "GES1", lambda: DUE, required=True)
    refuse_uncalibrated(strict, plan(("insulation_mohm", "insulation")), "outgoing")

    with pytest.raises(NotCalibrated, match="its calibration says nothing of earth_bond_ohm"):
        refuse_uncalibrated(strict, plan(("insulation_mohm", "insulation"), ("earth_bond_ohm", "x")), "outgoing")


def test_a_number_that_was_heard_in_between_is_noted_with_the_step_and_what_follows_is_an_error() -> None:
    heard = Heard()
    heard["tester"] = Identity("GPT", "GES1")
    calibrations = InForce(
        bench(DUE)._on_file, ("tester",), lambda role: heard[role].serial_number, lambda: DUE, heard=heard
    )

    async def scene(rig: RunRig) -> None:
        rig.against = lambda measurement, use: calibrations.against("insulation_mohm", use)
        rig.swapped = calibrations.news
        measure = good()

        async def swapped_and_back(context: Any, params: Any) -> None:
            heard["tester"] = Identity("GPT", "GES7")
            await measure(context, params)
            heard["tester"] = Identity("GPT", "GES1")

        record = await rig.run(Made(good()), Made(swapped_and_back), Made(good()))

        assert [step.verdict for step in record.steps] == [Verdict.PASS, Verdict.ERROR, Verdict.ERROR]
        assert [len(step.notes) for step in record.steps] == [0, 2, 0]
        assert record.steps[1].notes[0].endswith("swapped: it said number GES1, and then GES7")
        assert "it said numbers GES1, GES7, GES1" in record.causes[0].text

    play(scene)


def test_what_hangs_on_an_expired_instrument_is_an_error_with_the_cause_and_the_value_stays_on_record() -> None:
    async def scene(rig: RunRig) -> None:
        rig.against = lambda measurement, use: "tester: its calibration ended" if measurement == "b_v" else None
        record = await rig.run(Made(good()), Made(good("b_v"), ("b_v",)), Made(good()))

        assert record.verdict is Verdict.ERROR
        assert [step.verdict for step in record.steps] == [Verdict.PASS, Verdict.ERROR, Verdict.PASS]
        assert record.steps[1].measurements[0].value == 1.5
        (cause,) = record.causes
        assert (cause.step, cause.measurement) == ("step1", "b_v")
        assert cause.text == "b_v: not judged: tester: its calibration ended"
        assert rig.stored() == record

    play(scene)


def test_what_expires_at_midnight_is_no_pass_from_then_on() -> None:
    day = [DUE]

    async def scene(rig: RunRig) -> None:
        calibrations = InForce(
            bench(DUE)._on_file, ("tester",), lambda role: "GES1", lambda: day[0]
        )  # fmt: skip
        rig.against = lambda measurement, use: calibrations.against("insulation_mohm", use)

        async def midnight(context: object, params: object) -> None:
            day[0] = date(2027, 1, 11)

        record = await rig.run(Made(good()), Made(midnight, ()), Made(good()))

        assert [step.verdict for step in record.steps] == [Verdict.PASS, Verdict.PASS, Verdict.ERROR]
        assert "ended on 2027-01-10" in record.causes[0].text

    play(scene)


def test_a_failure_measured_with_it_is_no_fail_and_a_value_that_was_not_made_stays_missing() -> None:
    async def scene(rig: RunRig) -> None:
        rig.against = lambda measurement, use: "expired"

        async def nothing(context: object, params: object) -> None:
            return None

        record = await rig.run(Made(good(value=9.0)), Made(nothing))

        assert [step.verdict for step in record.steps] == [Verdict.ERROR, Verdict.ERROR]
        assert "was required and not measured" in record.causes[1].text

    play(scene)
