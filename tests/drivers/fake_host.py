"""The far end of TCP connections as a thread that answers each Modbus TCP request with bytes, or hangs up."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType

HANG_UP = b""
"""Among what is answered: the connection ends here."""


class FakeHost:
    """`answer(request)` gives pauses and bytes. One connection at a time; `connections` counts them.

    `asked` is set by the first request.
    """

    def __init__(self, answer: Callable[[bytes], Iterable[tuple[float, bytes]]]) -> None:
        self.requests: list[bytes] = []
        self.asked = threading.Event()
        self.connections = 0
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._line: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="fake host")

    def __enter__(self) -> FakeHost:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._thread.join()
        self._listening.close()

    def say(self, data: bytes) -> None:
        """Bytes that nobody asked for."""
        assert self._line is not None
        self._line.sendall(data)

    def hang_up(self) -> None:
        """End the connection there is."""
        with contextlib.suppress(OSError, AttributeError):
            self._line.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._line, _ = self._listening.accept()
                self.connections += 1
                with self._line, contextlib.suppress(OSError):
                    self._talk(self._line)

    def _talk(self, line: socket.socket) -> None:
        while len(head := line.recv(6, socket.MSG_WAITALL)) == 6:
            request = head + line.recv(int.from_bytes(head[4:6], "big"), socket.MSG_WAITALL)
            self.requests.append(request)
            self.asked.set()
            for pause_s, data in self._answer(request):
                time.sleep(pause_s)
                if data == HANG_UP:
                    return
                line.sendall(data)
