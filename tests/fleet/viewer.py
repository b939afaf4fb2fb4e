"""A centre that connects late: it sees of the stations what the broker kept."""

from __future__ import annotations

import time

from station.contract.bodies import Presence
from station.contract.envelope import open_envelope
from station.contract.messages import decode_body
from station.mqtt.address import parse_address
from station.mqtt.crowd import Crowd, Opened
from station.mqtt.link import LinkOptions, Received


def retained_presence(url: str, wanted: int) -> dict[str, Presence]:
    """What a centre that connects now is told of every station: by name, from retained messages alone."""
    seen: dict[str, Presence] = {}
    crowd = Crowd()
    link = crowd.open(LinkOptions(parse_address(url), "viewer", receive_maximum=65_535))
    quiet_at = time.monotonic() + 2.0
    while time.monotonic() < quiet_at and len(seen) < wanted:
        crowd.turn(0.1)
        heard, link.heard[:] = list(link.heard), []
        for item in heard:
            if isinstance(item, Opened):
                link.subscribe("bench/v1/+/up/presence")
            elif isinstance(item, Received) and item.retained:
                link.ack(item)
                envelope = open_envelope(item.payload)
                body = decode_body(envelope)
                assert isinstance(body, Presence)
                seen[envelope.station] = body
                quiet_at = time.monotonic() + 0.3
    crowd.close()
    return seen
