"""The envelope around every `up/` body: who, when, how far the clock can be trusted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from station.contract.bodies import Body, MsgId, StationName, UtcText
from station.contract.canonical import MAX_MESSAGE_BYTES, parse_object, to_json
from station.contract.records import describe
from station.domain.errors import MessageError
from station.domain.record import ClockStamp

STATION = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment: UTC as text, how far it can be trusted, and the monotonic clock of this boot beside it."""

    ts: str
    clock: ClockStamp
    monotonic_ns: int


ReadStamp = Callable[[], Stamp]


class EnvelopeClock(Body):
    """`ClockStamp` and the monotonic clock."""

    quality: Literal["synced", "holdover", "unsynced"]
    max_error_ms: float | None
    boot_id: str
    monotonic_ns: int


class Envelope(Body):
    """A received message; `body` is checked by its `schema` afterwards."""

    schema_: Annotated[str, Field(alias="schema", pattern=r"^[a-z_]{1,20}/\d{1,3}\.\d{1,3}$", examples=["result/1.0"])]
    msg_id: MsgId
    station: StationName
    ts: UtcText
    clock: EnvelopeClock
    body: dict[str, Any]


def topic(station: str, direction: Literal["up", "dn"], suffix: str) -> str:
    """`bench/v1/{station}/up/{suffix}`."""
    return f"bench/v1/{station}/{direction}/{suffix}"


def station_of(topic_name: str) -> str | None:
    """The station that a topic of this contract belongs to, or None."""
    parts = topic_name.split("/")
    if len(parts) != 5 or parts[:2] != ["bench", "v1"] or not STATION.fullmatch(parts[2]):
        return None
    return parts[2]


def seal(name: str, body: dict[str, Any], msg_id: str, station: str, stamp: Stamp) -> bytes:
    """The bytes of a message of version 1.0. Raises `MessageError` for NaN and for more than 256 KiB."""
    clock = stamp.clock
    payload = to_json(
        {
            "schema": f"{name}/1.0",
            "msg_id": msg_id,
            "station": station,
            "ts": stamp.ts,
            "clock": {
                "quality": clock.quality,
                "max_error_ms": clock.max_error_ms,
                "boot_id": clock.boot_id,
                "monotonic_ns": stamp.monotonic_ns,
            },
            "body": body,
        }
    )
    if len(payload) > MAX_MESSAGE_BYTES:
        raise MessageError(
            f"{name} {msg_id} has {len(payload)} bytes, at most {MAX_MESSAGE_BYTES} are allowed; "
            "fewer points in its curves, or captures as files beside it"
        )
    return payload


def open_envelope(payload: bytes) -> Envelope:
    """Read a received message. Raises `MessageError` that says what is wrong with it."""
    plain = parse_object(payload)
    try:
        return Envelope.model_validate(plain)
    except ValidationError as error:
        raise MessageError(describe("envelope", error)) from error


def sha256_of(payload: bytes) -> str:
    """As in a receipt: of the exact payload bytes, lower-case hexadecimal."""
    return hashlib.sha256(payload).hexdigest()
