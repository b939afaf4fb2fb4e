"""The other end of the socket, synchronous: for the command line and the page. Bounded in time everywhere."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from station.control.protocol import MAX_ANSWER
from station.domain.errors import StationError

TIMEOUT_S = 15.0


class ControlError(StationError):
    """The daemon is not there, went away, or answered nonsense."""


class ControlClient:
    """One connection; use it as a context. Raises `ControlError`."""

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        self._waiting = b""
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            why = error.strerror or str(error)
            raise ControlError(
                f"{path}: {why}; is the daemon running (station run), and are you in the group bench?"
            ) from error

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the socket; safe to call twice."""
        self._socket.close()

    def hang_up(self) -> None:
        """End a `watch` that another thread is waiting in; it returns as if the daemon had gone away."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """Send one command and return its reply: `status` (`done` or `refused`), `reason`, `data`."""
        self._send(verb, args)
        return self._reply()

    def watch(self) -> Iterator[dict[str, Any]]:
        """The status first (`kind` status), then every event as it comes, until the daemon goes away."""
        self._send("watch", {})
        reply = self._reply()
        if reply["status"] != "done":
            raise ControlError(f"{self._path}: {reply['reason']}")
        yield {"kind": "status", "data": reply["data"]}
        self._socket.settimeout(None)
        while (line := self._line()) is not None:
            event = self._document(line).get("event")
            if isinstance(event, dict):
                yield event

    def _send(self, verb: str, args: dict[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps({"verb": verb, "args": args}).encode() + b"\n")
        except OSError as error:
            # the daemon may have said why before it closed the line: let `_reply` look
            if not isinstance(error, BrokenPipeError | ConnectionResetError):
                raise ControlError(f"{self._path}: {error}") from error

    def _reply(self) -> dict[str, Any]:
        line = self._line()
        if line is None:
            raise ControlError(f"{self._path}: the daemon closed the line without a reply")
        reply = self._document(line).get("reply")
        if not isinstance(reply, dict) or "status" not in reply:
            raise ControlError(f"{self._path}: an answer that is no reply: {line[:80]!r}")
        return reply

    def _document(self, line: bytes) -> dict[str, Any]:
        try:
            document = json.loads(line)
        except ValueError as error:
            raise ControlError(f"{self._path}: an answer that is no JSON: {line[:80]!r}") from error
        if not isinstance(document, dict):
            raise ControlError(f"{self._path}: an answer that is no object: {line[:80]!r}")
        return document

    def _line(self) -> bytes | None:
        while b"\n" not in self._waiting:
            if len(self._waiting) > MAX_ANSWER:
                raise ControlError(f"{self._path}: a line that does not end")
            try:
                more = self._socket.recv(65536)
            except TimeoutError:
                raise ControlError(f"{self._path}: the daemon did not answer in time") from None
            except ConnectionResetError:
                return None
            except OSError as error:
                raise ControlError(f"{self._path}: {error}") from error
            if not more:
                return None
            self._waiting += more
        line, _, self._waiting = self._waiting.partition(b"\n")
        return line
