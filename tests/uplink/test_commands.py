"""Commands of the centre over a real broker, to a real session and a real store: who may, once, and kept."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.applying import Applying, Proofs, Quiet
from station.cli.broker import EmbeddedBroker
from station.commands import Commands
from station.contract.canonical import to_json
from station.contract.commands import make_command
from station.contract.envelope import Stamp, sha256_of, topic
from station.contract.keys import SigningKey, new_key
from station.contract.messages import Messages
from station.contract.receipts import make_receipt
from station.contract.records import RecordCodec
from station.domain.commands import Answer
from station.domain.errors import StoreError
from station.domain.record import ClockStamp
from station.domain.session_state import State
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions, Received
from station.run import session_events as ev
from station.run.conductor import Conductor
from station.run.delivery import report_to_centre
from station.run.session import Session
from station.run.session_scans import Catalogue
from station.settings.revisions import Revisions
from station.settings.switching import Switching
from station.store.store import Store
from station.uplink.inbox import STRANGERS_MAX
from station.uplink.uplink import Uplink
from tests.run.quiet_room import quiet_room
from tests.run.test_conductor_people import Panel
from tests.servers.mosquitto import Mosquitto
from tests.settings.trees import packed
from tests.uplink.rig import CLOCK, FAST, IMPATIENT, STATION, until

RECEIPTS, COMMANDS, STRANGER = new_key(), new_key(), new_key()
NOW, LATER, BEFORE = "2026-11-22T03:52:10.123Z", "2026-11-22T03:53:10Z", "2026-11-22T03:51:10Z"
NUMBERS = itertools.count(1)
CATALOGUE = Catalogue({"amp": "amplifier"}, {"outgoing-amplifier": "outgoing", "incoming-amplifier": "incoming"})
ASSIGN = {"work_order": "W1", "product": "amp", "serial_number": "S1", "purpose": "outgoing"}


class Desk:
    """The station's end: store, session, commands and uplink, as the daemon wires them; no bench behind it."""

    def __init__(self, store: Store, url: str) -> None:
        self.store, self.url = store, url
        self.clock: ClockStamp = CLOCK
        messages = Messages(STATION, lambda: Stamp(NOW, self.clock, 1))
        self.session, self.panel = Session(CATALOGUE), Panel()
        safety: Any = type("Safety", (), {"status": None, "hot": False, "why_start_refused": lambda self: ()})()
        self.safety = safety

        async def report(*told: Any) -> None:
            await report_to_centre(store, messages, *told)

        room = quiet_room(safety, report=report)
        make: Any = lambda who: self.panel  # noqa: E731
        loop = asyncio.get_running_loop()
        self.conductor = Conductor(self.session, room, make, lambda event: None, loop.time)
        self.commands = Commands(store)
        self.commands.use(self.conductor)
        self.carried: list[str] = []
        self.uplink = Uplink(
            store, messages, url, {RECEIPTS.key_id: RECEIPTS.public}, lambda event: None,
            command_keys={COMMANDS.key_id: COMMANDS.public}, carry=self._carry, limits=IMPATIENT, backoff=FAST,
        )  # fmt: skip
        self.task = asyncio.create_task(self.uplink.run())

    def _carry(self, verb: str, args: Any) -> Any:
        self.carried.append(verb)
        if verb == "boom":
            raise RuntimeError("a bug")
        return self.commands.carry(verb, args)

    @classmethod
    async def open(cls, path: Path, url: str) -> Desk:
        store = await Store.open(path, RecordCodec(), STATION, lambda: NOW)
        desk = cls(store, url)
        await desk.commands.bring_back()
        await until(lambda: desk.uplink.connected, "connected")
        return desk

    async def close(self) -> None:
        await self.uplink.close()
        await self.task
        await self.conductor.stop()
        await self.store.close()

    @property
    def waiting(self) -> list[str]:
        return list(self.session.view()["assigned"])


