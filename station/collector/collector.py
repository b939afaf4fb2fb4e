"""The centre's end of MQTT: take what stations send, commit it, and only then sign a receipt for each.

At-least-once on the wire, exactly once in the database: a message that comes again gets its receipt again.
What is malformed is rejected with the reason as long as its `msg_id` can be read, and is an alarm in any case.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from station.collector.database import Centre, CentreAlarm, Incoming, Stored
from station.contract.canonical import MAX_MESSAGE_BYTES, parse_object
from station.contract.envelope import open_envelope, sha256_of, station_of, topic
from station.contract.keys import SigningKey
from station.contract.messages import decode_body
from station.contract.receipts import make_receipt
from station.domain.clock import utc_text
from station.domain.errors import MessageError, StationError
from station.mqtt.address import parse_address
from station.mqtt.keeper import Backoff, keep_serving
from station.mqtt.link import Link, LinkOptions, Received
from station.mqtt.tls import TlsFiles, files_for

log = logging.getLogger(__name__)
RECEIPTED = ("result", "event", "alarm", "reply")
_MSG_ID = re.compile(r"([a-z0-9-]{1,40}):[0-9a-f]{8,32}:p?[0-9]{1,18}")
_MEMBER = re.compile(rb'"msg_id"\s*:\s*"([a-z0-9:-]{1,100})"')
_HEAD_BYTES = 1024
"""Where the `msg_id` of a message that is too long to be parsed is looked for."""
_BATCH = 200


class Collector:
    """One worker; several may share a subscription. Run `run()` as a task or as a process; `close()` ends it."""

    def __init__(
        self,
        url: str,
        centre: Centre,
        key: SigningKey,
        *,
        share: str | None = None,
        backoff: Backoff | None = None,
        tls: TlsFiles | None = None,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        """`share` names the group of workers that divide the messages; None subscribes plainly.

        Each kind has a group of its own: rumqttd tells groups apart by name alone, and with two filters in one
        group it was seen to deliver some messages to nobody.
        """
        self._address = parse_address(url)
        self._centre = centre
        self._key = key
        self._share = share
        self._backoff = backoff or Backoff(cap_s=10.0)
        self._tls = files_for(self._address, tls)
        self._on_ready = on_ready
        self._closing = asyncio.Event()
        self._client_id = f"collector-{secrets.token_hex(4)}"

    async def run(self) -> None:
        """Serve until `close()`. A failure of any kind ends the link, is logged, and the next link begins."""
        await keep_serving(self._serve_one_link, self._closing, self._backoff, self._note)

    def close(self) -> None:
        """End `run()`."""
        self._closing.set()

    async def _serve_one_link(self) -> None:
        link = Link(LinkOptions(self._address, self._client_id, receive_maximum=1000, tls=self._tls))
        try:
            await link.open()
            for kind in RECEIPTED:
                group = f"$share/{self._share}-{kind}/" if self._share else ""
                await link.subscribe(f"{group}bench/v1/+/up/{kind}")
            self._on_ready()
            receiving = asyncio.create_task(self._receive(link))
            closing = asyncio.create_task(self._closing.wait())
            await asyncio.wait({receiving, closing}, return_when=asyncio.FIRST_COMPLETED)
            closing.cancel()
            if receiving.done():
                receiving.result()
            receiving.cancel()
        finally:
            await link.close()

    async def _receive(self, link: Link) -> None:
        while True:
            received = [item for item in await link.next() if isinstance(item, Received)]
            for start in range(0, len(received), _BATCH):
                self._take(link, received[start : start + _BATCH])
                await asyncio.sleep(0)

    def _take(self, link: Link, batch: list[Received]) -> None:
        """Commit, then receipt, then acknowledge. Whatever raises in between leaves it to the stations to repeat."""
        good: list[Incoming] = []
        receipts: list[tuple[str, str, str, Stored]] = []
        alarms: list[CentreAlarm] = []
        for message in batch:
            station = station_of(message.topic) or ""
            digest = sha256_of(message.payload)
            try:
                good.append(_check(message, station, digest))
            except MessageError as error:
                msg_id = _readable_msg_id(message.payload, station)
                log.warning("%s rejected: %s", msg_id or message.topic, error)
                alarms.append(CentreAlarm("message_rejected", f"{message.topic}: {error}"[:1000], station, msg_id))
                if msg_id is not None:
                    receipts.append((station, msg_id, digest, Stored("rejected", str(error))))
        answers = self._centre.take(good, alarms, utc_text(datetime.now(UTC)))
        for incoming, answer in zip(good, answers, strict=True):
            receipts.append((incoming.envelope.station, incoming.envelope.msg_id, incoming.sha256, answer))
        for station, msg_id, digest, stored in receipts:
            payload = make_receipt(msg_id, digest, stored.status, self._key, stored.reason)
            link.publish(topic(station, "dn", "receipt"), payload)
        for message in batch:
            link.ack(message)

    async def _note(self, error: Exception) -> None:
        if isinstance(error, StationError):
            log.warning("collector: %s", error)
        else:
            log.error("the collector failed and starts again", exc_info=error)


def _check(message: Received, station: str, digest: str) -> Incoming:
    """The message if all of it holds together: envelope, body, topic and station. Raises `MessageError`."""
    envelope = open_envelope(message.payload)
    body = decode_body(envelope)
    kind = message.topic.rpartition("/")[2]
    if envelope.schema_.partition("/")[0] != kind:
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
