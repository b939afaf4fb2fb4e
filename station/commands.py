"""What bench and centre may ask of the session, done there, and kept in the store: one table for both doors.

The session decides; here arguments become events and refusals become answers. There is no verb that arms, resets or
energises, and none may be added: that takes a person at the panel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from station.contract.commands import VERBS, read_apply, read_assign, read_number, read_resend, read_run_id
from station.domain.commands import Answer, DropOrder, KeepOrder, KeepTree, OrderChange
from station.domain.errors import MessageError, StoreError
from station.domain.work_order import WorkOrder
from station.run import session_events as ev
from station.run.conductor import Conductor
from station.store.store import Store

log = logging.getLogger(__name__)

LATER = "kept; it is checked next, and taken into use when no run is under way: `status` tells"
"""What the socket hears of `apply` at once; the centre hears what came of the check."""


class Commands:
    """Learns the conductor when it is there; until then everything is refused."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._conductor: Conductor | None = None

    def use(self, conductor: Conductor) -> None:
        """From here on commands reach a session."""
        self._conductor = conductor

    async def bring_back(self) -> None:
        """Put the work orders that waited before a restart on the list again. Raises `StoreError`."""
        for order, accepted in await self._store.waiting_orders():
            answer = self._post(ev.Assigned(order, accepted))
            if answer.status == "refused":
                log.error("work order %s waited here and cannot be put back: %s", order.number, answer.reason)

    async def ask(self, verb: str, args: Mapping[str, Any]) -> Answer:
        """From the bench's own socket: done and kept."""
        answer = self.carry(verb, args, "socket")
        if not answer.changes:
            return answer
        try:
            kept = await self._store.change(answer.changes)
        except (StoreError, MessageError):
            answer.undo()
            raise
        outcome = answer.outcome(kept)
        return answer if outcome is None else replace(answer, status=outcome.status, reason=outcome.reason)

    def carry(self, verb: str, args: Mapping[str, Any], source: ev.Source = "centre") -> Answer:
        """Do it in the session, at once; what must be kept of it comes back as `changes`, with their `undo`."""
        if verb == "scan" and source != "centre":
            return self._post(ev.Scanned(str(args["text"]), source))
        if verb not in VERBS:
            return Answer("refused", f"{verb[:40]}: unknown; one of {', '.join(VERBS)}")
        try:
            return _VERBS[verb](self, args, source)
        except MessageError as error:
            return Answer("refused", str(error))

    # ---- the verbs -----------------------------------------------------------------------------------------
    def _assign(self, args: Mapping[str, Any], source: ev.Source) -> Answer:
        order = read_assign(args)
        if source != "centre":  # nobody signed it: what it tells of earlier runs proves nothing
            order = replace(order, history=tuple(replace(run, unsigned=True) for run in order.history))
        return self._post(ev.Assigned(order), KeepOrder(order))

    def _withdraw(self, args: Mapping[str, Any], source: ev.Source) -> Answer:
        number = read_number("withdraw", args)
        return self._post(ev.Withdrawn(number), DropOrder(number))

    def _start(self, args: Mapping[str, Any], source: ev.Source) -> Answer:
        return self._post(ev.PutInFront(read_number("start", args)))

    def _abort(self, args: Mapping[str, Any], source: ev.Source) -> Answer:
        return self._post(ev.AbortAsked(read_run_id(args), source))

    def _resend(self, args: Mapping[str, Any], source: ev.Source) -> Answer:
        return Answer(changes=(read_resend(args),))

    def _identify(self, args: Mapping[str, Any], source: ev.Source) -> Answer:
        return self._post(ev.Identify())

    def _apply(self, args: Mapping[str, Any], source: ev.Source) -> Answer:
        sha256, archive = read_apply(args)
        by = None if source == "centre" else str(args.get("by", ""))
        return Answer(reason=LATER, changes=(KeepTree(sha256, archive, by),), later=True)

    def _post(self, event: ev.Event, *changes: OrderChange) -> Answer:
        if self._conductor is None:
            return Answer("refused", "the station is still starting; ask again in a moment")
        before = dict(self._conductor.orders) if changes else {}
        for action in self._conductor.post(event):
            if isinstance(action, ev.Refuse):
                return Answer("refused", action.text["en"], {"code": action.code, "text": dict(action.text)})
        return Answer(changes=changes, undo=partial(self._undo, changes, before))

    # ---- what could not be kept ----------------------------------------------------------------------------
    def _undo(self, changes: tuple[OrderChange, ...], before: Mapping[str, WorkOrder]) -> None:
        """The list is again what the store holds: nobody may rely on an order that is gone after a restart."""
        for change in changes:
            number = change.order.number if isinstance(change, KeepOrder) else change.number
            old = before.get(number)
            self._post(ev.Withdrawn(number) if old is None else ev.Assigned(old))


_VERBS: Mapping[str, Callable[[Commands, Mapping[str, Any], ev.Source], Answer]] = {
    "assign": Commands._assign,
    "withdraw": Commands._withdraw,
    "start": Commands._start,
    "abort": Commands._abort,
    "resend": Commands._resend,
    "identify": Commands._identify,
    "apply": Commands._apply,
}
