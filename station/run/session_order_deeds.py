"""The deeds of the session's table that are about work orders: assigned, withdrawn, put in front, claimed, used up.

Part of `session_deeds`, which the table looks in; here only so that both can be read in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from station.domain.verdict import Verdict
from station.run import session_events as ev
from station.run.session_guards import Memory, assign_refusal, put_refusal, running_order
from station.run.session_texts import say

Actions = tuple[ev.Action, ...]


def forget_verdict(memory: Memory) -> None:
    """The next device is on the bench: no later trip may bring an old verdict's lamp back."""
    if not memory.run_on:
        memory.verdict, memory.ticket, memory.run_id = None, None, None


def serial_text(memory: Memory) -> dict[str, str]:
    order = memory.scans.work_order
    return say("serial_differs", order=order.serial_number if order else "", scanned=memory.scans.serial_number)


def _tell_serial(memory: Memory) -> Actions:
    """What was asked for is done, and yet the device on the bench is another one than the order's."""
    return (ev.Tell("serial_differs", serial_text(memory)),) if memory.scans.serial_differs() else ()


def accept(memory: Memory) -> Actions:
    """The centre is told, once, that this bench has claimed the order in front; it need not hear of a typed one."""
    front = memory.scans.work_order
    if front is None or front.number not in memory.orders.by_number or front.number in memory.orders.accepted:
        return ()
    memory.orders.accepted.add(front.number)
    return (ev.Accepted(front.number),)


def _assign(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Assigned)
    memory.orders.by_number[event.work_order.number] = event.work_order
    if event.accepted:
        memory.orders.accepted.add(event.work_order.number)
    front = memory.scans.work_order
    if front is None or front.number != event.work_order.number:
        return ()
    memory.scans = memory.scans.with_order(event.work_order)
    return _tell_serial(memory)


def _refuse_assign(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Assigned)
    refused = assign_refusal(memory, event.work_order)
    assert refused is not None
    return (refused,)


def _withdraw(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Withdrawn)
    memory.orders.drop(event.number)
    front = memory.scans.work_order
    if front is None or front.number != event.number:
        return ()
    memory.scans = memory.scans.with_order(None)
    return (ev.Tell("order_withdrawn", say("order_withdrawn", number=event.number)),)


def _refuse_withdraw(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Withdrawn)
    code = "order_started" if event.number == running_order(memory) else "order_unknown"
    return (ev.Refuse(code, say(code, number=event.number)),)


def _put_in_front(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.PutInFront)
    forget_verdict(memory)
    memory.scans = memory.scans.with_order(memory.orders.by_number[event.number])
    return _tell_serial(memory)


def _note_earlier(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.EarlierRuns)
    front = memory.scans.work_order
    if front is not None and front.number == event.number:
        memory.scans = replace(memory.scans, earlier=event.runs)
    return ()


def _refuse_in_front(memory: Memory, event: ev.Event) -> Actions:
    refused = put_refusal(memory, event)
    assert refused is not None
    return (refused,)


def settle_order(memory: Memory, verdict: Verdict) -> None:
    """An assigned order whose run came to no verdict about the device waits again, and so after a trial of a step."""
    order = memory.ticket.work_order if memory.ticket else None
    if order is None or not order.assigned:
        return
    if verdict in (Verdict.PASS, Verdict.FAIL) and memory.purpose != "engineering":
        memory.orders.drop(order.number)
    else:
        memory.orders.by_number.setdefault(order.number, order)


ORDER_DEEDS: Mapping[str, Callable[[Memory, ev.Event], Actions]] = {
    "assign": _assign,
    "refuse_assign": _refuse_assign,
    "withdraw": _withdraw,
    "refuse_withdraw": _refuse_withdraw,
    "put_in_front": _put_in_front,
    "refuse_in_front": _refuse_in_front,
    "note_earlier": _note_earlier,
}
