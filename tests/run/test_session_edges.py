"""The session at its edges: what is done at the wrong moment is answered, in words, and what must hold holds."""

from __future__ import annotations

import pytest

from drivers.ports import Button
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.domain.verdict import Verdict
from station.domain.work_order import WorkOrder
from station.panel.buttons import ButtonStuck
from station.run import session_events as ev
from station.run.session_scans import BADGE_S, Catalogue
from tests.run.test_session import FULL, ORDER, Desk, refusals, running

NEXT = ("OP:E07", "WO:WO-8", "SN:A100-2", "PR:example-a-100")


def ready() -> Desk:
    desk = Desk(ORDER)
    desk.scan(*FULL)
    assert desk.state is State.READY
    return desk


def test_a_stop_button_that_sticks_bars_start_until_a_press_has_shown_that_it_works() -> None:
    desk = ready()
    desk.do(ButtonStuck(Button.STOP))
    assert refusals(desk.press(Button.START)) == ["stop_stuck"]
    assert desk.session.view()["stuck"] == ["stop"]
    desk.press(Button.STOP)
    desk.scan(*FULL)
    assert desk.start().ticket.operator == "E07"


def test_another_stuck_button_bars_no_start() -> None:
    desk = ready()
    desk.do(ButtonStuck(Button.NG))
    assert desk.start().ticket.operator == "E07"


def test_stop_and_start_in_one_poll_start_nothing() -> None:
    desk = ready()
    assert desk.press(Button.STOP) == ()
    assert refusals(desk.press(Button.START)) == ["scans_missing"]


def test_start_is_refused_while_the_guard_says_that_voltage_is_on() -> None:
    desk = ready()
    desk.do(ev.VoltageChanged(True))
    assert refusals(desk.press(Button.START)) == ["live"]
    desk.do(ev.VoltageChanged(False))
    assert desk.start().ticket.operator == "E07"


def test_the_voltage_that_is_shown_is_the_guards_word_and_not_the_runs() -> None:
    desk = running()
    desk.do(ev.VoltageChanged(True))
    desk.do(ev.RunEnded(Verdict.PASS))
    assert desk.session.view()["run"]["energised"] is True
    desk.do(ev.VoltageChanged(False))
    assert desk.session.view()["run"]["energised"] is False


@pytest.mark.parametrize("text", ["OP:E08", "WO:WO-8", "SN:X", "rubbish"])
def test_while_a_tripped_run_is_ending_scans_wait_and_its_verdict_is_shown(text: str) -> None:
    desk = running()
    desk.do(ev.Tripped("G04"))
    assert refusals(desk.scan(text)) == ["run_ending"]
    desk.do(ev.RunEnded(Verdict.ABORTED))
    desk.do(ev.TripCleared())
    assert desk.state is State.ABORTED


def test_the_next_device_scanned_during_a_trip_never_stands_beside_the_old_verdict() -> None:
    desk = running()
    desk.do(ev.Tripped("G04"))
    desk.do(ev.RunEnded(Verdict.FAIL))
    desk.scan(*NEXT)
    desk.do(ev.TripCleared())
    assert desk.state is State.READY and desk.session.view()["verdict"] is None
    desk.press(Button.STOP)
    desk.do(ev.Tripped("G04"))
    desk.do(ev.TripCleared())
    assert desk.state is State.WAITING


def test_a_badge_that_expires_in_a_run_ends_no_run_and_answers_still_count() -> None:
    desk = running()
    desk.now_s += 3 * BADGE_S
    assert desk.do(ev.Tick()) == ()
    desk.do(ev.PromptAsked(Prompt({"zh": "?", "en": "?"})))
    assert desk.press(Button.OK) == (ev.AnswerPrompt(True),)


def test_a_badge_that_expires_behind_a_trip_is_told_and_must_be_scanned_again() -> None:
    desk = ready()
    desk.do(ev.Tripped("G02"))
    desk.now_s += BADGE_S + 1.0
    (told,) = desk.do(ev.Tick())
    assert isinstance(told, ev.Tell) and told.code == "badge_expired" and desk.state is State.TRIPPED
    desk.do(ev.TripCleared())
    assert desk.state is State.SCAN_MISSING
    assert "badge_expired" in refusals(desk.press(Button.START))


def test_what_the_centre_changes_under_a_ready_bench_is_told() -> None:
    desk = ready()
    other = WorkOrder("WO-7", product="example-a-100", serial_number="A100-9", purpose="outgoing", assigned=True)
    (told,) = desk.do(ev.Assigned(other))
    assert isinstance(told, ev.Tell) and told.code == "serial_differs" and "A100-9" in told.text["zh"]
    assert desk.state is State.WRONG_SERIAL


def test_an_order_put_in_front_of_another_device_is_done_and_told_and_nothing_starts() -> None:
    desk = Desk(ORDER)
    desk.scan("OP:E07", "SN:A100-2")
    (told,) = desk.do(ev.PutInFront("WO-7"))
    assert isinstance(told, ev.Tell) and told.code == "serial_differs"
    assert refusals(desk.press(Button.START)) == ["serial_differs"]


def test_an_assignment_in_a_run_waits_for_its_end() -> None:
    desk = running()
    assert desk.do(ev.Assigned(WorkOrder("WO-8", product="example-a-100", assigned=True))) == ()
    assert desk.state is State.PREPARING
    assert refusals(desk.do(ev.Withdrawn("WO-8"))) == []
    desk.do(ev.RunEnded(Verdict.PASS))
    assert refusals(desk.do(ev.PutInFront("WO-8"))) == ["order_unknown"]


@pytest.mark.parametrize("text", ["SN:" + "9" * 100_000, "工单", "ＯＰ:1", "OP:\u202e1", "WO:\ud800", "PR:" + "p" * 49])
def test_whatever_a_scanner_sends_is_refused_in_one_line_of_both_languages(text: str) -> None:
    desk = Desk()
    (refused,) = desk.scan(text)
    assert isinstance(refused, ev.Refuse)
    assert all(0 < len(line) < 200 and line.isprintable() for line in refused.text.values())
    assert desk.state is State.WAITING


def test_another_configuration_takes_away_what_it_does_not_know() -> None:
    desk = ready()
    desk.scan("PL:self-test")
    smaller = Catalogue({"example-a-100": "audio-amplifier"}, {"outgoing-amplifier": "outgoing"})
    desk.session.replace_catalogue(smaller)
    assert desk.state is State.READY and desk.session.view()["scans"]["plan"] == "outgoing-amplifier"
    desk.session.replace_catalogue(Catalogue({"kettle-1": "appliance"}, {"outgoing-appliance": "outgoing"}))
    assert desk.state is State.SCAN_MISSING
    assert refusals(desk.scan("WO:WO-7")) == ["order_unservable"]
    assert refusals(desk.do(ev.PutInFront("WO-7"))) == ["order_unservable"]


def test_a_verdict_without_a_lamp_is_shown_as_an_error() -> None:
    desk = running()
    desk.do(ev.RunEnded(Verdict.SKIPPED))
    assert desk.state is State.ERROR
