"""`apply`: from an archive that waits in the store to a configuration in use. A task of its own, never in a scan's way.

    waits in the store ── unpacked, checked in a process of its own ──▶ refused, with why
                                └──▶ kept by content, wanted, `done` ── the bench is quiet ──▶ the daemon starts again

It energises and resets nothing. It waits for the running test, for what is hot and for whoever has scanned, and while
a trip is latched until a person has pressed RESET: so no restart of this kind ever has a latch to carry over.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from station.contract.messages import Messages
from station.domain.commands import Outcome
from station.domain.errors import SettingsError, StationError, StoreError
from station.domain.events import Event, Publish
from station.domain.interlock import Trip
from station.domain.session_state import State
from station.run.session_table import AT_REST
from station.settings.archive import unpack
from station.settings.revisions import write_files
from station.settings.switching import ERROR_MAX, HOLDS_S, Switching, words_of
from station.store.asked import WaitingTree
from station.store.store import Store

log = logging.getLogger(__name__)

LOOK_S = 0.5
LEFT_S = 300.0
"""A verdict that nobody put away, or scans that nobody used, hold a restart up for so long."""
AGAIN_S = 30.0
"""After something failed that may mend itself (a full disk) it is tried again."""
CHECK_S = 60.0
SHOWN = 5
"""Problems of a tree in a reply."""
_ROOT = str(Path(__file__).resolve().parents[1])
_START = (
    "import os, resource; os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0)); os.nice(10); "
    "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); from station.cli.main import main; main()"
)
"""It inherits the daemon's real-time priority and gives it back before it does anything that takes time."""


class Checked(Protocol):
    """Checks a shared part together with what is the bench's own; every problem as a line."""

    async def __call__(self, shared: Path) -> list[str]:
        """Raises `SettingsError` where it could not be checked."""


class Session(Protocol):
    """The conductor, as far as this room looks at it."""

    @property
    def running(self) -> bool:
        """Whether a run is under way."""

    @property
    def view(self) -> Mapping[str, Any]:
        """The session as watchers see it."""


class Safety(Protocol):
    """The safety kernel, as far as this room looks at it."""

    @property
    def trips(self) -> tuple[Trip, ...]:
        """What is latched."""

    def is_off(self) -> bool:
        """Whether K and H are known to be off."""


class Quiet:
    """Whether the daemon may start again now: nobody loses anything by it."""

    def __init__(self, session: Session, safety: Safety, now_s: Callable[[], float]) -> None:
        self._session, self._safety, self._now_s = session, safety, now_s
        self._seen: tuple[Mapping[str, Any], float] | None = None

    def holds(self) -> bool:
        """No run, nothing on, nothing latched, nothing hot, and nobody in the middle of anything."""
        view = self._session.view
        state = State(view["state"])
        if self._session.running or self._safety.trips or not self._safety.is_off() or state not in AT_REST:
            self._seen = None
            return False
        if state is State.WAITING and not any(view["scans"].values()):
            return True
        if self._seen is None or self._seen[0] != view:
            self._seen = (view, self._now_s())
        return self._now_s() - self._seen[1] >= LEFT_S


