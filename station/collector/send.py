"""`python -m station.collector.send --broker URL --key FILE --station NAME VERB [ARGS]`: one command to one station.

Signs it, sends it and waits for the station's reply, which is printed as one JSON line. Arguments are a JSON object, or
@FILE that holds one. Exit status 0 done, 1 refused, 2 wrong use, 4 no reply in time.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from station.collector.options import add_broker_options, tls_of
from station.contract.bodies import Reply
from station.contract.canonical import parse_object, to_json
from station.contract.commands import VERBS, check_args, make_command
from station.contract.envelope import STATION, open_envelope, topic
from station.contract.keys import SigningKey, load_key
from station.contract.messages import decode_body
from station.domain.clock import utc_text
from station.domain.errors import LinkError, MessageError, SettingsError
from station.mqtt.address import parse_address
from station.mqtt.link import NO_MATCHING_SUBSCRIBERS, Acknowledged, Link, LinkOptions, Received
from station.mqtt.tls import TlsFiles, files_for

EXPIRES_S = 60.0
DONE, REFUSED, WRONG_USE, NO_REPLY = 0, 1, 2, 4


@dataclass(frozen=True, slots=True)
class Order:
    """One command. `expires_s`: so long it may be done, and so long its reply is waited for."""

    station: str
    verb: str
    args: Mapping[str, Any]
    expires_s: float = EXPIRES_S


async def send(broker: str, key: SigningKey, order: Order, tls: TlsFiles | None = None) -> Reply:
    """The station's reply. Raises `LinkError`, also where nobody listens on the station's topic, and `TimeoutError`."""
    address = parse_address(broker)
    cmd_id = str(uuid.uuid4())
    link = Link(LinkOptions(address, f"send-{cmd_id[:8]}", tls=files_for(address, tls)))
    try:
        await link.open()
        await link.subscribe(topic(order.station, "up", "reply"))
        now = datetime.now(UTC)
        command = make_command(
            key, order.station, order.verb, order.args, cmd_id=cmd_id, issued_at=utc_text(now),
            expires_at=utc_text(now + timedelta(seconds=order.expires_s)),
        )  # fmt: skip
        mid = link.publish(topic(order.station, "dn", "cmd"), command)
        async with asyncio.timeout(order.expires_s):
            return await _wait_reply(link, order.station, cmd_id, mid)
    finally:
        await link.close()


async def _wait_reply(link: Link, station: str, cmd_id: str, mid: int) -> Reply:
    while True:
        for item in await link.next():
            if isinstance(item, Acknowledged) and item.mid == mid:
                _check_taken(item, station)
            elif isinstance(item, Received):
                link.ack(item)
                reply = _read_reply(item)
                if reply is not None and reply.cmd_id == cmd_id:
                    return reply


def _check_taken(item: Acknowledged, station: str) -> None:
    if item.reason == NO_MATCHING_SUBSCRIBERS:
        raise LinkError(f"{station} is not known to the broker: it was not there in the last day, or the name is wrong")
    if item.reason >= 0x80:
        raise LinkError(f"the broker did not take the command for {station} (reason 0x{item.reason:02x}); may this "
                        "client publish there?")  # fmt: skip


def _read_reply(message: Received) -> Reply | None:
    try:
        body = decode_body(open_envelope(message.payload))
    except MessageError:
        return None
    return body if isinstance(body, Reply) else None


def read_args(text: str) -> dict[str, Any]:
    """A JSON object, or @FILE. Raises `SettingsError`."""
    try:
        return parse_object(Path(text[1:]).read_bytes() if text.startswith("@") else text.encode())
    except (OSError, MessageError) as error:
        raise SettingsError(f"arguments {text[:80]}: {error}; give a JSON object, or @FILE that holds one") from error


def _read_order(options: argparse.Namespace) -> Order:
    if not STATION.fullmatch(options.station):
        raise SettingsError(f"--station {options.station!r}: 1 to 40 of a-z, 0-9 and -")
    if not 0 < options.expires <= 86_400:
        raise SettingsError(f"--expires {options.expires}: seconds, more than 0 and at most 86400")
    args = read_args(options.args)
    check_args(options.verb, args)
    return Order(options.station, options.verb, args, options.expires)


def main() -> int:
    """Exit status: see the module."""
    parser = argparse.ArgumentParser(prog="python -m station.collector.send", description=__doc__)
    add_broker_options(parser)
    parser.add_argument("--key", required=True, type=Path, metavar="FILE", help="key that signs commands")
    parser.add_argument("--station", required=True, metavar="NAME")
    parser.add_argument("--expires", type=float, default=EXPIRES_S, metavar="S", help="seconds (default: 60)")
    parser.add_argument("verb", metavar="VERB", help=", ".join(VERBS))
    parser.add_argument("args", nargs="?", default="{}", metavar="ARGS", help="JSON object, or @FILE (default: {})")
    options = parser.parse_args()
    try:
        reply = asyncio.run(send(options.broker, load_key(options.key), _read_order(options), tls_of(options)))
    except (SettingsError, MessageError) as error:
        print(f"send: {error}", file=sys.stderr)
        return WRONG_USE
    except LinkError as error:
        print(f"send: {error}", file=sys.stderr)
        return NO_REPLY
    except TimeoutError:
        print(f"send: no reply from {options.station} within {options.expires:g} s, and the command has expired; "
              "its reply may still come and is stored (replies)", file=sys.stderr)  # fmt: skip
        return NO_REPLY
    print(to_json(reply.model_dump(mode="json")).decode())
    return DONE if reply.status == "done" else REFUSED


if __name__ == "__main__":
    sys.exit(main())
