"""The session as a technician meets it: scans, START, prompts, trips, verdicts."""

from __future__ import annotations

import pytest

from drivers.ports import Button
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.domain.verdict import Verdict
from station.domain.work_order import Ticket, WorkOrder
from station.panel.buttons import ButtonPressed, ButtonStuck
from station.run import session_events as ev
from station.run.session import Session
from station.run.session_scans import BADGE_S, Catalogue, WorkOrders

CATALOGUE = Catalogue(
    products={"example-a-100": "audio-amplifier", "kettle-1": "appliance"},
    plans={
        "outgoing-amplifier": "outgoing",
        "incoming-amplifier": "incoming",
        "outgoing-appliance": "outgoing",
        "self-test": "engineering",
        "adjust-bias": "adjust",
    },
)
ORDER = WorkOrder("WO-7", product="example-a-100", serial_number="A100-1", purpose="outgoing", assigned=True)
FULL = ("OP:E07", "WO:WO-7", "SN:A100-1")


class Desk:
    """A session with a clock of its own and short names."""

    def __init__(self, *orders: WorkOrder) -> None:
        self.session, self.now_s = Session(CATALOGUE), 1000.0
        self.accepted: list[str] = []
        for order in orders:
            assert self.do(ev.Assigned(order)) == ()

    @property
    def state(self) -> State:
        return self.session.state

    def do(self, event: ev.Event) -> tuple[ev.Action, ...]:
        """What is told to the centre alone is kept in `accepted`."""
        actions = self.session.step(event, self.now_s)
        self.accepted += [action.number for action in actions if isinstance(action, ev.Accepted)]
        return tuple(action for action in actions if not isinstance(action, ev.Accepted))

    def press(self, button: Button) -> tuple[ev.Action, ...]:
        return self.do(ButtonPressed(button))

    def scan(self, *texts: str) -> tuple[ev.Action, ...]:
        return tuple(action for text in texts for action in self.do(ev.Scanned(text)))

    def start(self) -> ev.StartRun:
        (action,) = self.press(Button.START)
        assert isinstance(action, ev.StartRun)
        self.do(ev.RunBegan("run-1"))
        return action


def running() -> Desk:
    desk = Desk(ORDER)
    assert desk.scan(*FULL) == ()
    desk.start()
    return desk


def refusals(actions: tuple[ev.Action, ...]) -> list[str]:
    return [action.code for action in actions if isinstance(action, ev.Refuse)]


def test_scans_of_an_assigned_order_make_ready_and_start_carries_the_whole_ticket() -> None:
    desk = Desk(ORDER)
    assert desk.state is State.WAITING
    desk.scan("OP:E07")
    assert desk.state is State.SCAN_MISSING
    desk.scan("WO:WO-7", "SN:A100-1")
    assert desk.state is State.READY
    action = desk.start()
    assert action == ev.StartRun(Ticket("E07", ORDER, "A100-1", "example-a-100", "outgoing-amplifier"), "outgoing")
    assert desk.state is State.PREPARING


@pytest.mark.parametrize("order", [FULL, FULL[::-1], (FULL[1], FULL[2], FULL[0])])
def test_scans_may_come_in_any_order(order: tuple[str, ...]) -> None:
    desk = Desk(ORDER)
    assert desk.scan(*order) == ()
    assert desk.state is State.READY


def test_start_without_scans_says_what_is_missing_in_both_languages() -> None:
    desk = Desk()
    desk.scan("WO:typed-1")
    (refused,) = desk.press(Button.START)
    assert isinstance(refused, ev.Refuse) and refused.code == "scans_missing"
    assert refused.text["en"] == "still missing: badge (OP:), serial number (SN:), product (PR:)"
    assert refused.text["zh"] == "还缺：工牌 OP:、序列号 SN:、产品 PR:"
    assert desk.state is State.SCAN_MISSING


def test_a_typed_work_order_needs_its_product_scanned_even_where_there_is_but_one_product() -> None:
    session = Session(Catalogue({"only": "amplifier"}, {"outgoing-amplifier": "outgoing"}))
    for text in ("OP:1", "WO:2", "SN:3"):
        session.step(ev.Scanned(text), 0.0)
    assert session.state is State.SCAN_MISSING
    session.step(ev.Scanned("PR:only"), 0.0)
    assert session.state is State.READY


