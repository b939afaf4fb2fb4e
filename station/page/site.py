"""What the page serves: one document with its style and script, the stream of news, and the typed scan of the bench."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from station.domain.errors import StationError
from station.page.feed import Feed
from station.page.follower import Line
from station.page.gate import is_loopback, may_act
from station.page.stream import EventStream

ASSETS = Path(__file__).with_name("assets")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
MOST_BYTES, MOST_TEXT = 1024, 64
TYPED = ("WO", "SN", "PR", "PL")
"""What may be typed. A badge is scanned: it is a signature."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; made once."""

    type: str
    plain: bytes
    packed: bytes

    @classmethod
    def of(cls, name: str, text: str) -> Asset:
        """Of the text of a file."""
        plain = text.encode()
        kind = TYPES[Path(name).suffix]
        return cls(f"{kind}; charset=utf-8", plain, gzip.compress(plain, 9, mtime=0))


def read_assets(words: Mapping[str, Any], language: str) -> tuple[dict[str, Asset], str]:
    """Every file of the page with the words in it, and the build: a digest over all of them."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(ASSETS.iterdir()) if path.suffix in TYPES}
    build = hashlib.sha256(json.dumps([texts, words], sort_keys=True).encode()).hexdigest()[:16]
    # inside a script element of data: no "<" may stand in it
    data = json.dumps(words, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    document = (
        texts["page.html"].replace("{{words}}", data).replace("{{language}}", language).replace("{{build}}", build)
    )
    return {name: Asset.of(name, text) for name, text in (texts | {"page.html": document}).items()}, build


class Site:
    """The routes. `line` carries a typed scan to the daemon, whose session decides."""

    def __init__(self, assets: Mapping[str, Asset], feed: Feed, line: Line) -> None:
        self._assets, self._feed, self._line = assets, feed, line
        self._typing = asyncio.Lock()

    def app(self) -> Starlette:
        """The ASGI application."""
        files = [Route(f"/{name}", self._file, methods=["GET"]) for name in self._assets if name != "page.html"]
        return Starlette(
            routes=[
                Route("/", self._file, methods=["GET"]),
                Route("/events", self._events, methods=["GET"]),
                Route("/scan", self._scan, methods=["POST"]),
                *files,
            ]
        )

    async def _file(self, request: Request) -> Response:
        asset = self._assets[request.url.path.lstrip("/") or "page.html"]
        packed = "gzip" in request.headers.get("accept-encoding", "")
        headers = {"content-type": asset.type, "cache-control": "no-cache", "vary": "accept-encoding"}
        if packed:
            headers["content-encoding"] = "gzip"
        return Response(asset.packed if packed else asset.plain, headers=headers)

    async def _events(self, request: Request) -> Any:
        local, address = _may_type(request), request.client.host if request.client else ""
        if request.method == "HEAD":
            return Response(status_code=503 if self._feed.is_full(local=local, address=address) else 200)
        viewer = self._feed.join(local=local, address=address)
        if viewer is None:
            return PlainTextResponse("too many look on already", 503, {"retry-after": "10"})
        return EventStream(self._feed, viewer)

    async def _scan(self, request: Request) -> Response:
        if not may_act(request.scope):
            return PlainTextResponse("only the bench's own screen may type a scan", 403)
        text = await _typed(request)
        if text is None:
            return PlainTextResponse(f"type {', '.join(f'{kind}:' for kind in TYPED)} and a value", 400)
        if self._typing.locked():
            return PlainTextResponse("one at a time", 429)
        async with self._typing:
            try:
                reply = await self._line.ask("scan", text=text)
            except StationError as error:
                return PlainTextResponse(str(error), 503)
        said = (reply.get("data") or {}).get("text") or {"zh": reply.get("reason"), "en": reply.get("reason")}
        return JSONResponse({"status": reply["status"], "text": said if reply["status"] != "done" else None})


def _may_type(request: Request) -> bool:
    headers = Headers(scope=request.scope)
    return is_loopback(request.scope) and "x-forwarded-for" not in headers and "forwarded" not in headers


async def _typed(request: Request) -> str | None:
    """The scan in the body, None where it is none that may be typed."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    try:
        text = json.loads(body)["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(text, str) or len(text) > MOST_TEXT or not text.isprintable():
        return None
    kind, colon, value = text.partition(":")
    return text if colon and value.strip() and kind.strip().upper() in TYPED else None
