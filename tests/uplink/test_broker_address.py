"""Addresses of brokers, and the wait between two tries."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from station.contract.keys import new_key
from station.domain.errors import LinkError, SettingsError
from station.mqtt.address import BrokerAddress, full_jitter_s, parse_address
from station.mqtt.link import Link, LinkOptions
from station.mqtt.refusals import why_unreachable
from station.store.store import Store
from station.uplink.uplink import Uplink
from tests.servers.mosquitto import free_port
from tests.uplink.rig import MESSAGES


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://127.0.0.1:1884", BrokerAddress("127.0.0.1", 1884, False)),
        ("mqtt://localhost", BrokerAddress("localhost", 1883, False)),
        ("mqtt://[::1]:7", BrokerAddress("::1", 7, False)),
        ("mqtt://127.8.9.1", BrokerAddress("127.8.9.1", 1883, False)),
        ("mqtts://centre.example", BrokerAddress("centre.example", 8883, True)),
    ],
)
def test_an_address_is_host_port_and_tls(url: str, address: BrokerAddress) -> None:
    assert parse_address(url) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("host", ["10.0.0.5", "centre.example", "localhost.example", "0.0.0.0", "[::]", "128.0.0.1"])
def test_without_tls_only_loopback_is_allowed_and_the_remedy_is_named(host: str) -> None:
    with pytest.raises(SettingsError, match=r"not on loopback and without TLS.*use mqtts://"):
        parse_address(f"mqtt://{host}:1883")


def test_the_uplink_refuses_such_a_broker_before_anything_else() -> None:
    key = new_key()
    store = Store.__new__(Store)
    with pytest.raises(SettingsError, match="without TLS"):
        Uplink(store, MESSAGES, "mqtt://10.0.0.5", {key.key_id: key.public}, lambda event: None)


@pytest.mark.parametrize("url", ["", "127.0.0.1:1883", "http://127.0.0.1", "mqtt://", "mqtt://h:x", "mqtt://h:99999",
                                 "mqtt://u:p@127.0.0.1", "mqtt://127.0.0.1/topic", "mqtt://[::1", "mqtts://a..b",
                                 "mqtts://-a", "mqtts://a b", "mqtts://[:::]"])  # fmt: skip
def test_anything_else_is_refused_with_the_right_form(url: str) -> None:
    with pytest.raises(SettingsError, match="mqtt://host:port"):
        parse_address(url)


def test_full_jitter_starts_at_one_second_doubles_and_ends_at_two_minutes() -> None:
    bounds = [full_jitter_s(attempt, lambda low, high: high - low, 1.0, 120.0) for attempt in range(9)]
    assert bounds == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    assert full_jitter_s(10**6, lambda low, high: low, 1.0, 120.0) == 0.0


async def test_a_broker_that_is_not_there_is_told_in_words_with_what_to_do() -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    link = Link(LinkOptions(parse_address(url), "x"))
    with pytest.raises(
        LinkError, match=f"^{url}: refused, nobody listens there; start the broker, or correct the addr"
    ):
        await link.open()
    await link.close()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "not found (Name or service not known); corr",
        ),
        (TimeoutError("timed out"), "no answer; is the broker's machine on"),
        (OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH)), "no way there (No route to host); check cable"),
        (OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH)), "no way there (Network is unreachable); check"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "hung up (Connection reset by peer); the"),
        (ValueError("a bug"), "ValueError: a bug"),
    ],
)
def test_each_way_of_not_getting_there_has_its_words(error: Exception, words: str) -> None:
    assert words in why_unreachable(error)
