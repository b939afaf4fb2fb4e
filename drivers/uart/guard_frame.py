"""The host's side of the guard line's frames: bytes to values and back (contracts/guard-line.md). Pure."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from drivers.ports import GuardHello, GuardState, GuardStatus

LINE_MAX = 240 + 6
"""The longest line from the guard: body, `*`, CRC, a tolerated carriage return."""

_LINE = re.compile(rb"([\x20-\x29\x2b-\x7e]{1,240})\*([0-9A-F]{4})\r?\Z")
_NUMBER = "(0|[1-9][0-9]*)"
_STATUS = re.compile(
    r"S state=(SAFE|ARMED|ENERGISED|HV|TRIPPED) k=([01]) h=([01]) lock=([01]) fb=([01]) estop=([01]) lid=([01])"
    r" thermo=([01]) cause=([A-Z]+|-) also=([A-Z]+(?:,[A-Z]+)*|-)"
    rf" hb_age=(-1|0|[1-9][0-9]*) on_left={_NUMBER} bad={_NUMBER} up={_NUMBER}"
)
_REPLY = re.compile(rf"([0-9a-f]{{8}}) {_NUMBER} (OK|NAK) ([A-Z]+)(?: (.+))?")
_HELLO = re.compile(
    rf"guard/1 fw=([^ ]+) boot=([0-9a-f]{{8}}) nonce=([0-9a-f]{{8}}) hb={_NUMBER} max_on={_NUMBER} bleed={_NUMBER}"
)


@dataclass(frozen=True, slots=True)
class GuardReply:
    """An answer to one frame; `rest` is what follows the verb: the reason of a NAK, the particulars of HELLO."""

    session: str
    seq: int
    accepted: bool
    verb: str
    rest: str


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE; `123456789` gives 0x29B1."""
    return binascii.crc_hqx(data, 0xFFFF)


def encode(body: str) -> bytes:
    """The frame of a body, with its newline. Raises `ValueError` for a body the line cannot carry."""
    raw = body.encode("ascii")
    if len(raw) > 120 or b"*" in raw or not body.isprintable():
        raise ValueError(f"guard frame body {body!r}: at most 120 printable ASCII characters without '*'")
    return b"%s*%04X\n" % (raw, crc16(raw))


def decode(line: bytes) -> str | None:
    """The body of a line from the guard (without newline), or None if it is no frame."""
    match = _LINE.match(line)
    if match is None or int(match[2], 16) != crc16(match[1]):
        return None
    return match[1].decode("ascii")


def parse_status(body: str, received_at: float) -> GuardStatus | None:
    """A status line, or None if the body is none."""
    match = _STATUS.fullmatch(body)
    if match is None:
        return None
    k, h, lock, fb, estop, lid, thermo = (flag == "1" for flag in match.groups()[1:8])
    return GuardStatus(
        state=GuardState(match[1]),
        k=k, h=h, lock=lock, fb=fb, estop=estop, lid=lid, thermo=thermo,
        cause=None if match[9] == "-" else match[9],
        also=() if match[10] == "-" else tuple(match[10].split(",")),
        hb_age_ms=int(match[11]), on_left_s=int(match[12]), bad=int(match[13]), up_ms=int(match[14]),
        received_at=received_at,
    )  # fmt: skip


def parse_reply(body: str) -> GuardReply | None:
    """An answer, or None if the body is none."""
    match = _REPLY.fullmatch(body)
    if match is None:
        return None
    return GuardReply(match[1], int(match[2]), match[3] == "OK", match[4], match[5] or "")


def parse_hello(rest: str) -> tuple[GuardHello, str] | None:
    """What HELLO's answer says, and the session's nonce; None if it is not version 1."""
    match = _HELLO.fullmatch(rest)
    if match is None:
        return None
    return GuardHello(match[1], match[2], int(match[4]), int(match[5]), int(match[6])), match[3]
