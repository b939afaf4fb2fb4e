"""Messages as a broken centre, a thief or a fuzzer would send them; everything is drawn from one `random.Random`.

`Known` is what the sender may know of the station: its run, its orders, what it sent, commands that were signed before.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from station.contract.canonical import to_json
from station.contract.commands import VERBS
from station.contract.envelope import sha256_of, topic
from station.contract.keys import SigningKey
from station.contract.receipts import make_receipt
from station.domain.clock import utc_text
from station.domain.errors import MessageError
from station.mqtt.link import Received
from tests.hostile.attacked import BOOT, COMMANDS, RECEIPTS, STATION, STRANGER

NO_VERBS = (
    "reset", "arm", "on", "hv", "unlock", "energise", "start_mains", "START", "press", "run", "exec", "RESET", "drive",
    "clear-weld", "requeue", "", " start", "start\u202e", "__class__",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 3.5, 2**53 + 1, 10**40, 1e308, float("nan"), float("inf"), "", " ", "x" * 300, "\x00\x07",
    "\u202eW1", "\ud800", "😀", "W1\nW2", "../../etc/passwd", "'; DROP TABLE outbox; --", [], {}, [[[[]]]], [0] * 50,
    {"a": {"b": {"c": None}}}, "OP:e7", "1e5", "null", ["W1"], {"work_order": "W1"},
)  # fmt: skip
SCANS = (
    "OP:e7", "OP:e8", "OP:e9", "OP:e8", "OP:e9", "WO:W1", "WO:W-FRONT", "WO:NEW", "SN:S1", "SN:OTHER", "PR:amp",
    "PR:none", "PL:mains", "PL:wait", "PL:mains/hold", "PL:none", "RESET", "START", "OP:", ":", "op:E7",
    "WO:" + "9" * 60, "QR:1", "IM:490154203237518", "IM:1", "490154203237518",
)  # fmt: skip
GOOD_RUN = {"id": "r1", "purpose": "incoming", "verdict": "FAIL", "date": "2026-11-20"}


@dataclass(slots=True)
class Known:
    """What the sender knows."""

    run_id: str | None = None
    orders: tuple[str, ...] = ()
    sent: dict[str, str] = field(default_factory=dict)
    """sha256 by msg_id of what the station published."""
    delivered: tuple[str, ...] = ()
    commands: list[bytes] = field(default_factory=list)
    signed: set[str] = field(default_factory=set)
    """Numbers of commands that were really signed for this station."""
    now_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """What goes to the socket: bytes, whether the connection is closed behind them, how many replies are due."""

    kind: str
    data: bytes
    replies: int
    verb: str = ""
    close: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to the inbox."""

    kind: str
    received: Received
    verb: str = ""