class Applying:
    """One a station. `run` ends only when the daemon is to start again, for the wanted revision."""

    def __init__(
        self,
        store: Store,
        messages: Messages,
        switching: Switching,
        check: Checked,
        quiet: Quiet,
        publish: Publish,
        now_s: Callable[[], float],
    ) -> None:
        self._store, self._messages, self._switching = store, messages, switching
        self._check, self._quiet, self._publish, self._now_s = check, quiet, publish, now_s
        self._checking = switching.revisions.state / "checking"
        self._state = switching.read()
        self._revision = switching.revisions.current()

    def look(self) -> Mapping[str, Any]:
        """For `status` and watchers: the revision in use (None: the bench's own directory), what is wanted, on trial,
        and why the last one was refused or given up."""
        state = self._state
        return {
            "revision": self._revision, "wanted": state.wanted, "on_trial": state.trial is not None,
            "last_apply_error": state.error,
        }  # fmt: skip

    async def run(self) -> None:
        """From READY on."""
        holds_at_s = self._now_s() + HOLDS_S
        while True:
            try:
                if self._state.untold:
                    await self._tell_that_it_went_back()
                if self._state.trial is not None and self._now_s() >= holds_at_s:
                    await self._write(self._switching.holds)
                if (tree := await self._store.next_tree()) is not None:
                    await self._take(tree)
                elif self._state.wanted is not None and self._state.trial is None and self._quiet.holds():
                    log.warning("%s is taken into use: the daemon starts again", words_of(self._state.wanted))
                    return
                await asyncio.sleep(LOOK_S)
            except (StationError, OSError) as error:
                log.error("configuration: %s; tried again in %g s", error, AGAIN_S)
                await asyncio.sleep(AGAIN_S)

    # ---- one tree ------------------------------------------------------------------------------------------
    async def _take(self, tree: WaitingTree) -> None:
        try:
            outcome = await self._judge(tree)
        except StoreError:
            raise
        except (SettingsError, OSError) as error:
            outcome = Outcome("refused", f"apply: {error}")
        except Exception as error:  # it would break on it again, for ever
            log.exception("apply broke the station's rules")
            outcome = Outcome("refused", f"apply: the station broke on it ({error!r}); see its log")
        if outcome.status == "refused":
            await self._write(lambda: self._switching.refuse(outcome.reason or ""))
        reason = outcome.reason and outcome.reason[:ERROR_MAX]
        asker = tree.cmd_id
        reply = [] if asker is None else [self._messages.reply(asker, outcome.status, reason)]
        await self._store.tree_checked(tree.place, reply)
        log.info("apply %s: %s %s", asker or "(socket)", outcome.status, outcome.reason)

    async def _judge(self, tree: WaitingTree) -> Outcome:
        files = await asyncio.to_thread(self._lay_out, tree.archive)
        problems = await self._check(self._checking)
        if problems:
            more = f" | and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
            return Outcome("refused", "apply: " + " | ".join(problems[:SHOWN]) + more)
        revision = await asyncio.to_thread(self._switching.revisions.keep, files)
        new = await self._write(lambda: self._switching.want(revision))
        when = "taken into use when no run is under way" if new else "it is in use"
        return Outcome("done", f"{words_of(revision)} is checked and kept; {when}")

    def _lay_out(self, archive: bytes) -> Mapping[str, bytes]:
        files = unpack(archive)
        shutil.rmtree(self._checking, ignore_errors=True)
        write_files(self._checking, files)
        return files

    # ---- small parts ---------------------------------------------------------------------------------------
    async def _tell_that_it_went_back(self) -> None:
        cause = self._state.error or "a revision was given up"
        self._publish(Event("alarm", {"code": "config_went_back", "cause": cause, "run_id": None}))
        await self._store.post([self._messages.alarm("config_went_back", cause)])
        await self._write(self._switching.told)

    async def _write(self, change: Callable[[], Any]) -> Any:
        """Change where it stands, not in the event loop, and tell watchers."""
        result = await asyncio.to_thread(change)
        self._state = await asyncio.to_thread(self._switching.read)
        self._publish(Event("configuration", dict(self.look())))
        return result


def checker(own: Path) -> Checked:
    """Runs `station check` in a process of its own, for the bench whose own directory this is."""
    directory = str(own.absolute())

    async def check(shared: Path) -> list[str]:
        paths = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", _START, "check", directory, "--shared", str(shared), "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip
        try:
            async with asyncio.timeout(CHECK_S):
                said, errors = await process.communicate()
        except TimeoutError:
            raise SettingsError(f"not checked within {CHECK_S:g} s; is the machine overloaded? send it again") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode not in (0, 1):
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            raise SettingsError(f"the check ended with {process.returncode}: {' '.join(last)}; see the station's log")
        return [_line(problem, f"{shared}/") for problem in json.loads(said)]

    return check


def _line(problem: Mapping[str, Any], folder: str) -> str:
    """As `check` prints it, the file as it is called in the archive."""
    file = str(problem["file"]).removeprefix(folder)
    return f"{file}:{problem['line']}: {problem['key']}: {problem['wrong']}; {problem['remedy']}"
