"""The deeds that the session's table names: each changes the session's memory in a few lines and returns actions.

Only `start` and `reset` make what only a button may cause, and the table names them in button rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from station.panel.buttons import ButtonStuck
from station.run import session_events as ev
from station.run.session_guards import Memory, assign_refusal, put_refusal, read, running_order
from station.run.session_scans import Scan, Scans, complete, keep_scan
from station.run.session_texts import say, say_missing

Actions = tuple[ev.Action, ...]
Deed = Callable[[Memory, ev.Event], Actions]


def _refuse(code: str, **values: object) -> Actions:
    return (ev.Refuse(code, say(code, **values)),)


def _start(memory: Memory, event: ev.Event) -> Actions:
    ready = complete(memory.scans, memory.catalogue)
    assert ready is not None, "READY means complete"
    memory.scans, memory.ticket, memory.run_on = Scans(), ready.ticket, True
    memory.run_id, memory.verdict, memory.hot = None, None, False
    return (ev.StartRun(ready.ticket, ready.purpose),)


def _refuse_barred(memory: Memory, event: ev.Event) -> Actions:
    zh, en = memory.barred["zh"], memory.barred["en"]
    text = {"zh": say("barred", why=zh)["zh"], "en": say("barred", why=en)["en"]}
    return (ev.Refuse("barred", text),)


def _refuse_missing(memory: Memory, event: ev.Event) -> Actions:
    missing = (ev.Refuse("scans_missing", say_missing(memory.scans.missing(memory.catalogue))),)
    return _refuse("badge_expired") + missing if memory.scans.badge_expired else missing


def _serial_text(memory: Memory) -> dict[str, str]:
    order = memory.scans.work_order
    return say("serial_differs", order=order.serial_number if order else "", scanned=memory.scans.serial_number)


def _refuse_serial(memory: Memory, event: ev.Event) -> Actions:
    return (ev.Refuse("serial_differs", _serial_text(memory)),)


def _tell_serial(memory: Memory) -> Actions:
    """What was asked for is done, and yet the device on the bench is another one than the order's."""
    return (ev.Tell("serial_differs", _serial_text(memory)),) if memory.scans.serial_differs() else ()


def _refuse_tripped(memory: Memory, event: ev.Event) -> Actions:
    return _refuse("tripped", cause=memory.trip.code if memory.trip else "?")


def _clear_scans(memory: Memory, event: ev.Event) -> Actions:
    memory.scans = Scans()
    return ()


def _put_away(memory: Memory, event: ev.Event) -> Actions:
    _forget_verdict(memory)
    return ()


def _forget_verdict(memory: Memory) -> None:
    """The next device is on the bench: no later trip may bring an old verdict's lamp back."""
    if not memory.run_on:
        memory.verdict, memory.ticket, memory.run_id = None, None, None


def _answer(ok: bool) -> Callable[[Memory, ev.Event], Actions]:
    def deed(memory: Memory, event: ev.Event) -> Actions:
        memory.prompt = None
        return (ev.AnswerPrompt(ok),)

    return deed


def _sign(memory: Memory, event: ev.Event) -> Actions:
    scan = read(memory, event)
    assert isinstance(scan, Scan)
    memory.prompt = None
    return (ev.AnswerPrompt(scan.value),)


def _tell_stuck(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ButtonStuck)
    memory.stuck.add(event.button)
    return (ev.Tell("button_stuck", say("button_stuck", button=event.button.value.upper())),)


def _keep_scan(memory: Memory, event: ev.Event) -> Actions:
    scan = read(memory, event)
    assert isinstance(scan, Scan)
    _forget_verdict(memory)
    memory.scans = keep_scan(scan, memory.scans, memory.orders.by_number, memory.now_s)
    if memory.scans.serial_differs():
        return _refuse_serial(memory, event)
    return ()


def _refuse_scan(memory: Memory, event: ev.Event) -> Actions:
    refused = read(memory, event)
    assert isinstance(refused, ev.Refuse)
    return (refused,)


def _hand_over(memory: Memory, event: ev.Event) -> Actions:
    scan = read(memory, event)
    assert isinstance(scan, Scan)
    return (ev.HandOver(scan.value),)


def _assign(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Assigned)
    memory.orders.by_number[event.work_order.number] = event.work_order
    front = memory.scans.work_order
    if front is None or front.number != event.work_order.number:
        return ()
    memory.scans = replace(memory.scans, work_order=event.work_order)
    return _tell_serial(memory)


def _refuse_assign(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Assigned)
    refused = assign_refusal(memory, event.work_order)
    assert refused is not None
    return (refused,)


def _withdraw(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Withdrawn)
    del memory.orders.by_number[event.number]
    front = memory.scans.work_order
    if front is None or front.number != event.number:
        return ()
    memory.scans = replace(memory.scans, work_order=None)
    return (ev.Tell("order_withdrawn", say("order_withdrawn", number=event.number)),)


def _refuse_withdraw(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Withdrawn)
    code = "order_started" if event.number == running_order(memory) else "order_unknown"
    return _refuse(code, number=event.number)


def _put_in_front(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.PutInFront)
    _forget_verdict(memory)
    memory.scans = replace(memory.scans, work_order=memory.orders.by_number[event.number])
    return _tell_serial(memory)


def _refuse_in_front(memory: Memory, event: ev.Event) -> Actions:
    refused = put_refusal(memory, event)
    assert refused is not None
    return (refused,)


def _abort(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.AbortAsked)
    return (ev.AbortRun("abort", event.source),)


