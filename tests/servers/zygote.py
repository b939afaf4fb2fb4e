"""Programs of the station begun as forks of one that has imported everything already: a live bench is up sooner, and
for half the processor time.

`begin(module, arguments, log)` is `python -m MODULE ARGUMENTS` in a process of its own: its own environment, working
directory and end, its own random numbers, and the interpreter's whole clean-up. What it shares is what Python's imports
gave, and the contract's classes as built. The fork is not our child: the zygote waits for it and tells how it ended. A
program that must begin from nothing is begun with `subprocess` (`tests/scenarios/live.py`, `afresh`).
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import random
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from station.contract.building import build

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = (
    "station.daemon",
    "station.cli.main",
    "station.cli.simulate",
    "station.cli.collect",
    "station.collector.collector",
    "station.collector.postgres",
    "drivers.sim.bench",
)
REQUEST_MAX = 65_536


class Forked:
    """The part of `subprocess.Popen` that tests need, for a process that somebody else waits for."""

    def __init__(self, pid: int, module: str, end: int, stdin: int, stdout: int | None) -> None:
        self.pid = pid
        self.args = module
        self.returncode: int | None = None
        self.stdin = io.FileIO(stdin, "w")
        self.stdout = None if stdout is None else io.BufferedReader(io.FileIO(stdout))
        self._end = end
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """How it ended, or None: minus the signal's number, or the status."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing to one that has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ends just now
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def _look(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._end], [], [], timeout)[0]:
                told = os.read(self._end, 16)
                os.close(self._end)
                assert told, "the zygote is gone, and with it how its forks end"
                self.returncode = int(told)
            return self.returncode


class _Zygote:
    """The process that forks, one for each process of tests; ends with it."""

    def __init__(self) -> None:
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.servers.zygote", str(theirs.fileno())], pass_fds=[theirs.fileno()],
                cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self._lock = threading.Lock()
        atexit.register(self._close)

    def begin(self, asked: dict[str, Any], descriptors: Sequence[int]) -> int:
        """Its process id."""
        with self._lock:
            socket.send_fds(self._door, [json.dumps(asked).encode()], descriptors)
            told = self._door.recv(16)
        assert told, f"the zygote ended: {self._process.wait(5.0)}"
        return int(told)

    def _close(self) -> None:
        self._door.close()
        self._process.wait(20.0)


_ZYGOTE: list[_Zygote] = []
_FIRST = threading.Lock()


def begin(module: str, arguments: Sequence[str], log: int, *, tells: bool, env: dict[str, str]) -> Forked:
    """`python -m MODULE`; its errors go to the descriptor `log`, and its output where it does not tell on `stdout`."""
    with _FIRST:
        if not _ZYGOTE:
            _ZYGOTE.append(_Zygote())
    theirs_in, stdin = os.pipe()
    end, theirs_end = os.pipe()
    stdout, theirs_out = os.pipe() if tells else (None, os.dup(log))
    asked = {"module": module, "arguments": list(arguments), "env": env, "cwd": str(ROOT)}
    try:
        pid = _ZYGOTE[0].begin(asked, [theirs_in, theirs_out, log, theirs_end])
    finally:
        for one in (theirs_in, theirs_out, theirs_end):
            os.close(one)
    return Forked(pid, module, end, stdin, stdout)


# ---- the zygote itself -------------------------------------------------------------------------------------------
def _serve(door: socket.socket) -> dict[str, Any] | None:
    """Fork for whoever asks; returns what to run, in the fork alone, and None in the end."""
    stirred, stir = os.pipe()
    for one in (stirred, stir):
        os.set_blocking(one, False)
    signal.set_wakeup_fd(stir)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    ends: dict[int, int] = {}
    while True:
        ready = select.select([door, stirred], [], [])[0]
        if stirred in ready:
            os.read(stirred, 4096)
            _bury(ends)
        if door in ready:
            message, descriptors, _, _ = socket.recv_fds(door, REQUEST_MAX, 4)
            if not message:
                return None
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (stirred, stir, door.detach(), *ends.values()):
                    os.close(one)
                return _settle_in(json.loads(message), descriptors)
            *given, ends[pid] = descriptors
            for one in given:
                os.close(one)
            door.send(str(pid).encode())


def _bury(ends: dict[int, int]) -> None:
    """Wait for everybody who has ended, and tell how."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = found
            with contextlib.suppress(BrokenPipeError):  # nobody asks any more
                os.write(ends[pid], str(os.waitstatus_to_exitcode(status)).encode())
            os.close(ends.pop(pid))


def _settle_in(asked: dict[str, Any], descriptors: Sequence[int]) -> dict[str, Any]:
    """In the fork: everything that a new process has to itself."""
    *three, end = descriptors
    for number, one in enumerate(three):
        os.dup2(one, number)
    for one in (*three, end):
        os.close(one)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    random.seed()
    return asked


def main(descriptor: int) -> None:
    """Import, then fork until the door is closed; a fork runs its module and ends as any interpreter does."""
    with socket.socket(fileno=descriptor) as door:
        for name in IMPORTED:
            importlib.import_module(name)
        build()  # at every start else
        gc.collect()
        gc.freeze()  # what is there now stays shared
        asked = _serve(door)
    if asked is not None:
        sys.orig_argv[:] = [sys.executable, "-m", asked["module"], *asked["arguments"]]
        sys.argv[1:] = asked["arguments"]
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
