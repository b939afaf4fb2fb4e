"""The guard line of contracts/guard-line.md, written from that page alone: checksum, frames, answers, status lines.

Nothing of the station, its drivers or the firmware is imported in this folder: two programs that share a codec cannot
show that the page is enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HOST_BODY_MAX = 120
GUARD_BODY_MAX = 240
SEQ_MAX = 2147483647
COUNTER_MAX = 999_999_999
STATES = ("SAFE", "ARMED", "ENERGISED", "HV", "TRIPPED")
LIVE = ("ARMED", "ENERGISED", "HV")
CAUSES = ("BOOT", "ESTOP", "THERMO", "LID", "HEARTBEAT", "TIME", "WELD", "DROPOUT", "LINK", "HOST")
REASONS = ("STALE", "STATE", "RANGE", "HEARTBEAT", "INPUT", "FEEDBACK", "BLEED")

NUMBER = r"(?:0|[1-9][0-9]*)"
HEX8 = r"[0-9a-f]{8}"
# the argument that each verb takes; a nonce of any shape is a nonce, perhaps a wrong one
ARGUMENTS = {
    "HELLO": None,
    "HB": None,
    "ARM": r"(?P<nonce>[^ ]+)",
    "ON": rf"(?P<n>{NUMBER})",
    "HV": rf"(?P<nonce>[^ :]+):(?P<n>{NUMBER})",
    "OFF": None,
    "STOP": None,
    "RESET": None,
    "UNLOCK": None,
    "STAT": None,
}
STATUS = re.compile(
    rf"S state=(?P<state>{'|'.join(STATES)}) k=(?P<k>[01]) h=(?P<h>[01]) lock=(?P<lock>[01]) fb=(?P<fb>[01])"
    rf" estop=(?P<estop>[01]) lid=(?P<lid>[01]) thermo=(?P<thermo>[01]) cause=(?P<cause>{'|'.join(CAUSES)}|-)"
    rf" also=(?P<also>(?:{'|'.join(CAUSES)})(?:,(?:{'|'.join(CAUSES)}))*|-)"
    rf" hb_age=(?P<hb_age>-1|{NUMBER}) on_left=(?P<on_left>{NUMBER}) bad=(?P<bad>{NUMBER}) up=(?P<up>{NUMBER})"
)
ANSWER = re.compile(
    rf"(?P<session>{HEX8}) (?P<seq>[1-9][0-9]*) (?P<answer>OK HELLO guard/1 fw=[^ ]+ boot={HEX8} nonce={HEX8}"
    rf" hb={NUMBER} max_on={NUMBER} bleed={NUMBER}|OK (?!HELLO)(?:{'|'.join(ARGUMENTS)})"
    rf"|NAK (?:{'|'.join(ARGUMENTS)}) (?:{'|'.join(REASONS)}))"
)


def crc(body: bytes) -> int:
    """CRC-16/CCITT-FALSE, bit by bit as its definition reads."""
    register = 0xFFFF
    for byte in body:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1) ^ (0x1021 if register & 0x8000 else 0)
        register &= 0xFFFF
    return register


def frame(body: str) -> bytes:
    """BODY as it goes over the line, however wrong BODY is."""
    return body.encode("latin-1") + b"*%04X\n" % crc(body.encode("latin-1"))


def body_of(line: bytes, longest: int) -> str | None:
    """BODY of a line without its newline, or None if it is not a good frame."""
    match = re.fullmatch(rb"([\x20-\x29\x2b-\x7e]*)\*([0-9A-F]{4})\r?", line)
    if match is None or len(match[1]) > longest or crc(match[1]) != int(match[2], 16):
        return None
    return match[1].decode("ascii")


@dataclass(frozen=True)
class Request:
    """A frame from the host that the guard has to answer."""

    session: str
    seq: int
    verb: str
    nonce: str = ""
    n: int = 0


def request(line: bytes) -> Request | None:
    """What a line of the host asks for; None if the guard has to drop and count it."""
    body = body_of(line, HOST_BODY_MAX)
    match = re.fullmatch(rf"({HEX8}) ([1-9][0-9]*) ([A-Z]+)(?: (.+))?", body or "")
    if match is None or int(match[2]) > SEQ_MAX or match[3] not in ARGUMENTS:
        return None
    pattern = ARGUMENTS[match[3]]
    if pattern is None:
        return Request(match[1], int(match[2]), match[3]) if match[4] is None else None
    argument = re.fullmatch(pattern, match[4] or "")
    if argument is None:
        return None
    found = argument.groupdict()
    return Request(match[1], int(match[2]), match[3], found.get("nonce", ""), int(found.get("n", "0")))


@dataclass(frozen=True)
class Status:
    """A status line in the page's own names."""

    state: str
    k: bool
    h: bool
    lock: bool
    fb: bool
    estop: bool
    lid: bool
    thermo: bool
    causes: tuple[str, ...]  # cause, then also
    hb_age: int
    on_left: int
    bad: int
    up: int

    @property
    def healthy(self) -> bool:
        return self.estop and self.lid and self.thermo


def status(body: str) -> Status:
    """Read a status line; AssertionError if it is not exactly of the page's form."""
    match = STATUS.fullmatch(body)
    assert match is not None, f"not a status line of the contract: {body!r}"
    got = match.groupdict()
    causes = [name for name in (got["cause"], *got["also"].split(",")) if name != "-"]
    assert got["cause"] != "-" or not causes, f"also without a cause: {body!r}"
    assert len(set(causes)) == len(causes), f"a cause twice: {body!r}"
    hb_age, on_left, bad, up = (int(got[name]) for name in ("hb_age", "on_left", "bad", "up"))
    assert max(hb_age, on_left, bad, up) <= COUNTER_MAX, f"a counter beyond its end: {body!r}"
    k, h, lock, fb, estop, lid, thermo = (
        got[name] == "1" for name in ("k", "h", "lock", "fb", "estop", "lid", "thermo")
    )
    return Status(got["state"], k, h, lock, fb, estop, lid, thermo, tuple(causes), hb_age, on_left, bad, up)
