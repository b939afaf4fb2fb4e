"""The control socket, over a real one: verbs, bounds, bad peers, slow watchers."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.control import server as server_module
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.control.protocol import MAX_LINE, VERBS, BadRequest, Command, Outcome, event_line, read_request
from station.control.server import BREATH_S, WAITING_EVENTS, ControlServer
from station.domain.errors import StationError
from station.domain.events import Event


class Desk:
    """Remembers what reached it; refuses an abort as the session would."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    async def command(self, command: Command) -> Outcome:
        self.commands.append(command)
        if command.verb == "status":
            return Outcome(data={"state": "waiting"})
        if command.verb == "abort":
            return Outcome("refused", "no run is in progress")
        if command.verb == "withdraw":
            raise StationError("the store is full")
        return Outcome()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "station.sock"


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
async def server(path: Path, desk: Desk) -> AsyncIterator[ControlServer]:
    one = ControlServer(path, desk)
    await one.start()
    yield one
    await one.close()


def ask(path: Path, verb: str, **args: Any) -> dict[str, Any]:
    with ControlClient(path, timeout_s=10.0) as client:
        return client.ask(verb, **args)


async def talk(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    """Send raw lines and collect every reply until the daemon or we are done."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=4 * MAX_LINE)
    try:
        replies = []
        for line in lines:
            writer.write(line)
            answer = await asyncio.wait_for(reader.readline(), 10.0)
            if not answer:
                break
            replies.append(json.loads(answer)["reply"])
        return replies
    finally:
        writer.close()


async def until(condition: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_every_verb_reaches_the_desk_and_its_outcome_comes_back(
    server: ControlServer, desk: Desk, path: Path
) -> None:
    assert (await asyncio.to_thread(ask, path, "status"))["data"] == {"state": "waiting"}
    assert (await asyncio.to_thread(ask, path, "scan", text="SN:1"))["status"] == "done"
    refused = await asyncio.to_thread(ask, path, "abort", run_id="r1")
    assert (refused["status"], refused["reason"]) == ("refused", "no run is in progress")
    assert desk.commands == [Command("status"), Command("scan", {"text": "SN:1"}), Command("abort", {"run_id": "r1"})]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Where anybody may look for a socket."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_a_configuration_is_taken_from_root_alone_and_the_rest_from_the_whole_group(
    desk: Desk, open_folder: Path
) -> None:
    apply = b'{"verb": "apply", "args": {"sha256": "0", "tree": "AAAA"}}\n'
    path = open_folder / "station.sock"
    one = ControlServer(path, desk)
    await one.start()
    path.chmod(0o666)
    replies = {}
    for uid in (0, 65534):
        with socket.socket(socket.AF_UNIX) as peer:
            os.seteuid(uid)
            try:
                peer.connect(str(path))
            finally:
                os.seteuid(0)
            reader, writer = await asyncio.open_connection(sock=peer.dup())
            writer.write(apply + b'{"verb": "identify"}\n')
            replies[uid] = [json.loads(await reader.readline())["reply"] for _ in range(2)]
            writer.close()
    await one.close()
    assert [reply["status"] for reply in replies[0]] == ["done", "done"]
    assert [reply["status"] for reply in replies[65534]] == ["refused", "done"]
    assert "apply: not for user 65534: on this socket only root may; or the centre" in replies[65534][0]["reason"]
    assert [command.verb for command in desk.commands] == ["apply", "identify", "identify"]


async def test_the_daemons_own_user_is_told_by_the_kernel(
    server: ControlServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"sha256": "0", "tree": "AAAA"}
    assert (await asyncio.to_thread(ask, path, "apply", **given))["status"] == "done"
    monkeypatch.setattr(server_module, "_peer_uid", lambda writer: os.geteuid() + 1)
    assert (await asyncio.to_thread(ask, path, "apply", **given))["status"] == "refused"


async def test_an_error_of_the_station_is_a_refusal_with_its_words(server: ControlServer, path: Path) -> None:
    reply = await asyncio.to_thread(ask, path, "withdraw", work_order="W1")
    assert reply["status"] == "refused" and "the store is full" in reply["reason"]


def test_no_verb_arms_resets_or_energises() -> None:
    assert set(VERBS) == {
        "status",
        "watch",
        "scan",
        "assign",
        "withdraw",
        "start",
        "abort",
        "resend",
        "identify",
        "apply",
        "label",
        "requeue",
        "doctor",
    }
    assert set(VERBS["start"]) == {"work_order"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"hello\n", "not JSON"),
        (b"\xff\xfe\n", "not JSON"),
        (b"[" * 8_000 + b"\n", "not JSON"),
        (b"[" * 9_000 + b"\n", "9001 values; a command has at most 8192"),
        (b"[1]\n", "a request is an object"),
        (b'{"verb":"scan","args":{"text":"a"},"nonce":1}\n', "unknown keys 'nonce'"),
        (b'{"verb":"reset"}\n', "unknown verb 'reset'"),
        (b'{"verb":["scan"]}\n', "unknown verb"),
        (b'{"verb":"scan"}\n', "text is missing"),
        (b'{"verb":"scan","args":[]}\n', "args must be an object"),
        (b'{"verb":"scan","args":{"text":7}}\n', "text must be text"),
        (b'{"verb":"scan","args":{"text":" "}}\n', "1 to 200 characters"),
        (b'{"verb":"scan","args":{"text":"a\\u001b"}}\n', "control characters"),
        (b'{"verb":"scan","args":{"text":"a","force":true}}\n', "unknown argument force"),
        (b'{"verb":"assign","args":{"work_order":"1","priority":true}}\n', "priority must be a whole number"),
        (b'{"verb":"assign","args":{"work_order":"1","priority":NaN}}\n', "not JSON"),
    ],
)
async def test_bad_input_is_answered_with_what_is_wrong_and_the_line_goes_on(
    server: ControlServer, desk: Desk, path: Path, line: bytes, says: str
) -> None:
    refused, status = await talk(path, line, b'{"verb":"status"}\n')
    assert refused["status"] == "refused" and says in refused["reason"]
    assert status["status"] == "done"
    assert desk.commands == [Command("status")]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        ).map(lambda value: json.dumps(value).encode()),
        st.builds(
            lambda verb, args: json.dumps({"verb": verb, "args": args}).encode(),
            st.sampled_from(sorted(VERBS)),
            st.dictionaries(
                st.sampled_from(["text", "work_order", "run_id", "x"]), st.none() | st.text() | st.integers()
            ),
        ),
    )
)
def test_any_bytes_are_a_command_of_the_table_or_a_bad_request(line: bytes) -> None:
    try:
        command = read_request(line)
    except BadRequest as error:
        assert str(error)
    else:
        assert command.verb in VERBS and set(command.args) <= set(VERBS[command.verb])


async def test_a_line_without_end_is_cut_off_with_a_reason(server: ControlServer, path: Path) -> None:
    (reply,) = await talk(path, b"x" * (MAX_LINE + 10))
    assert reply["status"] == "refused" and str(MAX_LINE) in reply["reason"]
    assert (await asyncio.to_thread(ask, path, "status"))["status"] == "done"


async def test_large_requests_of_many_clients_go_one_at_a_time_with_room_between(
    server: ControlServer, desk: Desk, path: Path
) -> None:
    history = [{"curves": [{"x": [0.5] * 4000, "y": [0.5] * 3900}]}]
    line = json.dumps({"verb": "assign", "args": {"work_order": "W1", "history": history}}).encode() + b"\n"
    assert 4096 < len(line) < MAX_LINE
    began_s = time.monotonic()
    many = asyncio.gather(*[talk(path, line) for _ in range(6)])
    assert (await talk(path, b'{"verb":"status"}\n'))[0]["status"] == "done"
    await many
    assert len(desk.commands) == 7 and time.monotonic() - began_s > 6 * BREATH_S


async def test_half_a_line_and_a_hang_up_leave_the_daemon_serving(
    server: ControlServer, desk: Desk, path: Path
) -> None:
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b'{"verb":"scan","args":{"text":"SN:1"}}')
    writer.close()
    await writer.wait_closed()
    assert (await asyncio.to_thread(ask, path, "status"))["status"] == "done"
    assert desk.commands == [Command("status")]


async def test_one_client_too_many_is_told_so_and_a_place_that_comes_free_is_used(path: Path, desk: Desk) -> None:
    server = ControlServer(path, desk, max_clients=2)
    await server.start()
    try:
        held = [await asyncio.open_unix_connection(str(path)) for _ in range(2)]
        await until(lambda: len(server._clients) == 2)
        reply = await asyncio.to_thread(ask, path, "status")
        assert reply["status"] == "refused" and "2 clients" in reply["reason"]
        held[0][1].close()
        await until(lambda: len(server._clients) == 1)
        assert (await asyncio.to_thread(ask, path, "status"))["status"] == "done"
        held[1][1].close()
    finally:
        await server.close()


async def test_a_client_that_asks_nothing_is_let_go(path: Path, desk: Desk) -> None:
    server = ControlServer(path, desk, idle_s=0.05)
    await server.start()
    try:
        reader, writer = await asyncio.open_unix_connection(str(path))
        assert await asyncio.wait_for(reader.read(), 10.0) == b""
        writer.close()
    finally:
        await server.close()


async def test_watch_gives_the_status_and_then_every_event_in_order(server: ControlServer, path: Path) -> None:
    events: list[dict[str, Any]] = []

    def follow() -> None:
        with ControlClient(path, timeout_s=10.0) as client:
            for event in client.watch():
                events.append(event)

    task = asyncio.create_task(asyncio.to_thread(follow))
    await until(lambda: events)
    for number in range(3):
        server.publish(Event("progress", {"step": "soak", "fraction": number / 4, "thd": float("nan")}))
    await until(lambda: len(events) == 4)
    await server.close()
    await asyncio.wait_for(task, 10.0)
    assert events[0] == {"kind": "status", "data": {"state": "waiting"}}
    assert [event["data"]["fraction"] for event in events[1:]] == [0.0, 0.25, 0.5]
    assert events[1]["data"]["thd"] is None


async def test_a_watcher_that_does_not_read_is_dropped_and_the_others_go_on(server: ControlServer, path: Path) -> None:
    slow_reader, slow_writer = await asyncio.open_unix_connection(str(path), limit=1024)
    slow_writer.write(b'{"verb":"watch"}\n')
    fast_reader, fast_writer = await asyncio.open_unix_connection(str(path))
    fast_writer.write(b'{"verb":"watch"}\n')
    await fast_reader.readline()
    await until(lambda: len(server._watchers) == 2)
    slow_reader._transport.pause_reading()  # type: ignore[attr-defined]
    for sent in range(20 * WAITING_EVENTS):
        server.publish(Event("reading", {"n": sent, "fill": "x" * 1000}))
        line = json.loads(await asyncio.wait_for(fast_reader.readline(), 10.0))
        assert line["event"]["data"]["n"] == sent
        if server.dropped:
            break
    assert server.dropped == 1 and len(server._watchers) == 1
    for writer in (slow_writer, fast_writer):
        writer.close()


async def test_publishing_to_nobody_costs_nothing_and_a_gone_watcher_is_forgotten(
    server: ControlServer, path: Path
) -> None:
    server.publish(Event("session"))
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b'{"verb":"watch"}\n')
    await until(lambda: server._watchers)
    writer.close()
    await until(lambda: not server._watchers and not server._clients)


async def test_the_socket_is_for_user_and_group_only_and_goes_with_the_daemon(
    server: ControlServer, path: Path
) -> None:
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660  # noqa: PTH116
    await server.close()
    assert not os.path.exists(path)  # noqa: PTH110, ASYNC240
    await server.close()


async def test_a_socket_left_by_a_killed_daemon_is_taken_over(path: Path, desk: Desk) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    server = ControlServer(path, desk)
    await server.start()
    try:
        assert (await asyncio.to_thread(ask, path, "status"))["status"] == "done"
    finally:
        await server.close()


async def test_a_living_daemons_socket_and_a_file_are_never_taken_over(
    server: ControlServer, path: Path, desk: Desk, tmp_path: Path
) -> None:
    with pytest.raises(StationError, match="another daemon serves it"):
        await ControlServer(path, desk).start()
    assert (await asyncio.to_thread(ask, path, "status"))["status"] == "done"
    file = tmp_path / "precious"
    file.write_text("data")
    with pytest.raises(StationError, match="something else stands there"):
        await ControlServer(file, desk).start()
    assert file.read_text() == "data"


async def test_a_missing_directory_is_a_clear_error_and_the_umask_comes_back(tmp_path: Path, desk: Desk) -> None:
    before = os.umask(0o022)
    os.umask(before)
    with pytest.raises(StationError, match="does its directory exist"):
        await ControlServer(tmp_path / "none" / "s.sock", desk).start()
    after = os.umask(before)
    assert after == before


def test_no_daemon_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="is the daemon running"):
        ControlClient(tmp_path / "none.sock")


async def test_a_desk_that_hangs_is_answered_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        async def command(self, command: Command) -> Outcome:
            await asyncio.Event().wait()
            return Outcome()

    monkeypatch.setattr(server_module, "ANSWER_S", 0.05)
    server = ControlServer(path, Hanging())
    await server.start()
    try:
        reply = await asyncio.to_thread(ask, path, "status")
        assert reply["status"] == "refused" and "did not answer" in reply["reason"]
    finally:
        await server.close()


def test_a_line_is_valid_json_whatever_an_event_holds() -> None:
    line = event_line("reading", {"a": [float("inf")], "b": Path("x"), "c": "\ud800"})
    assert json.loads(line)["event"]["data"]["a"] == [None]
