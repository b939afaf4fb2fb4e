"""The deeds that the session's table names: each changes the session's memory in a few lines and returns actions.

Only `start` and `reset` make what only a button may cause, and the table names them in button rows alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from station.domain.work_order import EarlierRun
from station.panel.buttons import ButtonStuck
from station.run import session_events as ev
from station.run.needs import reference_to
from station.run.session_guards import Memory, lacks, proof, read, running_order
from station.run.session_order_deeds import ORDER_DEEDS, accept, forget_verdict, serial_text, settle_order
from station.run.session_scans import Scan, Scans, complete, keep_scan
from station.run.session_texts import say, say_missing

Actions = tuple[ev.Action, ...]
Deed = Callable[[Memory, ev.Event], Actions]


SOAK = "soak"
"""The step's name in the catalogue: nothing in it waits for a person, so it knows no pause."""


def _refuse(code: str, **values: object) -> Actions:
    return (ev.Refuse(code, say(code, **values)),)


def _start(memory: Memory, event: ev.Event) -> Actions:
    ready = complete(memory.scans, memory.catalogue)
    assert ready is not None, "READY means complete"
    found, ticket = proof(memory), ready.ticket
    if isinstance(found, EarlierRun):
        ticket = replace(ticket, proof=reference_to(found))
    accepted = accept(memory)
    memory.scans, memory.ticket, memory.purpose, memory.run_on = Scans(), ticket, ready.purpose, True
    memory.operators, memory.inspectors, memory.soaking = (ticket.operator,), (), False
    memory.run_id, memory.verdict, memory.hot = None, None, False
    return (*accepted, ev.StartRun(ticket, ready.purpose))


def _refuse_lacking(memory: Memory, event: ev.Event) -> Actions:
    refused = lacks(memory)
    assert refused is not None
    return (refused,)


def _refuse_barred(memory: Memory, event: ev.Event) -> Actions:
    zh, en = memory.barred["zh"], memory.barred["en"]
    text = {"zh": say("barred", why=zh)["zh"], "en": say("barred", why=en)["en"]}
    return (ev.Refuse("barred", text),)


def _refuse_missing(memory: Memory, event: ev.Event) -> Actions:
    scans = memory.scans
    wanted = scans.work_order.purpose if scans.work_order else None
    missing = (ev.Refuse("scans_missing", say_missing(scans.missing(memory.catalogue), wanted)),)
    return _refuse(scans.badge_lost) + missing if scans.badge_lost else missing


def _refuse_serial(memory: Memory, event: ev.Event) -> Actions:
    order = memory.scans.work_order
    return (ev.Refuse("serial_differs", serial_text(memory), order.number if order else None),)


def _refuse_tripped(memory: Memory, event: ev.Event) -> Actions:
    return _refuse("tripped", cause=memory.trip.code if memory.trip else "?")


def _clear_scans(memory: Memory, event: ev.Event) -> Actions:
    memory.scans = Scans()
    return ()


def _put_away(memory: Memory, event: ev.Event) -> Actions:
    forget_verdict(memory)
    return ()


def _answer(ok: bool) -> Callable[[Memory, ev.Event], Actions]:
    def deed(memory: Memory, event: ev.Event) -> Actions:
        memory.prompt = None
        return (ev.AnswerPrompt(ok),)

    return deed


def _sign(memory: Memory, event: ev.Event) -> Actions:
    scan = read(memory, event)
    assert isinstance(scan, Scan) and memory.prompt is not None
    if memory.prompt.not_by:  # who inspects does not take the run over afterwards
        memory.inspectors = (*memory.inspectors, scan.value)
    memory.prompt = None
    return (ev.AnswerPrompt(scan.value),)


def _tell_stuck(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ButtonStuck)
    memory.stuck.add(event.button)
    return (ev.Tell("button_stuck", say("button_stuck", button=event.button.value.upper())),)


