"""Processes of the torture: started, killed, stopped and started again; what they say is read line by line."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.servers.zygote import Forked, begin

_PR_SET_PDEATHSIG = 1
_END_S = 30.0

Hear = Callable[[Mapping[str, Any]], None]


def die_with_parent() -> None:
    """A child calls this: whoever kills the director kills all."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """`python -m …` again and again. `hear` gets each JSON line of its standard output, also the last before a kill."""

    def __init__(self, name: str, say_arguments: Callable[[int], Sequence[str]], log: Path, hear: Hear) -> None:
        """`say_arguments` is asked for each life, counted from 1; standard error of all lives goes to `log`."""
        self.name = name
        self.lives = 0
        self.log = log
        self.stopped = False
        self._say_arguments = say_arguments
        self._hear = hear
        self._process: Forked | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Its process, while it was neither killed nor ended by itself."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def ended_with(self) -> int | None:
        """The exit status of a process that ended by itself; None while it runs and after `kill` or `end`."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Begin the next life, unless one is on."""
        if self.pid is not None:
            return
        self.kill()
        self.lives += 1
        self.stopped = False
        with self.log.open("ab") as log:
            module, *arguments = self._say_arguments(self.lives)
            self._process = begin(module, arguments, log.fileno(), tells=True, env=dict(os.environ))
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def signal(self, number: int) -> bool:
        """Send it a signal; False where it does not run."""
        if self._process is None or self.pid is None:
            return False
        self._process.send_signal(number)
        self.stopped = number == signal.SIGSTOP
        return True

    def kill(self) -> None:
        """SIGKILL; when this returns all that it said was heard. Safe to call twice."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def end(self) -> int:
        """SIGTERM, and its exit status."""
        if self._process is None:
            return 0
        self.signal(signal.SIGCONT)
        self._process.terminate()
        try:
            status = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reap()
        return status

    def _reap(self) -> None:
        assert self._process is not None and self._process.stdout is not None and self._reader is not None
        self._process.wait()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process = None

    def _read(self, process: Forked) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                words = json.loads(line)
            except ValueError:
                continue  # cut off by a kill
            self._hear(words)
