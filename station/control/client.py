"""The other end of the socket, synchronous: for the command line. Bounded in time everywhere."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from station.control.answers import ControlError, first_of_watch, not_there, read_event, read_reply, request_line
from station.control.protocol import MAX_ANSWER

TIMEOUT_S = 15.0


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
            raise not_there(path, error) from error

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
        return read_reply(self._path, self._line())

    def watch(self) -> Iterator[dict[str, Any]]:
        """The status first (`kind` status), then every event as it comes, until the daemon goes away."""
        self._send("watch", {})
        yield first_of_watch(self._path, read_reply(self._path, self._line()))
        self._socket.settimeout(None)
        while (line := self._line()) is not None:
            event = read_event(self._path, line)
            if event is not None:
                yield event

    def _send(self, verb: str, args: dict[str, Any]) -> None:
        try:
            self._socket.sendall(request_line(verb, args))
        except OSError as error:
            # the daemon may have said why before it closed the line: let `read_reply` look
            if not isinstance(error, BrokenPipeError | ConnectionResetError):
                raise ControlError(f"{self._path}: {error}") from error

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
