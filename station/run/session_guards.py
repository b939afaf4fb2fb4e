"""What a session remembers, and the guards that the session's table names: yes or no, and nothing changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from drivers.ports import Button
from station.domain.people import is_among
from station.domain.plan import NeedsPass, Purpose
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun, Ticket, WorkOrder
from station.run import session_events as ev
from station.run.needs import UNDECIDING, NotProven, find_pass
from station.run.session_scans import Catalogue, Scan, Scans, WorkOrders, complete, order_refusal, read_scan
from station.run.session_table import BY_SCANS, BY_VERDICT, VERDICTS, Choice
from station.run.session_texts import say, say_uncalibrated


@dataclass(slots=True)
class Memory:
    """What a session knows beside its state. `run_id` None in a run: the journal has not minted it yet.

    `energised` and `lid_open` are the guard's word alone, `barred` the kernel's, in words by language. `stuck` are
    buttons that were held down and have not been pressed since. `operators`: every badge that has had the run in hand,
    the present one last. `inspectors`: badges that signed this run as second engineer. `soaking`: the step under
    way knows no pause. `utc_s`, `shift_ends_at_s`, `uncalibrated`: as told last.
    """

    catalogue: Catalogue
    scans: Scans = field(default_factory=Scans)
    orders: WorkOrders = field(default_factory=WorkOrders)
    ticket: Ticket | None = None
    purpose: Purpose | None = None
    operators: tuple[str, ...] = ()
    inspectors: tuple[str, ...] = ()
    run_on: bool = False
    run_id: str | None = None
    energised: bool = False
    lid_open: bool = False
    hot: bool = False
    prompt: Prompt | None = None
    verdict: Verdict | None = None
    trip: ev.Tripped | None = None
    barred: Mapping[str, str] = field(default_factory=dict)
    stuck: set[Button] = field(default_factory=set)
    soaking: bool = False
    utc_s: float | None = None
    shift_ends_at_s: float = math.inf
    uncalibrated: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    now_s: float = 0.0


def read(memory: Memory, event: ev.Event) -> Scan | ev.Refuse:
    """A scan in the light of what is there already."""
    assert isinstance(event, ev.Scanned)
    return read_scan(event.text, memory.scans, memory.catalogue, memory.orders.by_number)


def put_refusal(memory: Memory, event: ev.Event) -> ev.Refuse | None:
    """Why a work order cannot be put in front, if so."""
    assert isinstance(event, ev.PutInFront)
    order = memory.orders.by_number.get(event.number)
    if order is None:
        return ev.Refuse("order_unknown", say("order_unknown", number=event.number))
    return _only_answered(order_refusal(order, memory.scans, memory.catalogue))


def _only_answered(refused: ev.Refuse | None) -> ev.Refuse | None:
    """The refusal of a command: its reply says it, and nothing else need."""
    return None if refused is None else replace(refused, work_order=None)


def running_order(memory: Memory) -> str | None:
    """The number of the work order whose run is on."""
    return memory.ticket.work_order.number if memory.run_on and memory.ticket else None


def assign_refusal(memory: Memory, order: WorkOrder) -> ev.Refuse | None:
    """Why an assignment is not taken, if so."""
    if order.number == running_order(memory):
        return ev.Refuse("order_started", say("order_started", number=order.number))
    front = memory.scans.work_order
    if front is not None and front.number == order.number:
        refused = order_refusal(order, memory.scans, memory.catalogue)
        if refused is not None:
            return _only_answered(refused)
    return memory.orders.refusal(order, memory.catalogue)


# ---- what a plan needs beside the scans --------------------------------------------------------------------
def lacks(memory: Memory) -> ev.Refuse | None:
    """What the chosen plan needs and the work order does not give, if so. Asked only where no scan is missing."""
    scans, catalogue = memory.scans, memory.catalogue
    order, plan, product = scans.work_order, scans.chosen_plan(catalogue), scans.chosen_product()
    if order is None or plan is None or product is None:
        return None
    facts = catalogue.facts_of(plan)
    if not catalogue.fits(plan, product):
        text = say("plan_unfit", plan=plan, family=facts.family, product=product, its=catalogue.products[product])
        return ev.Refuse("plan_unfit", text, order.number)
    if facts.two_people and scans.badge_typed:
        return ev.Refuse("badge_typed", say("badge_typed", badge=scans.operator), order.number)
    if facts.needs_consent and not order.data_consent:
        return ev.Refuse("no_consent", say("no_consent", number=order.number), order.number)
    return _out_of_calibration(memory, order, facts.instruments) or _lacks_proof(memory, order, facts.needs_pass)


def _out_of_calibration(memory: Memory, order: WorkOrder, instruments: Iterable[str]) -> ev.Refuse | None:
    """Instruments whose calibration is not in force; no matter where nothing is decided about a device."""
    ready = complete(memory.scans, memory.catalogue)
    if ready is None or ready.purpose in UNDECIDING:
        return None
    told = [memory.uncalibrated[role] for role in instruments if role in memory.uncalibrated]
    return ev.Refuse("not_calibrated", say_uncalibrated(told), order.number) if told else None


def _lacks_proof(memory: Memory, order: WorkOrder, needs: NeedsPass | None) -> ev.Refuse | None:
    found, scans = proof(memory), memory.scans
    if not isinstance(found, NotProven) or needs is None:
        return None
    words = {"plan": needs.plan, "hours": f"{needs.within_h:g}", "number": order.number}
    ended_at = found.run.ended_at if found.run else ""
    return ev.Refuse(found.lack, say(found.lack, **words, serial=scans.serial_number, at=ended_at), order.number)


def proof(memory: Memory) -> EarlierRun | NotProven | None:
    """The PASS that the chosen plan stands on, or why there is none; None where it needs none. A single step, which
    proves nothing itself, needs none."""
    scans = memory.scans
    needs = memory.catalogue.facts_of(scans.chosen_plan(memory.catalogue)).needs_pass
    if needs is None or scans.step is not None or scans.work_order is None or scans.serial_number is None:
        return None
    return find_pass(
        needs, scans.work_order.number, scans.serial_number, scans.known_runs, memory.utc_s,
        simulated=memory.catalogue.simulated,
    )  # fmt: skip


def _is_understood(memory: Memory, event: ev.Event) -> bool:
    return isinstance(read(memory, event), Scan)


def _is_badge(memory: Memory, event: ev.Event) -> bool:
    scan = read(memory, event)
    return isinstance(scan, Scan) and scan.field == "operator"


def _is_in_hand(memory: Memory, event: ev.Event) -> bool:
    scan = read(memory, event)
    return isinstance(scan, Scan) and scan.field == "operator" and is_among(scan.value, memory.operators[-1:])


def _is_inspector(memory: Memory, event: ev.Event) -> bool:
    scan = read(memory, event)
    return isinstance(scan, Scan) and scan.field == "operator" and is_among(scan.value, memory.inspectors)


def _wants_badge(memory: Memory) -> bool:
    return memory.prompt is not None and memory.prompt.kind == "badge"


def _is_over_open_lid(memory: Memory, event: ev.Event) -> bool:
    """An answer after which voltage may come on, to a prompt for which the lid was released, while it is open. A badge
    prompt is none: what it asks is followed by a question or by the end."""
    prompt = memory.prompt
    return memory.lid_open and prompt is not None and prompt.hands and prompt.kind == "answer"


def _is_signature(memory: Memory, event: ev.Event) -> bool:
    """The badge that the prompt asks for, at the bench's own scanner, of somebody who may sign."""
    if not _wants_badge(memory) or not _is_badge(memory, event):
        return False
    scan = read(memory, event)
    assert isinstance(event, ev.Scanned) and isinstance(scan, Scan) and memory.prompt is not None
    return event.source == "scanner" and not is_among(scan.value, memory.prompt.not_by)


