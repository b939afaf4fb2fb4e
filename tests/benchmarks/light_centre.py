"""A centre that costs next to nothing, for `bench_drain.py`: a socket that speaks as much MQTT v5 as is needed.

Arguments: port, file of receipts (`msg_id` TAB receipt, a line each; `-`: nothing is answered; a key's file, `*.json`:
one receipt is signed for all that came in together), number of messages to wait for. Prints `ready` when it is
subscribed and, when the last one has come, how many came and how many twice; answers until it is killed. Single
receipts are signed beforehand, so that the station's cost is what is measured.
"""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from station.contract.keys import load_key
from station.contract.receipts import make_receipt

STATION = "bench-07"
RECEIPT_TOPIC = f"bench/v1/{STATION}/dn/receipt".encode()
MSG_ID = re.compile(rb'"msg_id":"([^"]+)"')


def text(value: bytes) -> bytes:
    return struct.pack("!H", len(value)) + value


def packet(kind: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, low = divmod(left, 128)
        length += bytes([low | 128 if left else low])
        if not left:
            return bytes([kind]) + length + body


class Wire:
    """A connected client: `packets` gives what came in, `send` writes all at once."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""
        properties = b"\x21" + struct.pack("!H", 1000)  # receive maximum
        self.send(
            packet(0x10, text(b"MQTT") + b"\x05\x02\x00\x00" + bytes([len(properties)]) + properties + text(b"light"))
        )
        assert self.packets()[0][0] == 0x20

    def subscribe(self, topic_filter: bytes) -> None:
        self.send(packet(0x82, b"\x00\x01\x00" + text(topic_filter) + b"\x01"))
        assert self.packets()[0][0] == 0x90

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def packets(self) -> list[tuple[int, bytes]]:
        """Whole packets, at least one; first byte and body."""
        found: list[tuple[int, bytes]] = []
        while not found:
            more = self._socket.recv(1 << 18)
            assert more, "the broker hung up"
            data, at = self._left + more, 0
            while True:
                size, shift, place = 0, 0, at + 1
                while place < len(data):
                    size |= (data[place] & 127) << shift
                    shift, place = shift + 7, place + 1
                    if not data[place - 1] & 128:
                        break
                else:
                    break
                if place + size > len(data):
                    break
                found.append((data[at], data[place : place + size]))
                at = place + size
            self._left = data[at:]
        return found


def main(port: int, receipts: Path | None, wanted: int) -> None:
    key = load_key(receipts) if receipts and receipts.suffix == ".json" else None
    lines = receipts.read_bytes().splitlines() if receipts and key is None else []
    answers = dict(line.split(b"\t") for line in lines)
    wire, seen, again, mid, told = Wire(port), set(), 0, 0, False
    wire.subscribe(b"bench/v1/+/up/result")
    print("ready", flush=True)
    while True:
        out = bytearray()
        together: list[tuple[str, str]] = []
        for kind, body in wire.packets():
            if kind >> 4 != 3:
                continue
            skip = 2 + int.from_bytes(body[:2], "big")
            out += b"\x40\x02" + body[skip : skip + 2]
            found = MSG_ID.search(body, skip)
            assert found and body[skip + 2] == 0, body[:200]
            if key is not None:
                together.append((found[1].decode(), hashlib.sha256(body[skip + 3 :]).hexdigest()))
            again += found[1] in seen
            seen.add(found[1])
            told = told or (len(seen) == wanted and print(wanted, again, flush=True) is None)
            if answers:
                mid = mid % 65535 + 1
                out += packet(0x32, text(RECEIPT_TOPIC) + struct.pack("!H", mid) + b"\x00" + answers[found[1]])
        if key is not None and together:
            (msg_id, digest), *also = together[:51]
            assert len(together) <= 51, "more than a station has in flight"
            mid = mid % 65535 + 1
            receipt = make_receipt(msg_id, digest, "stored", key, also=also)
            out += packet(0x32, text(RECEIPT_TOPIC) + struct.pack("!H", mid) + b"\x00" + receipt)
        wire.send(bytes(out))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2] != "-" else None, int(sys.argv[3]))
