"""Many links in one thread: paho without its threads, under one epoll. A lost link is thrown away whole, as in `link`.

paho's callbacks only add to the list of what was heard, and `turn` hands it out: nobody else's code runs inside paho.
"""

from __future__ import annotations

import functools
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from station.domain.errors import LinkError
from station.mqtt.link import Acknowledged, LinkOptions, Received
from station.mqtt.refusals import why_unreachable

_CONNECT_TIMEOUT_S = 1.0
"""paho connects while everybody waits: on loopback that is 0.1 ms, or refused at once."""
_EVENTS_MAX = 1024


@dataclass(frozen=True, slots=True)
class Opened:
    """The CONNACK."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The SUBACK of the only subscription."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The link is gone, and why; nothing comes after it."""

    why: str


Heard = Opened | Subscribed | Received | Acknowledged | Ended


class CrowdLink:
    """One CONNECT. Made by `Crowd.open`, used until `Ended` was heard."""

    def __init__(self, crowd: Crowd, options: LinkOptions) -> None:
        """Connects and sends the CONNECT. Raises `LinkError` where nobody listens."""
        self.heard: list[Heard] = []
        """What came in; whoever takes it clears it."""
        self.ended = False
        self._crowd = crowd
        self._client = _make_client(options, self.heard)
        address = options.address
        try:
            self._client.connect(
                address.host, address.port, options.keepalive_s, clean_start=options.session_expiry_s == 0,
                properties=_connecting(options.session_expiry_s, options.receive_maximum, options.packet_max),
            )  # fmt: skip
        except OSError as error:
            raise LinkError(f"{address}: {why_unreachable(error)}") from error
        opened = self._client.socket()
        assert opened is not None
        self.fd = opened.fileno()

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""
        self._client.subscribe(topic_filter, qos=1)
        self._crowd.unsent.add(self)

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, expiry_s: int | None = None
    ) -> int:
        """Queue a message for the end of this turn; returns its `mid`. Nothing is promised before a receipt."""
        properties = None if expiry_s is None else _expiring(expiry_s)
        self._crowd.unsent.add(self)
        return self._client.publish(topic, payload, qos, retain, properties).mid

    def ack(self, message: Received) -> None:
        """Tell the broker that this message is taken care of."""
        self._client.ack(message.mid, message.qos)
        self._crowd.unsent.add(self)

    def tend(self) -> None:
        """Keep it alive: ping where it was silent, end it where the broker was. Call several times a keepalive."""
        self._guarded(self._client.loop_misc)
        if self._client.want_write():
            self._crowd.unsent.add(self)

    def say_goodbye(self) -> None:
        """Send what is queued and DISCONNECT, and let the broker forget the session. `Ended` follows."""
        forget: Any = _Packed(PacketTypes.DISCONNECT, SessionExpiryInterval=0)
        self._client.disconnect(properties=forget)
        self._crowd.unsent.add(self)

    def drop(self, why: str) -> None:
        """End it at once, as a cut wire would. `Ended` follows."""
        if not self.ended:
            self.heard.append(Ended(why))
            self._look()

    # --- for the crowd -----------------------------------------------------------------------------------------

    def read(self) -> None:
        """There is something to read."""
        self._client.on_publish = _on_publish  # only here: for QoS 0 it would be called from `loop_write`
        self._guarded(self._client.loop_read)
        self._client.on_publish = None
        opened: Any = self._client.socket()
        if opened is not None and not self.ended:  # Linux forgets that it was asked, see `link`
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def write(self) -> bool:
        """Send what is queued; whether something is left."""
        self._guarded(self._client.loop_write)
        return not self.ended and self._client.want_write()

    def _guarded(self, work: Callable[[], MQTTErrorCode]) -> None:
        if self.ended:
            return
        try:
            code = work()
            if self._client.socket() is None and not self._said_why():
                self.heard.append(Ended(paho.error_string(code)))
        except Exception as error:  # paho stumbled over what it read: this link alone ends
            self.heard.append(Ended(f"{type(error).__name__}: {error}"))
        self._look()

    def _look(self) -> None:
        if self.heard:
            self._crowd.told.add(self)
        if self._said_why():
            self.ended = True
            opened = self._client.socket()
            if opened is not None:
                opened.close()

    def _said_why(self) -> bool:
        return bool(self.heard) and isinstance(self.heard[-1], Ended)


