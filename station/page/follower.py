"""Follows the daemon: every event as it comes, and its status once a second, so that a silent daemon is known as such.

A line that breaks or does not answer is said on the board at once and tried again for ever. Once the daemon has taken
another configuration into use the page ends: its advice is that of the one it was started with.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Protocol

from station.domain.errors import StationError
from station.page.board import Board

log = logging.getLogger(__name__)

STATUS_S = 1.0
AGAIN_S = 1.0


class Line(Protocol):
    """The daemon's socket as the page needs it; `station.control.watcher` is one."""

    def watch(self) -> AsyncGenerator[dict[str, Any], None]:
        """The status first, then every event; ends when the daemon goes away. Raises `StationError`."""

    def poll(self, verb: str, pause_s: float) -> AsyncGenerator[dict[str, Any], None]:
        """The same question again and again. Raises `StationError` when it is not answered in time."""

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """One question. Raises `StationError`."""


class Ear(Protocol):
    """Who is told that the board has changed; the page's feed is one."""

    def flush(self) -> None:
        """Look at the board: some of it may be news."""


class Follower:
    """Runs until another configuration is in use; `now_s` is monotonic."""

    def __init__(
        self, line: Line, board: Board, feed: Ear, now_s: Callable[[], float] = time.monotonic,
        again_s: float = AGAIN_S,
    ) -> None:  # fmt: skip
        self._line, self._board, self._feed, self._now_s, self._again_s = line, board, feed, now_s, again_s
        self._said = ""
        self._revision: tuple[Any, ...] | None = None
        self._anew = False
        self.taken = 0
        """Events so far."""

    async def run(self) -> None:
        """Until cancelled, or until another configuration is in use."""
        while not self._anew:
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._watch())
                    both.create_task(self._poll())
            except* StationError as errors:
                why = str(errors.exceptions[0])
                if why != self._said:
                    log.info("%s", why)
                self._said = why
                self._board.lost(why)
                self._feed.flush()
            await asyncio.sleep(0.0 if self._anew else self._again_s)

    def _look(self, status: Mapping[str, Any]) -> None:
        """Raises `StationError` where the daemon uses another configuration than when it was first heard."""
        if (configuration := status.get("configuration")) is None:
            return
        revision = (configuration.get("revision"),)
        self._revision = self._revision or revision
        if revision != self._revision:
            self._anew = True
            raise StationError("another configuration is in use: this page ends, to be started with it")

    async def _watch(self) -> None:
        async with aclosing(self._line.watch()) as events:
            async for event in events:
                self.taken += 1
                if event.get("kind") == "status":
                    self._look(event["data"])
                    self._board.begin(event["data"], self._now_s())
                else:
                    self._board.take(event, self._now_s())
                self._feed.flush()
        raise StationError("the daemon went away")

    async def _poll(self) -> None:
        async with aclosing(self._line.poll("status", STATUS_S)) as replies:
            async for reply in replies:
                if reply["status"] == "done":
                    self._look(reply["data"])
                    self._board.heard(reply["data"], self._now_s())
                self._feed.flush()
