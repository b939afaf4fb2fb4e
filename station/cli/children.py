"""Children of the demo: each verb in a process of its own, none left behind."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from station.domain.errors import StationError

PR_SET_PDEATHSIG = 1
CLOSE_S = 8.0


def _die_with_parent() -> None:
    """In the child: SIGTERM when the parent dies, so that even `kill -9` of a demo leaves nothing running."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One verb as a process; its standard error goes to `log`, its standard output line by line to `wait_line`."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self._log, self._verb = log, arguments[0]
        self._out = b""  # a session of its own: Ctrl-C in the terminal is for the demo alone
        root = Path(__file__).resolve().parents[2]
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "station", *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, preexec_fn=_die_with_parent,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip

    def send(self, line: str) -> None:
        """One line to its standard input. Raises `StationError` if it is gone."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise StationError(f"{self._name()} is gone ({error}); {self._tail()}") from error

    def wait_line(self, timeout_s: float) -> str:
        """The next line of its standard output. Raises `StationError` when none comes, with the end of its log."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._out:
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not selector.select(left_s):
                    raise StationError(f"{self._name()} said nothing within {timeout_s:g} s; {self._tail()}")
                more = os.read(self.process.stdout.fileno(), 65536)
                if not more:
                    raise StationError(f"{self._name()} ended; {self._tail()}")
                self._out += more
        line, _, self._out = self._out.partition(b"\n")
        return line.decode(errors="replace")

    def require_alive(self) -> None:
        """Raises `StationError` with the end of its log if it has ended."""
        if self.process.poll() is not None:
            raise StationError(f"{self._name()} ended with status {self.process.returncode}; {self._tail()}")

    def close(self) -> None:
        """Ask it to end, then make it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(CLOSE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _name(self) -> str:
        return f"`station {self._verb}`"

    def _tail(self) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace").strip()
        return f"its log {self._log} ends:\n{text[-2000:]}" if text else f"its log {self._log} is empty"


def start_child(arguments: list[str], log: Path) -> Child:
    """Start `station ARGUMENTS` with its log; use it as a context."""
    log.parent.mkdir(parents=True, exist_ok=True)
    return Child(arguments, log)
