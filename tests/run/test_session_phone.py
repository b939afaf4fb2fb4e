"""A phone at the session, with the shipped configuration: consent, IMEI and two badges, from the order to START."""

from __future__ import annotations

import pytest

from drivers.ports import Button
from station.domain.work_order import WorkOrder
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.run.catalogue import catalogue_of
from station.run.session import Session
from tests.run.fast_bench import tree

IMEI = "490154203237518"
SCANS = ("OP:e1", "WO:W1", "SN:S1", f"IM:{IMEI}")


def start(order: WorkOrder | None, *scans: str, source: ev.Source = "scanner") -> ev.Action:
    """What START brings after these scans."""
    session = Session(catalogue_of(tree()))
    if order is not None:
        assert session.step(ev.Assigned(order), 1000.0) == ()
    for text in scans:
        session.step(ev.Scanned(text, source), 1000.0)
    (action,) = session.step(ButtonPressed(Button.START), 1000.0)
    return action


def order(**more: object) -> WorkOrder:
    return WorkOrder("W1", "example-s-5", "S1", "outgoing", assigned=True, **more)  # type: ignore[arg-type]


def test_a_consented_order_starts_its_plan_with_the_phones_number() -> None:
    action = start(order(data_consent=True), *SCANS)
    assert isinstance(action, ev.StartRun)
    assert (action.ticket.plan, action.ticket.imei, action.purpose) == ("outgoing-phone", IMEI, "outgoing")


@pytest.mark.parametrize("scans", [SCANS, (*SCANS, "PL:outgoing-phone"), (*SCANS, "PL:outgoing-phone/charging")])
def test_without_the_owners_consent_no_plan_of_a_phone_starts_nor_one_step_of_it(scans: tuple[str, ...]) -> None:
    action = start(order(), *scans)
    assert isinstance(action, ev.Refuse) and (action.code, action.work_order) == ("no_consent", "W1")
    assert "W1" in action.text["zh"] and "consent" in action.text["en"]


def test_a_typed_order_has_no_consent_and_starts_no_phone() -> None:
    action = start(None, *SCANS, "PR:example-s-5")
    assert isinstance(action, ev.Refuse) and action.code == "no_consent"


def test_where_a_second_badge_signs_the_first_is_no_typed_one() -> None:
    action = start(order(data_consent=True), *SCANS, source="socket")
    assert isinstance(action, ev.Refuse) and action.code == "badge_typed"


def test_a_phone_without_its_number_does_not_start() -> None:
    action = start(order(data_consent=True), *SCANS[:3])
    assert isinstance(action, ev.Refuse) and action.code == "scans_missing" and "IM:" in action.text["en"]
