"""A client with a station's client id: the broker gives it the session and throws the station out."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

_PATIENCE_S = 5.0


def take_over(port: int, client_id: str, hold_s: float, *, clean: bool, counts: Counter[str]) -> threading.Thread:
    """Connect as `client_id`, hold the session for `hold_s`, and go; `clean` throws away what was queued for it."""
    thread = threading.Thread(target=_intrude, args=(port, client_id, hold_s, clean, counts), daemon=True)
    thread.start()
    return thread


def _intrude(port: int, client_id: str, hold_s: float, clean: bool, counts: Counter[str]) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5)
    client.connect_timeout = _PATIENCE_S
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 86_400
    taken: list[bool] = []
    client.on_connect = lambda *_: taken.append(True)
    with contextlib.suppress(OSError):
        client.connect("127.0.0.1", port, 15, clean_start=clean, properties=properties)
        ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends and client.loop(0.05) == paho.MQTT_ERR_SUCCESS:
            if taken and len(taken) == 1:
                ends = time.monotonic() + hold_s
                taken.append(True)
    counts["takeover"] += bool(taken)
    client.disconnect()
    with contextlib.suppress(OSError):
        client.loop(0.05)