class Centre:
    """The other end: sends commands, receipts what comes up, keeps bodies by topic."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.bodies: dict[str, list[dict[str, Any]]] = {"reply": [], "event": [], "alarm": []}
        self.payloads: list[bytes] = []
        self._seen: set[str] = set()
        self.task = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, url: str) -> Centre:
        link = Link(LinkOptions(parse_address(url), f"centre-{next(NUMBERS)}"))
        await link.open()
        for suffix in ("reply", "event", "alarm"):
            await link.subscribe(topic("+", "up", suffix))
        return cls(link)

    async def _listen(self) -> None:
        while True:
            for item in await self.link.next():
                if isinstance(item, Received):
                    self._take(item)

    def _take(self, message: Received) -> None:
        plain = json.loads(message.payload)
        self.payloads.append(message.payload)
        receipt = make_receipt(plain["msg_id"], sha256_of(message.payload), "stored", RECEIPTS)
        self.link.publish(topic(STATION, "dn", "receipt"), receipt)
        if plain["msg_id"] not in self._seen:
            self._seen.add(plain["msg_id"])
            self.bodies[message.topic.rpartition("/")[2]].append(plain["body"])

    def send(self, payload: bytes) -> None:
        self.link.publish(topic(STATION, "dn", "cmd"), payload)

    async def ask(self, verb: str, args: Any = None, **how: Any) -> dict[str, Any]:
        """Send a command and wait for its reply."""
        cmd_id = how.setdefault("cmd_id", f"c{next(NUMBERS)}")
        self.send(command(verb, args or {}, **how))
        return await self.reply(cmd_id)

    async def reply(self, cmd_id: str) -> dict[str, Any]:
        await until(lambda: self.replies(cmd_id), f"a reply to {cmd_id}")
        return self.replies(cmd_id)[0]

    def replies(self, cmd_id: str) -> list[dict[str, Any]]:
        return [body for body in self.bodies["reply"] if body["cmd_id"] == cmd_id]

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.link.close()


def command(
    verb: str, args: Any, *, cmd_id: str, key: SigningKey = COMMANDS, station: str = STATION, issued_at: str = BEFORE,
    expires_at: str = LATER,
) -> bytes:  # fmt: skip
    return make_command(key, station, verb, args, cmd_id=cmd_id, issued_at=issued_at, expires_at=expires_at)


@pytest.fixture
async def desk(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Desk]:
    desk = await Desk.open(tmp_path / "station.sqlite", broker.url)
    yield desk
    await desk.close()


@pytest.fixture
async def centre(broker: EmbeddedBroker) -> AsyncIterator[Centre]:
    centre = await Centre.open(broker.url)
    yield centre
    await centre.close()


async def test_a_retained_command_is_refused_and_nothing_is_done(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        centre = await Centre.open(broker.url)
        centre.link.publish(topic(STATION, "dn", "cmd"), command("assign", ASSIGN, cmd_id="kept"), retain=True)
        desk = await Desk.open(tmp_path / "station.sqlite", broker.url)
        reply = await centre.reply("kept")
        assert reply["status"] == "refused" and "never retained" in reply["reason"]
        assert desk.carried == [] and desk.waiting == []
        await desk.close()
        await centre.close()


# ---- the verbs ---------------------------------------------------------------------------------------------
async def test_an_order_is_assigned_put_in_front_claimed_and_withdrawn(desk: Desk, centre: Centre) -> None:
    assert (await centre.ask("assign", {**ASSIGN, "priority": 5}))["status"] == "done"
    assert desk.waiting == ["W1"] and desk.session.view()["orders"][0]["priority"] == 5
    assert (await centre.ask("start", {"work_order": "W1"}))["status"] == "done"
    assert desk.session.view()["scans"]["work_order"] == "W1"
    desk.conductor.post(ev.Scanned("OP:E07"))
    desk.conductor.post(ev.Scanned("WO:W1"))
    await until(lambda: centre.bodies["event"], "accepted")
    assert centre.bodies["event"] == [{"event": "accepted", "work_order": "W1", "run_id": None, "reason": None}]
    assert (await centre.ask("withdraw", {"work_order": "W1"}))["status"] == "done"
    assert desk.waiting == [] and await desk.store.waiting_orders() == []


async def test_identify_blinks_and_start_and_abort_start_and_stop_nothing_that_is_not_there(
    desk: Desk, centre: Centre
) -> None:
    assert (await centre.ask("identify"))["status"] == "done"
    assert desk.panel.shown and not isinstance(desk.panel.shown[-1], State)
    assert (await centre.ask("start", {"work_order": "W9"}))["reason"] == "work order W9 is not on this bench"
    assert (await centre.ask("abort", {"run_id": "r9"}))["reason"] == "no run is in progress"
    assert desk.session.state is State.WAITING


async def test_everything_that_an_assignment_brings_arrives(desk: Desk, centre: Centre) -> None:
    earlier = {
        "id": "r-1", "purpose": "incoming", "verdict": "FAIL", "date": "2026-11-20T08:00:00Z", "station": "bench-02",
        "plan": "incoming-amplifier", "work_order": "W1", "serial_number": "S1", "causes": ["thd_percent too high"],
        "measurements": {"thd_percent/left": 2.5},
        "curves": [{"name": "response", "x_name": "frequency", "x_unit": "Hz", "y_name": "level", "y_unit": "dB",
                    "x": [20.0, 1000], "y": [-3.5, 0], "channel": "left"}],
    }  # fmt: skip
    args = {
        **ASSIGN, "fault_code": "no-output", "repair_engineer": "R-12", "data_consent": True, "priority": -2,
        "parts": [{"name": "输出管", "number": "2SC5200", "quantity": 2, "source": "original"}], "history": [earlier],
        "of_a_later_version": {"1.x": "only adds fields"},
    }  # fmt: skip
    assert (await centre.ask("assign", args))["status"] == "done"
    ((kept, accepted),) = await desk.store.waiting_orders()
    assert kept == desk.conductor.orders["W1"] and not accepted and kept.assigned
    assert (kept.fault_code, kept.repair_engineer, kept.data_consent, kept.priority) == ("no-output", "R-12", True, -2)
    assert [(p.name, p.number, p.quantity, p.source) for p in kept.parts] == [("输出管", "2SC5200", 2, "original")]
    (run,) = kept.history
    assert (run.run_id, run.ended_at, run.measurements) == ("r-1", "2026-11-20T08:00:00Z", {"thd_percent/left": 2.5})
    assert run.curves[0].y == (-3.5, 0.0) and run.curves[0].channel == "left"


@pytest.mark.parametrize(
    ("verb", "args", "says"),
    [
        ("assign", {}, "work_order: Field required"),
        ("assign", {"work_order": 7}, "work_order"),
        ("assign", {"work_order": "W 1"}, "work_order"),
        ("assign", {**ASSIGN, "purpose": "repair"}, "purpose"),
        ("assign", {**ASSIGN, "priority": "high"}, "priority"),
        ("assign", {**ASSIGN, "parts": "fuse"}, "parts"),
        ("assign", {**ASSIGN, "parts": [{"number": "F1"}]}, "parts.0.name"),
        ("assign", {**ASSIGN, "history": [{"id": "r1"}]}, "history.0.purpose"),
        ("assign", {**ASSIGN, "product": "kettle"}, "no product “kettle”"),
        ("withdraw", {}, "work_order"),
        ("withdraw", {"work_order": "W9"}, "not on this bench"),
        ("start", {"work_order": ["W1"]}, "work_order"),
        ("abort", {"run": "r1"}, "run_id"),
        ("reset", {}, "reset: unknown; one of assign, withdraw, start, abort, resend, identify, apply"),
        ("scan", {"text": "OP:1"}, "scan: unknown"),
        ("press", {"button": "START"}, "press: unknown"),
        ("resend", {}, "give either run_id, or from_seq and to_seq"),
        ("resend", {"run_id": "r1", "from_seq": 1}, "give either run_id, or from_seq and to_seq"),
        ("resend", {"from_seq": 1}, "give either run_id, or from_seq and to_seq"),
        ("resend", {"from_seq": 0, "to_seq": 3}, "from_seq"),
        ("resend", {"from_seq": 1, "to_seq": 1e3}, "to_seq"),
        ("resend", {"from_seq": 9, "to_seq": 3}, "from_seq 9 is above to_seq 3; swap the two"),
        ("resend", {"from_seq": 900, "to_seq": 10**15}, "this station has no such messages"),
        ("resend", {"run_id": "r1"}, "this station has no such messages"),
        ("apply", {}, "sha256: Field required"),
        ("apply", {"sha256": "0" * 64, "tree": "!"}, "tree is no base64"),
        ("apply", {"sha256": "0" * 64, "tree": ""}, "the tar.gz has 0 bytes; 1 to 131072"),
        ("apply", {"sha256": "0" * 64, "tree": "AAAA"}, "that came has sha256 709e80c88487"),
        ("apply", {"sha256": "0" * 64, "tree": "A" * 174768}, "at most 174764 characters"),
        ("boom", {}, "the station broke on it (RuntimeError('a bug'))"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_refused_with_the_reason_and_the_next_command_is_taken(
    desk: Desk, centre: Centre, verb: str, args: dict[str, Any], says: str
) -> None:
    reply = await centre.ask(verb, args)
    assert reply["status"] == "refused" and says in reply["reason"]
    assert (await centre.ask("assign", ASSIGN))["status"] == "done"
    assert desk.session.state is State.WAITING


async def test_what_was_delivered_is_sent_again_with_its_old_number_and_bytes(desk: Desk, centre: Centre) -> None:
    for _ in range(3):
        assert (await centre.ask("identify"))["status"] == "done"

    async def drained() -> bool:
        return (await desk.store.counts()).waiting == 0

    await until(drained, "all is delivered")
    again = centre.payloads.copy()
    centre.payloads.clear()
    reply = await centre.ask("resend", {"from_seq": 2, "to_seq": 500}, cmd_id="c-again")
    assert reply == {"cmd_id": "c-again", "status": "done", "reason": "2 messages are sent again"}
    await until(lambda: len(centre.payloads) == 3, "two again and the reply")
    assert set(again[1:]) < set(centre.payloads)
    await until(drained, "all is delivered again")
    centre.send(command("resend", {"from_seq": 2, "to_seq": 500}, cmd_id="c-again"))
    assert (await desk.commands.ask("resend", {"run_id": "r-nowhere"})).status == "refused"
    assert (await desk.commands.ask("resend", {"from_seq": 1, "to_seq": 1})).reason == "1 messages are sent again"
    await until(lambda: len(centre.payloads) == 4, "one more")
    assert desk.carried.count("resend") == 1, "the repeat did nothing"


async def test_an_abort_whose_reply_could_not_be_kept_is_still_done_when_it_comes_again(
    desk: Desk, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = desk.store.take_command, iter([True, False])
    answers = iter([Answer(), Answer("refused", "no run is in progress")])

    async def sometimes(*args: Any) -> bool:
        if next(failures, False):
            raise StoreError("the disk is full")
        return await real(*args)

    monkeypatch.setattr(desk.store, "take_command", sometimes)
    monkeypatch.setattr(desk.commands, "carry", lambda verb, args: next(answers))
    assert (await centre.ask("abort", {"run_id": "r1"}))["status"] == "done"
    assert desk.carried == ["abort"]
    assert (await centre.ask("abort", {"run_id": "r1"}))["status"] == "refused"


def _without_sig(payload: bytes) -> dict[str, Any]:
    return {name: value for name, value in json.loads(payload).items() if name != "sig"}


# ---- who may, and when -------------------------------------------------------------------------------------
async def test_only_a_key_that_signs_commands_may_and_the_number_stays_free_for_the_real_one(
    desk: Desk, centre: Centre
) -> None:
    forged = [
        command("identify", {}, cmd_id="c-forged", key=STRANGER),
        command("identify", {}, cmd_id="c-forged", key=RECEIPTS),
        command("identify", {}, cmd_id="c-forged").replace(b'"identify"', b'"assign"'),
        to_json({**json.loads(command("identify", {}, cmd_id="c-forged")), "sig": ""}),
        to_json({"sig": 5, **_without_sig(command("identify", {}, cmd_id="c-forged"))}),
        command("identify", {}, cmd_id="c-forged", station="bench-08"),
    ]
    for payload in forged:
        centre.send(payload)
    await until(lambda: len(centre.replies("c-forged")) == len(forged), "each is answered")
    assert all(body["status"] == "refused" for body in centre.replies("c-forged"))
    assert desk.carried == [] and "bench-08; nothing was done" in centre.replies("c-forged")[-1]["reason"]
    assert [body["code"] for body in centre.bodies["alarm"]] == ["command_invalid"], "said once a minute"
    centre.bodies["reply"].clear()
    assert (await centre.ask("identify", cmd_id="c-forged"))["status"] == "done"


async def test_a_flood_of_strangers_does_not_fill_the_outbox(desk: Desk, centre: Centre) -> None:
    for number in range(3 * STRANGERS_MAX):
        centre.send(command("identify", {}, cmd_id=f"f{number}", key=STRANGER))
    assert (await centre.ask("identify"))["status"] == "done"
    assert len(centre.bodies["reply"]) == STRANGERS_MAX + 1


async def test_a_command_that_is_over_is_refused_and_stays_over(desk: Desk, centre: Centre) -> None:
    reply = await centre.ask("assign", ASSIGN, expires_at=BEFORE)
    assert reply["status"] == "refused" and f"expired at {BEFORE}" in reply["reason"]
    assert desk.waiting == []
    assert (await centre.ask("assign", ASSIGN, expires_at="2026-11-22T03:52:10.123Z"))["status"] == "done"
    assert "month must be in 1..12" in (await centre.ask("assign", ASSIGN, expires_at="2026-13-22T03:52:10Z"))["reason"]


@pytest.mark.parametrize(
    ("issued_at", "expires_at", "says"),
    [
        ("2026-11-21T03:53:00Z", "2026-11-22T03:53:00Z", None),
        ("2026-11-21T03:53:00Z", "2026-11-22T03:53:01Z", "to expires_at 2026-11-22T03:53:01Z is more than a day"),
        ("2026-11-22T03:57:10.123Z", "2026-11-22T04:00:00Z", None),
        ("2026-11-22T03:57:10.124Z", "2026-11-22T04:00:00Z", f"is more than 5 minutes ahead: it is {NOW} here; set"),
        ("2026-13-22T03:57:10Z", "2026-11-22T04:00:00Z", "month must be in 1..12"),
    ],
)  # fmt: skip
async def test_a_command_lives_a_day_at_most_and_does_not_come_from_the_future(
    desk: Desk, centre: Centre, issued_at: str, expires_at: str, says: str | None
) -> None:
    reply = await centre.ask("identify", issued_at=issued_at, expires_at=expires_at)
    assert reply["status"] == ("done" if says is None else "refused")
    assert says is None or says in reply["reason"]
    assert desk.carried == ([] if says else ["identify"])


@pytest.mark.parametrize("quality", ["unsynced", "holdover", "synced"])
async def test_without_a_clock_only_abort_is_taken(desk: Desk, centre: Centre, quality: Any) -> None:
    desk.clock = replace(CLOCK, quality=quality)
    reply = await centre.ask("assign", ASSIGN)
    assert (reply["status"] == "refused") is (quality == "unsynced")
    assert quality != "unsynced" or "only abort is taken" in reply["reason"]
    abort = await centre.ask("abort", {"run_id": "r1"}, expires_at=BEFORE if quality == "unsynced" else LATER)
    assert abort["reason"] == "no run is in progress", "it reached the session"


# ---- once, and kept ----------------------------------------------------------------------------------------
async def test_a_command_is_done_once_also_over_a_restart_and_what_it_did_is_still_there(
    broker: EmbeddedBroker, centre: Centre, tmp_path: Path
) -> None:
    path = tmp_path / "station.sqlite"
    desk = await Desk.open(path, broker.url)
    assign = command("assign", {**ASSIGN, "priority": 3}, cmd_id="c-once")
    for _ in range(3):
        centre.send(assign)
    await centre.ask("assign", {**ASSIGN, "work_order": "W2"}, cmd_id="c-second")
    assert desk.carried == ["assign", "assign"]
    desk.conductor.post(ev.Scanned("WO:W1"))
    await until(lambda: len(centre.bodies["event"]) == 1, "accepted")
    await desk.close()

    again = await Desk.open(path, broker.url)
    assert again.waiting == ["W1", "W2"], "in their order of priority"
    centre.send(assign)
    assert (await centre.ask("withdraw", {"work_order": "W2"}))["status"] == "done"
    assert again.carried == ["withdraw"], "the repeat did nothing"
    again.conductor.post(ev.Scanned("WO:W1"))
    await asyncio.sleep(0.2)
    assert len(centre.bodies["event"]) == 1 and len(centre.replies("c-once")) == 1
    await again.close()


async def test_a_tree_is_kept_over_a_restart_answered_once_and_its_repeat_does_nothing(
    broker: EmbeddedBroker, centre: Centre, tmp_path: Path
) -> None:
    path, archive = tmp_path / "station.sqlite", packed({"interlocks.toml": b"one"})
    tree = {"sha256": hashlib.sha256(archive).hexdigest(), "tree": base64.b64encode(archive).decode()}
    desk = await Desk.open(path, broker.url)
    apply = command("apply", tree, cmd_id="c-tree")
    centre.send(apply)
    assert (await centre.ask("identify"))["status"] == "done"
    assert centre.replies("c-tree") == [], "its reply comes after the check"
    await desk.close()

    again = await Desk.open(path, broker.url)
    centre.send(apply)
    assert (await again.commands.ask("apply", tree)).status == "done", "the socket hears that it was kept"
    assert (await centre.ask("identify"))["status"] == "done" and again.carried == ["identify"]

    async def check(shared: Path) -> list[str]:
        return ["interlocks.toml:1: (syntax): not TOML; put this line right"]

    messages, quiet = Messages(STATION, lambda: Stamp(NOW, CLOCK, 1)), Quiet(again.conductor, again.safety, lambda: 0.0)

    async def everything_answers() -> dict[str, str]:
        return {}

    proofs = Proofs(check, check, lambda: None, everything_answers)
    switching = Switching(Revisions(tmp_path / "config"))
    applying = asyncio.create_task(
        Applying(again.store, messages, switching, proofs, quiet, lambda event: None, lambda: 0.0).run()
    )
    reply = await centre.reply("c-tree")
    assert reply["status"] == "refused" and "interlocks.toml:1: (syntax)" in reply["reason"]

    async def none_waits() -> bool:
        return await again.store.next_tree() is None

    await until(none_waits, "the socket's is checked too")
    centre.send(apply)
    assert (await centre.ask("identify"))["status"] == "done"
    assert len(centre.bodies["reply"]) == 4 and not applying.done()
    applying.cancel()
    await again.close()


async def test_a_command_that_could_not_be_kept_is_not_acknowledged_and_comes_again(
    desk: Desk, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = desk.store.take_command, iter([True, False])

    async def sometimes(*args: Any) -> bool:
        if next(failures, False):
            raise StoreError("the disk is full")
        return await real(*args)

    monkeypatch.setattr(desk.store, "take_command", sometimes)
    assert (await centre.ask("assign", ASSIGN))["status"] == "done"
    assert desk.carried == ["assign", "assign"] and desk.waiting == ["W1"]
    assert [order.number for order, _ in await desk.store.waiting_orders()] == ["W1"]


async def test_a_withdrawal_that_could_not_be_kept_is_undone_and_done_when_it_comes_again(
    desk: Desk, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await centre.ask("assign", ASSIGN))["status"] == "done"
    real, failures, seen = desk.store.take_command, iter([True, False]), []

    async def sometimes(*args: Any) -> bool:
        seen.append(desk.waiting)
        if next(failures, False):
            raise StoreError("the disk is full")
        return await real(*args)

    monkeypatch.setattr(desk.store, "take_command", sometimes)
    assert (await centre.ask("withdraw", {"work_order": "W1"}))["status"] == "done"
    assert (desk.carried, seen) == (["assign", "withdraw", "withdraw"], [[], []])
    assert desk.waiting == [] and await desk.store.waiting_orders() == []


# ---- the socket's door -------------------------------------------------------------------------------------
async def test_the_socket_takes_the_same_verbs_unsigned_and_keeps_what_they_do(desk: Desk) -> None:
    assert (await desk.commands.ask("assign", ASSIGN)).status == "done"
    assert [order.number for order, _ in await desk.store.waiting_orders()] == ["W1"]
    assert (await desk.commands.ask("scan", {"text": "WO:W1"})).status == "done"
    assert (await desk.commands.ask("identify", {})).status == "done"
    assert (await desk.commands.ask("withdraw", {"work_order": "W1"})).status == "done"
    assert await desk.store.waiting_orders() == []
    assert (await desk.commands.ask("assign", {"work_order": ""})).reason is not None
    assert (await desk.commands.ask("reset", {})).status == "refused"


async def test_what_is_told_of_earlier_runs_is_kept_as_unsigned_unless_the_centre_signed_it(
    desk: Desk, centre: Centre
) -> None:
    args = ASSIGN | {
        "history": [{"id": "r1", "purpose": "outgoing", "verdict": "PASS", "date": "2026-11-22T03:00:00Z"}]
    }
    for ask, unsigned in ((desk.commands.ask, True), (centre.ask, False)):
        await ask("assign", args)
        ((order, _),) = await desk.store.waiting_orders()
        assert [run.unsigned for run in order.history] == [unsigned]
        assert [run.unsigned for run in desk.conductor.orders["W1"].history] == [unsigned]


async def test_what_the_socket_asked_for_and_the_store_could_not_keep_is_not_on_the_list(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.commands.ask("assign", ASSIGN)

    async def full(changes: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(desk.store, "change", full)
    for args in ({**ASSIGN, "work_order": "W2"}, {**ASSIGN, "priority": 7}):
        with pytest.raises(StoreError, match="the disk is full"):
            await desk.commands.ask("assign", args)
    assert desk.waiting == ["W1"] and desk.conductor.orders["W1"].priority == 0
