"""How many may look on and hold a connection: the workshop's network never locks the bench's own screen out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from station.control.watcher import ControlWatcher
from station.page import connection, gate
from station.page.advice import Advice
from station.page.board import Board
from station.page.feed import EACH, MOST, OTHERS, Feed
from station.page.serve import PageChoice, serve
from tests.page.test_page_doors import ask

BENCH = "127.0.0.1"
WORKSHOP = [f"127.0.1.{number}" for number in range(1, 100)]
"""Addresses that stand for other machines here."""


@asynccontextmanager
async def page_for_the_workshop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The page, open to others; its port."""
    for module in (gate, connection):
        monkeypatch.setattr(module, "address_is_loopback", lambda address: address == BENCH)
    urls: asyncio.Queue[str] = asyncio.Queue()
    choice = PageChoice("bench-07", "zh", UTC, lan=True, port=0, host="0.0.0.0")
    page = asyncio.create_task(serve(choice, ControlWatcher(folder / "none.sock"), Advice(), None, urls.put_nowait))
    try:
        yield int(urlsplit(await asyncio.wait_for(urls.get(), 10.0)).port or 0)
    finally:
        page.cancel()
        await asyncio.gather(page, return_exceptions=True)


async def reach(port: int, address: str, held: AsyncExitStack) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection from that address, closed with the others."""
    reader, writer = await asyncio.open_connection(BENCH, port, local_addr=(address, 0))

    async def let_go() -> None:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    held.push_async_callback(let_go)
    return reader, writer


async def is_open(reader: asyncio.StreamReader, within_s: float = 0.05) -> bool:
    """Whether the other end has not closed it."""
    try:
        return await asyncio.wait_for(reader.read(1), within_s) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


async def stream(port: int, address: str, held: AsyncExitStack) -> int:
    """Look on from that address; the status."""
    reader, writer = await reach(port, address, held)
    writer.write(f"GET /events HTTP/1.1\r\nhost: {BENCH}:{port}\r\n\r\n".encode())
    return int((await asyncio.wait_for(reader.readline(), 5.0)).split()[1])


async def test_idle_connections_from_elsewhere_lock_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncExitStack() as held:
        port = await held.enter_async_context(page_for_the_workshop(tmp_path, monkeypatch))
        readers = []
        for number in range(90):
            reader, _ = await reach(port, WORKSHOP[number // 9], held)
            readers.append(reader)
        await asyncio.sleep(0.2)
        kept = [await is_open(reader) for reader in readers]
        assert [sum(kept[first : first + 9]) for first in range(0, 36, 9)] == [connection.EACH] * 4
        assert sum(kept) == connection.OTHERS
        status, _, text = await ask(f"http://{BENCH}:{port}/")
        assert status == 200 and "<html" in text
        assert await stream(port, BENCH, held) == 200


async def test_a_connection_without_a_whole_request_is_closed_and_one_that_looks_on_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_S", 0.4)
    async with page_for_the_workshop(tmp_path, monkeypatch) as port, AsyncExitStack() as held:
        silent, _ = await reach(port, WORKSHOP[0], held)
        slow, trickle = await reach(port, WORKSHOP[1], held)
        looking, writer = await reach(port, WORKSHOP[2], held)
        writer.write(f"GET /events HTTP/1.1\r\nhost: {BENCH}\r\n\r\n".encode())
        for letter in "GET /":
            trickle.write(letter.encode())
            await asyncio.sleep(0.05)
        answered, again = await reach(port, WORKSHOP[3], held)
        again.write(f"GET /icon.svg HTTP/1.1\r\nhost: {BENCH}\r\n\r\n".encode())
        assert b"200" in await asyncio.wait_for(answered.readline(), 5.0)
        await asyncio.wait_for(answered.read(), 3.0)
        assert not await is_open(silent, 3.0) and not await is_open(slow, 3.0)
        for _ in range(4):
            told = await asyncio.wait_for(looking.readuntil(b"\n\n"), 3.0)
        assert b"data: " in told


async def test_the_workshop_takes_some_places_and_the_benchs_screen_finds_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with page_for_the_workshop(tmp_path, monkeypatch) as port, AsyncExitStack() as held:
        found = [await stream(port, address, held) for address in WORKSHOP[:4] for _ in range(EACH + 1)]
        assert found == [200, 200, 200, 503, 200, 200, 200, 503, 200, 200, 503, 503, 503, 503, 503, 503]
        assert found.count(200) == OTHERS
        assert [await stream(port, BENCH, held) for _ in range(MOST - OTHERS + 1)] == [200] * (MOST - OTHERS) + [503]
        assert (await ask(f"http://{BENCH}:{port}/", "HEAD", "/events"))[0] == 503


async def test_a_place_that_comes_free_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with page_for_the_workshop(tmp_path, monkeypatch) as port:
        async with AsyncExitStack() as held:
            for _ in range(MOST):
                assert await stream(port, BENCH, held) == 200
            assert (await ask(f"http://{BENCH}:{port}/", path="/events"))[0] == 503
        async with asyncio.timeout(5.0):
            while (await ask(f"http://{BENCH}:{port}/", "HEAD", "/events"))[0] != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


def test_through_a_proxy_on_the_bench_is_from_elsewhere() -> None:
    feed = Feed(Board(Advice(), UTC), "build")
    assert [feed.join(local=False, address=BENCH) is None for _ in range(EACH + 1)] == [False] * EACH + [True]
    assert feed.join(local=True, address=BENCH) is not None
