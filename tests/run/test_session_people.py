"""People and work orders at the session: claimed once, refused with words, badges and shifts, what a plan needs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from drivers.ports import Button
from station.domain.plan import NeedsPass
from station.domain.record import Reference
from station.domain.session_state import State
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun, WorkOrder
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.run.session import Session
from station.run.session_scans import BADGE_S, Catalogue, PlanFacts

AMPLIFIER, PHONE = "audio-amplifier", "smart-phone"
STEPS = ("earth-bond", "connection", "thd", "soak")
CATALOGUE = Catalogue(
    {"amp": AMPLIFIER, "phone-1": PHONE},
    {
        "outgoing-amplifier": "outgoing",
        "outgoing-bench-amplifier": "outgoing",
        "outgoing-soak-amplifier": "outgoing",
        "incoming-amplifier": "incoming",
        "incoming-intermittent": "incoming",
        "adjust-bias": "adjust",
        "outgoing-phone": "outgoing",
        "self-test": "engineering",
    },
    {
        "outgoing-amplifier": PlanFacts(AMPLIFIER, STEPS),
        "outgoing-bench-amplifier": PlanFacts(AMPLIFIER, STEPS[:3]),
        "outgoing-soak-amplifier": PlanFacts(
            AMPLIFIER, STEPS, needs_pass=NeedsPass("outgoing-bench-amplifier", 24.0)
        ),
        "incoming-amplifier": PlanFacts(AMPLIFIER, STEPS),
        "incoming-intermittent": PlanFacts(AMPLIFIER, STEPS, ("intermittent", "switches-off")),
        "adjust-bias": PlanFacts(AMPLIFIER),
        "outgoing-phone": PlanFacts(PHONE, needs_consent=True),
    },
)  # fmt: skip
ORDER = WorkOrder("WO-7", "amp", "A1", "outgoing", assigned=True)
FULL = ("OP:E07", "WO:WO-7", "SN:A1")
NOON_S = 1_795_348_800.0  # 2026-11-22T12:00:00Z
BENCH_PASS = EarlierRun(
    "r-bench", "outgoing", "PASS", "2026-11-22T03:00:00.000Z", "bench-02", "outgoing-bench-amplifier", "WO-7", "A1"
)


class Desk:
    """A session with a clock of its own."""

    def __init__(self, *orders: WorkOrder) -> None:
        self.session, self.now_s = Session(CATALOGUE), 1000.0
        for order in orders:
            assert self.do(ev.Assigned(order)) == ()

    def do(self, event: ev.Event) -> tuple[ev.Action, ...]:
        return self.session.step(event, self.now_s)

    def press(self, button: Button) -> tuple[ev.Action, ...]:
        return self.do(ButtonPressed(button))

    def scan(self, *texts: str) -> tuple[ev.Action, ...]:
        return tuple(action for text in texts for action in self.do(ev.Scanned(text)))

    def start(self) -> ev.StartRun:
        (action,) = (one for one in self.press(Button.START) if isinstance(one, ev.StartRun))
        self.do(ev.RunBegan("run-1"))
        return action

    def end(self, verdict: Verdict) -> None:
        self.do(ev.RunEnded(verdict))

    @property
    def view(self) -> dict[str, object]:
        return self.session.view()


def refused(actions: tuple[ev.Action, ...]) -> list[tuple[str, str | None]]:
    """Codes, and the work order that the centre hears of."""
    return [(action.code, action.work_order) for action in actions if isinstance(action, ev.Refuse)]


def told(actions: tuple[ev.Action, ...]) -> list[str]:
    return [action.code for action in actions if isinstance(action, ev.Tell)]


# ---- claiming ----------------------------------------------------------------------------------------------
def test_a_technician_claims_an_assigned_order_by_scanning_it_and_the_centre_hears_it_once() -> None:
    desk = Desk(ORDER)
    assert desk.scan("WO:WO-7") == (ev.Accepted("WO-7"),)
    assert desk.scan("WO:WO-7") == ()
    desk.press(Button.STOP)
    assert desk.scan(*FULL) == ()
    assert [type(action) for action in desk.press(Button.START)] == [ev.StartRun]


def test_an_order_that_the_centre_put_in_front_is_claimed_by_start() -> None:
    desk = Desk(ORDER)
    assert desk.do(ev.PutInFront("WO-7")) == ()
    assert desk.scan("OP:E07", "SN:A1") == ()
    assert [type(action) for action in desk.press(Button.START)] == [ev.Accepted, ev.StartRun]


def test_a_typed_order_is_marked_so_and_claims_nothing() -> None:
    desk = Desk()
    assert desk.scan("OP:E07", "WO:WO-7", "SN:A1", "PR:amp") == ()
    assert desk.view["typed"] is True
    assert desk.start().ticket.work_order.assigned is False
    run = desk.view["run"]
    assert isinstance(run, dict) and run["typed"] is True
    assigned = Desk(ORDER)
    assigned.scan(*FULL)
    assert assigned.view["typed"] is False


def test_an_order_that_was_claimed_before_a_restart_is_not_claimed_again() -> None:
    desk = Desk()
    desk.do(ev.Assigned(ORDER, accepted=True))
    assert desk.scan(*FULL) == ()


def test_waiting_orders_stand_in_line_by_priority_and_then_as_they_came() -> None:
    desk = Desk(*(WorkOrder(number, "amp", priority=p, assigned=True) for number, p in zip("abcd", (0, 5, 0, 5), strict=True)))  # fmt: skip  # noqa: E501
    assert desk.view["assigned"] == ["b", "d", "a", "c"]
    desk.do(ev.Assigned(WorkOrder("a", "amp", priority=9, assigned=True)))
    assert desk.view["assigned"] == ["a", "b", "d", "c"]


# ---- used up -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("verdict", "waits"), [("PASS", False), ("FAIL", False), ("ABORTED", True), ("ERROR", True)])
def test_a_run_uses_up_its_scans_and_its_order_unless_it_said_nothing_of_the_device(verdict: str, waits: bool) -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    desk.start()
    assert desk.view["assigned"] == []
    desk.end(Verdict(verdict))
    assert (desk.view["assigned"] == ["WO-7"]) is waits
    assert refused(desk.press(Button.START)) == [("scans_missing", None)]
    desk.scan(*FULL)
    assert (desk.session.state is State.READY) is waits, "a typed order needs its product"
    assert desk.view["typed"] is not waits


def test_a_trial_of_one_step_leaves_the_order_waiting() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL, "PL:outgoing-amplifier/thd")
    desk.start()
    desk.end(Verdict.PASS)
    assert desk.view["assigned"] == ["WO-7"]


# ---- mismatches --------------------------------------------------------------------------------------------
def test_every_mismatch_names_the_order_that_the_centre_shall_hear_of() -> None:
    desk = Desk(ORDER, WorkOrder("WO-8", "phone-1", assigned=True))
    desk.scan("OP:E07", "WO:WO-7")
    assert refused(desk.scan("SN:WRONG")) == [("serial_differs", "WO-7")]
    assert desk.session.state is State.WRONG_SERIAL
    assert refused(desk.press(Button.START)) == [("serial_differs", "WO-7")]
    assert refused(desk.scan("PR:phone-1")) == [("product_differs", "WO-7")]
    desk.press(Button.STOP)
    assert refused(desk.scan("PR:amp", "WO:WO-8")) == [("product_differs", "WO-8")]
    desk.session.replace_catalogue(replace(CATALOGUE, products={"amp": AMPLIFIER}))
    assert refused(desk.scan("WO:WO-8")) == [("order_unservable", "WO-8")]


def test_what_a_command_was_refused_for_is_its_reply_and_no_event() -> None:
    desk = Desk(WorkOrder("WO-8", "phone-1", assigned=True))
    desk.scan("PR:amp")
    assert refused(desk.do(ev.PutInFront("WO-8"))) == [("product_differs", None)]


# ---- badges ------------------------------------------------------------------------------------------------
def test_a_badge_ends_with_its_shift_and_the_next_one_has_the_next_shift() -> None:
    desk = Desk(ORDER)
    desk.do(ev.TimeTold(NOON_S, desk.now_s + 60.0))
    desk.scan(*FULL)
    desk.now_s += 59.9
    assert desk.do(ev.Tick()) == ()
    desk.now_s += 0.1
    assert told(desk.do(ev.Tick())) == ["shift_ended"]
    assert desk.session.state is State.SCAN_MISSING
    assert [code for code, _ in refused(desk.press(Button.START))] == ["shift_ended", "scans_missing"]
    desk.scan("OP:E08")
    assert desk.session.state is State.READY, "the end that is over ends no new badge"
    desk.now_s += BADGE_S + 1.0
    assert told(desk.do(ev.Tick())) == ["badge_expired"]


def test_a_shift_that_ends_in_a_run_ends_no_run() -> None:
    desk = Desk(ORDER)
    desk.do(ev.TimeTold(NOON_S, desk.now_s + 60.0))
    desk.scan(*FULL)
    desk.start()
    desk.now_s += 3600.0
    assert desk.do(ev.Tick()) == ()
    assert desk.scan("OP:E08") == (ev.HandOver("E08"),)


def test_a_second_badge_at_an_idle_bench_takes_the_firsts_place_and_that_is_told() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    (said,) = desk.scan("OP:E08")
    assert isinstance(said, ev.Tell) and said.code == "badge_replaced"
    assert "E07" in said.text["zh"] and "E08" in said.text["en"]
    assert desk.scan("OP:E08") == ()
    assert desk.start().ticket.operator == "E08"


def test_in_a_run_a_second_badge_takes_over_the_same_one_does_not_and_all_are_in_view() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    desk.start()
    assert told(desk.scan("OP:E07")) == ["in_hand"]
    assert desk.scan("OP:E08") == (ev.HandOver("E08"),)
    assert told(desk.scan("OP:E08")) == ["in_hand"]
    assert desk.scan("OP:E07") == (ev.HandOver("E07"),), "back again is a handover"
    run = desk.view["run"]
    assert isinstance(run, dict) and run["operators"] == ["E07", "E08", "E07"] and run["operator"] == "E07"


# ---- purpose and plan --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault_code", "plan"),
    [(None, "incoming-amplifier"), ("no-output", "incoming-amplifier"), ("intermittent", "incoming-intermittent"),
     ("switches-off", "incoming-intermittent")],
)  # fmt: skip
def test_the_fault_code_chooses_among_incoming_plans(fault_code: str | None, plan: str) -> None:
    desk = Desk(replace(ORDER, purpose="incoming", fault_code=fault_code))
    desk.scan(*FULL)
    ticket = desk.start().ticket
    assert ticket.plan == plan


def test_a_fault_code_of_an_outgoing_order_chooses_nothing() -> None:
    desk = Desk(replace(ORDER, fault_code="intermittent"))
    desk.scan(*FULL)
    assert desk.start().ticket.plan == "outgoing-amplifier"


@pytest.mark.parametrize(
    ("last", "plan"),
    [(("incoming", "ABORTED"), "incoming-amplifier"), (("incoming", "FAIL"), "outgoing-amplifier"),
     (("adjust", "FAIL"), "adjust-bias"), (("outgoing", "FAIL"), "outgoing-amplifier")],
)  # fmt: skip
def test_a_typed_order_stands_where_this_benchs_store_says(last: tuple[str, str], plan: str) -> None:
    desk = Desk()
    desk.scan("OP:E07", "WO:WO-9", "SN:A1", "PR:amp")
    assert desk.session.view()["scans"]["plan"] == "outgoing-amplifier"
    desk.do(ev.EarlierRuns("WO-9", (EarlierRun("r", *last, "2026-11-22T03:00:00Z", work_order="WO-9"),)))
    assert desk.start().ticket.plan == plan


def test_what_is_known_of_another_order_changes_nothing_and_goes_with_the_order() -> None:
    aborted = EarlierRun("r", "incoming", "ABORTED", "2026-11-22T03:00:00Z")
    desk = Desk()
    desk.scan("OP:E07", "WO:WO-9", "SN:A1", "PR:amp")
    desk.do(ev.EarlierRuns("WO-8", (aborted,)))
    assert desk.session.view()["scans"]["plan"] == "outgoing-amplifier"
    desk.do(ev.EarlierRuns("WO-9", (aborted,)))
    assert desk.session.view()["scans"]["plan"] == "incoming-amplifier"
    desk.scan("WO:WO-8")
    assert desk.session.view()["scans"]["plan"] == "outgoing-amplifier"


def test_an_assigned_purpose_goes_before_all_that_is_known() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    desk.do(ev.EarlierRuns("WO-7", (EarlierRun("r", "adjust", "FAIL", "2026-11-22T03:00:00Z"),)))
    assert desk.start().ticket.plan == "outgoing-amplifier"


def test_a_purpose_that_no_plan_serves_is_named() -> None:
    desk = Desk(replace(ORDER, purpose="verify"))
    desk.scan(*FULL)
    (said,) = desk.press(Button.START)
    assert isinstance(said, ev.Refuse) and said.code == "scans_missing"
    assert "“verify”" in said.text["zh"] and "“verify”" in said.text["en"] and "PL:" in said.text["en"]


# ---- one step ----------------------------------------------------------------------------------------------
def test_one_step_of_a_plan_is_an_engineering_run_of_that_step() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL, "PL:outgoing-amplifier/thd")
    assert desk.session.view()["scans"]["step"] == "thd"
    action = desk.start()
    assert (action.ticket.plan, action.ticket.step, action.purpose) == ("outgoing-amplifier", "thd", "engineering")


def test_an_unknown_step_is_refused_with_the_steps_there_are() -> None:
    (said,) = Desk(ORDER).scan("PL:outgoing-amplifier/tdh")
    assert isinstance(said, ev.Refuse) and said.code == "step_unknown"
    assert "earth-bond, connection, thd, soak" in said.text["zh"] and "tdh" in said.text["en"]
    assert refused(Desk().scan("PL:outgoing-amplifier/")) == [("step_unknown", None)]
    assert refused(Desk().scan("PL:nothing/thd")) == [("plan_unknown", None)]


def test_the_plan_scanned_again_without_a_step_is_the_whole_plan() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL, "PL:outgoing-amplifier/thd", "PL:outgoing-amplifier")
    action = desk.start()
    assert (action.ticket.step, action.purpose) == (None, "outgoing")


# ---- what a plan needs -------------------------------------------------------------------------------------
def soak_bench(*history: EarlierRun, utc_s: float | None = NOON_S) -> Desk:
    desk = Desk(replace(ORDER, history=history))
    desk.do(ev.TimeTold(utc_s, math.inf))
    desk.scan(*FULL, "PL:outgoing-soak-amplifier")
    return desk


def test_a_soak_alone_starts_on_a_pass_that_came_with_the_order_and_refers_to_it() -> None:
    ticket = soak_bench(BENCH_PASS).start().ticket
    assert ticket.proof == Reference("r-bench", "outgoing", "PASS", "bench-02", "2026-11-22T03:00:00.000Z")


def test_a_soak_alone_starts_on_a_pass_of_this_benchs_own() -> None:
    desk = soak_bench()
    desk.do(ev.EarlierRuns("WO-7", (BENCH_PASS,)))
    assert desk.start().ticket.proof is not None


@pytest.mark.parametrize(
    ("history", "utc_s", "code"),
    [
        ((), NOON_S, "pass_missing"),
        ((replace(BENCH_PASS, serial_number="A2"),), NOON_S, "pass_missing"),
        ((BENCH_PASS,), NOON_S + 86_400.0, "pass_old"),
        ((BENCH_PASS,), None, "pass_clock"),
        ((BENCH_PASS, replace(BENCH_PASS, run_id="r2", verdict="FAIL", ended_at="2026-11-22T05:00:00Z")), NOON_S,
         "pass_taken_back"),
    ],
)  # fmt: skip
def test_a_soak_alone_is_refused_with_what_is_missing_before_and_at_start(
    history: tuple[EarlierRun, ...], utc_s: float | None, code: str
) -> None:
    desk = soak_bench(*history, utc_s=utc_s)
    lacking = desk.session.view()["lacking"]
    assert lacking["code"] == code and "outgoing-bench-amplifier" in lacking["text"]["zh"]
    assert refused(desk.press(Button.START)) == [(code, "WO-7")]
    assert desk.session.state is State.READY, "the scans are kept"


def test_a_trial_of_the_soak_proves_nothing_and_needs_no_pass() -> None:
    desk = soak_bench()
    desk.scan("PL:outgoing-soak-amplifier/soak")
    action = desk.start()
    assert action.purpose == "engineering" and action.ticket.proof is None


@pytest.mark.parametrize(("consent", "refusals"), [(False, [("no_consent", "P-1")]), (True, [])])
def test_a_test_that_touches_data_needs_the_customers_consent(
    consent: bool, refusals: list[tuple[str, str | None]]
) -> None:
    desk = Desk(WorkOrder("P-1", "phone-1", "I1", "outgoing", data_consent=consent, assigned=True))
    desk.scan("OP:E07", "WO:P-1", "SN:I1")
    assert refused(desk.press(Button.START)) == refusals


def test_a_typed_order_has_no_consent() -> None:
    desk = Desk()
    desk.scan("OP:E07", "WO:P-1", "SN:I1", "PR:phone-1")
    assert refused(desk.press(Button.START)) == [("no_consent", "P-1")]


def test_a_plan_of_another_family_starts_nothing() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL, "PL:outgoing-phone")
    assert refused(desk.press(Button.START)) == [("plan_unfit", "WO-7")]


def test_a_plan_for_every_family_fits() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL, "PL:self-test")
    assert desk.start().purpose == "engineering"


# ---- the soak ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("button", [Button.STOP, Button.NG])
def test_a_soak_has_no_pause_stop_and_ng_end_the_run(button: Button) -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    desk.start()
    desk.do(ev.VoltageChanged(True))
    desk.do(ev.StepBegan("soak"))
    (abort,) = (action for action in desk.press(button) if isinstance(action, ev.AbortRun))
    assert abort.by == "panel"


@pytest.mark.parametrize("use", ["thd", None])
def test_ng_outside_a_soak_and_without_a_prompt_is_no_answer_to_anything(use: str | None) -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    desk.start()
    desk.do(ev.StepBegan("soak"))
    desk.do(ev.StepBegan(use))
    assert refused(desk.press(Button.NG)) == [("no_prompt", None)]


def test_ok_in_a_soak_changes_nothing() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    desk.start()
    desk.do(ev.StepBegan("soak"))
    assert refused(desk.press(Button.OK)) == [("no_prompt", None)]


def test_identify_is_answered_in_every_state_and_changes_none() -> None:
    desk = Desk(ORDER)
    for prepare in (lambda: None, lambda: desk.scan(*FULL), desk.start, lambda: desk.do(ev.Tripped("G02"))):
        prepare()
        before = desk.session.state
        assert desk.do(ev.Identify()) == (ev.ShowIdentity(),)
        assert desk.session.state is before
