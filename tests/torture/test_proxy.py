"""The bad wire does what it says, to the connection that it says, and can be calmed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.servers.mosquitto import free_port
from tests.servers.proxy import Proxy


class Echo:
    """Answers every byte; stands for a broker."""

    def __init__(self) -> None:
        self.port = free_port()
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(client,), daemon=True).start()

    @staticmethod
    def _echo(client: socket.socket) -> None:
        with client:
            try:
                while got := client.recv(65536):
                    client.sendall(got)
            except OSError:
                pass

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture(scope="module")
def wire() -> Iterator[Proxy]:
    echo = Echo()
    with Proxy({"clients": echo.port}) as proxy:
        yield proxy
    echo.close()


@pytest.fixture
def client(wire: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", wire.port("clients")), 5.0) as opened:
        assert says(opened, b"hello") == b"hello"
        yield opened
    wire.calm()


def says(client: socket.socket, words: bytes, wait_s: float = 5.0) -> bytes:
    """What comes back within the time; empty after a reset or a close."""
    client.settimeout(wait_s)
    got = b""
    try:
        client.sendall(words)
        while len(got) < len(words):
            more = client.recv(65536)
            if not more:
                break
            got += more
    except TimeoutError:
        pass
    except ConnectionError:
        return got
    return got


def ended(client: socket.socket, wait_s: float = 5.0) -> bool:
    client.settimeout(wait_s)
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_a_drop_is_a_reset(wire: Proxy, client: socket.socket) -> None:
    assert wire.strike("drop", "clients") == 1
    assert ended(client)
    assert wire.strike("drop", "clients") == 0, "nobody is left"


def test_a_cut_lets_a_part_of_the_next_bytes_through(wire: Proxy, client: socket.socket) -> None:
    assert wire.strike("cut", "clients") == 1
    words = bytes(range(256)) * 4
    got = says(client, words)
    assert len(got) < len(words) and words.startswith(got)
    assert ended(client)


def test_a_delay_loses_nothing(wire: Proxy, client: socket.socket) -> None:
    assert wire.strike("delay", "clients", 0.4) == 1
    assert says(client, b"late", 0.1) == b""
    client.settimeout(5.0)
    assert client.recv(4, socket.MSG_WAITALL) == b"late"


def test_a_trickle_loses_nothing(wire: Proxy, client: socket.socket) -> None:
    assert wire.strike("trickle", "clients", 0.3) == 1
    words = bytes(range(256)) * 8
    assert says(client, words) == words


@pytest.mark.parametrize("fault", ["black_hole", "deaf", "mute", "half_open"])
def test_silence_ends_in_a_reset(wire: Proxy, client: socket.socket, fault: str) -> None:
    assert wire.strike(fault, "clients", 0.3) == 1
    assert says(client, b"anybody?", 0.1) == b""
    assert ended(client)


def test_who_is_refused_is_taken_again_when_all_is_calm(wire: Proxy) -> None:
    wire.strike("refuse", "clients", 30.0)
    with socket.create_connection(("127.0.0.1", wire.port("clients")), 5.0) as client:
        assert says(client, b"hello") == b""
    wire.calm()
    with socket.create_connection(("127.0.0.1", wire.port("clients")), 5.0) as client:
        assert says(client, b"hello") == b"hello"
