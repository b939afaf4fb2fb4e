"""The station's end of MQTT: one link after another, presence, the drain of the outbox, what is retained.

A row leaves the outbox only on the centre's signed receipt. Whatever goes wrong here (broker gone, thread dead,
disk full, a bug) ends the present link, is logged, and the next one starts after back-off: the uplink never ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from station.contract.bodies import Body, Presence, Telemetry
from station.contract.envelope import topic
from station.contract.keys import PublicKeys
from station.contract.messages import Messages, encode_body
from station.domain.errors import LinkError, StationError, StoreError
from station.domain.events import Event, Publish
from station.mqtt.address import parse_address
from station.mqtt.keeper import Backoff, keep_serving
from station.mqtt.link import (
    NO_MATCHING_SUBSCRIBERS,
    Acknowledged,
    Dismissed,
    Link,
    LinkOptions,
    Received,
    TakenOver,
    Will,
)
from station.mqtt.tls import TlsFiles, files_for
from station.store.outbox import OutboxRow
from station.store.store import Store
from station.uplink.ahead import Ahead
from station.uplink.inbox import Carry, Inbox, carry_nothing
from station.uplink.seldom import Seldom
from station.uplink.window import LINKS_LOST, Window, WindowLimits

log = logging.getLogger(__name__)
_SESSION_EXPIRY_S = 86_400
_ALARM_PAUSE_S = 60.0
_NAMESAKE_PAUSE_S = 86_400.0
_NOT_AUTHORIZED = 0x87
_SHORT_LINKS = 5
"""So many links in a row that stood and were soon lost: mosquitto 2.0 closes without a word when a namesake comes."""
_UNACKNOWLEDGED_MAX = 200
"""A broker that answers pings and acknowledges nothing would have paho keep every repeat."""


class Uplink:
    """Run `run()` as a task; it ends by `close()` alone. Every other method is called from the same event loop."""

    def __init__(
        self,
        store: Store,
        messages: Messages,
        url: str,
        receipt_keys: PublicKeys,
        publish_event: Publish,
        *,
        command_keys: PublicKeys | None = None,
        carry: Carry = carry_nothing,
        limits: WindowLimits | None = None,
        backoff: Backoff | None = None,
        tls: TlsFiles | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`carry` does the centre's commands; `command_keys` sign them, the receipt keys where none are given.

        `tls` is for mqtts://. Raises `SettingsError` where it is missing there, and for a broker without TLS that is
        not on loopback.
        """
        self._store = store
        self._messages = messages
        self._address = parse_address(url)
        self._publish_event = publish_event
        self._tls = files_for(self._address, tls)
        self._now = now
        self._backoff = backoff or Backoff()
        self._window = Window(limits or WindowLimits(), self._backoff)
        self._inbox = Inbox(
            store, messages, receipt_keys, self._window, publish_event, self.raise_alarm,
            command_keys=receipt_keys if command_keys is None else command_keys, carry=carry, now_s=now,
        )  # fmt: skip
        self._ahead = Ahead(store)
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._link: Link | None = None
        self._session = 0
        self._session_used = True
        self._unnumbered = 0
        self._short_links = 0
        self._suspect: int | None = None
        """The row that the last links may have been lost by."""
        self._refusal: str | None = None
        self._refusals: set[str] = set()
        self._retained: dict[str, Body] = {}
        self._late: set[str] = set()
        """Of those, the ones that changed while the socket took nothing."""
        self._seldom = Seldom(now)
        self.last_error: str | None = None
        """Why the last link ended; None while all is well."""
        store.on_posted = self._posted

    @property
    def connected(self) -> bool:
        """Whether a link stands. It proves nothing about delivery."""
        return self._link is not None

    @property
    def session(self) -> int:
        """The number of the present or last session."""
        return self._session

    # --- what the daemon says ----------------------------------------------------------------------------------

    def retain(self, name: str, body: Body) -> None:
        """Publish `info`, `progress` or `alarm_active`, retained; the latest of each is sent again on every link."""
        if self._retained.get(name) != body:
            self._retained[name] = body
            self._late.add(name)
            self._say_late()

    def telemetry(self, body: Telemetry) -> None:
        """Publish an aggregate if a link stands that takes it; otherwise it is gone. It goes first, a result never."""
        if self._link is not None and not self._link.congested:
            self._publish_body(self._link, "telemetry", body, qos=0, expiry_s=60)

    async def close(self) -> None:
        """Say goodbye and end `run()`."""
        self._closing.set()
        self._wake.set()

    # --- one link after another --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep a link to the broker and drain the outbox through it until `close()`."""
        await keep_serving(self._serve_one_link, self._closing, self._backoff, self._note, self._now)

    async def stay_silent(self, why: str) -> None:
        """Instead of `run`: no link at all, until cancelled; what there is to say waits in the outbox."""
        log.critical("%s", why)
        self.last_error = why
        await self._closing.wait()

    async def _serve_one_link(self) -> None:
        if self._session_used:
            self._session = await self._store.next_session()
            self._session_used, self._unnumbered = False, 0
        link, stood_at = Link(self._options()), None
        try:
            await link.open()
            await link.subscribe(topic(self._messages.station, "dn", "#"))
            self._greet(link)
            self._link, self.last_error, stood_at = link, None, self._now()
            self._window.link_stands(stood_at)
            async with asyncio.TaskGroup() as tasks:
                receiving = tasks.create_task(self._receive(link))
                await self._send(link)
                receiving.cancel()
        finally:
            self._session_used = link.connect_sent
            if stood_at is not None:
                long = self._now() - stood_at > self._backoff.cap_s
                self._short_links, self._suspect = (0, None) if long else (self._short_links + 1, self._suspect)
            suspect = self._window.link_lost(by_broker=stood_at is not None and not link.alive)
            self._ahead.forget()
            if self._link is not None and link.alive:
                await self._leave(link)
            self._link = None
            await link.close()
            if suspect is not None:
                await self._say_suspect(suspect)

    def _options(self) -> LinkOptions:
        name = topic(self._messages.station, "up", "presence")
        will = Will(name, self._encode("presence", self._presence("offline")))
        return LinkOptions(self._address, self._messages.station, will, _SESSION_EXPIRY_S, tls=self._tls)

    def _greet(self, link: Link) -> None:
        self._publish_body(link, "presence", self._presence("online"), retain=True)
        self._late = set(self._retained)

    def _say_late(self) -> None:
        """Publish what is retained and changed, unless the socket takes nothing: then the latest goes out later."""
        link = self._link
        while self._late and link is not None and not link.congested and link.room:
            name = self._late.pop()
            self._publish_body(link, name, self._retained[name], retain=True)

    async def _leave(self, link: Link) -> None:
        """A link that we end ourselves: the will does not speak then, so we do."""
        mid = self._publish_body(link, "presence", self._presence("offline"), retain=True)
        with contextlib.suppress(TimeoutError, LinkError):
            async with asyncio.timeout(2.0):
                while not any(isinstance(item, Acknowledged) and item.mid == mid for item in await link.next()):
                    pass

    def _presence(self, state: str) -> Presence:
        return Presence.model_validate(
            {"state": state, "store_epoch": self._store.store_epoch, "session": self._session}
        )

    # --- the drain ---------------------------------------------------------------------------------------------

    async def _send(self, link: Link) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            self._say_late()
            self._window.expire(self._now())
            if link.unacknowledged > _UNACKNOWLEDGED_MAX:
                raise LinkError(f"{self._address}: {link.unacknowledged} messages without the broker's acknowledgement")
            if not self._window.calm:
                self._ahead.forget()
            room = min(self._window.room(self._now()), link.room)
            if room:
                rows = await self._ahead.take(room, self._window.skip(self._now()), calm=self._window.calm)
                now = self._now()
                for row in rows:
                    name = topic(self._messages.station, "up", row.suffix)
                    if link.takes(name, row.payload):
                        self._window.sent(row.seq, link.publish(name, row.payload), now)
                    else:
                        await self._put_aside(row, link.takes_bytes)
            change_at = self._window.next_change_at(self._now())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if change_at is None else max(0.0, change_at - self._now())):
                    await self._wake.wait()

    async def _receive(self, link: Link) -> None:
        while True:
            items = await link.next()
            for item in items:
                if isinstance(item, Acknowledged):
                    self._acknowledged(item)
            received = [item for item in items if isinstance(item, Received)]
            if received:
                await self._inbox.take(received)
                for message in received:
                    link.ack(message)
            self._wake.set()

    def _acknowledged(self, item: Acknowledged) -> None:
        if item.reason >= 0x80:
            self._say_refused(item.reason)
        elif self._refusal is not None and self._window.flies(item.mid):
            self.last_error = None if self.last_error == self._refusal else self.last_error
            self._refusal = None
        if item.reason >= 0x80 or item.reason == NO_MATCHING_SUBSCRIBERS:
            self._window.refused(item.mid, self._now())

    def _say_refused(self, reason: int) -> None:
        """What waits for ever because of the broker's rules must be heard of here."""
        remedy = "may this name write bench/v1/%u/up/# by its ACL?" if reason == _NOT_AUTHORIZED else "see its log"
        text = f"the broker refuses what we publish (0x{reason:02x}); {remedy}"
        if text not in self._refusals:
            log.warning("uplink: %s", text)
        self._refusals.add(text)
        self._refusal = self.last_error = text

    async def _put_aside(self, row: OutboxRow, most: int) -> None:
        """The broker would end the link for a row of this size, and all behind it would wait for ever."""
        size = len(row.payload)
        why = f"{size} bytes, and the broker takes packets of {most}; raise its limit, then `results requeue`"
        try:
            await self._store.quarantine(row.seq, why)
        except StoreError as error:
            log.warning("%s %s is too large for the broker and could not be put aside: %s", row.suffix, row.seq, error)
            self._window.sent(row.seq, 0, self._now())  # it is not; its time-out has it come again
        else:
            self._window.forget(row.seq)
            await self.raise_alarm("too_large", f"{row.suffix} {row.msg_id} is in quarantine: {why}")
        self._wake.set()

    async def _say_suspect(self, seq: int) -> None:
        if self._suspect in (None, seq):
            self._short_links = 0  # it explains them
        self._suspect = seq
        msg_id = f"{self._messages.station}:{self._store.store_epoch}:{seq}"
        cause = f"{LINKS_LOST} links in a row were lost with {msg_id} under way; it rests, the others go on"
        await self.raise_alarm("links_lost", cause)

    def _posted(self) -> None:
        self._ahead.forget()
        self._wake.set()

    # --- small things ------------------------------------------------------------------------------------------

    def _publish_body(
        self, link: Link, name: str, body: Body, *, qos: int = 1, retain: bool = False, expiry_s: int | None = None
    ) -> int:
        where = topic(self._messages.station, "up", name)
        return link.publish(where, self._encode(name, body), qos=qos, retain=retain, expiry_s=expiry_s)

    def _encode(self, name: str, body: Body) -> bytes:
        """A message without a row in the outbox; its number is never used again, not even after a restart."""
        self._unnumbered += 1
        number = self._session * 1_000_000_000 + self._unnumbered
        msg_id = f"{self._messages.station}:{self._store.store_epoch}:p{number}"
        return encode_body(body, name, msg_id, self._messages.station, self._messages.read_stamp())

    async def raise_alarm(self, code: str, cause: str) -> None:
        """Say it here and to the centre, at most once a minute a code: a flood must fill neither log nor outbox."""
        said = self._seldom.say(code, cause, _NAMESAKE_PAUSE_S if code == "namesake" else _ALARM_PAUSE_S)
        if said is None:
            return
        log.error("%s: %s", code, said)
        self._publish_event(Event("alarm", {"code": code, "cause": cause, "run_id": None}))
        with contextlib.suppress(StationError):
            await self._store.post([self._messages.alarm(code, cause)])

    async def _note(self, error: Exception) -> None:
        text = str(error) or repr(error)
        if text != self.last_error:
            log.warning("uplink: %s", text)
        self.last_error = text
        name = self._messages.station
        if isinstance(error, TakenOver):
            await self.raise_alarm("namesake", f"{text}; another client is called {name!r}: give it a name of its own")
        elif isinstance(error, Dismissed):
            self._short_links = 0  # the broker said why
        elif self._short_links == _SHORT_LINKS:
            cause = f"{text}, {_SHORT_LINKS} times in a row; is another client called {name!r}, or is the broker ill?"
            await self.raise_alarm("namesake", cause)
        if not isinstance(error, StationError):
            log.error("the uplink failed and starts again", exc_info=error)
            await self.raise_alarm("uplink_failed", repr(error))