def _refuse_abort(memory: Memory, event: ev.Event) -> Actions:
    return _refuse("other_run", run_id=memory.run_id or "…") if memory.run_on else _refuse("no_run")


def _note_run(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.RunBegan)
    if not memory.run_on:
        return ()
    memory.run_id = event.run_id
    number = running_order(memory)
    if number is not None:
        memory.orders.by_number.pop(number, None)
    return ()


def _note_barred(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Barred)
    memory.barred = event.text
    return ()


def _note_voltage(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.VoltageChanged)
    memory.energised = event.on
    return ()


def _note_prompt(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.PromptAsked)
    memory.prompt = event.prompt
    return ()


def _forget_prompt(memory: Memory, event: ev.Event) -> Actions:
    memory.prompt = None
    return ()


def _end_run(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.RunEnded)
    if not memory.run_on:  # nothing ran: there is no verdict to keep
        return ()
    memory.run_on, memory.prompt = False, None
    memory.verdict, memory.hot = event.verdict, event.hot
    return ()


def _end_run_cold(memory: Memory, event: ev.Event) -> Actions:
    _end_run(memory, event)
    return (ev.ReleaseLid(),)


def _cool(memory: Memory, event: ev.Event) -> Actions:
    memory.hot = False
    return (ev.ReleaseLid(),)


def _note_cool(memory: Memory, event: ev.Event) -> Actions:
    memory.hot = False
    return ()


def _note_trip(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Tripped)
    memory.prompt = None
    if memory.trip is None:
        memory.trip = event
    return ()


def _note_power_return(memory: Memory, event: ev.Event) -> Actions:
    memory.prompt = None
    text = say("power_return")
    if memory.trip is None:
        memory.trip = ev.Tripped("POWER", text)
    return (ev.Tell("power_return", text),)


def _clear_trip(memory: Memory, event: ev.Event) -> Actions:
    memory.trip, memory.hot = None, True
    return ()


def _clear_trip_cold(memory: Memory, event: ev.Event) -> Actions:
    memory.trip = None
    return (ev.ReleaseLid(),)


def _abort_without_panel(memory: Memory, event: ev.Event) -> Actions:
    return (ev.AbortRun("panel_lost", "station"), *_tell_panel_lost(memory, event))


def _tell_panel_lost(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.PanelLost)
    return (ev.Tell("panel_lost", say("panel_lost", reason=event.reason)),)


def _expire(memory: Memory, event: ev.Event) -> Actions:
    before, memory.scans = memory.scans, memory.scans.expire(memory.now_s)
    if memory.scans is before:
        return ()
    return (ev.Tell("badge_expired", say("badge_expired")),)


DEEDS: Mapping[str, Callable[[Memory, ev.Event], Actions]] = {
    "nothing": lambda memory, event: (),
    "start": _start,
    "refuse_missing": _refuse_missing,
    "refuse_serial": _refuse_serial,
    "refuse_stop_stuck": lambda memory, event: _refuse("stop_stuck"),
    "refuse_barred": _refuse_barred,
    "refuse_live": lambda memory, event: _refuse("live"),
    "refuse_running": lambda memory, event: _refuse("run_in_progress"),
    "refuse_cooling": lambda memory, event: _refuse("cooling"),
    "refuse_tripped": _refuse_tripped,
    "stop": lambda memory, event: (ev.AbortRun("STOP", "panel"),),
    "clear_scans": _clear_scans,
    "put_away": _put_away,
    "refuse_stop": lambda memory, event: _refuse("nothing_to_stop"),
    "refuse_winding_up": lambda memory, event: _refuse("run_winding_up"),
    "reset": lambda memory, event: (ev.ResetTrip(),),
    "refuse_reset": lambda memory, event: _refuse("not_tripped"),
    "answer_ok": _answer(True),
    "answer_ng": _answer(False),
    "sign": _sign,
    "refuse_own_badge": lambda memory, event: _refuse("second_badge"),
    "refuse_ok": lambda memory, event: _refuse("badge_wanted"),
    "refuse_answer": lambda memory, event: _refuse("no_prompt"),
    "tell_stuck": _tell_stuck,
    "keep_scan": _keep_scan,
    "refuse_scan": _refuse_scan,
    "refuse_scan_yet": lambda memory, event: _refuse("run_ending"),
    "hand_over": _hand_over,
    "assign": _assign,
    "refuse_assign": _refuse_assign,
    "withdraw": _withdraw,
    "refuse_withdraw": _refuse_withdraw,
    "put_in_front": _put_in_front,
    "refuse_in_front": _refuse_in_front,
    "abort": _abort,
    "refuse_abort": _refuse_abort,
    "note_run": _note_run,
    "note_voltage": _note_voltage,
    "note_barred": _note_barred,
    "note_prompt": _note_prompt,
    "tell_unexpected_prompt": lambda m, e: (ev.Tell("prompt_unexpected", say("prompt_unexpected")),),
    "forget_prompt": _forget_prompt,
    "end_run": _end_run,
    "end_run_cold": _end_run_cold,
    "cool": _cool,
    "note_cool": _note_cool,
    "note_trip": _note_trip,
    "clear_trip": _clear_trip,
    "clear_trip_cold": _clear_trip_cold,
    "note_power_return": _note_power_return,
    "abort_without_panel": _abort_without_panel,
    "tell_panel_lost": _tell_panel_lost,
    "tell_panel_back": lambda memory, event: (ev.Tell("panel_back", say("panel_back")),),
    "expire": _expire,
}