@pytest.mark.parametrize(
    ("purpose", "scans", "plan", "recorded"),
    [
        ("outgoing", (), "outgoing-amplifier", "outgoing"),
        ("incoming", (), "incoming-amplifier", "incoming"),
        ("adjust", (), "adjust-bias", "adjust"),
        ("outgoing", ("PL:self-test",), "self-test", "engineering"),
        ("outgoing", ("PL:incoming-amplifier",), "incoming-amplifier", "engineering"),
        ("incoming", ("PL:incoming-amplifier",), "incoming-amplifier", "incoming"),
        (None, (), "outgoing-amplifier", "outgoing"),
        (None, ("PL:incoming-amplifier",), "incoming-amplifier", "incoming"),
        (None, ("PL:self-test",), "self-test", "engineering"),
    ],
)
def test_the_plan_follows_the_purpose_unless_scanned(
    purpose: str | None, scans: tuple[str, ...], plan: str, recorded: str
) -> None:
    desk = Desk(WorkOrder("WO-7", product="example-a-100", purpose=purpose, assigned=True))
    desk.scan(*FULL, *scans)
    action = desk.start()
    assert (action.ticket.plan, action.purpose) == (plan, recorded)


def test_a_purpose_without_a_plan_is_missing_the_plan() -> None:
    desk = Desk(WorkOrder("WO-7", product="example-a-100", purpose="verify", assigned=True))
    desk.scan(*FULL)
    assert desk.state is State.SCAN_MISSING
    assert desk.session.view()["missing"] == ["plan"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hello", "scan_unknown"),
        ("", "scan_unknown"),
        ("XX:1", "scan_unknown"),
        ("SN:", "scan_value"),
        ("SN:a b", "scan_value"),
        ("SN:" + "9" * 49, "scan_value"),
        ("SN:\x1b[2J", "scan_value"),
        ("SN:工单", "scan_value"),
        ("PR:unheard-of", "product_unknown"),
        ("PL:unheard-of", "plan_unknown"),
    ],
)
def test_a_scan_that_cannot_be_used_is_refused_with_the_reason_and_changes_nothing(text: str, code: str) -> None:
    desk = Desk()
    desk.scan("OP:E07")
    before = desk.session.view()
    (refused,) = desk.scan(text)
    assert isinstance(refused, ev.Refuse) and refused.code == code
    assert refused.text["zh"] and refused.text["en"]
    assert "\x1b" not in refused.text["en"]
    assert desk.session.view() == before


def test_a_refused_scan_leaves_the_verdict_lamp_alone() -> None:
    desk = running()
    desk.do(ev.RunEnded(Verdict.PASS))
    desk.scan("rubbish")
    assert desk.state is State.PASS


def test_prefixes_are_read_in_any_case_and_with_spaces() -> None:
    desk = Desk(ORDER)
    assert desk.scan(" op: E07 \r", "wo:WO-7", "Sn:A100-1") == ()
    assert desk.state is State.READY


def test_another_serial_number_than_the_orders_is_refused_until_the_right_one_is_scanned() -> None:
    desk = Desk(ORDER)
    assert refusals(desk.scan("OP:E07", "WO:WO-7", "SN:OTHER")) == ["serial_differs"]
    assert desk.state is State.WRONG_SERIAL
    assert refusals(desk.press(Button.START)) == ["serial_differs"]
    desk.scan("SN:A100-1")
    assert desk.state is State.READY


def test_a_product_that_contradicts_the_order_is_refused_either_way_round() -> None:
    first = Desk(ORDER)
    assert refusals(first.scan("WO:WO-7", "PR:kettle-1")) == ["product_differs"]
    second = Desk(ORDER)
    assert refusals(second.scan("PR:kettle-1", "WO:WO-7")) == ["product_differs"]
    assert second.session.view()["scans"]["work_order"] is None


def test_a_run_uses_up_its_scans() -> None:
    desk = running()
    desk.do(ev.RunEnded(Verdict.PASS))
    assert desk.state is State.PASS
    assert refusals(desk.press(Button.START)) == ["scans_missing"]
    assert desk.state is State.PASS


def test_a_second_start_in_a_run_is_refused_and_starts_nothing() -> None:
    desk = running()
    for event in (ev.VoltageChanged(True), ev.PromptAsked(Prompt({"zh": "?", "en": "?"}))):
        assert refusals(desk.press(Button.START)) == ["run_in_progress"]
        desk.do(event)
    assert refusals(desk.press(Button.START)) == ["run_in_progress"]
    assert desk.state is State.PROMPT


