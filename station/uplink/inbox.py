"""What comes down to a station: receipts, which alone empty the outbox, and commands, which are answered.

Nothing that comes in here can arm, reset or energise: this room has no way to a bench.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from station.contract.bodies import Command
from station.contract.canonical import MAX_RECEIPT_BYTES, parse_object, why_too_much
from station.contract.commands import read_command, why_not_now
from station.contract.envelope import topic
from station.contract.keys import PublicKeys
from station.contract.messages import Messages
from station.contract.receipts import verify_receipt
from station.domain.commands import Answer, Kept
from station.domain.errors import MessageError, StoreError
from station.domain.events import Event, Publish
from station.domain.outbox import Draft
from station.mqtt.link import Received
from station.store.outbox import ReceiptEntry, Settled
from station.store.store import Store
from station.uplink.seldom import Seldom
from station.uplink.window import Window

log = logging.getLogger(__name__)
RaiseAlarm = Callable[[str, str], Awaitable[None]]
Carry = Callable[[str, Mapping[str, Any]], Answer]
"""Does a verb with its arguments at once; what must be kept of it comes back."""
STRANGERS_MAX, STRANGERS_S = 10, 60.0
"""So many commands that nobody known signed are answered in so long; more would fill the outbox."""
IGNORED_PAUSE_S = 60.0
"""Between two lines of the log on what was ignored: whoever floods the bench shall not write its log."""
REASON_MAX, ID_MAX = 1000, 100
_CMD_ID = re.compile(rb'"cmd_id"\s*:\s*"([!#-\[\]-~]{1,100})"')
UNKEPT_MAX = 100
"""Commands that were done and whose reply the store could not keep: they come again, and are not done again."""
LARGE, BREATH_S = 4096, 0.02
"""After a command of more bytes than this nothing is read for so long: safety and the session go before the post."""


def carry_nothing(verb: str, args: Mapping[str, Any]) -> Answer:
    """Of a station that takes no commands."""
    return Answer("refused", f"{verb[:40]}: not supported yet")


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
        *,
        command_keys: PublicKeys,
        carry: Carry,
        now_s: Callable[[], float],
    ) -> None:
        self._store = store
        self._messages = messages
        self._keys = receipt_keys
        self._window = window
        self._publish_event = publish_event
        self._raise_alarm = raise_alarm
        self._command_keys = command_keys
        self._carry = carry
        self._now_s = now_s
        self._strangers_s: list[float] = []
        self._seldom = Seldom(now_s)
        self._unkept: dict[str, Answer] = {}
        self._receipt_topic = topic(messages.station, "dn", "receipt")
        self._command_topic = topic(messages.station, "dn", "cmd")
        self.ignored = 0
        """Messages that were neither a receipt nor a command of this contract."""

    async def take(self, batch: Sequence[Received]) -> None:
        """Do what these messages say; receipts first, so that no command can hold them up. Raises `StoreError`; then
        none of them may be acknowledged."""
        receipts = [message for message in batch if message.topic == self._receipt_topic]
        commands = [message for message in batch if message.topic == self._command_topic]
        self.ignored += len(batch) - len(receipts) - len(commands)
        await self._settle(receipts)
        for message in commands:
            await asyncio.sleep(BREATH_S if len(message.payload) > LARGE else 0)
            try:
                await self._answer(message)
            except MessageError as error:
                self._ignore("a command", f"{message.topic} ignored: {error}")

    async def _settle(self, messages: Sequence[Received]) -> None:
        entries: list[ReceiptEntry] = []
        for message in messages:
            await asyncio.sleep(BREATH_S if len(message.payload) > LARGE else 0)
            try:
                if len(message.payload) > MAX_RECEIPT_BYTES:
                    raise MessageError(f"{len(message.payload)} bytes; a receipt has at most {MAX_RECEIPT_BYTES}")
                receipt = verify_receipt(message.payload, self._keys)
            except MessageError as error:
                self.ignored += 1
                await self._raise_alarm("receipt_invalid", f"a receipt was ignored: {error}")
                continue
            entries += [
                ReceiptEntry(msg_id, sha256, receipt.status, receipt.reason) for msg_id, sha256 in receipt.speaks_of
            ]
        if entries:
            for entry, settled in zip(entries, await self._store.receipts(entries), strict=True):
                await self._follow(entry, settled)

    def _ignore(self, kind: str, text: str) -> None:
        self.ignored += 1
        if (said := self._seldom.say(kind, text, IGNORED_PAUSE_S)) is not None:
            log.warning("%s", said)

    async def _follow(self, entry: ReceiptEntry, settled: Settled) -> None:
        if settled.outcome == "mismatch":
            cause = (
                f"a receipt for {entry.msg_id} has another sha256 than what was sent ({entry.sha256[:12]}…); ignored"
            )
            await self._raise_alarm("receipt_mismatch", cause)
            return
        if settled.outcome == "unknown":
            self._ignore("a receipt", f"a receipt for {entry.msg_id}, which is not in this outbox, was ignored")
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
        """Do a command once and commit its reply with what it changed; only then is it acknowledged.

        A repeat (QoS 1, or a life before this one that died between doing and keeping) changes nothing that was kept.
        """
        if (why := why_too_much(message.payload)) is not None:
            found = _CMD_ID.findall(message.payload)  # with several nobody knows which of them is the command's
            await self._refuse_stranger({"cmd_id": found[0].decode() if len(found) == 1 else None}, why)
            return
        plain = parse_object(message.payload)
        await asyncio.sleep(0)  # a large one is parsed, verified and done with the loop let go between
        try:
            command = read_command(plain, self._messages.station, self._command_keys)
        except MessageError as error:
            await self._refuse_stranger(plain, str(error))
            return
        if await self._store.knows_command(command.cmd_id):
            log.info("command %s was answered before", command.cmd_id)
            return
        if message.retained:  # whoever connects next would hear it again, long after it was meant
            await self._refuse_stranger(plain, "a command is never retained; send it without, with a new cmd_id")
            return
        done = self._unkept.pop(command.cmd_id, None)
        await self._keep(command, done or self._do(command))

    async def _keep(self, command: Command, answer: Answer) -> None:
        def reply(kept: Kept) -> list[Draft]:
            outcome = answer.outcome(kept)
            if outcome is None:
                return []
            log.info("command %s, %s: %s %s", command.cmd_id, command.verb[:40], outcome.status, outcome.reason or "")
            return [
                self._messages.reply(command.cmd_id, outcome.status, outcome.reason and outcome.reason[:REASON_MAX])
            ]

        try:
            await self._store.take_command(command.cmd_id, reply, answer.changes)
        except StoreError:  # it comes again
            if answer.changes:
                answer.undo()  # the list is what the store holds until then
            elif answer.status == "done" and len(self._unkept) < UNKEPT_MAX:
                self._unkept[command.cmd_id] = answer
            raise
        except MessageError as error:  # it would be refused each time that it came
            answer.undo()
            log.error("command %s, %s, cannot be kept: %s", command.cmd_id, command.verb[:40], error)
            refused = self._messages.reply(command.cmd_id, "refused", str(error)[:REASON_MAX])
            await self._store.take_command(command.cmd_id, lambda kept: [refused])

    def _do(self, command: Command) -> Answer:
        why = why_not_now(command, self._messages.read_stamp())
        if why is not None:
            return Answer("refused", why)
        try:
            return self._carry(command.verb, command.args)
        except Exception as error:  # it would come again for ever, and with every link that it ends
            log.exception("command %s, %s, broke the station's rules", command.cmd_id, command.verb[:40])
            return Answer("refused", f"{command.verb[:40]}: the station broke on it ({error!r}); see its log")

    async def _refuse_stranger(self, plain: Mapping[str, Any], why: str) -> None:
        """Answer what nobody known signed for this station, a few times a minute; its number stays free for the
        real one. Raises `MessageError` where there is no number to answer to."""
        cmd_id = plain.get("cmd_id")
        if not isinstance(cmd_id, str) or not 0 < len(cmd_id) <= ID_MAX:
            raise MessageError(why)
        self.ignored += 1
        now_s = self._now_s()
        self._strangers_s = [at for at in self._strangers_s if now_s - at < STRANGERS_S]
        if len(self._strangers_s) < STRANGERS_MAX:
            self._strangers_s.append(now_s)
            await self._raise_alarm("command_invalid", f"a command was refused: {why}"[:REASON_MAX])
            await self._store.post([self._messages.reply(cmd_id, "refused", why[:REASON_MAX])])
