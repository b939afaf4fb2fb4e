"""The daemon's end of the socket. Nobody who connects can hold the daemon up or energise anything.

Bounds: the length of a line, the number of clients, the time to the next request, the events that wait for a
watcher. A watcher that does not keep up is dropped, because the run does not wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import socket
import stat
import struct
from pathlib import Path
from typing import Protocol

from station.control.protocol import MAX_LINE, BadRequest, Command, Outcome, event_line, read_request, reply_line
from station.domain.errors import StationError
from station.domain.events import Event

log = logging.getLogger(__name__)

MAX_CLIENTS = 16
IDLE_S = 60.0
"""A client that asks nothing for so long (and does not watch) is let go."""
WAITING_EVENTS = 512
"""Events that may wait for one watcher."""
WRITE_S = 5.0
"""A client that does not read its reply within this is dropped."""
LINGER_S = 1.0
"""How long a refused client may take to hear why."""
ANSWER_S = 10.0
"""The daemon's own bound on one command."""
LARGE, BREATH_S = 4096, 0.02
"""Requests of more bytes than this go one at a time, and so long after each nothing is read: safety goes first."""
FOR_ROOT = frozenset({"apply"})
"""Verbs for root and the daemon's own user alone: limits are the centre's to sign, and the page is in the group too."""


class Desk(Protocol):
    """What the daemon does with a command: the session decides, the desk only carries it there."""

    async def command(self, command: Command) -> Outcome:
        """Do it or refuse it with a reason."""


class ControlServer:
    """Serves one Unix socket. `publish` may be called from the loop at any time and never waits."""

    def __init__(
        self, path: Path, desk: Desk, *, group: str = "bench", max_clients: int = MAX_CLIENTS, idle_s: float = IDLE_S
    ) -> None:
        self._path, self._desk, self._group = path, desk, group
        self._max_clients, self._idle_s = max_clients, idle_s
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._watchers: dict[asyncio.StreamWriter, asyncio.Queue[bytes]] = {}
        self.dropped = 0
        """Watchers dropped because they did not keep up."""
        self._one_large = asyncio.Lock()

    async def start(self) -> None:
        """Bind with mode 0660. Raises `StationError` if another daemon serves the path or it cannot be bound."""
        _clear_stale(self._path)
        before = os.umask(0o117)
        try:
            self._server = await asyncio.start_unix_server(self._greet, self._path, limit=MAX_LINE)
        except OSError as error:
            raise StationError(f"control socket {self._path}: {error.strerror}; does its directory exist?") from error
        finally:
            os.umask(before)
        self._give_to_group()

    def _give_to_group(self) -> None:
        try:
            os.chown(self._path, -1, grp.getgrnam(self._group).gr_gid)
        except (KeyError, PermissionError):
            log.info("control socket %s: group %s cannot be set; only this user may use it", self._path, self._group)

    def publish(self, event: Event) -> None:
        """Hand an event to every watcher; one that is full is dropped."""
        if not self._watchers:
            return
        line = event_line(event.kind, event.data)
        for writer, queue in list(self._watchers.items()):
            try:
                queue.put_nowait(line)
            except asyncio.QueueFull:
                del self._watchers[writer]
                self.dropped += 1
                log.warning("a watcher on %s did not keep up and was dropped", self._path)
                writer.transport.abort()

    async def close(self) -> None:
        """Stop serving, drop all clients, remove the socket; safe to call twice."""
        if self._server is None:
            return
        self._server.close()
        for task, writer in list(self._clients.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        self._path.unlink(missing_ok=True)

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._clients) >= self._max_clients:
            refused = f"{self._max_clients} clients are connected already; close one"
            await _hang_up(reader, writer, reply_line(None, Outcome("refused", refused)))
            return
        self._clients[task] = writer
        try:
            await self._serve(reader, writer)
        except (ConnectionError, TimeoutError):
            pass
        except asyncio.CancelledError:
            log.debug("a client on %s was dropped: the socket closes", self._path)
        finally:
            del self._clients[task]
            self._watchers.pop(writer, None)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                too_long = f"a line has at most {MAX_LINE} bytes: leave out curves of older runs"
                await _hang_up(reader, writer, reply_line(None, Outcome("refused", too_long)))
                return
            if len(line) <= LARGE:
                verb, outcome = await self._take(line, writer)
            else:
                async with self._one_large:
                    verb, outcome = await self._take(line, writer)
                    await asyncio.sleep(BREATH_S)
            if verb == "watch":
                await self._watch(reader, writer)
                return
            await self._say(writer, reply_line(verb, outcome))

    async def _take(self, line: bytes, writer: asyncio.StreamWriter) -> tuple[str | None, Outcome]:
        """The verb of a request and what became of it; `watch` is still to be done."""
        try:
            command = read_request(line)
        except BadRequest as error:
            return None, Outcome("refused", str(error))
        if command.verb == "watch":
            return "watch", Outcome()
        if command.verb in FOR_ROOT and (uid := _peer_uid(writer)) not in (0, os.geteuid()):
            who = "on this socket only root may; or the centre sends it, signed (docs/commands.md)"
            return command.verb, Outcome("refused", f"{command.verb}: not for user {uid}: {who}")
        await asyncio.sleep(0)  # a large one is parsed and done with the loop let go between
        return command.verb, await self._do(command)

    async def _do(self, command: Command) -> Outcome:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._desk.command(command)
        except TimeoutError:
            return Outcome("refused", f"{command.verb}: the daemon did not answer within {ANSWER_S:g} s")
        except StationError as error:
            return Outcome("refused", f"{command.verb}: {error}")

    async def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The present status as reply, then every event until the client goes."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING_EVENTS)
        self._watchers[writer] = queue
        outcome = await self._do(Command("status"))
        await self._say(writer, reply_line("watch", outcome))
        gone = asyncio.create_task(reader.read(1))  # a watcher says nothing more; anything or an end lets it go
        try:
            while not gone.done():
                line = asyncio.create_task(queue.get())
                await asyncio.wait({line, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not line.done():
                    line.cancel()
                    return
                writer.write(line.result())
                await writer.drain()
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _say(self, writer: asyncio.StreamWriter, line: bytes) -> None:
        writer.write(line)
        async with asyncio.timeout(WRITE_S):
            await writer.drain()


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    """Who connected, as the kernel saw it then."""
    its = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", its)[1])


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> None:
    """Say a last word and let the client read it: closing over its unread bytes would reset the line first."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        writer.write(line)
        writer.write_eof()
        async with asyncio.timeout(LINGER_S):
            while await reader.read(65536):
                pass
    writer.close()


def _clear_stale(path: Path) -> None:
    """Remove a socket that nobody serves any more. Raises `StationError` if somebody does, or it is no socket."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise StationError(f"control socket {path}: something else stands there; remove it or name another path")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise StationError(f"control socket {path}: {error}; another daemon may be using it") from error
    raise StationError(f"control socket {path}: another daemon serves it; stop that one first")