def _keep_scan(memory: Memory, event: ev.Event) -> Actions:
    scan = read(memory, event)
    assert isinstance(event, ev.Scanned) and isinstance(scan, Scan)
    forget_verdict(memory)
    before = memory.scans.operator
    shift_ends_at_s = memory.shift_ends_at_s if memory.shift_ends_at_s > memory.now_s else math.inf
    memory.scans = keep_scan(scan, memory.scans, memory.orders.by_number, memory.now_s, shift_ends_at_s)
    if scan.field == "operator":
        memory.scans = replace(memory.scans, badge_typed=event.source != "scanner")
    accepted = accept(memory) if scan.field == "work_order" else ()
    if memory.scans.serial_differs():
        return accepted + _refuse_serial(memory, event)
    if scan.field == "operator" and before not in (None, scan.value):
        return (ev.Tell("badge_replaced", say("badge_replaced", before=before, now=scan.value)),)
    return accepted


def _refuse_scan(memory: Memory, event: ev.Event) -> Actions:
    refused = read(memory, event)
    assert isinstance(refused, ev.Refuse)
    return (refused,)


def _hand_over(memory: Memory, event: ev.Event) -> Actions:
    scan = read(memory, event)
    assert isinstance(scan, Scan)
    memory.operators = (*memory.operators, scan.value)
    return (ev.HandOver(scan.value),)


def _tell_in_hand(memory: Memory, event: ev.Event) -> Actions:
    return (ev.Tell("in_hand", say("in_hand", operator=memory.operators[-1])),)


def _stop_soak(memory: Memory, event: ev.Event) -> Actions:
    return (ev.AbortRun("NG in the soak", "panel"), ev.Tell("soak_stopped", say("soak_stopped")))


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


def _note_step(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.StepBegan)
    memory.soaking = memory.run_on and event.use == SOAK
    return ()


def _note_time(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.TimeTold)
    memory.utc_s, memory.shift_ends_at_s = event.utc_s, event.shift_ends_at_s
    memory.uncalibrated = event.uncalibrated
    return ()


def _note_barred(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.Barred)
    memory.barred = event.text
    return ()


def _note_lid(memory: Memory, event: ev.Event) -> Actions:
    assert isinstance(event, ev.LidTold)
    memory.lid_open = event.open
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
    memory.run_on, memory.prompt, memory.soaking = False, None, False
    memory.verdict, memory.hot = event.verdict, event.hot
    settle_order(memory, event.verdict)
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
    return (ev.Tell(memory.scans.badge_lost, say(memory.scans.badge_lost)),)


DEEDS: Mapping[str, Callable[[Memory, ev.Event], Actions]] = {
    **ORDER_DEEDS,
    "nothing": lambda memory, event: (),
    "start": _start,
    "refuse_missing": _refuse_missing,
    "refuse_serial": _refuse_serial,
    "refuse_stop_stuck": lambda memory, event: _refuse("stop_stuck"),
    "refuse_barred": _refuse_barred,
    "refuse_lacking": _refuse_lacking,
    "stop_soak": _stop_soak,
    "tell_in_hand": _tell_in_hand,
    "note_step": _note_step,
    "note_time": _note_time,
    "identify": lambda memory, event: (ev.ShowIdentity(),),
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
    "refuse_open_lid": lambda memory, event: _refuse("lid_open"),
    "refuse_inspector": lambda memory, event: _refuse("inspector_in_run"),
    "refuse_ok": lambda memory, event: _refuse("badge_wanted"),
    "refuse_answer": lambda memory, event: _refuse("no_prompt"),
    "tell_stuck": _tell_stuck,
    "keep_scan": _keep_scan,
    "refuse_scan": _refuse_scan,
    "refuse_scan_yet": lambda memory, event: _refuse("run_ending"),
    "hand_over": _hand_over,
    "abort": _abort,
    "refuse_abort": _refuse_abort,
    "note_run": _note_run,
    "note_voltage": _note_voltage,
    "note_barred": _note_barred,
    "note_lid": _note_lid,
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
