"""`station check` and `diff` in a process of their own: neither the daemon's time nor its memory, whatever is given.

What comes back is bounded there and here: a tree can have a hundred thousand problems, and who reads is also the loop
that scans.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from station.domain.errors import SettingsError

CPU_S = 60
"""Of processor time: a tree of 2 MiB with 170,000 problems needs a third of it."""
CHECK_S = 300.0
"""From start to end: at the lowest priority a busy machine lets it wait."""
SHOWN = 5
"""Problems of a tree in a reply."""
SAID_MAX = 64 << 10
"""Bytes that it may say; `check --most` says less."""
NICENESS = 19
_ROOT = str(Path(__file__).resolve().parents[2])
_START = (
    "import os, resource; os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)); os.nice({niceness}); "
    "resource.setrlimit(resource.RLIMIT_CPU, ({cpu_s}, {cpu_s} + 1)); "
    "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); from station.cli.main import main; main()"
)
"""It inherits the daemon's real-time priority and gives it back before it does anything that takes time."""


class Checker:
    """For the bench whose own directory this is."""

    def __init__(self, own: Path) -> None:
        self._own = str(own.absolute())

    async def __call__(self, shared: Path) -> list[str]:
        """The first problems of a shared part, a line each, and how many there are besides. Raises `SettingsError`."""
        options = ("--shared", str(shared), "--json", "--most", str(SHOWN))
        said = await self._run("check", self._own, *options)
        return await asyncio.to_thread(_lines, said, f"{shared}/")

    async def loosened(self, shared: Path) -> list[str]:
        """What of safety a shared part loosens against the one in use, a line each. Raises `SettingsError`."""
        options = ("--config", self._own, "--looser", "--json", "--most", str(SHOWN))
        told = json.loads(await self._run("diff", "current", str(shared), *options))
        lines = [one["words"] for one in told["changes"]]
        more = told["count"] - len(lines)
        return [*lines, f"and {more} more"] if more else lines

    async def _run(self, *arguments: str) -> bytes:
        """What a verb says, within its bounds."""
        process = await self._begin(*arguments)
        try:
            async with asyncio.timeout(CHECK_S):
                said, errors = await asyncio.gather(_read(process, process.stdout), _read(process, process.stderr))
                status = await process.wait()
        except TimeoutError:
            raise SettingsError(f"not checked within {CHECK_S:g} s; is the machine overloaded? send it again") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()  # it does not end before its pipes are empty
        if max(len(said), len(errors)) > SAID_MAX:
            raise SettingsError(f"the check said more than {SAID_MAX} bytes; run `station check` on the tree to see it")
        if status == -signal.SIGXCPU:
            raise SettingsError(f"not checked within {CPU_S} s of processor time; send a smaller tree")
        if status not in (0, 1):
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            raise SettingsError(f"the check ended with {status}: {' '.join(last)}")
        return said

    async def _begin(self, *arguments: str) -> asyncio.subprocess.Process:
        paths = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", _START.format(niceness=NICENESS, cpu_s=CPU_S),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip


async def _read(process: asyncio.subprocess.Process, stream: asyncio.StreamReader | None) -> bytes:
    """All that it says, or a little more than it may say: then it is killed."""
    assert stream is not None, "a pipe was asked for"
    said = b""
    while piece := await stream.read(SAID_MAX):
        said = (said + piece)[: SAID_MAX + 1]
        if len(said) > SAID_MAX and process.returncode is None:
            process.kill()
    return said


def _lines(said: bytes, folder: str) -> list[str]:
    """As `check` prints them, the files as they are called in the archive."""
    told = json.loads(said)
    lines = [
        f"{one['file'].removeprefix(folder)}:{one['line']}: {one['key']}: {one['wrong']}; {one['remedy']}"
        for one in told["problems"]
    ]
    more = told["count"] - len(lines)
    return [*lines, f"and {more} more"] if more else lines
