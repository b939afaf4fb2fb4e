"""Debian's mosquitto as the tests use it: a process of our own on a free port of loopback, never the system's.

It keeps nothing unless told (`persistence`), takes any client unless `lines` say otherwise, and can be killed, stopped
and started again on the same port. More settings than these are lines of its own configuration file.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
START_S = 10.0
_PORTS = (20000, 32000)
_OPEN = ("allow_anonymous true",)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, below those that the kernel gives to connections by itself:
    one of them could take it before the server does."""
    while True:
        port = random.randint(*_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Mosquitto:
    """`with Mosquitto(folder) as broker: broker.url`. Its configuration and log lie in `folder`."""

    def __init__(
        self, folder: Path, lines: Sequence[str] = _OPEN, *, port: int | None = None, tls: bool = False,
        persistence: bool = False, files_max: int = 4096,
    ) -> None:  # fmt: skip
        """`lines` follow `listener`; `tls` only says what `url` begins with; `files_max` bounds its connections."""
        found = shutil.which("mosquitto", path=_PLACES)
        assert found, "mosquitto is not installed; `./bench test` installs it"
        self._program = found
        self._folder = folder
        self._lines = lines
        self._tls = tls
        self._persistence = persistence
        self._files_max = files_max
        self.port = port or free_port()
        self.log = folder / "mosquitto.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """`mqtt://127.0.0.1:port`, or `mqtts://localhost:port`: a certificate names a host, not an address."""
        return f"mqtts://localhost:{self.port}" if self._tls else f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> Mosquitto:
        """Start it (again, on the same port) and wait until it accepts connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = [
            "per_listener_settings false", "max_queued_messages 0", "set_tcp_nodelay true",
            f"persistence {str(self._persistence).lower()}", f"persistence_location {self._folder}/",
            "autosave_interval 1", f"log_dest file {self.log}", "log_type all", "connection_messages true",
            *(() if os.getuid() else ("user root",)), f"listener {self.port} 127.0.0.1", *self._lines,
        ]  # fmt: skip
        path = self._folder / "mosquitto.conf"
        path.write_text("\n".join(settings) + "\n", encoding="utf-8")
        self.process = subprocess.Popen(
            [self._program, "-c", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, preexec_fn=self._allow_files,
        )  # fmt: skip
        self._wait_open()
        return self

    def signal(self, number: int) -> None:
        """SIGKILL, SIGSTOP, SIGCONT, … to it alone."""
        if self.process is not None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone: what was not on its disk never was."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """SIGTERM; safe to call twice."""
        if self.process is not None:
            self.signal(signal.SIGCONT)
            self.process.terminate()
            self._reap()

    def text(self) -> str:
        """What it logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def __enter__(self) -> Mosquitto:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _reap(self) -> None:
        if self.process is not None:
            try:
                self.process.wait(START_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def _allow_files(self) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        many = self._files_max if most == resource.RLIM_INFINITY else min(self._files_max, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (many, most))

    def _wait_open(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"mosquitto ended with {self.process.returncode}: {self.text()[-2000:]}"
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"mosquitto does not listen on {self.port}: {self.text()[-2000:]}")
