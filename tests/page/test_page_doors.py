"""Who may come in and do what: hosts, origins, proxies, methods, how slow."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import Message, Scope

from station.page.advice import Advice
from station.page.board import Board
from station.page.feed import Feed
from station.page.gate import Gate, own_names
from station.page.page_words import page_words
from station.page.site import Site, read_assets
from station.page.stream import EventStream
from tests.docs.pages import ROOT
from tests.page.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = "application/json"
SCAN = json.dumps({"text": "WO:W1"})


async def ask(
    url: str, method: str = "GET", path: str = "/", body: str = "", **headers: str
) -> tuple[int, dict[str, str], str]:
    """One request, byte by byte as given; `_` in a header's name is a dash."""
    port = urlsplit(url).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    given = {"host": f"127.0.0.1:{port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    length = f"content-length: {len(body.encode())}\r\n" if body else ""
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}{length}connection: close\r\n\r\n{body}".encode())
    answer = (await asyncio.wait_for(reader.read(), 5.0)).decode()
    writer.close()
    first, _, rest = answer.partition("\r\n")
    fields, _, text = rest.partition("\r\n\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in fields.split("\r\n")), text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil", ""])
async def test_a_name_that_is_not_ours_gets_nothing(url: str, host: str) -> None:
    status, _, text = await ask(url, host=host)
    assert status in (400, 421) and "<html" not in text


@pytest.mark.parametrize("host", ["localhost", "[::1]", "127.0.0.1", "192.168.4.7"])
async def test_an_address_and_our_own_name_are_known(url: str, host: str) -> None:
    status, headers, text = await ask(url, host=f"{host}:{urlsplit(url).port}")
    assert status == 200 and "<html" in text
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy


async def test_every_answer_has_the_policy_also_a_refusal_and_nothing_may_be_framed(url: str) -> None:
    for status, headers, _ in (await ask(url, path="/none"), await ask(url, host="evil.example")):
        assert status in (404, 421)
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


async def test_another_site_may_not_read_the_stream(url: str) -> None:
    status, headers, _ = await ask(url, path="/events", sec_fetch_site="cross-site")
    assert status == 403 and "access-control-allow-origin" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_what_shows_takes_no_other_method(url: str, method: str) -> None:
    assert (await ask(url, method))[0] == 405
    assert (await ask(url, method, "/events"))[0] == 405


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, SCAN, 403),
        ({"origin": "http://evil.example"}, SCAN, 403),
        ({"origin": "null"}, SCAN, 403),
        ({"origin": "own", "sec_fetch_site": "cross-site"}, SCAN, 403),
        ({"origin": "own", "x_forwarded_for": "127.0.0.1"}, SCAN, 403),
        ({"origin": "own", "content_type": "text/plain"}, SCAN, 400),
        ({"origin": "own"}, json.dumps({"text": "OP:somebody"}), 400),
        ({"origin": "own"}, json.dumps({"text": "nothing"}), 400),
        ({"origin": "own"}, json.dumps({"text": "WO:" + "x" * 80}), 400),
        ({"origin": "own"}, json.dumps({"text": "WO:\u202e1"}), 400),
        ({"origin": "own"}, "[" * 900, 400),
        ({"origin": "own"}, json.dumps({"text": "WO:1", "fill": "x" * 2000}), 400),
        ({"origin": "own"}, SCAN, 200),
    ],
)
async def test_only_the_benchs_own_screen_may_type_and_no_badge(
    stage: Stage, url: str, headers: dict[str, str], body: str, status: int
) -> None:
    if headers.get("origin") == "own":
        headers = {**headers, "origin": url.rstrip("/")}
    before = [one for one in stage.commands if one.verb == "scan"]
    got, _, _ = await ask(url, "POST", "/scan", body, **{"content_type": JSON, **headers})
    scans = [one for one in stage.commands if one.verb == "scan"]
    assert got == status and len(scans) - len(before) == (status == 200)


async def test_the_page_can_ask_for_nothing_but_to_look_and_to_scan(stage: Stage, url: str) -> None:
    for verb in ("start", "abort", "assign", "withdraw", "reset", "identify"):
        assert (await ask(url, "POST", f"/{verb}", "{}", origin=url.rstrip("/"), content_type=JSON))[0] == 404
    assert {one.verb for one in stage.commands} <= {"status", "watch", "scan"}


