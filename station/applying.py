"""`apply`: from an archive that waits in the store to a configuration in use. A task of its own, never in a scan's way.

    waits in the store ── unpacked, checked in a process of its own ──▶ refused, with why
                                └──▶ kept by content, wanted, `done` ── the bench is quiet ──▶ the daemon starts again

It energises and resets nothing. It waits for the running test, for what is hot and for whoever has scanned, and while
a trip is latched until a person has pressed RESET: so no restart of this kind ever has a latch to carry over.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
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


class Checked(Protocol):
    """Checks a shared part together with what is the bench's own."""

    async def __call__(self, shared: Path) -> list[str]:
        """What is wrong, as short as a reply has to be. Raises `SettingsError` where it could not be checked."""


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

    @property
    def on_trial(self) -> bool:
        """Whether the revision in use has yet to show that the bench stays up with it."""
        return self._state.trial is not None

    def look(self) -> Mapping[str, Any]:
        """For `status` and watchers: the revision in use (None: the bench's own directory), what is wanted, on trial,
        and why the last one was refused or given up."""
        state = self._state
        return {
            "revision": self._revision, "wanted": state.wanted, "on_trial": self.on_trial,
            "last_apply_error": state.error,
        }  # fmt: skip

    async def run(self) -> None:
        """From READY on."""
        holds_at_s = self._now_s() + HOLDS_S
        while True:
            try:
                if self._state.untold:
                    await self._tell_that_it_went_back()
                if self._switching.behind:
                    await self._write(self._switching.write_down)
                if self.on_trial and self._now_s() >= holds_at_s:
                    await self._write(self._switching.holds)
                if (tree := await self._store.next_tree()) is not None:
                    await self._take(tree)
                elif self._state.wanted is not None and not self.on_trial and await self._ready():
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
            return Outcome("refused", "apply: " + " | ".join(problems))
        revision = await asyncio.to_thread(self._switching.revisions.keep, files)
        new = await self._write(lambda: self._switching.want(revision))
        when = "taken into use when no run is under way" if new else "it is in use"
        return Outcome("done", f"{words_of(revision)} is checked and kept; {when}")

    def _lay_out(self, archive: bytes) -> Mapping[str, bytes]:
        files = unpack(archive)
        shutil.rmtree(self._checking, ignore_errors=True)
        write_files(self._checking, files)
        return files

    async def _ready(self) -> bool:
        """The bench is quiet and the disk takes the change: where it is full, no restart mends that."""
        if not self._quiet.holds():
            return False
        await self._write(self._switching.write_down)
        return self._quiet.holds()

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
