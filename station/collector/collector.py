"""The centre's end of MQTT: take what stations send, commit it, and only then sign a receipt for each.

At-least-once on the wire, exactly once in the database: a message that comes again gets its receipt again. What is
malformed is rejected with the reason as long as its `msg_id` can be read, and is an alarm in any case. While the
database cannot be written to nobody is listened to and nothing is receipted; the stations keep what they have.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from station.collector.aside import Aside
from station.collector.centre import RECEIPTED, RETAINED, Centre, Incoming, Stored
from station.collector.checking import Checked, check_all, kind_of
from station.collector.figures import Figures
from station.contract.bodies import ALSO_MAX, TAKES_ALSO, Info
from station.contract.envelope import station_of, topic
from station.contract.keys import SigningKey
from station.contract.receipts import make_receipt
from station.domain.clock import utc_text
from station.domain.errors import CentreError, SettingsError, StationError
from station.mqtt.address import parse_address
from station.mqtt.keeper import Backoff, keep_serving
from station.mqtt.link import Link, LinkOptions, Received
from station.mqtt.tls import TlsFiles, files_for

log = logging.getLogger(__name__)
_BATCH, _BATCH_BYTES = 200, 2 << 20
"""A message that was read takes about ten times its bytes; two batches are in memory at a time."""
RECEIVE_MAXIMUM = 400
"""Messages that the broker may hand out before one is acknowledged: what bounds this worker's memory."""
PACKET_MAX = 1 << 20
"""What is larger than a message may be, up to this, still gets its receipt: `rejected`. The broker drops the rest."""
_END_S = 5.0
_Batch = tuple[list[Received], Checked]


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
        figures: Figures | None = None,
    ) -> None:
        """`share` names the group of workers that divide the messages; None subscribes plainly.

        Each kind has a group of its own: rumqttd tells groups apart by name alone, and with two filters in one
        group it was seen to deliver some messages to nobody. Retained topics are always subscribed plainly.
        """
        self._address = parse_address(url)
        self._centre = centre
        self._key = key
        self._share = share
        self._backoff = backoff or Backoff(cap_s=10.0)
        self._tls = files_for(self._address, tls)
        self._on_ready = on_ready
        self.figures = figures or Figures()
        self.figures.alarms = centre.alarm_counts
        self._closing = asyncio.Event()
        self._client_id = f"collector-{secrets.token_hex(4)}"
        self._aside = Aside(f"centre-{self._client_id}")
        self._unusable: SettingsError | None = None
        self._said: str | None = None
        self._committed = False
        """Whether something was committed over the present link, or over the last one."""
        self._takes_also: set[str] = set()
        """Stations whose latest `info` says that one receipt may speak of many of their messages."""

    async def run(self) -> None:
        """Serve until `close()`. A failure ends the link, is logged, and the next link begins after back-off.

        Raises `SettingsError` for what waiting does not mend (a database of a newer version).
        """
        self._aside.start()
        await keep_serving(
            self._serve_one_link, self._closing, self._backoff, self._note, did_its_work=lambda: self._committed
        )
        if not await self._aside.end(_END_S):
            log.warning("the database does not answer; what it is busy with has no receipt and will come again")
        if self._unusable is not None:
            raise self._unusable

    def close(self) -> None:
        """End `run()`, after the receipts of what is being committed."""
        self._closing.set()

    async def _serve_one_link(self) -> None:
        self._committed = False
        if not await self._is_ready():
            return
        self.figures.database_up = True
        options = LinkOptions(
            self._address, self._client_id, receive_maximum=RECEIVE_MAXIMUM, packet_max=PACKET_MAX, tls=self._tls
        )
        link = Link(options)
        try:
            await link.open()
            for topic_filter in self._filters():
                await link.subscribe(topic_filter)
            self._begin()
            await self._work(link)
        finally:
            self.figures.linked = False
            await link.close()

    async def _is_ready(self) -> bool:
        """Whether the database is; False if `close()` comes first: one that hangs is waited for no longer."""
        ready = asyncio.create_task(self._aside.call(self._centre.ready))
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({ready, closing}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                ready.result()
            return ready.done()
        finally:
            ready.cancel()
            closing.cancel()
            await asyncio.gather(ready, closing, return_exceptions=True)

    def _filters(self) -> Iterator[str]:
        for kind in RECEIPTED:
            group = f"$share/{self._share}-{kind}/" if self._share else ""
            yield f"{group}bench/v1/+/up/{kind}"
        for kind in RETAINED:
            yield f"bench/v1/+/up/{kind}"

    def _begin(self) -> None:
        self._said = None
        self.figures.linked = True
        self.figures.links += 1
        self._on_ready()

    async def _work(self, link: Link) -> None:
        """One task checks what comes in while the other commits the batch before, until either fails or `close()`."""
        checked: asyncio.Queue[_Batch | None] = asyncio.Queue(1)
        receiving = asyncio.create_task(self._receive(link, checked))
        taking = asyncio.create_task(self._take_all(link, checked))
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({receiving, taking, closing}, return_when=asyncio.FIRST_COMPLETED)
            if closing.done() and not taking.done():
                receiving.cancel()
                await self._finish(checked, taking)
            for ended in (taking, receiving):
                if ended.done() and not ended.cancelled():
                    ended.result()
        finally:
            receiving.cancel()
            taking.cancel()
            closing.cancel()
            await asyncio.gather(receiving, taking, closing, return_exceptions=True)

    async def _finish(self, checked: asyncio.Queue[_Batch | None], taking: asyncio.Task[None]) -> None:
        """Let what was checked be committed and receipted, unless the database hangs."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await checked.put(None)
                await asyncio.wait({taking})

    async def _receive(self, link: Link, checked: asyncio.Queue[_Batch | None]) -> None:
        while True:
            received = [item for item in await link.next() if isinstance(item, Received)]
            for batch in _batches(received):
                await checked.put((batch, check_all(batch)))

    async def _take_all(self, link: Link, checked: asyncio.Queue[_Batch | None]) -> None:
        while (batch := await checked.get()) is not None:
            await self._take(link, *batch)

    async def _take(self, link: Link, batch: Sequence[Received], checked: Checked) -> None:
        """Commit, then receipt, then acknowledge. Whatever raises in between leaves it to the stations to repeat."""
        self._count(batch, checked)
        alarms = [one.to_alarm() for one in checked.rejected]
        if checked.good or alarms:
            with self.figures.committing():
                answers = await self._aside.call(self._centre.take, checked.good, alarms, utc_text(datetime.now(UTC)))
            self._committed = True
            self._receipt(link, checked.good, answers)
        for one in checked.rejected:
            if one.wants_receipt and one.msg_id is not None:
                self._publish(link, one.station, one.msg_id, one.sha256, Stored("rejected", one.reason))
        for message in batch:
            link.ack(message)
        if any(message.kind == "presence" for message in checked.good):
            self.figures.online = await self._aside.call(self._centre.stations_online)

    def _receipt(self, link: Link, good: Sequence[Incoming], answers: Sequence[Stored]) -> None:
        """One receipt a message; of what was stored now, one for many where the station takes such."""
        together: dict[str, list[tuple[str, str]]] = {}
        for incoming, answer in zip(good, answers, strict=True):
            self.figures.answered[incoming.kind, answer.status] += 1
            envelope = incoming.envelope
            if incoming.kind == "info" and isinstance(incoming.body, Info):
                takes = TAKES_ALSO in incoming.body.capabilities
                (self._takes_also.add if takes else self._takes_also.discard)(envelope.station)
            if incoming.kind not in RECEIPTED:
                continue
            if answer.status == "stored" and envelope.station in self._takes_also:
                together.setdefault(envelope.station, []).append((envelope.msg_id, incoming.sha256))
            else:
                self._publish(link, envelope.station, envelope.msg_id, incoming.sha256, answer)
        for station, listed in together.items():
            for start in range(0, len(listed), ALSO_MAX + 1):
                (msg_id, sha256), *also = listed[start : start + ALSO_MAX + 1]
                self._publish(link, station, msg_id, sha256, Stored("stored"), also)

    def _publish(
        self, link: Link, station: str, msg_id: str, sha256: str, stored: Stored, also: Sequence[tuple[str, str]] = ()
    ) -> None:
        payload = make_receipt(msg_id, sha256, stored.status, self._key, stored.reason, also)
        link.publish(topic(station, "dn", "receipt"), payload)
        self.figures.receipts[stored.status] += 1 + len(also)

    def _count(self, batch: Sequence[Received], checked: Checked) -> None:
        for message in batch:
            self.figures.received[kind_of(message.topic)] += 1
            station = station_of(message.topic)
            if station is not None and not message.retained:
                self.figures.heard(station)
        for one in checked.rejected:
            self.figures.answered[kind_of(one.topic), "rejected"] += 1

    async def _note(self, error: Exception) -> None:
        if isinstance(error, CentreError):
            self.figures.database_errors += 1
            self.figures.database_up = False
        if isinstance(error, SettingsError):
            self._unusable = error
            self._closing.set()
        elif not isinstance(error, StationError):
            log.error("the collector failed and starts again", exc_info=error)
        elif str(error) != self._said:
            log.warning("collector: %s", error)
        self._said = str(error)


def _batches(received: Sequence[Received]) -> Iterator[list[Received]]:
    """At most so many messages, and so many bytes unless one alone has more."""
    batch: list[Received] = []
    size = 0
    for message in received:
        if batch and (len(batch) == _BATCH or size + len(message.payload) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.payload)
    if batch:
        yield batch
