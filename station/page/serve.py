"""The page's process: one socket, one follower, one server. It ends on SIGTERM and holds nothing that could be lost."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import uvicorn

from station.domain.errors import SettingsError
from station.page.advice import Advice
from station.page.board import Board
from station.page.connection import MOST, REQUEST_S, Connection
from station.page.earlier import Make
from station.page.feed import Feed
from station.page.follower import Follower, Line
from station.page.gate import Gate, own_names
from station.page.page_words import page_words
from station.page.site import Site, read_assets

log = logging.getLogger(__name__)

STUCK_MS = 10_000
"""The kernel lets go of a connection whose other end takes nothing for so long."""
SEND_BYTES = 128 * 1024
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PageChoice:
    """Where and for whom. `host` None: loopback, or every interface where `lan` is on. `port` 0: any that is free."""

    station: str
    language: str
    zone: tzinfo
    lan: bool
    port: int
    host: str | None = None


class _Server(uvicorn.Server):
    """A server that lets its viewers go first: their streams never end by themselves."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._feed.close()
        await super().shutdown(sockets)


def listen(choice: PageChoice) -> socket.socket:
    """The socket, bound. Raises `SettingsError`."""
    host = choice.host or (
        "::" if choice.lan and socket.has_dualstack_ipv6() else "0.0.0.0" if choice.lan else LOOPBACK
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, choice.port), family=family, dualstack_ipv6=host == "::", backlog=64)
    except OSError as error:
        why = error.strerror or str(error)
        raise SettingsError(f"page: {host} port {choice.port}: {why}; give another --port (or --host)") from error
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_MS)
    return bound


def url_of(bound: socket.socket) -> str:
    """What to type into a browser on this machine."""
    host, port = bound.getsockname()[:2]
    shown = LOOPBACK if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"


async def serve(
    choice: PageChoice, line: Line, advice: Advice, make_earlier: Make | None, ready: Callable[[str], None]
) -> None:
    """Until SIGTERM, Ctrl-C, or another configuration is in use. `ready` is told the address once somebody may come.

    Raises `SettingsError`."""
    board = Board(advice, choice.zone)
    assets, build = read_assets(page_words(advice), choice.language)
    feed = Feed(board, build)
    follower = Follower(line, board, feed)
    names = own_names(choice.station)
    app = Gate(Site(assets, feed, line).app(), names, lan=choice.lan)
    config = uvicorn.Config(
        app, http=Connection, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False,
        server_header=False, limit_concurrency=MOST, timeout_keep_alive=round(REQUEST_S),
        timeout_graceful_shutdown=2, h11_max_incomplete_event_size=16 * 1024,
    )  # fmt: skip
    bound = listen(choice)
    server = _Server(config, feed)
    works: list[Coroutine[Any, Any, None]] = [follower.run()]
    if make_earlier is not None:
        works.append(make_earlier(board, feed).run())
    tasks = [asyncio.ensure_future(work) for work in works]
    ready(url_of(bound))
    serving = asyncio.ensure_future(server.serve(sockets=[bound]))
    try:
        await _until_one_ends(serving, tasks)
    finally:
        for task in tasks:
            task.cancel()
        server.should_exit = True
        await asyncio.gather(serving, *tasks, return_exceptions=True)
        bound.close()


async def _until_one_ends(server: asyncio.Future[None], tasks: Sequence[asyncio.Future[None]]) -> None:
    """The server ends when it is told to; a follower that ends or breaks ends the page, and systemd starts a fresh
    one."""
    done, _ = await asyncio.wait({server, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    if server not in done:
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)
    for one in done:
        one.result()
