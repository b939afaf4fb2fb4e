"""A phone's IMEI at the session: who is asked for it, how a wrong one is refused, whose record it goes on."""

from __future__ import annotations

import pytest

from drivers.ports import Button
from station.domain.session_state import State
from station.domain.work_order import WorkOrder
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.run.session import Session
from station.run.session_scans import Catalogue, PlanFacts

IMEI, OTHER = "490154203237518", "356938035643809"
CATALOGUE = Catalogue(
    {"phone-1": "phone", "tablet-1": "phone", "amp": "audio-amplifier"},
    {"outgoing-phone": "outgoing", "outgoing-amplifier": "outgoing"},
    {"outgoing-phone": PlanFacts("phone", needs_consent=True), "outgoing-amplifier": PlanFacts("audio-amplifier")},
    with_imei=frozenset({"phone-1"}),
)


class Desk:
    """A session at which three consented orders wait."""

    def __init__(self) -> None:
        self.session = Session(CATALOGUE)
        for number, product in (("P1", "phone-1"), ("T1", "tablet-1"), ("A1", "amp")):
            order = WorkOrder(number, product, purpose="outgoing", data_consent=True, assigned=True)
            assert self.do(ev.Assigned(order)) == ()

    def do(self, event: ev.Event) -> tuple[ev.Action, ...]:
        return self.session.step(event, 1000.0)

    def scan(self, *texts: str) -> list[ev.Refuse]:
        actions = [action for text in texts for action in self.do(ev.Scanned(text))]
        return [action for action in actions if isinstance(action, ev.Refuse)]

    def start(self) -> ev.StartRun:
        (action,) = self.do(ButtonPressed(Button.START))
        assert isinstance(action, ev.StartRun)
        return action


def test_start_waits_for_a_phones_imei_and_says_so() -> None:
    desk = Desk()
    assert desk.scan("OP:e1", "WO:P1", "SN:S1") == []
    assert desk.session.state is State.SCAN_MISSING and desk.session.view()["missing"] == ["imei"]
    (refused,) = desk.do(ButtonPressed(Button.START))
    assert isinstance(refused, ev.Refuse) and "IM:" in refused.text["en"] and "IM:" in refused.text["zh"]
    assert desk.scan(f"IM:{IMEI}") == []
    assert desk.session.state is State.READY and desk.session.view()["scans"]["imei"] == IMEI
    assert desk.start().ticket.imei == IMEI


@pytest.mark.parametrize(("order", "plan"), [("T1", "outgoing-phone"), ("A1", "outgoing-amplifier")])
def test_what_has_no_imei_is_not_asked_for_one_and_takes_none(order: str, plan: str) -> None:
    desk = Desk()
    assert desk.scan("OP:e1", f"WO:{order}", "SN:S1") == []
    assert [one.code for one in desk.scan(f"IM:{IMEI}")] == ["imei_unwanted"]
    started = desk.start()
    assert (started.ticket.plan, started.ticket.imei) == (plan, None)


def test_an_imei_that_was_scanned_before_the_product_was_known_stays_off_an_amplifiers_record() -> None:
    desk = Desk()
    assert desk.scan(f"IM:{IMEI}", "OP:e1", "WO:A1", "SN:S1") == []
    assert desk.start().ticket.imei is None


def test_a_bare_code_is_taken_where_phones_are_tested_and_nowhere_else() -> None:
    desk = Desk()
    assert desk.scan("OP:e1", "WO:P1", "SN:S1", IMEI) == [] and desk.session.state is State.READY
    elsewhere = Session(Catalogue({"amp": "audio-amplifier"}, {"outgoing-amplifier": "outgoing"}))
    (refused,) = elsewhere.step(ev.Scanned(IMEI), 1000.0)
    assert isinstance(refused, ev.Refuse) and refused.code == "scan_unknown"


@pytest.mark.parametrize(
    ("scanned", "code", "en", "zh"),
    [
        ("IM:490154203237519", "imei_check", "should end in 8", "应为 8"),
        ("490154203237519", "imei_check", "should end in 8", "应为 8"),
        ("IM:49015420323751", "imei_length", "has 14 digits", "有 14 位"),
        ("IM:AF0123450ABC", "meid_length", "has 12 digits", "有 12 位"),
        ("IM:not-a-number", "imei_digits", "15 decimal digits", "15 位数字"),
        ("IM:000000000000000", "imei_zero", "all zeros", "全为零"),
        ("IM:", "scan_value", "not usable", "无效"),
    ],
)
def test_a_wrong_imei_is_refused_and_the_words_say_what_is_wrong(scanned: str, code: str, en: str, zh: str) -> None:
    desk = Desk()
    desk.scan("OP:e1", "WO:P1", "SN:S1")
    (refused,) = desk.scan(scanned)
    assert refused.code == code and en in refused.text["en"] and zh in refused.text["zh"]
    assert desk.session.state is State.SCAN_MISSING


def test_another_serial_number_is_another_device_and_wants_its_own_imei() -> None:
    desk = Desk()
    desk.scan("OP:e1", "WO:P1", f"IM:{IMEI}", "SN:S1", "SN:S1")
    assert desk.session.state is State.READY, "the first serial number, and the same again, keep it"
    desk.scan("SN:S2")
    assert desk.session.view()["missing"] == ["imei"]
    desk.scan(f"IM:{OTHER}")
    assert desk.start().ticket.imei == OTHER