class Generator:
    """Draws messages; the same seed and the same knowledge give the same ones."""

    def __init__(self, random: Random, known: Known) -> None:
        self._random, self.known = random, known
        self._number = 0

    # ---- arguments -------------------------------------------------------------------------------------------
    def _pick(self, *options: Any) -> Any:
        return self._random.choice(options)

    def _odd(self) -> Any:
        return self._random.choice(ODD)

    def _order(self) -> str:
        return self._pick("W-FRONT", "W1", "W2", f"W{self._random.randrange(60)}", *self.known.orders[:3])

    def _args(self, verb: str) -> dict[str, Any]:
        """Good ones."""
        random, known = self._random, self.known
        match verb:
            case "assign":
                order: dict[str, Any] = {"work_order": self._order(), "product": "amp"}
                more = {
                    "serial_number": self._pick("S1", "S2"), "purpose": self._pick("outgoing", "incoming"),
                    "priority": random.randrange(-5, 5), "fault_code": "intermittent", "repair_engineer": "e4",
                    "parts": self._pick(["C12"], [{"name": "Q3", "quantity": 2}]), "data_consent": True,
                    "history": [GOOD_RUN] * random.randrange(3),
                }  # fmt: skip
                return order | {name: value for name, value in more.items() if random.random() < 0.4}
            case "withdraw" | "start":
                return {"work_order": self._order()}
            case "abort":
                wrong = ("r-none", f"01a2{random.randrange(10**8):08d}", "")
                return {"run_id": known.run_id if known.run_id and random.random() < 0.04 else self._pick(*wrong)}
            case "resend":
                return self._pick(
                    {"run_id": known.run_id or "none"}, {"from_seq": 1, "to_seq": random.randrange(1, 60)},
                    {"from_seq": 5, "to_seq": 2}, {"from_seq": 1, "to_seq": 10**15}, {},
                )  # fmt: skip
            case "apply" if random.random() < 0.5:  # an archive that is none, yet as it was announced
                archive = random.randbytes(random.choice((1, 400, 4000)))
                return {"sha256": sha256_of(archive), "tree": base64.b64encode(archive).decode()}
            case "apply":
                return {"sha256": self._pick("0" * 64, "e3b0c442"), "tree": self._pick("", "AAAA", "H4sI", "!" * 40)}
            case "scan":
                return {"text": self._random.choice(SCANS)}
            case "label":
                return {"run_id": known.run_id or "none", "to_file": True}
        return {}

    def _bent(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """With one argument wrong, missing or too much."""
        bent = dict(args)
        name = self._pick(*bent, "work_order", "run_id", "text", "history", "parts", "extra", "verb", "sig")
        match self._random.randrange(4):
            case 0:
                bent.pop(name, None)
            case 1:
                bent[name] = self._nested(self._random.choice((3, 40)))
            case 2:
                bent[name] = [self._odd() for _ in range(self._random.choice((2, 200)))]
            case _:
                bent[name] = self._odd()
        return bent

    def _nested(self, depth: int) -> Any:
        value: Any = self._odd()
        for _ in range(depth):
            value = [value] if self._random.random() < 0.5 else {"a": value}
        return value

    # ---- commands by MQTT ------------------------------------------------------------------------------------
    def _stamp(self, ahead_s: float) -> str:
        return utc_text(BOOT + timedelta(seconds=self.known.now_s + ahead_s))

    def _envelope(self, verb: Any, args: Any) -> dict[str, Any]:
        self._number += 1
        return {
            "cmd_id": f"c-{self._number}", "station": STATION, "verb": verb, "args": args,
            "issued_at": self._stamp(-1.0), "expires_at": self._stamp(60.0),
        }  # fmt: skip

    def _sign(self, message: Mapping[str, Any], key: SigningKey = COMMANDS) -> bytes:
        try:
            payload = to_json(key.sign(message))
        except MessageError:  # what has no canonical form cannot be signed, but it can be sent
            return json.dumps({**message, "key_id": key.key_id, "sig": "AAAA"}).encode()
        if key is COMMANDS:
            self.known.signed.add(str(message["cmd_id"]))
            if len(payload) < 10_000:
                self.known.commands = [*self.known.commands[-50:], payload]
        return payload

    def _good(self) -> tuple[str, bytes]:
        verb = self._random.choice(VERBS)
        return verb, self._sign(self._envelope(verb, self._args(verb)))

    def _bent_args(self) -> tuple[str, bytes]:
        verb = self._random.choice(VERBS)
        return verb, self._sign(self._envelope(verb, self._bent(self._args(verb))))

    def _no_verb(self) -> tuple[str, bytes]:
        verb = self._random.choice((*NO_VERBS, "scan", "label", "status", "watch"))
        return verb, self._sign(self._envelope(verb, self._args(self._random.choice((verb, "scan", "abort")))))

    def _late(self) -> tuple[str, bytes]:
        verb = self._random.choice(VERBS)
        stamp = self._pick(self._stamp(-1.0), "2020-01-01T00:00:00Z", "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z")
        stamps = self._pick(
            {"expires_at": stamp}, {"expires_at": self._stamp(90_000.0)},
            {"issued_at": self._stamp(400.0), "expires_at": self._stamp(460.0)},
        )  # fmt: skip
        return "", self._sign(self._envelope(verb, self._args(verb)) | stamps)

    def _not_ours(self) -> tuple[str, bytes]:
        verb = self._random.choice(("identify", *VERBS))
        message = self._envelope(verb, self._args(verb))
        if self._random.random() < 0.5:
            return "", self._sign(message, self._pick(STRANGER, RECEIPTS))
        return "", to_json(COMMANDS.sign(message | {"station": self._pick("bench-08", "bench-7", "", "BENCH-07", "+")}))

    def _unsigned(self) -> tuple[str, bytes]:
        message = self._envelope(self._pick("start", "abort", "reset", "assign"), self._args("abort"))
        return "", json.dumps(message | self._pick({}, {"sig": ""}, {"key_id": "commands", "sig": "AAAA"})).encode()

    def _again(self) -> tuple[str, bytes]:
        return "again", self._random.choice(self.known.commands) if self.known.commands else b"{}"

    def _same_number(self) -> tuple[str, bytes]:
        """Another command with a number that was used."""
        message = self._envelope("withdraw", self._args("withdraw"))
        number = self._pick(*sorted(self.known.signed)[:20], "c-1", "", "x" * 101, "\u202e", 7, None)
        return "again", self._sign(message | {"cmd_id": number})

    def _bent_envelope(self) -> tuple[str, bytes]:
        message = self._envelope("start", self._args("start"))
        return "", self._sign({**message, self._pick(*message, "key_id", "sig"): self._odd(), "cmd_id": "bent"})

    def _mutated(self) -> tuple[str, bytes]:
        """A good one with bytes changed, cut off, doubled or put in."""
        return "again", self._mutate(self._good()[1])

    def _mutate(self, payload: bytes) -> bytes:
        random, data = self._random, bytearray(payload)
        for _ in range(random.choice((1, 1, 3))):
            place = random.randrange(len(data) or 1)
            match random.randrange(5):
                case 0:
                    data = data[:place]
                case 1:
                    data[place : place + 1] = bytes([random.randrange(256)])
                case 2:
                    data[place:place] = self._pick(b"\x00", b"\xff\xfe", b'"', b"{", b",", b"\xed\xa0\x80", b"\\u0000")
                case 3:
                    data[place : place + 8] = b""
                case _:
                    data[place:place] = data[:place]
        return bytes(data)

    def _twice(self) -> tuple[str, bytes]:
        """Keys that are there twice: whoever reads the last one reads another command than was signed."""
        verb, payload = self._good()
        first, second = self._pick(("withdraw", "reset"), ("identify", "abort"), ("start", "arm"))
        return verb and "", b'{"verb":"%s","verb":"%s",' % (first.encode(), second.encode()) + payload[1:]

    def _noise(self) -> tuple[str, bytes]:
        random = self._random
        depth = random.choice((10, 900, 5000))
        options: tuple[Callable[[], bytes], ...] = (
            lambda: b"", lambda: random.randbytes(random.choice((1, 30, 3000))), lambda: b"null", lambda: b"[]",
            lambda: b"[" * depth + b"]" * depth, lambda: b'{"a":' * depth + b"1" + b"}" * depth,
            lambda: b'{"cmd_id":"n1","args":' + b"9" * depth + b"}", lambda: b'{"cmd_id":"n2","verb":NaN}',
            lambda: b"\xef\xbb\xbf{}", lambda: '{"cmd_id":"\u202en"}'.encode("utf-16"),
            lambda: b'{"cmd_id":"n3","sig":"' + b"A" * 40 * depth + b'"}',
            lambda: b'{"cmd_id":"n4","args":[' + b"0," * 2 * depth + b"0]}", lambda: b'{"cmd_id":"\\ud800"}',
        )  # fmt: skip
        return "", random.choice(options)()

    def _huge(self) -> tuple[str, bytes]:
        size = self._random.choice((5_000, 70_000, 300_000, 1_000_000))
        if self._random.random() < 0.5:
            return "", self._random.randbytes(size)
        message = self._envelope("assign", {"work_order": "W1", "fault_code": "x" * size})
        return "", self._sign(message)

    KINDS = (
        (_good, 24), (_bent_args, 16), (_no_verb, 8), (_late, 4), (_not_ours, 8), (_unsigned, 4), (_again, 5),
        (_same_number, 3), (_bent_envelope, 4), (_mutated, 12), (_twice, 3), (_noise, 7), (_huge, 1),
    )  # fmt: skip

    def message(self) -> Message:
        """One for the inbox: a command, a receipt, or something on a topic that is none."""
        drawn = self._random.random()
        if drawn < 0.25:
            return self._receipt()
        kinds, weights = zip(*self.KINDS, strict=True)
        kind = self._random.choices(kinds, weights)[0]
        verb, payload = kind(self)
        where = topic(STATION, "dn", "cmd")
        if drawn < 0.31:
            where = self._pick(
                topic(STATION, "dn", "other"), topic(STATION, "dn", "cmd") + "/x", topic("bench-08", "dn", "cmd"),
                topic(STATION, "up", "event"), "", "dn/cmd", topic(STATION, "dn", "CMD"), "\u202e",
            )  # fmt: skip
            verb = ""
        retained = self._random.random() < 0.1
        return Message(kind.__name__.strip("_"), Received(where, payload, retained, self._number, 1), verb)

    def _receipt(self) -> Message:
        known, random = self.known, self._random
        msg_id = random.choice([*known.sent, *known.delivered[-20:]] or [f"{STATION}:00000000:1"])
        sha = known.sent.get(msg_id, "0" * 64)
        status = self._pick("stored", "stored", "duplicate", "rejected")
        kind = random.choice(("good", "wrong-hash", "unknown", "forged", "mutated", "odd", "noise"))
        payload = make_receipt(msg_id, sha, status, RECEIPTS, self._pick(None, "no", "x" * 3000, "\u202e\x00"))
        match kind:
            case "wrong-hash":
                payload = make_receipt(msg_id, f"{random.randrange(16**64):064x}", status, RECEIPTS)
            case "unknown":
                number = self._pick("99999999", "p1", "0", "-1", "9" * 18)
                payload = make_receipt(f"{msg_id.rpartition(':')[0]}:{number}", sha, status, RECEIPTS)
            case "forged":
                payload = make_receipt(msg_id, sha, status, self._pick(COMMANDS, STRANGER))
            case "mutated":
                payload = self._mutate(payload)
            case "odd":
                name = self._pick("msg_id", "sha256", "status", "reason")
                body = {"msg_id": msg_id, "sha256": sha, "status": status, "reason": None, name: self._odd()}
                try:
                    payload = to_json(RECEIPTS.sign(body))
                except MessageError:
                    payload = json.dumps(body).encode()
            case "noise":
                payload = self._noise()[1]
        received = Received(topic(STATION, "dn", "receipt"), payload, random.random() < 0.1, 0, 1)
        return Message(f"receipt-{kind}", received)

    # ---- lines on the socket ---------------------------------------------------------------------------------
    def line(self) -> Line:
        """One for the socket."""
        random = self._random
        verb = random.choice((*VERBS, "scan", "scan", "status", "label"))
        kind = random.choices(
            ("good", "bent", "no-verb", "mutated", "noise", "empty", "half", "binary", "long", "envelope"),
            (30, 20, 10, 12, 8, 2, 4, 5, 1, 5),
        )[0]
        said = ""
        match kind:
            case "good":
                said, data = verb, json.dumps({"verb": verb, "args": self._args(verb)}).encode()
            case "bent":
                said, data = verb, json.dumps({"verb": verb, "args": self._bent(self._args(verb))}).encode()
            case "no-verb":
                data = json.dumps({"verb": self._pick(*NO_VERBS), "args": self._args(verb)}).encode()
            case "mutated":
                said = "again"
                data = self._mutate(json.dumps({"verb": verb, "args": self._args(verb)}).encode())
            case "noise":
                data = self._noise()[1]
            case "empty":
                data = self._pick(b"", b" ", b"\r")
            case "half":
                data = json.dumps({"verb": verb, "args": self._args(verb)}).encode()
                return Line(kind, data[: random.randrange(1, len(data))], 0, close=True)
            case "binary":
                data = random.randbytes(random.choice((10, 5000)))
            case "long":
                return Line(kind, random.randbytes(1_000_000).replace(b"\n", b" "), 1, close=True)
            case _:
                data = json.dumps(
                    self._pick({"verb": verb}, {"args": {}}, {"verb": self._odd()}, {"verb": verb, "args": self._odd()},
                               {"verb": verb, "args": {}, "more": 1}, [verb])
                ).encode()  # fmt: skip
                said = verb
        data = data.replace(b"\n", b" ")
        too_long = len(data) + 1 > 256 * 1024
        return Line(kind, data + b"\n", 1, said, close=too_long)
