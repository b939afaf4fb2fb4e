"""What comes down to a station: receipts, which alone empty the outbox, and commands, which are answered.

Nothing that comes in here can arm, reset or energise: this room has no way to a bench.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from station.contract.bodies import Command
from station.contract.canonical import parse_object
from station.contract.envelope import topic
from station.contract.keys import PublicKeys
from station.contract.messages import Messages
from station.contract.receipts import verify_receipt
from station.contract.records import from_plain
from station.domain.errors import MessageError
from station.domain.events import Event, Publish
from station.mqtt.link import Received
from station.store.outbox import ReceiptEntry, Settled
from station.store.store import Store
from station.uplink.window import Window

log = logging.getLogger(__name__)
RaiseAlarm = Callable[[str, str], Awaitable[None]]


class Inbox:
    """Handles batches of received messages. When `take` returns, all of them may be acknowledged."""

    def __init__(
        self,
        store: Store,
        messages: Messages,
        receipt_keys: PublicKeys,
        window: Window,
        publish_event: Publish,
        raise_alarm: RaiseAlarm,
    ) -> None:
        self._store = store
        self._messages = messages
        self._keys = receipt_keys
        self._window = window
        self._publish_event = publish_event
        self._raise_alarm = raise_alarm
        self._receipt_topic = topic(messages.station, "dn", "receipt")
        self._command_topic = topic(messages.station, "dn", "cmd")
        self.ignored = 0
        """Messages that were neither a receipt nor a command of this contract."""

    async def take(self, batch: Sequence[Received]) -> None:
        """Do what these messages say. Raises `StoreError`; then none of them may be acknowledged."""
        entries: list[ReceiptEntry] = []
        for message in batch:
            try:
                if message.topic == self._receipt_topic:
                    receipt = verify_receipt(message.payload, self._keys)
                    entries.append(ReceiptEntry(receipt.msg_id, receipt.sha256, receipt.status, receipt.reason))
                elif message.topic == self._command_topic:
                    await self._answer(message)
                else:
                    self.ignored += 1
            except MessageError as error:
                self.ignored += 1
                log.warning("%s ignored: %s", message.topic, error)
                if message.topic == self._receipt_topic:
                    await self._raise_alarm("receipt_invalid", f"a receipt was ignored: {error}")
        if entries:
            for entry, settled in zip(entries, await self._store.receipts(entries), strict=True):
                await self._follow(entry, settled)

    async def _follow(self, entry: ReceiptEntry, settled: Settled) -> None:
        if settled.outcome == "mismatch":
            cause = (
                f"a receipt for {entry.msg_id} has another sha256 than what was sent ({entry.sha256[:12]}…); ignored"
            )
            await self._raise_alarm("receipt_mismatch", cause)
            return
        if settled.outcome == "unknown":
            self.ignored += 1
            log.warning("a receipt for %s, which is not in this outbox, was ignored", entry.msg_id)
            return
        self._window.receipted(settled.seq)
        data = {"msg_id": entry.msg_id, "of": settled.suffix, "run_id": settled.run_id, "status": entry.status}
        if settled.outcome != "known":
            self._publish_event(Event("receipt", data))
        if settled.outcome == "quarantined":
            cause = f"the centre rejected {settled.suffix} {entry.msg_id}: {entry.reason}; see `results requeue`"
            log.error("%s", cause)
            self._publish_event(Event("alarm", {"code": "rejected", "cause": cause, "run_id": settled.run_id}))

    async def _answer(self, message: Received) -> None:
        command: Command = from_plain(parse_object(message.payload), Command)
        reply = self._messages.reply(command.cmd_id, "refused", f"{command.verb[:40]}: not supported yet")
        if not await self._store.take_command(command.cmd_id, [reply]):
            log.info("command %s was answered before", command.cmd_id)
