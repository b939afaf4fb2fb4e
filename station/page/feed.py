"""Who looks on, and what each has not been told yet: names of sections, never a queue. At most `MOST` at a time.

Places are kept for the bench's own screen: the workshop cannot lock it out.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from station.page.board import SECTIONS, Board

MOST = 12
OTHERS = 8
"""… of which so many from other machines, or through a proxy."""
EACH = 3
"""… and so many from one address."""


class Viewer:
    """One browser: which sections are news to it."""

    def __init__(self, local: bool, address: str) -> None:
        self.local, self.address = local, address
        self.news: set[str] = set(SECTIONS)
        self.wake = asyncio.Event()


class Feed:
    """`build` names the page's own files: a browser that has others loads the page anew."""

    def __init__(self, board: Board, build: str) -> None:
        self._board, self._build = board, build
        self._encoded: dict[str, str] = {}
        self._viewers: set[Viewer] = set()
        self.closed = False
        self.dropped = 0
        """Viewers that did not keep up."""

    @property
    def count(self) -> int:
        """How many look on."""
        return len(self._viewers)

    def is_full(self, *, local: bool, address: str = "") -> bool:
        """Whether there is no place for one like this."""
        if self.closed or len(self._viewers) >= MOST:
            return True
        others = [one.address for one in self._viewers if not one.local]
        return not local and (len(others) >= OTHERS or others.count(address) >= EACH)

    def join(self, *, local: bool, address: str = "") -> Viewer | None:
        """A place for one more; None where all are taken. `local`: on the bench's own machine."""
        if self.is_full(local=local, address=address):
            return None
        viewer = Viewer(local, address)
        self._viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Gone; safe to call twice."""
        self._viewers.discard(viewer)

    def flush(self) -> None:
        """Hand what changed on the board to everybody; never waits."""
        dirty, self._board.dirty = self._board.dirty, set()
        if not dirty:
            return
        for name in dirty:
            self._encoded.pop(name, None)
        for viewer in self._viewers:
            viewer.news |= dirty
            viewer.wake.set()

    def close(self) -> None:
        """The page ends: everybody is let go."""
        self.closed = True
        for viewer in self._viewers:
            viewer.wake.set()

    def greeting(self, viewer: Viewer) -> bytes:
        """The first message: what this browser may do, and for which page."""
        return _message({"hello": {"local": viewer.local, "build": self._build}})

    def message(self, viewer: Viewer) -> bytes:
        """The news of a viewer as one event of the stream; without any it is still a sign of life."""
        news, viewer.news = viewer.news, set()
        viewer.wake.clear()
        parts = [f'"clock":{json.dumps(self._board.clock())}']
        parts += [f'"{name}":{self._json(name)}' for name in SECTIONS if name in news]
        return b"data: {" + ",".join(parts).encode() + b"}\n\n"

    def _json(self, name: str) -> str:
        if name not in self._encoded:
            self._encoded[name] = _plain(self._board.section(name))
        return self._encoded[name]


def _message(document: dict[str, Any]) -> bytes:
    return b"data: " + _plain(document).encode() + b"\n\n"


def _plain(document: Any) -> str:
    """JSON without a line break (it would end the event); a lone surrogate of a hostile scan becomes an escape."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"), default=str)