def test_a_badge_older_than_30_minutes_starts_nothing() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    desk.now_s += BADGE_S
    desk.do(ev.Tick())
    assert desk.state is State.READY
    desk.now_s += 0.1
    actions = desk.press(Button.START)
    assert "badge_expired" in refusals(actions)
    assert desk.state is State.SCAN_MISSING
    desk.scan("OP:E07")
    assert desk.state is State.READY


def test_a_tick_alone_shows_that_the_badge_expired() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    desk.now_s += BADGE_S + 1.0
    (told,) = desk.do(ev.Tick())
    assert isinstance(told, ev.Tell) and told.code == "badge_expired"
    assert desk.state is State.SCAN_MISSING
    assert desk.do(ev.Tick()) == ()


def test_a_stuck_button_is_told_and_changes_nothing() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    (told,) = desk.do(ButtonStuck(Button.START))
    assert isinstance(told, ev.Tell) and "START" in told.text["en"]
    assert desk.state is State.READY


def test_voltage_and_prompts_are_shown_while_the_run_is_on() -> None:
    desk = running()
    desk.do(ev.VoltageChanged(True))
    assert desk.state is State.ENERGISED
    desk.do(ev.PromptAsked(Prompt({"zh": "音量最大？", "en": "Volume at maximum?"})))
    assert desk.state is State.PROMPT and desk.session.view()["prompt"]["zh"] == "音量最大？"
    assert desk.press(Button.OK) == (ev.AnswerPrompt(True),)
    assert desk.state is State.ENERGISED
    desk.do(ev.PromptAsked(Prompt({"zh": "?", "en": "?"})))
    desk.do(ev.VoltageChanged(False))
    assert desk.press(Button.NG) == (ev.AnswerPrompt(False),)
    assert desk.state is State.PREPARING
    assert refusals(desk.press(Button.OK)) == ["no_prompt"]


def test_a_prompt_that_timed_out_is_no_answer() -> None:
    desk = running()
    desk.do(ev.PromptAsked(Prompt({"zh": "?", "en": "?"})))
    assert desk.do(ev.PromptClosed()) == ()
    assert desk.state is State.PREPARING
    assert refusals(desk.press(Button.OK)) == ["no_prompt"]


def test_stop_aborts_a_run_and_clears_scans_before_one() -> None:
    desk = running()
    assert desk.press(Button.STOP) == (ev.AbortRun("STOP", "panel"),)
    desk.do(ev.RunEnded(Verdict.ABORTED))
    assert desk.state is State.ABORTED
    desk.scan("OP:E07")
    desk.press(Button.STOP)
    assert desk.state is State.WAITING


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL, Verdict.ABORTED, Verdict.ERROR])
def test_a_hot_dut_cools_before_its_verdict_and_the_lid_is_released_only_then(verdict: Verdict) -> None:
    desk = running()
    assert desk.do(ev.RunEnded(verdict, hot=True)) == ()
    assert desk.state is State.COOLING
    assert refusals(desk.press(Button.START)) == ["cooling"]
    assert desk.do(ev.Cooled()) == (ev.ReleaseLid(),)
    assert desk.state == State(verdict.value)


def test_ok_puts_a_verdict_away() -> None:
    desk = running()
    desk.do(ev.RunEnded(Verdict.FAIL))
    desk.press(Button.OK)
    assert desk.state is State.WAITING
    assert desk.session.view()["verdict"] is None


def test_a_trip_needs_the_run_to_end_and_then_a_person_to_reset() -> None:
    desk = running()
    desk.do(ev.VoltageChanged(True))
    desk.do(ev.Tripped("LID", {"zh": "盖子", "en": "lid"}))
    assert desk.state is State.TRIPPED
    assert refusals(desk.press(Button.RESET)) == ["run_winding_up"]
    assert refusals(desk.press(Button.START)) == ["tripped"]
    desk.do(ev.RunEnded(Verdict.ERROR))
    assert desk.press(Button.RESET) == (ev.ResetTrip(),)
    assert desk.state is State.TRIPPED, "only the latch itself says that it is clear"
    assert desk.do(ev.TripCleared()) == (ev.ReleaseLid(),)
    assert desk.state is State.ERROR


def test_the_first_cause_of_a_trip_is_kept() -> None:
    desk = Desk()
    desk.do(ev.Tripped("ESTOP"))
    desk.do(ev.Tripped("LINK"))
    trip = desk.session.view()["trip"]
    assert trip["code"] == "ESTOP"


