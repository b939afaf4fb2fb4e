"""A client that should not be there, and sees all: it holds the centre's key and lies. Also the spy who counts.

It sits on the broker itself, hears every message up and every receipt down, and at random
- rejects what is in order (signed with the centre's key: the row goes to quarantine),
- forges receipts `stored` (signed with a key that is not the centre's, also under the name of the centre's),
- sends receipts `stored` with another sha256 (signed with the centre's key),
- sends an old message again, byte by byte (the centre has to say `duplicate`),
- sends an old message with one byte altered under its old `msg_id`, once the centre has stored the original.
Once a second it says how often, and how many receipts of each status it saw.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import time
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from station.contract.envelope import sha256_of
from station.contract.keys import SigningKey, load_key, new_key
from station.contract.receipts import make_receipt
from tests.torture.children import die_with_parent

_REMEMBERED = 2000
_CHANCES = {"rejected": 0.01, "forged": 0.01, "bad_signature": 0.005, "wrong_hash": 0.005, "replayed": 0.03}
_ALTERED = 0.005


class Rogue:
    """Hears in paho's loop, and answers from there."""

    def __init__(self, client: paho.Client, key: SigningKey, rng: random.Random) -> None:
        self._client = client
        self._key = key
        self._stranger = new_key()
        self._rng = rng
        self._heard: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        """What was seen last: msg_id -> topic and payload."""
        self._not_theirs: set[str] = set()
        """Receipts of our own, by signature."""
        self.calm = False
        """Nothing is done any more, it only looks."""
        self.did: Counter[str] = Counter()
        self.saw: Counter[str] = Counter()

    def hear(self, client: Any, userdata: Any, message: paho.MQTTMessage) -> None:
        plain = json.loads(message.payload)
        if message.topic.endswith("/dn/receipt"):
            self._hear_receipt(plain)
            return
        msg_id, payload = plain["msg_id"], bytes(message.payload)
        if msg_id in self._heard:
            return  # a repeat, perhaps our own
        self._heard[msg_id] = (message.topic, payload)
        if len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
        if self.calm:
            return
        draw = self._rng.random()
        for deed, chance in _CHANCES.items():
            draw -= chance
            if draw < 0:
                self._do(deed, msg_id)
                return

    def tell(self, life: int) -> None:
        """Say what was done and seen in this life so far."""
        print(json.dumps({"life": life, "did": self.did, "saw": self.saw}), flush=True)

    def _do(self, deed: str, msg_id: str) -> None:
        topic, payload = self._heard[msg_id]
        if deed == "replayed":
            topic, payload = self._heard[self._rng.choice(list(self._heard))]
            self._publish(deed, topic, payload)
            return
        digest = sha256_of(payload)
        if deed == "rejected":
            receipt = make_receipt(msg_id, digest, "rejected", self._key, "the rogue says so")
        elif deed == "forged":
            receipt = make_receipt(msg_id, digest, "stored", self._stranger)
        elif deed == "bad_signature":
            pretended = SigningKey(self._key.key_id, self._stranger.private)
            receipt = make_receipt(msg_id, digest, "stored", pretended)
        else:
            receipt = make_receipt(msg_id, sha256_of(payload + b" "), "stored", self._key)
        self._not_theirs.add(json.loads(receipt)["sig"])
        self._publish(deed, topic.partition("/up/")[0] + "/dn/receipt", receipt)

    def _hear_receipt(self, plain: dict[str, Any]) -> None:
        if plain["sig"] in self._not_theirs:
            return
        self.saw[plain["status"]] += 1
        known = self._heard.get(plain["msg_id"])
        if self.calm or known is None or plain["status"] == "rejected" or self._rng.random() > _ALTERED:
            return
        if sha256_of(known[1]) == plain["sha256"]:
            self._publish("altered", known[0], self._alter(known[1]))

    def _alter(self, payload: bytes) -> bytes:
        """One digit of the body is another one; still well-formed."""
        begin = payload.index(b'"body"')
        places = [place for place in range(begin, len(payload)) if payload[place : place + 1] in b"123456789"]
        place = self._rng.choice(places)
        digit = self._rng.choice([digit for digit in b"123456789" if digit != payload[place]])
        return payload[:place] + bytes([digit]) + payload[place + 1 :]

    def _publish(self, deed: str, topic: str, payload: bytes) -> None:
        if self._client.publish(topic, payload, qos=1).rc == paho.MQTT_ERR_SUCCESS:
            self.did[deed] += 1


def main() -> None:
    """Arguments: port of the broker, the centre's key file, seed, a file that ends its deeds, number of this life."""
    die_with_parent()
    life = int(sys.argv[5])
    client = paho.Client(CallbackAPIVersion.VERSION2, "rogue", protocol=paho.MQTTv5)
    rogue = Rogue(client, load_key(Path(sys.argv[2])), random.Random(int(sys.argv[3]) + life))
    client.on_message = rogue.hear
    client.on_connect = lambda *_: client.subscribe([(f"bench/v1/+/{kind}", 0) for kind in KINDS])
    client.reconnect_delay_set(0.1, 0.5)
    client.connect_async("127.0.0.1", int(sys.argv[1]), keepalive=5)
    ending, calmed = [], Path(sys.argv[4])
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    client.loop_start()
    while not ending:
        time.sleep(0.2)
        rogue.tell(life)
        rogue.calm = calmed.exists()
    client.disconnect()
    client.loop_stop()
    rogue.tell(life)


KINDS = ("up/result", "up/event", "up/alarm", "dn/receipt")

if __name__ == "__main__":
    main()
