"""Hostile traffic for the guard, and an oracle that knows from the bytes alone what they may energise.

A *script* is a string of bytes, so that hypothesis can shrink it: each operation takes one byte for what it is and as
many as it needs for how. The oracle shares no code with the firmware: its own frame rules, `binascii` for the CRC.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from firmware.guard.guard_core import Guard
from firmware.guard.guard_frame import LineReader

SESSION = "0123abcd"
HB_MS = 300
_FRAME = re.compile(rb"([0-9a-f]{8}) ([1-9][0-9]*) ([A-Z]+)(?: ([!-)+-~]+))?\*([0-9A-F]{4})\r?")


def frame(body: str) -> bytes:
    """The frame of a body."""
    return b"%b*%04X\n" % (body.encode(), binascii.crc_hqx(body.encode(), 0xFFFF))


class Oracle:
    """Told every line that goes in, every line that comes out and the time, says what may rise now."""

    def __init__(self) -> None:
        self.session = self.nonce = self.state = ""
        self.seq = 0
        self.armed = False
        self.hb_at_ms = -(10**9)

    def sent(self, line: bytes, now_ms: int) -> str:
        """A line without its newline; "k" or "h" if the guard may switch that on for it, else nothing."""
        match = _FRAME.fullmatch(line)
        if match is None or len(line.rstrip(b"\r")) > 125:
            return ""
        session, digits, verb, argument, crc = (group.decode() if group else "" for group in match.groups())
        body = line[: line.index(b"*")]
        if int(crc, 16) != binascii.crc_hqx(body, 0xFFFF) or not 1 <= int(digits) <= 2147483647:
            return ""
        if verb == "HELLO" and not argument:
            self.session, self.seq, self.nonce, self.armed = session, int(digits), "", False
            self.hb_at_ms = -(10**9)
        fresh = session == self.session and int(digits) > self.seq
        if fresh:
            self.seq = int(digits)
        if verb in ("OFF", "STOP") and not argument:
            self.armed = False
        if not fresh:
            return ""
        if verb == "HB" and not argument:
            self.hb_at_ms = now_ms
        alive = now_ms - self.hb_at_ms <= HB_MS
        if verb == "ARM":
            self.armed |= argument == self.nonce != "" and alive and self.state == "SAFE"
        elif verb == "ON" and self.armed and argument.isdigit() and alive:
            self.armed = False
            return "k"
        elif verb == "HV" and self.nonce and argument.startswith(self.nonce + ":") and alive and self.state == "SAFE":
            return "h"
        return ""

    def told(self, body: str) -> None:
        """A line from the guard: the nonce that it gave out; a state that is not armed."""
        if " OK HELLO " in body and body.startswith(self.session):
            self.nonce = body.split("nonce=")[1][:8]
        elif body.startswith("S state="):
            self.state = body[8:].split(" ")[0]
            self.armed = self.armed and self.state == "ARMED"


class Recorded:
    """A host by the book that remembers every frame it sent."""

    def __init__(self, session: str = SESSION) -> None:
        self.session, self.seq, self.nonce = session, 0, ""
        self.frames: list[bytes] = []

    def say(self, verb: str) -> bytes:
        self.seq += 1
        self.frames.append(frame(f"{self.session} {self.seq} {verb.replace('NONCE', self.nonce or '00000000')}"))
        return self.frames[-1]


class Siege:
    """One guard (the firmware's core behind its line reader), one honest host, one enemy on the same line."""

    def __init__(self, boot: int = 1) -> None:
        self.boots = boot
        self.now_ms = 0
        self.inputs = [True, True, True]
        self.host = Recorded()
        self.rises = {"k": 0, "h": 0}
        self.power_up()

    def power_up(self) -> None:
        self.boots += 1
        fresh = iter(f"{self.boots * 65536 + count:08x}" for count in range(65536))
        self.guard = Guard(lambda: next(fresh), self._told, bleed_s=0)
        self.reader = LineReader()
        self.line = b""
        self.oracle = Oracle()
        self.step()

    def _told(self, body: str) -> None:
        self.oracle.told(body)
        if " OK HELLO " in body and body.startswith(self.host.session):
            self.host.nonce = self.oracle.nonce

    def step(self) -> None:
        guard = self.guard
        before = guard.k, guard.h
        guard.step(self.now_ms & 0x3FFFFFFF, *self.inputs, guard.k)
        assert (guard.k, guard.h) <= before, "time and inputs alone switched something on"

    def rest(self, milliseconds: int) -> None:
        end_ms = self.now_ms + milliseconds
        while self.now_ms < end_ms:
            self.now_ms += min(end_ms - self.now_ms, self.guard.due_ms())
            self.step()
            self.step()  # the feedback follows K

    def feed(self, data: bytes) -> None:
        """Bytes down the line; whatever rises must have been earned by the line that made it rise."""
        for part in re.split(rb"(?<=\n)", data):
            self.line += part
            for byte in part:
                body = self.reader.feed(byte)
                if body is None:
                    continue
                before = self.guard.k, self.guard.h
                granted = self.oracle.sent(self.line[:-1], self.now_ms)
                if body is False:
                    self.guard.dropped()
                else:
                    self.guard.frame(body)
                self._judge(before, granted)
                self.line = b""

    def _judge(self, before: tuple[bool, bool], granted: str) -> None:
        guard = self.guard
        for name, was, now in (("k", before[0], guard.k), ("h", before[1], guard.h)):
            if now and not was:
                self.rises[name] += 1
                assert granted == name, f"{name} rose on {self.line!r}"
                assert all(self.inputs), f"{name} rose with an open loop"
        assert not (guard.k and guard.h)


BOOK = ("HELLO", "RESET", "HB", "ARM NONCE", "ON 60", "HB", "OFF", "HB", "HV NONCE:5", "OFF", "UNLOCK", "HB", "STAT")
VERBS = ("HELLO", "RESET", "HB", "HB", "ARM NONCE", "ON 60", "HV NONCE:5", "OFF", "STOP", "UNLOCK", "STAT")
WAITS_MS = (1, 5, 20, 49, 51, 120, 299, 301, 700, 10_001)
SEQS = (0, 1, 2, 7, 2147483647, 2147483648)


def recording() -> list[bytes]:
    """A whole conversation that energised, K and H, with another boot of the guard."""
    siege = Siege(boot=77)
    for verb in BOOK:
        siege.feed(siege.host.say(verb))
        siege.rest(5)
    assert siege.rises == {"k": 1, "h": 1}
    return siege.host.frames


class Enemy:
    """Plays a script against a siege; `old` are frames of another boot."""

    def __init__(self, siege: Siege, old: list[bytes]) -> None:
        self.siege, self.old = siege, old

    def play(self, script: bytes) -> None:
        """Every byte of the script means something."""
        source = iter(script)
        for byte in source:
            operation = (self.honest, self.honest, self.book, self.noise, self.replay_old, self.replay_new,
                         self.mutate, self.cut, self.splice, self.again, self.forge, self.wait, self.power,
                         self.wire)[byte % 14]  # fmt: skip
            operation(source)

    def pool(self, source: Iterator[int]) -> bytes:
        """Any frame that was ever sent, of this boot or the other."""
        frames = self.old + self.siege.host.frames[-30:]
        return frames[next(source, 0) % len(frames)]

    def honest(self, source: Iterator[int]) -> None:
        self.siege.feed(self.siege.host.say(VERBS[next(source, 0) % len(VERBS)]))

    def book(self, source: Iterator[int]) -> None:
        for verb in BOOK[: next(source, 0) % len(BOOK)]:
            self.siege.feed(self.siege.host.say(verb))
            self.siege.step()

    def noise(self, source: Iterator[int]) -> None:
        self.siege.feed(bytes(byte for byte, _ in zip(source, range(next(source, 0) % 40), strict=False)))

    def replay_old(self, source: Iterator[int]) -> None:
        first = next(source, 0) % len(self.old)
        for old in self.old[first : first + 1 + next(source, 0) % len(self.old)]:
            self.siege.feed(old)

    def replay_new(self, source: Iterator[int]) -> None:
        back = 1 + next(source, 0) % 20
        for said in self.siege.host.frames[-back:]:
            self.siege.feed(said)

    def mutate(self, source: Iterator[int]) -> None:
        data = bytearray(self.pool(source))
        for _ in range(1 + next(source, 0) % 3):
            data[next(source, 0) % len(data)] ^= 1 << next(source, 0) % 8
        self.siege.feed(bytes(data))

    def cut(self, source: Iterator[int]) -> None:
        data = self.pool(source)
        self.siege.feed(data[: next(source, 0) % len(data)] + b"\n" * (next(source, 0) % 2))

    def splice(self, source: Iterator[int]) -> None:
        head, tail = self.pool(source), self.pool(source)
        self.siege.feed(head[: next(source, 0) % len(head)] + tail[next(source, 0) % len(tail) :])

    def again(self, source: Iterator[int]) -> None:
        self.siege.feed(self.pool(source) * (1 + next(source, 0) % 3))

    def forge(self, source: Iterator[int]) -> None:
        """A body of the enemy's own with a right CRC."""
        host = self.siege.host
        session = (host.session, host.session, "ffffffff", "0123ABCD")[next(source, 0) % 4]
        choice = next(source, 0)
        seq = host.seq + choice - 4 if choice < 8 else SEQS[choice % len(SEQS)]
        verb = VERBS[next(source, 0) % len(VERBS)]
        nonce = (host.nonce, "00000000", "", f"{next(source, 0):08x}", "0" + host.nonce)[next(source, 0) % 5]
        self.siege.feed(frame(f"{session} {seq} {verb.replace('NONCE', nonce)}"))

    def wait(self, source: Iterator[int]) -> None:
        self.siege.rest(WAITS_MS[next(source, 0) % len(WAITS_MS)])

    def power(self, source: Iterator[int]) -> None:
        if next(source, 0) % 4 == 0:
            self.siege.power_up()
            self.siege.host.nonce = ""

    def wire(self, source: Iterator[int]) -> None:
        self.siege.inputs[next(source, 0) % 3] = bool(next(source, 1) % 4)
        self.siege.step()
