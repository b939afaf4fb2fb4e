"""The session: from button to verdict, a machine whose whole behaviour is the table in `session_table`.

Pure: no I/O, no clock, no task. Events go in with the monotonic second at which they happened, actions come out
for the daemon to carry out. What is not here: the running of plans (runner), voltage (guard and kernel), lamps (panel).
"""

from __future__ import annotations

from typing import Any

from station.domain.session_state import STATE_TITLES, State
from station.domain.work_order import WorkOrder
from station.panel.buttons import ButtonPressed
from station.run.session_deeds import DEEDS
from station.run.session_events import Action, Event, Tick, kind_of
from station.run.session_guards import GUARDS, Memory, choose, lacks, standing
from station.run.session_scans import Catalogue
from station.run.session_table import IDLE, TABLE, Choice
from station.run.session_texts import say_missing

SHOWN_ORDERS = 20
"""Waiting orders that the view tells whole; of the rest their numbers."""


class Session:
    """One bench's session. `step` is the only way to change it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._memory = Memory(catalogue)
        self._state = State.WAITING

    @property
    def state(self) -> State:
        """Where the session is."""
        return self._state

    @property
    def memory(self) -> Memory:
        """What the session knows; to be read, not written, from outside."""
        return self._memory

    def step(self, event: Event, now_s: float) -> tuple[Action, ...]:
        """Take one event at monotonic `now_s`; what is to be done comes back, refusals among it.

        Badges that have expired by then go first, so that an old badge never starts a run. A press shows that a
        button which was stuck works again.
        """
        self._memory.now_s = now_s
        if isinstance(event, ButtonPressed):
            self._memory.stuck.discard(event.button)
        actions = () if isinstance(event, Tick) else self._move(Tick())
        return actions + self._move(event)

    def replace_catalogue(self, catalogue: Catalogue) -> None:
        """Another configuration is in use from here on; scans that it does not know are gone. Not in a run."""
        assert not self._memory.run_on, "a configuration is not changed under a run"
        self._memory.catalogue = catalogue
        self._memory.scans = self._memory.scans.known_to(catalogue)
        if self._state in IDLE:
            self._state = standing(self._memory)

    def _move(self, event: Event) -> tuple[Action, ...]:
        for row in TABLE[self._state, kind_of(event)]:
            if GUARDS[row.guard](self._memory, event):
                actions = DEEDS[row.deed](self._memory, event)
                self._go(row.target)
                return actions
        raise AssertionError("the last row of every cell has no guard")

    def _go(self, target: State | Choice | None) -> None:
        if target is not None:
            self._state = choose(target, self._memory) if isinstance(target, Choice) else target

    def view(self) -> dict[str, Any]:
        """The session as JSON-ready values, for page, socket and watchers (event kind `session`)."""
        memory, scans = self._memory, self._memory.scans
        product, order = scans.chosen_product(), scans.work_order
        missing = scans.missing(memory.catalogue)
        lacking = lacks(memory) if not missing else None
        return {
            "state": self._state.value,
            "title": STATE_TITLES[self._state],
            "scans": {
                "operator": scans.operator,
                "work_order": order.number if order else None,
                "serial_number": scans.serial_number,
                "imei": scans.imei,
                "product": product,
                "plan": scans.chosen_plan(memory.catalogue),
                "step": scans.step,
            },
            "typed": order is not None and not order.assigned,
            "missing": list(missing),
            "missing_text": say_missing(missing, order.purpose if order else None) if missing else None,
            "lacking": {"code": lacking.code, "text": dict(lacking.text)} if lacking else None,
            "run": _run_view(memory),
            "prompt": dict(memory.prompt.text) if memory.prompt else None,
            "asks": {"kind": memory.prompt.kind, "about": dict(memory.prompt.about)} if memory.prompt else None,
            "verdict": memory.verdict.value if memory.verdict else None,
            "trip": {"code": memory.trip.code, "text": dict(memory.trip.text)} if memory.trip else None,
            "stuck": sorted(button.value for button in memory.stuck),
            "assigned": [order.number for order in memory.orders.in_line()],
            "orders": [_order_view(memory, order) for order in memory.orders.in_line()[:SHOWN_ORDERS]],
        }


def _order_view(memory: Memory, order: WorkOrder) -> dict[str, Any]:
    return {
        "work_order": order.number,
        "product": order.product,
        "serial_number": order.serial_number,
        "purpose": order.purpose,
        "priority": order.priority,
        "fault_code": order.fault_code,
        "accepted": order.number in memory.orders.accepted,
    }


def _run_view(memory: Memory) -> dict[str, Any] | None:
    ticket = memory.ticket
    if ticket is None:
        return None
    return {
        "run_id": memory.run_id,
        "running": memory.run_on,
        "energised": memory.energised,
        "operator": memory.operators[-1] if memory.operators else ticket.operator,
        "operators": list(memory.operators),
        "work_order": ticket.work_order.number,
        "typed": not ticket.work_order.assigned,
        "serial_number": ticket.serial_number,
        "imei": ticket.imei,
        "product": ticket.product,
        "plan": ticket.plan,
        "step": ticket.step,
        "purpose": memory.purpose,
    }
