"""Debian's PostgreSQL as the tests use it: a cluster of its own in a folder, an ordinary user's, on a socket there.

It refuses to run as root, so root hands it to `nobody`. It listens on no network at all: clients come through the
socket in its folder. `fsync` is on: the receipts' figures would be worth nothing without.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import psycopg

START_S = 30.0
_ORDINARY = "nobody"
_NAME = "centre"


def binaries() -> Path:
    """The folder with `initdb` and `postgres`, the newest that Debian installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    assert found, "PostgreSQL is not installed; `./bench test` installs it"
    return found[-1].parent


class Postgres:
    """`with Postgres() as server: server.url` is an empty database; `create(name)` makes one more."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bench-pg-"))  # short: a socket's path has 107 bytes at most
        self._data = self._folder / "data"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The first database."""
        return self.url_of(_NAME)

    def url_of(self, name: str) -> str:
        """`postgresql:///NAME?host=FOLDER&user=centre`."""
        return f"postgresql:///{name}?host={self._folder}&user={_NAME}"

    def create(self, name: str) -> str:
        """One more, empty database; its address."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as db:
            db.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url_of(name)

    def start(self) -> Postgres:
        """Make the cluster at the first call; start it and wait until it answers."""
        if not self._data.exists():
            self._hand_over()
            self._as_ordinary(
                "initdb", "-D", str(self._data), "-U", _NAME, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"
            ).check_returncode()
            self._run()
            self.create(_NAME)
        elif self.process is None:
            self._run()
        return self

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children go with it. It recovers from its log at the next `start`."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End it and remove its folder; safe to call twice."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(START_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Postgres:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        log = (self._folder / "log").open("ab")
        self.process = subprocess.Popen(
            [
                str(binaries() / "postgres"), "-D", str(self._data), "-k", str(self._folder), "-c",
                "listen_addresses=", "-c", "max_connections=50", "-c", "shared_buffers=32MB",
            ],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self._folder, **self._who(),
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                text = (self._folder / "log").read_text(errors="replace")[-2000:]
                assert self.process.poll() is None, f"PostgreSQL ended: {text}"
                assert time.monotonic() < deadline, f"PostgreSQL does not answer: {error}; {text}"
                time.sleep(0.05)
            else:
                return

    def _hand_over(self) -> None:
        if os.getuid() == 0:
            entry = pwd.getpwnam(_ORDINARY)
            os.chown(self._folder, entry.pw_uid, entry.pw_gid)

    def _who(self) -> dict[str, object]:
        if os.getuid():
            return {}
        entry = pwd.getpwnam(_ORDINARY)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _as_ordinary(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [str(binaries() / program), *arguments], capture_output=True, cwd=self._folder, **self._who()
        )  # type: ignore[call-overload]
