"""Plays a share of hostile messages against one scene, the referee looking on after every one. `HOSTILE_SEED` replays.

The books: of the inbox, every message leaves a reply, a settled row, an alarm or a count; of the socket, every line
leaves one reply, and who sends no whole line leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from station.contract.envelope import sha256_of, topic
from station.contract.receipts import make_receipt
from station.control.server import MAX_CLIENTS
from station.mqtt.link import Received
from station.store.asked import TREES_MAX
from station.uplink.inbox import Inbox
from tests.hostile.attacked import RECEIPTS, SCAN_S, STATION, Attacked, attacked
from tests.hostile.generated import Generator, Known, Line, Message
from tests.hostile.referee import Done, Look, judge, judge_bench, look
from tests.hostile.scenes import Scene
from tests.hostile.socket_loop import SocketLoop

TURN_S = 1.05 * SCAN_S
ANSWER_S = 20.0
OUTBOX_MOST = 30
"""Rows that wait before the centre receipts them."""
BURST = 25
WINDS_UP_TURNS = 40


class Found(AssertionError):
    """The referee saw something; the message says what and how to see it again."""


@dataclass(slots=True)
class Tally:
    """What was sent, and what came of it."""

    sent: Counter[str] = field(default_factory=Counter)
    came: Counter[str] = field(default_factory=Counter)
    entered: int = 0


class Peer:
    """One connection to the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, station: Attacked) -> AsyncIterator[Peer]:
        peer = cls(*await asyncio.open_unix_connection(str(station.socket), limit=4_000_000))
        try:
            yield peer
        finally:
            peer.writer.close()
            with contextlib.suppress(ConnectionError):
                await peer.writer.wait_closed()

    async def say(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            async with asyncio.timeout(ANSWER_S):
                await self.writer.drain()

    async def hear(self) -> dict[str, Any]:
        """One reply. Raises `Found` where there is none, or something that is no reply."""
        try:
            async with asyncio.timeout(ANSWER_S):
                line = await self.reader.readline()
            reply: dict[str, Any] = json.loads(line)["reply"]
        except (TimeoutError, ConnectionError, ValueError, KeyError) as error:
            raise Found(f"no reply on the socket: {error!r}") from error
        if reply["status"] not in ("done", "refused") or (reply["status"] == "refused" and not reply["reason"]):
            raise Found(f"no proper reply: {reply}")
        return reply


class Attack:
    """One scene, one seed."""

    def __init__(self, station: Attacked, scene: Scene, seed: int) -> None:
        self.station, self.scene = station, scene
        self.random = Random(f"{seed} {scene.name}")
        self.known = Known()
        self.generator = Generator(self.random, self.known)
        self.tally = Tally()
        self._replies: dict[str, int] = {}
        self._last_seq = self._trees = 0
        self._settled: dict[str, str] = {}
        self._entered_s = 0.0

    async def run(self, count: int) -> Tally:
        """`count` messages, on the way back into the scene whenever one of them led out of it."""
        await self._enter()
        async with Peer.open(self.station) as silent:
            await silent.say(b'{"verb":"watch"}\n')  # and never reads
            for number in range(count):
                await self._one(number)
        return self.tally

    async def _one(self, number: int) -> None:
        self._learn()
        if self.random.random() < 0.1:
            self.station.clock_quality = self.random.choice(("synced", "synced", "holdover", "unsynced"))
        before = look(self.station)
        if number % 100 == 50:
            done = await self._burst()
        elif self.random.random() < 0.6:
            done = await self._to_inbox(self.generator.message())
        else:
            done = await self._to_socket(self.generator.line())
        await asyncio.sleep(TURN_S)
        self._judge(before, done)
        await self._after(done)

    def _judge(self, before: Look, done: Done | None) -> None:
        if faults := list(judge(self.station, before, look(self.station), done)):
            raise Found("; ".join(faults))

    async def _after(self, done: Done | None) -> None:
        """A run that was aborted winds up under the referee's eyes; then the scene is played again."""
        if done is not None and done.verb == "abort":
            for _ in range(WINDS_UP_TURNS):
                before = look(self.station)
                await asyncio.sleep(SCAN_S)
                if faults := list(judge_bench(self.station, before, look(self.station))):
                    raise Found("; ".join(faults))
        found = look(self.station)
        left = found.state is not self.scene.state or "k" * found.k + "h" * found.h != self.scene.outputs
        if left or self.station.loop.time() - self._entered_s > self.scene.lasts_s:
            await self._enter()

    async def _enter(self) -> None:
        self.tally.entered += 1
        await self.scene.enter(self.station)
        await self._settle_all()
        self.station.errors.seen.clear()
        self._entered_s = self.station.loop.time()

    # ---- the inbox -------------------------------------------------------------------------------------------
    async def _to_inbox(self, message: Message) -> Done | None:
        station, payload = self.station, message.received.payload
        self.tally.sent[message.kind] += 1
        before = station.inbox.ignored + station.alarms
        counts, signed = await station.store.counts(), set(self.known.signed)
        await station.inbox.take([message.received])
        came, done = await self._replied(payload, signed)
        if not came and station.inbox.ignored + station.alarms > before:
            came = "counted"
        if not came and "receipt" in message.kind and await station.store.counts() != counts:
            came = "settled"
            msg_id = json.loads(payload)["msg_id"]
            self._settled[msg_id] = self.known.sent.pop(msg_id)
        came = came or self._known_before(payload)
        if not came and b'"apply"' in payload and self._trees < TREES_MAX and await station.store.next_tree():
            self._trees, came = self._trees + 1, "kept for later"
            self._replies[json.loads(payload)["cmd_id"]] = 0
        if not came:
            raise Found(f"neither answered nor counted: {message.received.topic} {payload[:300]!r}")
        self.tally.came[came] += 1
        if len(self.known.sent) > OUTBOX_MOST:
            await self._settle_all()
        return done

    async def _replied(self, payload: bytes, signed: set[str]) -> tuple[str, Done | None]:
        """The reply among the new rows, and the command if it was done."""
        came, done = "", None
        for row in await self.station.store.due(1000):
            fresh = row.seq > self._last_seq
            self.known.sent[row.msg_id] = sha256_of(row.payload)
            if not fresh or row.suffix != "reply":
                continue
            body = json.loads(row.payload)["body"]
            cmd_id, came = body["cmd_id"], body["status"]
            self._replies.setdefault(cmd_id, 0)
            if came == "done":
                self._replies[cmd_id] += 1
                if cmd_id not in signed or self._replies[cmd_id] > 1:
                    raise Found(f"{cmd_id} was done, signed: {cmd_id in signed}, {self._replies[cmd_id]} times")
                plain = json.loads(payload)
                done = Done(plain["verb"], plain["args"], "centre")
            elif not body["reason"]:
                raise Found(f"{cmd_id} was refused without a reason")
        self._last_seq = max([self._last_seq, *(int(msg_id.rpartition(":")[2]) for msg_id in self.known.sent)])
        return came, done

    def _known_before(self, payload: bytes) -> str:
        """A command that was answered before, a receipt of a row that was settled before."""
        try:
            plain = json.loads(payload)
            if plain.get("cmd_id") in self._replies:
                return "answered before"
            if plain.get("msg_id") in self._settled:
                return "settled before"
        except (ValueError, AttributeError, RecursionError, TypeError):
            return ""
        return ""

    async def _settle_all(self) -> None:
        """The centre receipts what waits, in one batch; a row that is sent again has its old bytes."""
        rows = await self.station.store.due(1000)
        receipts = [make_receipt(row.msg_id, sha256_of(row.payload), "stored", RECEIPTS) for row in rows]
        where = topic(STATION, "dn", "receipt")
        await self.station.inbox.take([Received(where, receipt, False, 0, 1) for receipt in receipts])
        for row in rows:
            if self._settled.setdefault(row.msg_id, sha256_of(row.payload)) != sha256_of(row.payload):
                raise Found(f"{row.msg_id} was sent again with other bytes")
        self._settled |= self.known.sent
        self._last_seq = max([self._last_seq, *(row.seq for row in rows)])
        self.known.delivered = tuple(self._settled)[-50:]
        self.known.sent.clear()

    def _learn(self) -> None:
        self.known.run_id = self.station.run.get("run_id")
        self.known.orders = tuple(self.station.conductor.orders)
        self.known.now_s = self.station.loop.time()

    # ---- the socket ------------------------------------------------------------------------------------------
    async def _to_socket(self, line: Line) -> Done | None:
        self.tally.sent[f"socket-{line.kind}"] += 1
        async with Peer.open(self.station) as peer:
            await peer.say(line.data)
            if not line.replies:
                return None
            reply = await peer.hear()
        self.tally.came[f"socket {reply['status']}"] += 1
        kept = reply["data"].get("code") == "serial_differs"  # the scan is kept, and told to be the wrong one
        if reply["status"] != "done" and not kept:
            return None
        return Done(reply["verb"], json.loads(line.data).get("args") or {}, "socket")

    async def _burst(self) -> Done | None:
        """More clients than there may be, all at once, each with a line; everyone hears something."""
        self.tally.sent["socket-burst"] += 1
        async with contextlib.AsyncExitStack() as open_ones:
            peers = [await open_ones.enter_async_context(Peer.open(self.station)) for _ in range(BURST)]
            for number, peer in enumerate(peers):
                await peer.say((b'{"verb":"status"}\n', b'{"verb":"reset"}\n', b"\n", b'{"verb":"abort"')[number % 4])
            heard = await asyncio.gather(*(peer.hear() for number, peer in enumerate(peers) if number % 4 < 3))
        full = sum("clients are connected" in (reply["reason"] or "") for reply in heard)
        if not 0 < full <= BURST - MAX_CLIENTS + 2:
            raise Found(f"{full} of {BURST} clients were turned away")
        self.tally.came["socket done"] += 1
        return None


def attack(
    scene: Scene,
    seed: int,
    count: int,
    sabotage: Callable[[Attacked], None] = lambda station: None,
    inbox_type: type[Inbox] = Inbox,
) -> Tally:
    """Play it. Raises `Found` with the words to replay it."""

    async def play() -> Tally:
        async with attacked(inbox_type) as station:
            sabotage(station)
            one = Attack(station, scene, seed)
            try:
                return await one.run(count)
            except Found as found:
                sent = sum(one.tally.sent.values())
                raise Found(f"scene {scene.name}, seed {seed}, message {sent}: {found}\nHOSTILE_SEED={seed}") from found

    with asyncio.Runner(loop_factory=SocketLoop) as runner:
        return runner.run(play())
