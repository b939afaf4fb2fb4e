"""What a run tells the centre, and when: drafted here, committed by the journal together with what it reports."""

from __future__ import annotations

from collections.abc import Sequence

from station.contract.bodies import EventName
from station.contract.messages import Messages
from station.domain.journal import RunDraft
from station.domain.outbox import Draft
from station.domain.record import Record
from station.store.store import Store


class RunMessages:
    """Implements `runner.Messages` with the messages of the contract."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def started(self, draft: RunDraft) -> Sequence[Draft]:
        """`run_started`, in the commit that mints the run."""
        return (self._messages.event("run_started", work_order=draft.work_order, run_id=draft.run_id),)

    def ended(self, record: Record) -> Sequence[Draft]:
        """The result and `run_ended` with the verdict, in the commit that closes the run; trips are alarms already."""
        ended = self._messages.event(
            "run_ended", work_order=record.work_order, run_id=record.run_id, reason=record.verdict.value
        )
        return (ended, self._messages.result(record))


async def report_to_centre(
    store: Store, messages: Messages, event: EventName, work_order: str | None, run_id: str | None, reason: str | None
) -> None:
    """Commit an event that belongs to no commit of a run; that an order is accepted is told once, over restarts."""
    draft = messages.event(event, work_order=work_order, run_id=run_id, reason=reason)
    if event == "accepted" and work_order is not None:
        await store.accept_order(work_order, [draft])
    else:
        await store.post([draft])
