"""The session's table: for every state and every kind of event, what is asked (guards), what is done, where it goes.

This file owns the machine; `session_guards` and `session_deeds` hold the few lines behind each, `diagram` prints the
table into docs/session.md. A row reads: in these states, on this event, if the guard holds, do this, go there. The
first row whose guard holds wins; the last row of each cell has no guard, so every event is answered everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from station.domain.session_state import State
from station.run.session_events import Kind


@dataclass(frozen=True, slots=True)
class Choice:
    """A target that depends on what the session holds; `targets` are all that it can be."""

    name: str
    targets: tuple[State, ...]


IDLE = (State.WAITING, State.SCAN_MISSING, State.WRONG_SERIAL, State.READY)
RUNNING = (State.PREPARING, State.ENERGISED, State.PROMPT)
VERDICTS = (State.PASS, State.FAIL, State.ABORTED, State.ERROR)
AT_REST = IDLE + VERDICTS
ANY = tuple(State)

BY_SCANS = Choice("by_scans", IDLE)
BY_VERDICT = Choice("by_verdict", VERDICTS)
BY_VOLTAGE = Choice("by_voltage", (State.PREPARING, State.ENERGISED))
Target = State | Choice | None
"""None: stay."""


class Row(NamedTuple):
    """`guard` and `deed` are names in `session_guards` and `session_deeds`; an empty guard always holds."""

    states: tuple[State, ...]
    kind: Kind
    guard: str
    deed: str
    target: Target


K, S = Kind, State
ROWS: tuple[Row, ...] = (
    # the five buttons
    Row((S.READY,), K.START, "stop_stuck", "refuse_stop_stuck", None),
    Row((S.READY,), K.START, "live", "refuse_live", None),
    Row((S.READY,), K.START, "lacks", "refuse_lacking", None),
    Row((S.READY,), K.START, "barred", "refuse_barred", None),
    Row((S.READY,), K.START, "", "start", S.PREPARING),
    Row((S.WRONG_SERIAL,), K.START, "", "refuse_serial", None),
    Row((S.WAITING, S.SCAN_MISSING, *VERDICTS), K.START, "", "refuse_missing", None),
    Row(RUNNING, K.START, "", "refuse_running", None),
    Row((S.COOLING,), K.START, "", "refuse_cooling", None),
    Row((S.TRIPPED,), K.START, "", "refuse_tripped", None),
    Row(RUNNING, K.STOP, "", "stop", None),
    Row(IDLE, K.STOP, "", "clear_scans", S.WAITING),
    Row(VERDICTS, K.STOP, "", "put_away", BY_SCANS),
    Row((S.COOLING,), K.STOP, "", "refuse_stop", None),
    Row((S.TRIPPED,), K.STOP, "run_on", "stop", None),
    Row((S.TRIPPED,), K.STOP, "", "refuse_stop", None),
    Row((S.TRIPPED,), K.RESET, "run_on", "refuse_winding_up", None),
    Row((S.TRIPPED,), K.RESET, "", "reset", None),
    Row((*AT_REST, *RUNNING, S.COOLING), K.RESET, "", "refuse_reset", None),
    Row((S.PROMPT,), K.OK, "wants_badge", "refuse_ok", None),
    Row((S.PROMPT,), K.OK, "over_open_lid", "refuse_open_lid", None),
    Row((S.PROMPT,), K.OK, "", "answer_ok", BY_VOLTAGE),
    Row(VERDICTS, K.OK, "", "put_away", BY_SCANS),
    Row((*IDLE, S.PREPARING, S.ENERGISED, S.COOLING, S.TRIPPED), K.OK, "", "refuse_answer", None),
    Row((S.PROMPT,), K.NG, "over_open_lid", "refuse_open_lid", None),
    Row((S.PROMPT,), K.NG, "", "answer_ng", BY_VOLTAGE),
    Row((S.PREPARING, S.ENERGISED), K.NG, "soaking", "stop_soak", None),
    Row((*AT_REST, S.PREPARING, S.ENERGISED, S.COOLING, S.TRIPPED), K.NG, "", "refuse_answer", None),
    Row(ANY, K.STUCK, "", "tell_stuck", None),
    # scans and work orders
    Row(AT_REST, K.SCAN, "understood", "keep_scan", BY_SCANS),
    Row(AT_REST, K.SCAN, "", "refuse_scan", None),
    Row((S.TRIPPED,), K.SCAN, "run_on", "refuse_scan_yet", None),
    Row((S.TRIPPED,), K.SCAN, "understood", "keep_scan", None),
    Row((S.TRIPPED,), K.SCAN, "", "refuse_scan", None),
    Row((S.PROMPT,), K.SCAN, "signature", "sign", BY_VOLTAGE),
    Row((S.PROMPT,), K.SCAN, "own_badge", "refuse_own_badge", None),
    Row(RUNNING, K.SCAN, "in_hand", "tell_in_hand", None),
    Row(RUNNING, K.SCAN, "inspector", "refuse_inspector", None),
    Row(RUNNING, K.SCAN, "badge", "hand_over", None),
    Row(RUNNING, K.SCAN, "", "refuse_running", None),
    Row((S.COOLING,), K.SCAN, "", "refuse_cooling", None),
    Row(IDLE, K.ASSIGN, "acceptable", "assign", BY_SCANS),
    Row((*VERDICTS, *RUNNING, S.COOLING, S.TRIPPED), K.ASSIGN, "acceptable", "assign", None),
    Row(ANY, K.ASSIGN, "", "refuse_assign", None),
    Row(IDLE, K.WITHDRAW, "on_list", "withdraw", BY_SCANS),
    Row((*VERDICTS, *RUNNING, S.COOLING, S.TRIPPED), K.WITHDRAW, "on_list", "withdraw", None),
    Row(ANY, K.WITHDRAW, "", "refuse_withdraw", None),
    Row(AT_REST, K.PUT_IN_FRONT, "may_stand_in_front", "put_in_front", BY_SCANS),
    Row(AT_REST, K.PUT_IN_FRONT, "", "refuse_in_front", None),
    Row(RUNNING, K.PUT_IN_FRONT, "", "refuse_running", None),
    Row((S.COOLING,), K.PUT_IN_FRONT, "", "refuse_cooling", None),
    Row((S.TRIPPED,), K.PUT_IN_FRONT, "", "refuse_tripped", None),
    Row(IDLE, K.EARLIER, "", "note_earlier", BY_SCANS),
    Row((*VERDICTS, *RUNNING, S.COOLING, S.TRIPPED), K.EARLIER, "", "note_earlier", None),
    Row(ANY, K.IDENTIFY, "", "identify", None),
    Row((*RUNNING, S.TRIPPED), K.ABORT, "this_run", "abort", None),
    Row(ANY, K.ABORT, "", "refuse_abort", None),
    # what the run says
    Row((*RUNNING, S.TRIPPED), K.RUN_BEGAN, "", "note_run", None),
    Row((*AT_REST, S.COOLING), K.RUN_BEGAN, "", "nothing", None),
    Row(ANY, K.STEP, "", "note_step", None),
    Row((S.PREPARING,), K.VOLTAGE_ON, "", "note_voltage", S.ENERGISED),
    Row((*AT_REST, S.ENERGISED, S.PROMPT, S.COOLING, S.TRIPPED), K.VOLTAGE_ON, "", "note_voltage", None),
    Row((S.ENERGISED,), K.VOLTAGE_OFF, "", "note_voltage", S.PREPARING),
    Row((*AT_REST, S.PREPARING, S.PROMPT, S.COOLING, S.TRIPPED), K.VOLTAGE_OFF, "", "note_voltage", None),
    Row(RUNNING, K.PROMPT_ASKED, "", "note_prompt", S.PROMPT),
    Row((*AT_REST, S.COOLING, S.TRIPPED), K.PROMPT_ASKED, "", "tell_unexpected_prompt", None),
    Row((S.PROMPT,), K.PROMPT_CLOSED, "", "forget_prompt", BY_VOLTAGE),
    Row((*AT_REST, S.PREPARING, S.ENERGISED, S.COOLING, S.TRIPPED), K.PROMPT_CLOSED, "", "forget_prompt", None),
    Row(RUNNING, K.RUN_ENDED, "hot", "end_run", S.COOLING),
    Row(RUNNING, K.RUN_ENDED, "", "end_run_cold", BY_VERDICT),
    Row((S.TRIPPED,), K.RUN_ENDED, "", "end_run", None),
    Row((*AT_REST, S.COOLING), K.RUN_ENDED, "", "nothing", None),
    Row((S.COOLING,), K.COOLED, "has_verdict", "cool", BY_VERDICT),
    Row((S.COOLING,), K.COOLED, "", "cool", BY_SCANS),
    Row((*AT_REST, *RUNNING, S.TRIPPED), K.COOLED, "", "note_cool", None),
    # the latch, the power, the panel, time
    Row(ANY, K.TRIP, "", "note_trip", S.TRIPPED),
    Row((S.TRIPPED,), K.TRIP_CLEARED, "run_on", "nothing", None),
    Row((S.TRIPPED,), K.TRIP_CLEARED, "still_hot", "clear_trip", S.COOLING),
    Row((S.TRIPPED,), K.TRIP_CLEARED, "has_verdict", "clear_trip_cold", BY_VERDICT),
    Row((S.TRIPPED,), K.TRIP_CLEARED, "", "clear_trip_cold", BY_SCANS),
    Row((*AT_REST, *RUNNING, S.COOLING), K.TRIP_CLEARED, "", "nothing", None),
    Row(ANY, K.POWER_RETURN, "", "note_power_return", S.TRIPPED),
    Row(ANY, K.BARRED, "", "note_barred", None),
    Row(ANY, K.LID, "", "note_lid", None),
    Row((*RUNNING, S.TRIPPED), K.PANEL_LOST, "run_on", "abort_without_panel", None),
    Row(ANY, K.PANEL_LOST, "", "tell_panel_lost", None),
    Row(ANY, K.PANEL_BACK, "", "tell_panel_back", None),
    Row(ANY, K.TIME, "", "note_time", None),
    Row(IDLE, K.TICK, "", "expire", BY_SCANS),
    Row((*VERDICTS, *RUNNING, S.COOLING, S.TRIPPED), K.TICK, "", "expire", None),
)  # fmt: skip

Cell = tuple[Row, ...]


def lay_out(rows: tuple[Row, ...]) -> Mapping[tuple[State, Kind], Cell]:
    """Rows as cells by state and kind. Raises `ValueError` for a cell that is empty, open-ended or has dead rows."""
    cells: dict[tuple[State, Kind], Cell] = {(state, kind): () for state in State for kind in Kind}
    for row in rows:
        for state in row.states:
            cells[state, row.kind] += (row,)
    for (state, kind), cell in cells.items():
        guards = [row.guard for row in cell]
        if not cell or guards[-1] or "" in guards[:-1]:
            raise ValueError(f"{state} x {kind}: guards {guards}; exactly the last row must have none")
    return MappingProxyType(cells)


TABLE = lay_out(ROWS)