def _is_acceptable(memory: Memory, event: ev.Event) -> bool:
    assert isinstance(event, ev.Assigned)
    return assign_refusal(memory, event.work_order) is None


def _is_on_list(memory: Memory, event: ev.Event) -> bool:
    assert isinstance(event, ev.Withdrawn)
    return event.number in memory.orders.by_number and event.number != running_order(memory)


def _is_this_run(memory: Memory, event: ev.Event) -> bool:
    assert isinstance(event, ev.AbortAsked)
    return memory.run_on and memory.run_id is not None and event.run_id == memory.run_id


def _is_hot(memory: Memory, event: ev.Event) -> bool:
    assert isinstance(event, ev.RunEnded)
    return event.hot


GUARDS: Mapping[str, Callable[[Memory, ev.Event], bool]] = {
    "": lambda memory, event: True,
    "understood": _is_understood,
    "badge": _is_badge,
    "in_hand": _is_in_hand,
    "inspector": _is_inspector,
    "signature": _is_signature,
    "own_badge": lambda memory, event: _wants_badge(memory) and _is_badge(memory, event),
    "wants_badge": lambda memory, event: _wants_badge(memory),
    "acceptable": _is_acceptable,
    "on_list": _is_on_list,
    "may_stand_in_front": lambda memory, event: put_refusal(memory, event) is None,
    "this_run": _is_this_run,
    "hot": _is_hot,
    "run_on": lambda memory, event: memory.run_on,
    "stop_stuck": lambda memory, event: Button.STOP in memory.stuck,
    "live": lambda memory, event: memory.energised,
    "over_open_lid": _is_over_open_lid,
    "barred": lambda memory, event: bool(memory.barred),
    "lacks": lambda memory, event: lacks(memory) is not None,
    "soaking": lambda memory, event: memory.soaking,
    "still_hot": lambda memory, event: memory.hot or (isinstance(event, ev.TripCleared) and event.hot),
    "has_verdict": lambda memory, event: memory.verdict is not None and memory.scans.empty,
}


# ---- choices -----------------------------------------------------------------------------------------------
def choose(choice: Choice, memory: Memory) -> State:
    """The state that a choice means now."""
    if choice is BY_SCANS:
        return standing(memory)
    if choice is BY_VERDICT:
        shown = {state.value: state for state in VERDICTS}
        return shown.get(memory.verdict.value, State.ERROR) if memory.verdict else State.ERROR
    return State.ENERGISED if memory.energised else State.PREPARING


def standing(memory: Memory) -> State:
    """Where the present scans put an idle session."""
    if memory.scans.empty:
        return State.WAITING
    if memory.scans.serial_differs():
        return State.WRONG_SERIAL
    return State.READY if complete(memory.scans, memory.catalogue) else State.SCAN_MISSING
