"""Server-sent events for one browser: its news, ten times a second at most, a sign of life every second at least.

A browser that does not take what it is sent within `SEND_S` is let go: nobody waits for it.
"""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from station.page.feed import Feed, Viewer

PAUSE_S = 0.1
ALIVE_S = 1.0
SEND_S = 5.0
HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


class EventStream:
    """An ASGI response; whoever makes it has found a place for `viewer`."""

    def __init__(self, feed: Feed, viewer: Viewer, send_s: float = SEND_S) -> None:
        self._feed, self._viewer, self._send_s = feed, viewer, send_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            async with asyncio.timeout(self._send_s):
                await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._say(send, b"retry: 1000\n\n" + self._feed.greeting(self._viewer))
            while not gone.done() and not self._feed.closed:
                await self._say(send, self._feed.message(self._viewer))
                await asyncio.wait({gone}, timeout=PAUSE_S)
                wake = asyncio.ensure_future(self._viewer.wake.wait())
                await asyncio.wait({gone, wake}, timeout=ALIVE_S - PAUSE_S, return_when=asyncio.FIRST_COMPLETED)
                wake.cancel()
            if not gone.done():
                await self._say(send, b"", more=False)
        except (TimeoutError, OSError):
            self._feed.dropped += 1
        finally:
            self._feed.leave(self._viewer)
            gone.cancel()

    async def _say(self, send: Send, chunk: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._send_s):
            await send({"type": "http.response.body", "body": chunk, "more_body": more})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
