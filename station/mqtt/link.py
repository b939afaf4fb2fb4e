"""One CONNECT to a broker: one paho client, one thread, never reconnected. A lost link is thrown away whole.

paho's callbacks only put things into an asyncio queue. The thread that runs paho's loop is ours, and whatever
ends it (a refusal, a lost socket, an exception in paho or in a callback) ends the queue with the reason: there
is no dead thread behind a link that looks alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from station.domain.errors import LinkError, SettingsError
from station.mqtt.address import BrokerAddress
from station.mqtt.refusals import refusal_of
from station.mqtt.tls import TlsFiles, files_for, make_context, why_refused

NO_MATCHING_SUBSCRIBERS = 0x10
_CONNECT_TIMEOUT_S = 5.0


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
    tls: TlsFiles | None = None
    """The credentials for mqtts://, read by each link anew."""


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
        self._opened: object = None
        self.connect_sent = False
        """Whether a CONNECT went out at all, also where it was refused."""
        self._client = self._make_client()
        self._thread = threading.Thread(target=self._serve, name=f"mqtt-{options.client_id}", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether nothing has ended this link so far."""
        return self._thread.is_alive() and not self._ended.done()

    async def open(self) -> None:
        """Connect and wait for the CONNACK. Raises `LinkError`."""
        self._thread.start()
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
        """Hand a message to the network thread; returns its `mid`. Nothing is promised before a receipt."""
        properties = _properties(PacketTypes.PUBLISH)
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        return self._client.publish(topic, payload, qos, retain, properties).mid

    def ack(self, message: Received) -> None:
        """Tell the broker that this message is taken care of."""
        self._client.ack(message.mid, message.qos)

    async def next(self) -> list[Received | Acknowledged]:
        """Wait for what comes in; all that is there at once, in order. Raises `LinkError` when the link is lost."""
        if not self._inbox and not self._ended.done():
            self._arrived.clear()
            await self._arrived.wait()
        items = [self._inbox.popleft() for _ in range(len(self._inbox))]
        if not items:
            raise LinkError(f"{self._options.address}: {self._ended.result()}")
        return items

    async def close(self) -> None:
        """Send what is queued and DISCONNECT; the thread has ended afterwards. Safe to call twice."""
        if not self._thread.is_alive():
            return
        self._client.disconnect()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await asyncio.shield(self._ended)

    async def _until(self, answer: asyncio.Future[None], otherwise: str) -> None:
        waits: set[asyncio.Future[Any]] = {answer, self._ended}
        await asyncio.wait(waits, timeout=2 * _CONNECT_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            answer.result()
        else:
            raise LinkError(f"{self._options.address}: {self._ended.result() if self._ended.done() else otherwise}")

    def _arrive(self, item: Received | Acknowledged) -> None:
        self._inbox.append(item)
        self._arrived.set()

    def _end(self, why: str) -> None:
        _finish(self._ended, why)
        self._arrived.set()

    # --- the network thread ------------------------------------------------------------------------------------

    def _make_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, self._options.client_id, protocol=paho.MQTTv5, manual_ack=True
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = self._on_socket_open
        client.on_socket_register_write = lambda *_: None  # or publish() would write from the caller's thread
        if self._options.will is not None:
            client.will_set(self._options.will.topic, self._options.will.payload, qos=1, retain=True)
        return client

    def _serve(self) -> None:
        why = "the connection ended"
        try:
            options, properties = self._options, _properties(PacketTypes.CONNECT)
            files = files_for(options.address, options.tls)
            if files is not None:
                self._client.tls_set_context(make_context(files))
            properties.SessionExpiryInterval = options.session_expiry_s
            properties.ReceiveMaximum = options.receive_maximum
            address, clean = options.address, options.session_expiry_s == 0
            self._client.connect(
                address.host, address.port, options.keepalive_s, clean_start=clean, properties=properties
            )
            self.connect_sent = True
            code = paho.MQTT_ERR_SUCCESS
            while code == paho.MQTT_ERR_SUCCESS:
                _acknowledge_at_once(self._client.socket())
                code = self._client.loop(1.0)
            refusal = refusal_of(self._opened)
            why = paho.error_string(code) if refusal is None else self._words(refusal)
        except Exception as error:
            why = self._words(error)
        finally:
            self._tell(self._end, self._said or why)

    def _words(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLError) and self._options.tls is not None:
            return why_refused(error, self._options.tls, self._options.address.host)
        return str(error) if isinstance(error, SettingsError) else f"{type(error).__name__}: {error}"

    def _tell(self, function: Any, *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def _on_socket_open(self, client: Any, userdata: Any, opened: Any) -> None:
        self._opened = opened
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._said = f"the broker refused the connection: {reason}"
            client.disconnect()
        else:
            self._tell(_finish, self._connected, None)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self._said = f"the broker ended the connection: {reason}"

    def _on_message(self, client: Any, userdata: Any, message: paho.MQTTMessage) -> None:
        received = Received(message.topic, bytes(message.payload), message.retain, message.mid, message.qos)
        self._tell(self._arrive, received)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        self._tell(self._arrive, Acknowledged(mid, reason.value))

    def _on_subscribe(self, client: Any, userdata: Any, mid: int, reasons: Any, properties: Any) -> None:
        self._tell(self._answer_subscribe, mid, [str(reason) for reason in reasons if reason.is_failure])

    def _answer_subscribe(self, mid: int, refusals: list[str]) -> None:
        answer = self._subscribed.setdefault(mid, self._loop.create_future())
        if answer.done():
            return
        if refusals:
            answer.set_exception(LinkError(f"{self._options.address}: subscription refused: {', '.join(refusals)}"))
        else:
            answer.set_result(None)


def _acknowledge_at_once(opened: Any) -> None:
    """Brokers that send small packets with Nagle's delay wait for our TCP acknowledgement, which Linux holds back for
    40 ms unless asked; it forgets that it was asked, hence before each turn. A round trip took 44 ms without."""
    if opened is not None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _properties(packet: int) -> Any:
    return Properties(packet)  # type: ignore[no-untyped-call]


def _finish(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)
