"""What the centre makes of the bytes that a station sent: a message that holds together, or the reason why not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from station.collector.centre import RECEIPTED, RETAINED, CentreAlarm, Incoming
from station.contract.canonical import MAX_MESSAGE_BYTES, parse_object
from station.contract.envelope import open_envelope, sha256_of, station_of
from station.contract.messages import decode_body
from station.domain.errors import MessageError
from station.mqtt.link import Received

_MSG_ID = re.compile(r"([a-z0-9-]{1,40}):[0-9a-f]{8,32}:p?[0-9]{1,18}")
_MEMBER = re.compile(rb'"msg_id"\s*:\s*"([a-z0-9:-]{1,100})"')
_HEAD_BYTES = 1024
"""Where the `msg_id` of a message that is too long to be parsed is looked for."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that is refused; `msg_id` is there if it can be read and is one of the station that sent it."""

    station: str
    topic: str
    msg_id: str | None
    sha256: str
    reason: str

    @property
    def wants_receipt(self) -> bool:
        """Whether a station waits for the word that it is rejected."""
        return self.msg_id is not None and kind_of(self.topic) in RECEIPTED

    def to_alarm(self) -> CentreAlarm:
        """For the centre's own list."""
        return CentreAlarm("message_rejected", f"{self.topic}: {self.reason}"[:1000], self.station, self.msg_id)


@dataclass(slots=True)
class Checked:
    """A batch, sorted into what is good and what is not."""

    good: list[Incoming] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def kind_of(topic: str) -> str:
    """The end of a topic: what its messages are."""
    return topic.rpartition("/")[2]


def check_all(batch: Sequence[Received]) -> Checked:
    """Every message judged. An empty one on a retained topic only says that somebody cleared it."""
    checked = Checked()
    for message in batch:
        station, digest = station_of(message.topic) or "", sha256_of(message.payload)
        if not message.payload and kind_of(message.topic) in RETAINED:
            continue
        try:
            checked.good.append(_check(message, station, digest))
        except MessageError as error:
            msg_id = _readable_msg_id(message.payload, station)
            checked.rejected.append(Rejected(station, message.topic, msg_id, digest, str(error)))
    return checked


def _check(message: Received, station: str, digest: str) -> Incoming:
    """The message if all of it holds together: envelope, body, topic and station. Raises `MessageError`."""
    envelope = open_envelope(message.payload)
    body = decode_body(envelope)
    if envelope.schema_.partition("/")[0] != kind_of(message.topic):
        raise MessageError(f"schema {envelope.schema_} on topic {message.topic}")
    if envelope.station != station or envelope.msg_id.partition(":")[0] != station:
        raise MessageError(f"{envelope.msg_id} of {envelope.station} came on the topic of {station}")
    return Incoming(envelope, body, message.payload, digest)


def _readable_msg_id(payload: bytes, station: str) -> str | None:
    """The `msg_id` of a message that is otherwise wrong, if it is one of the station that sent it."""
    try:
        msg_id = _msg_id_in_head(payload) if len(payload) > MAX_MESSAGE_BYTES else parse_object(payload).get("msg_id")
    except MessageError:
        return None
    found = _MSG_ID.fullmatch(msg_id) if isinstance(msg_id, str) else None
    return found[0] if found and found[1] == station else None


def _msg_id_in_head(payload: bytes) -> str | None:
    found = _MEMBER.search(payload[:_HEAD_BYTES])
    return found[1].decode() if found else None
