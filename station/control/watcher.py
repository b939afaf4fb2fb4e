"""The other end of the socket for an asyncio process: the events as they come, and a question now and then.

`client.py` is the same for what may wait (the command line). Bounded in time and length everywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from station.control.answers import ControlError, first_of_watch, not_there, read_event, read_reply, request_line
from station.control.protocol import MAX_ANSWER

ANSWER_S = 12.0
"""A little longer than the daemon allows itself."""


class ControlWatcher:
    """Asks and watches over connections of its own; `ControlError`: the daemon is not there, or silent."""

    def __init__(self, path: Path, answer_s: float = ANSWER_S) -> None:
        self._path = path
        self._answer_s = answer_s

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """Send one command and return its reply: `status` (`done` or `refused`), `reason`, `data`."""
        reader, writer = await self._connect()
        try:
            return await self._ask(reader, writer, verb, args)
        finally:
            _let_go(writer)

    async def poll(self, verb: str, pause_s: float) -> AsyncGenerator[dict[str, Any], None]:
        """Ask the same again and again over one connection, `pause_s` after each reply, until the daemon goes away."""
        reader, writer = await self._connect()
        try:
            while True:
                yield await self._ask(reader, writer, verb, {})
                await asyncio.sleep(pause_s)
        finally:
            _let_go(writer)

    async def watch(self) -> AsyncGenerator[dict[str, Any], None]:
        """The status first (`kind` status), then every event as it comes, until the daemon goes away."""
        reader, writer = await self._connect()
        try:
            reply = await self._ask(reader, writer, "watch", {})
            yield first_of_watch(self._path, reply)
            while line := await self._line(reader):
                event = read_event(self._path, line)
                if event is not None:
                    yield event
        finally:
            _let_go(writer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(self._answer_s):
                return await asyncio.open_unix_connection(str(self._path), limit=MAX_ANSWER)
        except TimeoutError:
            raise ControlError(f"{self._path}: nobody takes the connection") from None
        except OSError as error:
            raise not_there(self._path, error) from error

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, verb: str, args: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._answer_s):
                writer.write(request_line(verb, args))
                await writer.drain()
                line = await self._line(reader)
        except TimeoutError:
            raise ControlError(f"{self._path}: the daemon did not answer within {self._answer_s:g} s") from None
        except OSError as error:
            raise ControlError(f"{self._path}: {error}") from error
        return read_reply(self._path, line)

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        """The next line; empty at the end of the connection."""
        try:
            return await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError:
            raise ControlError(f"{self._path}: a line that does not end") from None
        except OSError as error:
            raise ControlError(f"{self._path}: {error}") from error


def _let_go(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
