"""Messages written and read: what a station drafts for its outbox, and what the centre makes of the bytes.

`Messages` is what the daemon hands around: it knows the station's name and its clock, and turns values into
drafts whose bytes are fixed when the store gives them their slot.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from station.contract.bodies import (
    Alarm,
    AlarmActive,
    Body,
    Event,
    EventName,
    Info,
    Presence,
    Progress,
    Reply,
    Telemetry,
)
from station.contract.envelope import STATION, Envelope, ReadStamp, Stamp, seal
from station.contract.records import describe, record_from_plain, to_plain
from station.domain.errors import MessageError, SettingsError
from station.domain.outbox import Draft, Slot
from station.domain.record import Record

SUPPORTED_MAJOR = 1
BODIES: dict[str, type[Body]] = {
    "event": Event,
    "alarm": Alarm,
    "reply": Reply,
    "presence": Presence,
    "info": Info,
    "progress": Progress,
    "telemetry": Telemetry,
    "alarm_active": AlarmActive,
}
"""Bodies in an envelope by the name of their schema, which is also the end of their topic; `result` is a Record."""


def encode_body(body: Body, name: str, msg_id: str, station: str, stamp: Stamp) -> bytes:
    """The bytes of one message. Raises `MessageError`."""
    return seal(name, body.model_dump(mode="json"), msg_id, station, stamp)


def encode_result(record: Record, slot: Slot, stamp: Stamp) -> bytes:
    """The bytes of a result. Raises `MessageError` for NaN, wrong types and more than 256 KiB."""
    return seal("result", to_plain(record, Record), slot.msg_id, record.station, stamp)


def decode_body(envelope: Envelope) -> Record | Body:
    """The body of a received message, checked by its schema. Raises `MessageError`."""
    name, _, version = envelope.schema_.partition("/")
    major = int(version.partition(".")[0])
    if major != SUPPORTED_MAJOR:
        raise MessageError(f"{envelope.schema_}: version {SUPPORTED_MAJOR} is supported here, not {major}")
    if name == "result":
        return record_from_plain(envelope.body)
    model = BODIES.get(name)
    if model is None:
        raise MessageError(f"{envelope.schema_}: no such message")
    try:
        return model.model_validate(envelope.body)
    except ValidationError as error:
        raise MessageError(describe(name, error)) from error


class Messages:
    """Drafts messages of one station. The stamp is read when the slot is given: inside the commit."""

    def __init__(self, station: str, read_stamp: ReadStamp) -> None:
        """Raises `SettingsError` for a name that cannot stand in a topic."""
        if not STATION.fullmatch(station):
            raise SettingsError(f"station name {station!r}: 1 to 40 of a-z, 0-9 and -; it is part of every topic")
        self.station = station
        self.read_stamp = read_stamp

    def result(self, record: Record) -> Draft:
        """The record of a run, for `up/result`."""
        return Draft("result", lambda slot: encode_result(record, slot, self.read_stamp()), record.run_id)

    def event(
        self, event: EventName, *, work_order: str | None = None, run_id: str | None = None, reason: str | None = None
    ) -> Draft:
        """An event, for `up/event`. Raises `MessageError` for an unknown one or too long a reason."""
        return self._draft("event", run_id, event=event, work_order=work_order, run_id=run_id, reason=reason)

    def alarm(self, code: str, cause: str, *, run_id: str | None = None) -> Draft:
        """A trip or fault that was seen now, for `up/alarm`. A long cause is cut to what its field holds."""
        at = self.read_stamp().ts
        return self._draft("alarm", run_id, code=code[:80], cause=cause[:1000], run_id=run_id, at=at)

    def reply(self, cmd_id: str, status: str, reason: str | None = None) -> Draft:
        """The outcome of a command, for `up/reply`."""
        return self._draft("reply", None, cmd_id=cmd_id, status=status, reason=reason)

    def _draft(self, name: Any, about_run: str | None, **fields: Any) -> Draft:
        try:
            body = BODIES[name](**fields)
        except ValidationError as error:
            raise MessageError(describe(name, error)) from error

        def encode(slot: Slot) -> bytes:
            return encode_body(body, name, slot.msg_id, self.station, self.read_stamp())

        return Draft(name, encode, about_run)
