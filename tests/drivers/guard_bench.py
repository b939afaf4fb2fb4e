"""A guard under test: the real firmware under the real interpreter on a pty, and a bare host that speaks the line."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Mapping

from drivers.ports import GuardStatus
from drivers.sim.guard import GuardTwin
from drivers.sim.world import World
from drivers.uart.guard_frame import GuardReply, decode, encode, parse_reply, parse_status

SESSION = "0badcafe"


class BareHost:
    """Frames out, lines in, nothing hidden: for tests of the line itself."""

    def __init__(self, port: str) -> None:
        self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        self._rest = b""
        self.session = SESSION
        self.seq = 0
        self.nonce = ""
        self.sent: list[bytes] = []

    def close(self) -> None:
        os.close(self._fd)

    def raw(self, data: bytes) -> None:
        """Put any bytes on the line."""
        os.write(self._fd, data)

    def send(self, verb: str) -> int:
        """Put one frame on the line; returns its SEQ."""
        self.seq += 1
        frame = encode(f"{self.session} {self.seq} {verb}")
        self.sent.append(frame)
        self.raw(frame)
        return self.seq

    def line(self, deadline_s: float = 3.0) -> str:
        """The body of the next line, which must be a frame."""
        until = time.monotonic() + deadline_s
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._fd], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("the guard says nothing")
            more = os.read(self._fd, 4096)
            if not more:
                raise TimeoutError("the guard's line has ended")
            self._rest += more
        line, self._rest = self._rest.split(b"\n", 1)
        body = decode(line)
        assert body is not None, f"not a frame: {line!r}"
        return body

    def ask(self, verb: str) -> tuple[GuardReply, GuardStatus]:
        """Send, and return the answer and the status that follows it at once."""
        seq = self.send(verb)
        while True:
            reply = parse_reply(self.line())
            if reply is not None and reply.seq == seq and reply.session == self.session:
                break
        status = parse_status(self.line(), time.monotonic())
        assert status is not None, "an answer is followed by a status line"
        return reply, status

    def status(self, condition: Callable[[GuardStatus], bool], deadline_s: float = 3.0) -> GuardStatus:
        """The first status line from now on that meets `condition`."""
        until = time.monotonic() + deadline_s
        while True:
            status = parse_status(self.line(max(0.0, until - time.monotonic())), time.monotonic())
            if status is not None and condition(status):
                return status

    def hello(self) -> GuardReply:
        """Open the session and keep its nonce."""
        reply, _ = self.ask("HELLO")
        self.nonce = reply.rest.split("nonce=")[1].split(" ")[0]
        return reply

    def energise(self, seconds: int = 60) -> None:
        """From anything that can be reset to ENERGISED."""
        self.hello()
        for verb in ("RESET", "HB", f"ARM {self.nonce}", f"ON {seconds}"):
            reply, _ = self.ask(verb)
            assert reply.accepted or verb == "RESET", reply


class Heart:
    """Heartbeats from a thread of their own, as a kernel would send them."""

    def __init__(self, beat: Callable[[], object], period_s: float = 0.05) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(beat, period_s), daemon=True)
        self._thread.start()

    def _run(self, beat: Callable[[], object], period_s: float) -> None:
        while not self._stop.wait(period_s):
            beat()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


class Rig:
    """A twin, its port, and every output change with its stamp."""

    def __init__(self, settings: Mapping[str, int] | None = None, world: World | None = None) -> None:
        self.twin = GuardTwin(world, settings)
        self.changes: list[tuple[str, int, int]] = []
        self.heartbeats = 0
        self._changed = threading.Condition()
        self.twin.add_output_listener(self._change)
        self.twin.add_heartbeat_listener(self._beat)
        self.port = self.twin.start()

    def _change(self, name: str, value: int, at_ns: int) -> None:
        with self._changed:
            self.changes.append((name, value, at_ns))
            self._changed.notify_all()

    def _beat(self) -> None:
        with self._changed:
            self.heartbeats += 1
            self._changed.notify_all()

    def wait_for(self, name: str, value: int, deadline_s: float = 5.0) -> int:
        """The stamp of the last change, once `name` is `value`."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._last(name)[0] == value, deadline_s), (name, self.changes)
            return self._last(name)[1]

    def wait_beats(self, count: int, deadline_s: float = 5.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.heartbeats >= count, deadline_s), self.heartbeats

    def ever(self, name: str, value: int) -> bool:
        return any(change[:2] == (name, value) for change in self.changes)

    def _last(self, name: str) -> tuple[int, int]:
        changes = [change for change in self.changes if change[0] == name]
        return (changes[-1][1], changes[-1][2]) if changes else (-1, 0)

    def close(self) -> None:
        self.twin.close()