# ---- in this process: what a network of others would need ----------------------------------------------------------
class NoLine:
    """A daemon that nobody may reach from here."""

    def watch(self) -> Any:
        raise AssertionError

    def poll(self, verb: str, pause_s: float) -> Any:
        raise AssertionError

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        raise AssertionError(f"{verb} {args} came through")


def make(lan: bool) -> tuple[Gate, Feed]:
    feed = Feed(Board(Advice(), UTC), "build")
    assets, _ = read_assets(page_words(Advice()), "zh")
    return Gate(Site(assets, feed, NoLine()).app(), own_names("bench-07"), lan=lan), feed


async def knock(gate: Gate, peer: str, method: str, path: str, host: str, **headers: str) -> tuple[int, bytes]:
    """One request from `peer`; a stream is left after its first words."""
    given = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope: Scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "scheme": "http", "root_path": "", "http_version": "1.1", "client": (peer, 4711), "server": ("::", 8088),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip
    sent: list[Message] = []
    gone = asyncio.Event()
    body = iter([{"type": "http.request", "body": SCAN.encode(), "more_body": False}])

    async def receive() -> Message:
        if (first := next(body, None)) is not None:
            return first
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) > 1:
            gone.set()

    await asyncio.wait_for(gate(scope, receive, send), 5.0)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent)


async def test_the_workshop_looks_on_only_where_it_is_switched_on() -> None:
    assert (await knock(make(lan=False)[0], "192.168.4.20", "GET", "/", "192.168.4.7:8088"))[0] == 403
    gate, _ = make(lan=True)
    assert (await knock(gate, "192.168.4.20", "GET", "/", "192.168.4.7:8088"))[0] == 200
    assert (await knock(gate, "192.168.4.20", "GET", "/", "bench-07.local:8088"))[0] == 200
    assert (await knock(gate, "192.168.4.20", "GET", "/", "bench-07.evil.example"))[0] == 421


async def test_from_the_workshop_nothing_can_be_typed() -> None:
    gate, _ = make(lan=True)
    status, told = await knock(gate, "192.168.4.20", "GET", "/events", "192.168.4.7")
    assert status == 200 and b'"local":false' in told
    assert b'"local":true' in (await knock(gate, "::ffff:127.0.0.1", "GET", "/events", "localhost"))[1]
    for peer in ("192.168.4.20", "::ffff:192.168.4.20", "fe80::1%eth0", "10.0.0.1"):
        status, _ = await knock(
            gate, peer, "POST", "/scan", "192.168.4.7", origin="http://192.168.4.7", content_type=JSON
        )
        assert status == 403


@asynccontextmanager
async def streaming(feed: Feed, send: Any, send_s: float) -> AsyncIterator[asyncio.Task[None]]:
    viewer = feed.join(local=False)
    assert viewer is not None

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(EventStream(feed, viewer, send_s)({"type": "http"}, receive, send))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_viewer_that_takes_nothing_is_let_go_and_the_others_see_the_last_state() -> None:
    board = Board(Advice(), UTC)
    feed = Feed(board, "build")
    got: list[bytes] = []

    async def stuck(message: Message) -> None:
        await asyncio.Event().wait()

    async def takes(message: Message) -> None:
        got.append(message.get("body", b""))

    async with streaming(feed, stuck, 0.05) as slow, streaming(feed, takes, 5.0):
        guide = {"name": "bias_ma", "unit": "mA", "low": 45.0, "high": 55.0, "target": 50.0, "hint": "raise"}
        for number in range(5000):
            board.take({"kind": "guide", "data": {"guide": {**guide, "value": number}}}, number / 10)
            feed.flush()
        await asyncio.wait_for(slow, 5.0)
        await asyncio.sleep(0.3)
        assert (feed.dropped, feed.count) == (1, 1)
    assert len(got) < 10 and b'"value":4999.0' in b"".join(got)


async def test_an_address_for_others_is_refused_unless_the_configuration_lets_them_look(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "station", "page", "--socket", str(tmp_path / "s"), "--host", "0.0.0.0", "--port", "0",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await asyncio.wait_for(process.communicate(), 30.0)
    assert (process.returncode, out) == (2, b"") and b"page.lan" in errors