def test_a_trip_after_the_next_device_was_scanned_never_brings_the_old_verdict_back() -> None:
    desk = running()
    desk.do(ev.RunEnded(Verdict.PASS))
    desk.scan("OP:E07")
    desk.press(Button.STOP)
    desk.do(ev.Tripped("LID"))
    desk.do(ev.TripCleared())
    assert desk.state is State.WAITING


def test_a_hot_dut_after_a_trip_still_cools() -> None:
    desk = running()
    desk.do(ev.Tripped("SINK_HOT"))
    desk.do(ev.RunEnded(Verdict.FAIL, hot=True))
    assert desk.do(ev.TripCleared()) == ()
    assert desk.state is State.COOLING
    desk.do(ev.Cooled())
    assert desk.state is State.FAIL


def test_after_a_return_of_power_nothing_goes_on_without_reset() -> None:
    desk = Desk(ORDER)
    desk.do(ev.PowerReturned())
    assert desk.scan(*FULL) == ()
    assert desk.state is State.TRIPPED
    assert refusals(desk.press(Button.START)) == ["tripped"]
    assert desk.press(Button.RESET) == (ev.ResetTrip(),)
    desk.do(ev.TripCleared())
    assert desk.state is State.READY


def test_abort_ends_that_run_and_no_other() -> None:
    desk = running()
    assert refusals(desk.do(ev.AbortAsked("run-2"))) == ["other_run"]
    assert desk.do(ev.AbortAsked("run-1", "centre")) == (ev.AbortRun("abort", "centre"),)
    idle = Desk()
    assert refusals(idle.do(ev.AbortAsked("run-1"))) == ["no_run"]


def test_start_from_afar_only_puts_the_order_in_front() -> None:
    desk = Desk(ORDER)
    assert desk.do(ev.PutInFront("WO-7")) == ()
    assert desk.state is State.SCAN_MISSING
    assert desk.session.view()["missing"] == ["operator", "serial_number"]
    assert refusals(desk.do(ev.PutInFront("WO-8"))) == ["order_unknown"]
    assert refusals(running().do(ev.PutInFront("WO-7"))) == ["run_in_progress"]


def test_withdraw_takes_an_order_from_the_list_and_from_the_front_but_not_from_its_run() -> None:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    (told,) = desk.do(ev.Withdrawn("WO-7"))
    assert isinstance(told, ev.Tell) and told.code == "order_withdrawn" and "WO-7" in told.text["zh"]
    assert desk.state is State.SCAN_MISSING and desk.session.view()["assigned"] == []
    assert refusals(desk.do(ev.Withdrawn("WO-7"))) == ["order_unknown"]
    assert refusals(running().do(ev.Withdrawn("WO-7"))) == ["order_started"]


def test_an_assignment_fills_in_an_order_that_was_typed_before() -> None:
    desk = Desk()
    desk.scan(*FULL)
    assert desk.state is State.SCAN_MISSING
    desk.do(ev.Assigned(ORDER))
    assert desk.state is State.READY
    assert desk.start().ticket.work_order is ORDER


def test_an_assignment_that_the_bench_cannot_serve_is_refused() -> None:
    desk = Desk()
    assert refusals(desk.do(ev.Assigned(WorkOrder("1", product="unheard-of", assigned=True)))) == ["product_unknown"]
    for number in range(WorkOrders.MOST):
        assert desk.do(ev.Assigned(WorkOrder(f"n{number}", assigned=True))) == ()
    assert refusals(desk.do(ev.Assigned(WorkOrder("one-more", assigned=True)))) == ["orders_full"]
    assert refusals(running().do(ev.Assigned(ORDER))) == ["order_started"]


def test_a_badge_in_a_run_hands_it_over_and_other_scans_are_refused() -> None:
    desk = running()
    assert desk.scan("OP:E08") == (ev.HandOver("E08"),)
    assert refusals(desk.scan("SN:X")) == ["run_in_progress"]


def test_a_run_without_a_stop_button_is_ended_by_the_station() -> None:
    desk = running()
    actions = desk.do(ev.PanelLost("unplugged"))
    assert actions[0] == ev.AbortRun("panel_lost", "station")
    assert isinstance(actions[1], ev.Tell) and "unplugged" in actions[1].text["en"]
    idle = Desk()
    assert [type(action) for action in idle.do(ev.PanelLost("unplugged"))] == [ev.Tell]
    assert [type(action) for action in idle.do(ev.PanelBack())] == [ev.Tell]
