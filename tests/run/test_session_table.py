"""The table itself: every cell answered, nothing dead, and what random histories may never do."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ports import Button
from station.domain.prompt import Prompt
from station.domain.session_state import STATE_TITLES, State
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun, Ticket, WorkOrder
from station.panel.buttons import ButtonPressed, ButtonStuck
from station.panel.patterns import PATTERNS
from station.run import diagram
from station.run import session_events as ev
from station.run.session import Session
from station.run.session_deeds import DEEDS
from station.run.session_guards import GUARDS
from station.run.session_scans import Catalogue
from station.run.session_table import ROWS, RUNNING, TABLE, VERDICTS, Choice, Row, lay_out
from station.run.session_texts import SCAN_TITLES, TEXTS

CATALOGUE = Catalogue({"amp": "amplifier"}, {"outgoing-amplifier": "outgoing", "self-test": "engineering"})
ORDERS = (WorkOrder("W1", "amp", "S1", "outgoing", assigned=True), WorkOrder("W2", assigned=True))
EVENTS: tuple[ev.Event, ...] = (
    *(ButtonPressed(button) for button in Button),
    ButtonStuck(Button.STOP),
    *(
        ev.Scanned(text)
        for text in ("OP:1", "WO:W1", "WO:W9", "SN:S1", "SN:S2", "IM:490154203237518", "PR:amp", "PL:self-test", "?")
    ),
    *(ev.Assigned(order) for order in ORDERS),
    *(kind(number) for kind in (ev.Withdrawn, ev.PutInFront) for number in ("W1", "W9")),
    ev.AbortAsked("r1"),
    ev.AbortAsked("r2", "centre"),
    ev.RunBegan("r1"),
    ev.VoltageChanged(True),
    ev.VoltageChanged(False),
    ev.PromptAsked(Prompt({"zh": "?", "en": "?"})),
    ev.PromptAsked(Prompt({"zh": "?", "en": "?"}, hands=True)),
    ev.PromptClosed(),
    *(ev.RunEnded(verdict, hot) for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.ERROR) for hot in (True, False)),
    ev.Cooled(),
    ev.Tripped("LID"),
    ev.TripCleared(),
    ev.PowerReturned(),
    ev.Barred({"zh": "市电", "en": "mains"}),
    ev.Barred(),
    ev.LidTold(True),
    ev.LidTold(False),
    ev.PanelLost("gone"),
    ev.PanelBack(),
    ev.EarlierRuns("W9", (EarlierRun("r0", "adjust", "FAIL", "2026-11-22T03:52:10Z"),)),
    ev.StepBegan("soak"),
    ev.StepBegan(None),
    ev.TimeTold(1_790_000_000.0, 300.0),
    ev.TimeTold(None),
    ev.Identify(),
    ev.Tick(),
)


def test_every_kind_of_event_is_among_the_samples() -> None:
    assert {ev.kind_of(event) for event in EVENTS} == set(ev.Kind)


def test_every_state_answers_every_kind_of_event() -> None:
    assert set(TABLE) == {(state, kind) for state in State for kind in ev.Kind}
    assert all(cell[-1].guard == "" for cell in TABLE.values())


def test_every_guard_and_deed_is_used_and_exists() -> None:
    assert {row.guard for row in ROWS} == set(GUARDS)
    assert {row.deed for row in ROWS} == set(DEEDS)


def test_start_and_reset_stand_in_button_rows_alone() -> None:
    assert {row.kind for row in ROWS if row.deed == "start"} == {ev.Kind.START}
    assert {row.kind for row in ROWS if row.deed == "reset"} == {ev.Kind.RESET}


def test_a_table_with_a_hole_or_a_dead_row_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly the last row"):
        lay_out(tuple(row for row in ROWS if row.deed != "start"))
    with pytest.raises(ValueError, match="exactly the last row"):
        lay_out((*ROWS, Row((State.READY,), ev.Kind.START, "", "start", None)))


def test_every_text_exists_in_both_languages() -> None:
    assert all(len(pair) == 2 and all(pair) for pair in (*TEXTS.values(), *SCAN_TITLES.values()))
    assert set(STATE_TITLES) == set(State) == set(PATTERNS)


def whole(ticket: Ticket) -> bool:
    """Everything that a run must know is there."""
    needed = [field.name for field in dataclasses.fields(ticket) if field.default is dataclasses.MISSING]
    return all(getattr(ticket, name) for name in needed)


def _play(history: list[ev.Event]) -> list[tuple[State, ev.Event, tuple[ev.Action, ...], State]]:
    session, now_s, trace = Session(CATALOGUE), 0.0, []
    for event in history:
        now_s += 7.0
        before = session.state
        actions = session.step(event, now_s)
        json.dumps(session.view())
        trace.append((before, event, actions, session.state))
    return trace


histories = st.lists(st.sampled_from(EVENTS), max_size=60)
LIKELY: list[ev.Event] = [ev.Assigned(ORDERS[0]), *map(ev.Scanned, ("OP:1", "WO:W1", "SN:S1"))]
likely_runs = st.builds(
    lambda head, rest: [*LIKELY, ButtonPressed(Button.START), *head, *rest],
    st.lists(st.sampled_from(EVENTS), max_size=3),
    histories,
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(histories, likely_runs))
def test_only_a_press_of_start_in_ready_starts_and_only_a_press_of_reset_when_tripped_resets(
    history: list[ev.Event],
) -> None:
    for before, event, actions, after in _play(history):
        for action in actions:
            if isinstance(action, ev.StartRun):
                assert (before, event, after) == (State.READY, ButtonPressed(Button.START), State.PREPARING)
                assert whole(action.ticket)
            if isinstance(action, ev.ResetTrip):
                assert (before, event) == (State.TRIPPED, ButtonPressed(Button.RESET))


@settings(max_examples=300, deadline=None)
@given(st.one_of(histories, likely_runs))
def test_in_any_history_runs_do_not_overlap_trips_latch_and_verdicts_come_from_runs(history: list[ev.Event]) -> None:
    on, last, cleared = False, None, True
    for before, event, actions, after in _play(history):
        if any(isinstance(action, ev.StartRun) for action in actions):
            assert not on, "a run began in a run"
            on, last = True, None
        if isinstance(event, ev.RunEnded) and on:
            on, last = False, event.verdict
        if after in RUNNING:
            assert on
        if after in VERDICTS and before not in VERDICTS:
            assert last is not None and after == State(last.value)
        if isinstance(event, ev.Tripped | ev.PowerReturned):
            assert after is State.TRIPPED
            cleared = False
        cleared = cleared or isinstance(event, ev.TripCleared)
        assert cleared or after is State.TRIPPED or (isinstance(event, ev.TripCleared) and not on)


@settings(max_examples=200, deadline=None)
@given(histories)
def test_a_history_moves_only_as_the_table_says(history: list[ev.Event]) -> None:
    for before, event, _, after in _play(history):
        ticked = {before}
        if not isinstance(event, ev.Tick):
            ticked |= _targets(before, ev.Kind.TICK)
        allowed = {target for state in ticked for target in _targets(state, ev.kind_of(event))}
        assert after in allowed


def _targets(state: State, kind: ev.Kind) -> set[State]:
    targets: set[State] = set()
    for row in TABLE[state, kind]:
        if row.target is None:
            targets.add(state)
        elif isinstance(row.target, Choice):
            targets |= set(row.target.targets)
        else:
            targets.add(row.target)
    return targets


def test_the_page_in_the_docs_is_printed_from_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "session.md"
    assert page.read_text(encoding="utf-8") == diagram.page(), (
        "docs/session.md is out of date: python -m station.run.diagram > docs/session.md"
    )


def test_the_diagram_shows_every_change_of_state() -> None:
    text = diagram.mermaid()
    for row in ROWS:
        if row.target is not None:
            target = row.target.name if isinstance(row.target, Choice) else row.target.value
            assert f"--> {target} :" in text
    assert all(choice in text for choice in ("by_scans", "by_verdict", "by_voltage"))