class Crowd:
    """Opens links and waits for all of them at once."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._links: dict[int, CrowdLink] = {}
        self._writing: set[int] = set()
        self.unsent: set[CrowdLink] = set()
        """Links with something to send at the end of this turn."""
        self.told: set[CrowdLink] = set()
        """Links that heard something since the last turn."""

    def open(self, options: LinkOptions) -> CrowdLink:
        """Send a CONNECT; `Opened` follows. Raises `LinkError` where nobody listens."""
        link = CrowdLink(self, options)
        self._links[link.fd] = link
        self._writing.discard(link.fd)
        self._epoll.register(link.fd, select.EPOLLIN)
        self.unsent.add(link)
        return link

    def turn(self, timeout_s: float) -> list[CrowdLink]:
        """Send what was queued, wait at most `timeout_s`, read what came; the links that heard something.

        A link that has ended is forgotten here: its file is closed, and another may have its number next.
        """
        self._send()
        for fd, mask in self._epoll.poll(0.0 if self.told else timeout_s, _EVENTS_MAX):
            link = self._links.get(fd)
            if link is None:
                continue
            if mask & select.EPOLLOUT:
                self.unsent.add(link)
            if mask & ~select.EPOLLOUT:
                link.read()
        told, self.told = self.told, set()
        for link in told:
            if link.ended and self._links.get(link.fd) is link:
                del self._links[link.fd]
                self._writing.discard(link.fd)
        return list(told)

    def close(self) -> None:
        """Cut what is left."""
        for link in self._links.values():
            link.drop("the crowd was closed")
        self._links.clear()
        self._epoll.close()

    def _send(self) -> None:
        unsent, self.unsent = self.unsent, set()
        for link in unsent:
            more = link.write()
            if link.ended or more == (link.fd in self._writing):
                continue
            self._epoll.modify(link.fd, select.EPOLLIN | (select.EPOLLOUT if more else 0))
            (self._writing.add if more else self._writing.discard)(link.fd)


def _make_client(options: LinkOptions, heard: list[Heard]) -> paho.Client:
    client = paho.Client(
        CallbackAPIVersion.VERSION2, options.client_id, userdata=heard, protocol=paho.MQTTv5, manual_ack=True
    )
    client.connect_timeout = _CONNECT_TIMEOUT_S
    client.max_inflight_messages_set(0)
    client.on_connect = _on_connect
    client.on_disconnect = _on_disconnect
    client.on_message = _on_message
    client.on_subscribe = _on_subscribe
    client.on_socket_open = _on_socket_open
    client.on_socket_register_write = _write_later
    if options.will is not None:
        client.will_set(options.will.topic, options.will.payload, qos=1, retain=True)
    return client


class _Packed:
    """Properties of paho that are packed once: packing them anew cost as much as the rest of a PUBLISH."""

    def __init__(self, packet: int, **values: int) -> None:
        properties: Any = Properties(packet)  # type: ignore[no-untyped-call]
        for name, value in values.items():
            setattr(properties, name, value)
        self._bytes: bytes = properties.pack()

    def pack(self) -> bytes:
        """As paho asks for it."""
        return self._bytes


@functools.cache
def _connecting(session_expiry_s: int, receive_maximum: int, packet_max: int) -> Any:
    return _Packed(
        PacketTypes.CONNECT, SessionExpiryInterval=session_expiry_s, ReceiveMaximum=receive_maximum,
        MaximumPacketSize=packet_max,
    )  # fmt: skip


@functools.cache
def _expiring(expiry_s: int) -> Any:
    return _Packed(PacketTypes.PUBLISH, MessageExpiryInterval=expiry_s)


def _on_socket_open(client: Any, heard: list[Heard], opened: Any) -> None:
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _write_later(client: Any, heard: list[Heard], opened: Any) -> None:
    """Its presence keeps paho from writing inside `publish`; the end of the turn writes."""


def _on_connect(client: Any, heard: list[Heard], flags: Any, reason: Any, properties: Any) -> None:
    if reason.is_failure:
        heard.append(Ended(f"the broker refused the connection: {reason}"))
    else:
        heard.append(Opened())


def _on_disconnect(client: Any, heard: list[Heard], flags: Any, reason: Any, properties: Any) -> None:
    if flags.is_disconnect_packet_from_server and not (heard and isinstance(heard[-1], Ended)):
        heard.append(Ended(f"the broker ended the connection: {reason}"))


def _on_message(client: Any, heard: list[Heard], message: paho.MQTTMessage) -> None:
    heard.append(Received(message.topic, bytes(message.payload), message.retain, message.mid, message.qos))


def _on_publish(client: Any, heard: list[Heard], mid: int, reason: Any, properties: Any) -> None:
    heard.append(Acknowledged(mid, reason.value))


def _on_subscribe(client: Any, heard: list[Heard], mid: int, reasons: Any, properties: Any) -> None:
    refusals = [str(reason) for reason in reasons if reason.is_failure]
    heard.append(Ended(f"the subscription was refused: {', '.join(refusals)}") if refusals else Subscribed())
