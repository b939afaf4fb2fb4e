"""A client with a certificate of its own and no manners: asks for any client id, topic and will; keeps the answers."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from station.mqtt.refusals import RecallingSocket
from station.mqtt.tls import TlsFiles

QUIET_S = 0.3
"""How long nothing must come before it counts as nothing; on loopback what comes takes a millisecond."""


def bare_context(files: TlsFiles | None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Checks nothing of its own side; without files no certificate is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.sslsocket_class = RecallingSocket  # closes itself where the handshake fails
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if files is not None:
        context.load_cert_chain(files.certificate, files.key)
    return context


class Intruder:
    """Use `connected`. Everything runs in the caller's thread, inside `until` and `listen`."""

    def __init__(self, port: int, context: ssl.SSLContext, client_id: str = "x", will: str | None = None) -> None:
        self.connacks: list[str] = []
        self.pubacks: dict[int, int] = {}
        self.subacks: list[int] = []
        self.got: list[tuple[str, bytes]] = []
        self.lost = False
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5)
        self._client.on_connect = lambda c, u, f, reason, p: self.connacks.append(str(reason))
        self._client.on_publish = lambda c, u, mid, reason, p: self.pubacks.__setitem__(mid, reason.value)
        self._client.on_subscribe = lambda c, u, mid, reasons, p: self.subacks.extend(r.value for r in reasons)
        self._client.on_message = lambda c, u, message: self.got.append((message.topic, message.payload))
        self._client.tls_set_context(context)
        if will is not None:
            self._client.will_set(will, b"forged", qos=1, retain=True)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 60
        self._client.connect("127.0.0.1", port, clean_start=True, properties=properties)

    def until(self, condition: Callable[[], Any], deadline_s: float = 10.0) -> None:
        """Serve the link until `condition` holds or the link is lost."""
        end = time.monotonic() + deadline_s
        while not condition() and not self.lost:
            assert time.monotonic() < end, "nothing came of it"
            self.lost = self._client.loop(0.01) != paho.MQTT_ERR_SUCCESS

    def listen(self, seconds: float = QUIET_S) -> None:
        """Serve the link for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.lost:
            self.lost = self._client.loop(0.01) != paho.MQTT_ERR_SUCCESS

    def publish(self, topic: str, payload: bytes = b"forged", retain: bool = False) -> int:
        """Publish with QoS 1; the reason of the PUBACK."""
        mid = self._client.publish(topic, payload, 1, retain).mid
        self.until(lambda: mid in self.pubacks)
        return self.pubacks.get(mid, -1)

    def subscribe(self, *filters: str) -> list[int]:
        """The reasons of the SUBACK."""
        self.subacks.clear()
        self._client.subscribe([(each, paho.SubscribeOptions(qos=1)) for each in filters])
        self.until(lambda: self.subacks)
        return self.subacks

    def die(self) -> None:
        """Close the socket without a DISCONNECT, so that the will speaks."""
        opened = self._client.socket()
        assert opened is not None
        opened.close()
        self._client.loop(0.01)

    def leave(self) -> None:
        """Safe to call twice."""
        with contextlib.suppress(Exception):
            self._client.disconnect()
            self._client.loop(0.01)


@contextlib.contextmanager
def connected(port: int, files: TlsFiles | None, client_id: str = "x", will: str | None = None) -> Iterator[Intruder]:
    """An intruder that the broker let in; fails if it did not."""
    intruder = Intruder(port, bare_context(files), client_id, will)
    try:
        intruder.until(lambda: intruder.connacks)
        assert intruder.connacks == ["Success"]
        yield intruder
    finally:
        intruder.leave()
