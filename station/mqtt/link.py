"""One CONNECT to a broker: one paho client, never reconnected. A lost link is thrown away whole.

paho lives in the event loop, without a thread of its own: the loop calls it when the socket has something to read or
room to write, and once a second. Only names and handshakes are waited for in a thread. Whatever ends a step of paho
(a refusal, a lost socket, an exception in paho or in a callback) ends the link with the reason: there is no dead
thread behind a link that looks alive, and nothing waits for a thread while rows are drained.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from station.domain.errors import LinkError, SettingsError
from station.mqtt.address import BrokerAddress
from station.mqtt.refusals import refusal_of, why_unreachable
from station.mqtt.tls import MutualContext, TlsFiles, files_for, make_context, why_refused

NO_MATCHING_SUBSCRIBERS = 0x10
_CONNECT_TIMEOUT_S = 5.0
_TICK_S = 1.0
_TAKEN_OVER = 0x8E
_PACKET_MAX, _PACKET_HEAD = 268_435_460, 10
"""Bytes of MQTT's largest packet; of a PUBLISH without properties, beside topic and payload."""
PACKET_MAX = 300_000
"""A message of 256 KiB with its topic and properties. What is larger stays at the broker: 20 MB held up the loop, which
scans the bench, for 0.1 s."""
_TURN_BYTES = 256 * 1024
"""So much is read before the loop has its turn again: half a millisecond."""
log = logging.getLogger(__name__)


class TakenOver(LinkError):
    """Another client came with our client id, and the broker dropped us for it."""


class Dismissed(LinkError):
    """It is known why the connection ended, by the broker's word or its bad packet: it was no other client."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came in; it counts as taken only after `Link.ack`."""

    topic: str
    payload: bytes
    retained: bool
    mid: int
    qos: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker's PUBACK for what `Link.publish` returned as `mid`; from 0x80 on it is a refusal."""

    mid: int
    reason: int


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this link dies."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How to connect. `session_expiry_s` above 0 keeps the broker's session between links."""

    address: BrokerAddress
    client_id: str
    will: Will | None = None
    session_expiry_s: int = 0
    keepalive_s: int = 15
    receive_maximum: int = 64
    packet_max: int = PACKET_MAX
    """The broker hands out no packet of more bytes; it drops such a message for us."""
    tls: TlsFiles | None = None
    """The credentials for mqtts://, read by each link anew."""


class _Client(paho.Client):
    """paho, which reads as many packets in one call as it waits for answers, whatever their size: here in turns."""

    turn_bytes = _TURN_BYTES
    """What may still be read in this turn."""

    def _sock_recv(self, bufsize: int) -> bytes:
        if self.turn_bytes <= 0:
            raise BlockingIOError("enough for one turn")
        received = super()._sock_recv(min(bufsize, self.turn_bytes))
        self.turn_bytes -= len(received)
        return received


class Link:
    """Open once, use, close. Everything here is called from the event loop's thread."""

    def __init__(self, options: LinkOptions) -> None:
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[Received | Acknowledged] = deque()
        self._arrived = asyncio.Event()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._subscribed: dict[int, asyncio.Future[None]] = {}
        self._said: str | None = None
        self._taken_over = self._dismissed = False
        self._opened: Any = None
        self._context: MutualContext | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._paused = False
        self.congested = False
        """Whether the socket takes nothing more at present: whatever can be left unsaid should be."""
        self.unacknowledged = 0
        """Messages that the broker has not acknowledged, or that are not written where it acknowledges none."""
        self.takes_at_once, self.takes_bytes = 65_535, _PACKET_MAX
        """Of the broker: messages without its acknowledgement, and bytes of one packet."""
        self.connect_sent = False
        """Whether a CONNECT went out at all, also where it was refused."""
        self._client = self._make_client()

    @property
    def alive(self) -> bool:
        """Whether it was opened and nothing has ended it so far."""
        return self._tick is not None and not self._ended.done()

    @property
    def room(self) -> int:
        """How many more messages the broker takes before it acknowledges one."""
        return max(0, self.takes_at_once - self.unacknowledged)

    def takes(self, topic: str, payload: bytes) -> bool:
        """Whether such a message of QoS 1 is not too large for the broker, which would end the link for it."""
        return _PACKET_HEAD + len(topic.encode()) + len(payload) <= self.takes_bytes

    async def open(self) -> None:
        """Connect and wait for the CONNACK. Raises `LinkError`."""
        threading.Thread(target=self._connect, name=f"mqtt-{self._options.client_id}", daemon=True).start()
        await self._until(self._connected, "no CONNACK; is it an MQTT v5 broker?")

    async def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1 and wait for the SUBACK. Raises `LinkError`, also where the broker says no."""
        _, mid = self._client.subscribe(topic_filter, qos=1)
        if mid is None:
            raise LinkError(f"{self._options.address}: the link was lost before {topic_filter} was subscribed")
        answer = self._subscribed.setdefault(mid, self._loop.create_future())
        await self._until(answer, f"no answer to SUBSCRIBE {topic_filter}")

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, expiry_s: int | None = None
    ) -> int:
        """Have a message sent in the loop's next turn; returns its `mid`. Nothing is promised before a receipt."""
        properties = None
        if expiry_s is not None:
            properties = _properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = expiry_s
        self.unacknowledged += 1
        return self._client.publish(topic, payload, qos, retain, properties).mid

    def ack(self, message: Received) -> None:
        """Tell the broker that this message is taken care of."""
        self._client.ack(message.mid, message.qos)

    async def next(self) -> list[Received | Acknowledged]:
        """Wait for what comes in; all that is there at once, in order. Raises `LinkError` when the link is lost."""
        if not self._inbox and not self._ended.done():
            self._arrived.clear()
            await self._arrived.wait()
        items = list(self._inbox)
        self._inbox.clear()
        if not items:
            raise self._error(self._ended.result())
        if self._paused and not self._ended.done():
            self._paused = False
            self._loop.add_reader(self._opened, self._read)
            self._loop.call_soon(self._read)  # TLS may hold what the socket no longer shows
        return items

    async def close(self) -> None:
        """Send what is queued and DISCONNECT; nothing of it is left afterwards. Safe to call twice."""
        if self.alive:
            self._client.disconnect()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                    await asyncio.shield(self._ended)
        self._end("closed here")

    async def _until(self, answer: asyncio.Future[None], otherwise: str) -> None:
        waits: set[asyncio.Future[Any]] = {answer, self._ended}
        await asyncio.wait(waits, timeout=2 * _CONNECT_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            answer.result()
        else:
            raise self._error(self._ended.result() if self._ended.done() else otherwise)

    def _error(self, why: str) -> LinkError:
        kind = TakenOver if self._taken_over else Dismissed if self._dismissed else LinkError
        return kind(f"{self._options.address}: {why}")

    # --- opening -----------------------------------------------------------------------------------------------

    def _make_client(self) -> _Client:
        client = _Client(CallbackAPIVersion.VERSION2, self._options.client_id, protocol=paho.MQTTv5, manual_ack=True)
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = self._on_socket_open
        client.on_socket_register_write = self._on_socket_register_write
        if self._options.will is not None:
            client.will_set(self._options.will.topic, self._options.will.payload, qos=1, retain=True)
        return client

    def _connect(self) -> None:
        """In a thread: looks names up, shakes hands."""
        try:
            options, properties = self._options, _properties(PacketTypes.CONNECT)
            files = files_for(options.address, options.tls)
            if files is not None:
                self._context = make_context(files)
                self._client.tls_set_context(self._context)
            properties.SessionExpiryInterval = options.session_expiry_s
            properties.ReceiveMaximum = options.receive_maximum
            properties.MaximumPacketSize = options.packet_max
            address, clean = options.address, options.session_expiry_s == 0
            self._client.connect(
                address.host, address.port, options.keepalive_s, clean_start=clean, properties=properties
            )
        except Exception as error:
            self._tell(self._end, self._words(error))
        else:
            self._tell(self._attach)

    def _tell(self, function: Any, *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def _attach(self) -> None:
        """The socket stands: from here on it is the loop's."""
        if self._ended.done():  # whoever opened it has gone away meanwhile
            self._opened.close()
            return
        self.connect_sent = True
        self._loop.add_reader(self._opened, self._read)
        self._keep_alive()
        self._write()

    # --- steps of paho -----------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Take what came in, in turns of at most as many messages as a window holds, and of so many bytes."""
        opened = self._opened
        if self._ended.done():
            return
        _acknowledge_at_once(opened)
        self._client.turn_bytes = _TURN_BYTES
        known, most = -1, len(self._inbox) + self._options.receive_maximum
        while known < len(self._inbox) < most and not self._ended.done():
            known = len(self._inbox)
            self._step(self._client.loop_read)
        if self._ended.done():
            return
        if len(self._inbox) >= 2 * self._options.receive_maximum:
            self._paused = True  # nobody takes it: the broker keeps the rest
            self._loop.remove_reader(opened)
        elif isinstance(opened, ssl.SSLSocket) and opened.pending():
            self._loop.call_soon(self._read)

    def _write(self) -> None:
        self._step(self._client.loop_write)
        congested = not self._ended.done() and self._client.want_write()
        if congested and not self.congested:
            self._loop.add_writer(self._opened, self._write)
        elif self.congested and not congested and not self._ended.done():
            self._loop.remove_writer(self._opened)
        self.congested = congested

    def _keep_alive(self) -> None:
        self._tick = self._loop.call_later(_TICK_S, self._keep_alive)
        self._step(self._client.loop_misc)

    def _step(self, step: Callable[[], int]) -> None:
        """One step of paho. What it raises, in paho or in a callback, ends the link as a lost connection does."""
        if self._ended.done():
            return
        try:
            code = step()
        except Exception as error:
            if not isinstance(error, OSError):
                log.exception("the link to %s broke", self._options.address)
            self._end(self._said or self._words(error))
            return
        if code != paho.MQTT_ERR_SUCCESS or self._client.socket() is None:
            self._dismissed = self._dismissed or code == paho.MQTT_ERR_PROTOCOL
            refusal = refusal_of(self._opened)
            why = "the connection ended" if code == paho.MQTT_ERR_SUCCESS else paho.error_string(code)
            self._end(self._said or (why if refusal is None else self._words(refusal)))

    def _end(self, why: str) -> None:
        if self._ended.done():
            return
        self._ended.set_result(why)
        self._arrived.set()
        if self._tick is not None:
            self._tick.cancel()
            self._forget_socket()
            self._opened.close()

    def _forget_socket(self) -> None:
        with contextlib.suppress(ValueError):  # paho has closed it: it is in no selector any more
            self._loop.remove_reader(self._opened)
            self._loop.remove_writer(self._opened)

    def _words(self, error: Exception) -> str:
        tls, context = self._options.tls, self._context
        if isinstance(error, ssl.SSLError | ConnectionResetError) and tls is not None and context is not None:
            return why_refused(error, tls, self._options.address.host, context)
        return str(error) if isinstance(error, SettingsError) else why_unreachable(error)

    # --- paho's callbacks --------------------------------------------------------------------------------------

    def _on_socket_open(self, client: Any, userdata: Any, opened: Any) -> None:
        self._opened = opened
        client.on_socket_close = lambda *_: self._forget_socket()
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_socket_register_write(self, client: Any, userdata: Any, opened: Any) -> None:
        """paho has something to send: all that this turn of the loop queues goes out together in the next."""
        if self._tick is not None and not self._ended.done():
            self._loop.call_soon(self._write)

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._said = f"the broker refused the connection: {reason}"
            client.disconnect()
        else:
            self.takes_at_once = getattr(properties, "ReceiveMaximum", self.takes_at_once)
            self.takes_bytes = getattr(properties, "MaximumPacketSize", self.takes_bytes)
            _finish(self._connected, None)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self._said = f"the broker ended the connection: {reason}"
            self._taken_over, self._dismissed = reason.value == _TAKEN_OVER, reason.value != _TAKEN_OVER

    def _on_message(self, client: Any, userdata: Any, message: paho.MQTTMessage) -> None:
        self._arrive(Received(message.topic, bytes(message.payload), message.retain, message.mid, message.qos))

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        self.unacknowledged -= 1
        self._arrive(Acknowledged(mid, reason.value))

    def _arrive(self, item: Received | Acknowledged) -> None:
        self._inbox.append(item)
        self._arrived.set()

    def _on_subscribe(self, client: Any, userdata: Any, mid: int, reasons: Any, properties: Any) -> None:
        answer = self._subscribed.setdefault(mid, self._loop.create_future())
        if answer.done():
            return
        if refusals := [str(reason) for reason in reasons if reason.is_failure]:
            answer.set_exception(LinkError(f"{self._options.address}: subscription refused: {', '.join(refusals)}"))
        else:
            answer.set_result(None)


def _acknowledge_at_once(opened: Any) -> None:
    """Brokers that send small packets with Nagle's delay wait for our TCP acknowledgement, which Linux holds back for
    40 ms unless asked; it forgets that it was asked, hence before each turn. A round trip took 44 ms without."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _properties(packet: int) -> Any:
    return Properties(packet)  # type: ignore[no-untyped-call]


def _finish(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)
