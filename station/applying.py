"""`apply`: from an archive that waits in the store to a configuration in use. A task of its own, never in a scan's way.

    waits in the store ── unpacked, checked in a process of its own ──▶ refused, with why
                                └──▶ kept by content, wanted, `done` ── the bench is quiet, its own part still
                                     loads, its devices were asked ──▶ the daemon starts again, on trial

It energises and resets nothing. It waits for the running test, for what is hot and for whoever has scanned, and while
a trip is latched until a person has pressed RESET. One restart does not wait for that: the way back from a revision on
trial, which may be what trips. It is gone only where the guard says TRIPPED: the guard stays so over the restart, the
new process latches what the guard says (`safety.finding`), and RESET is a person's as before.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from drivers.ports import GuardState, GuardStatus
from station.contract.messages import Messages
from station.doctor.health import Examine, Health
from station.domain.commands import Outcome
from station.domain.errors import SettingsError, StationError, StoreError
from station.domain.events import Event, Publish
from station.domain.interlock import Interlock, Trip
from station.domain.session_state import STATE_TITLES, State
from station.run.session_table import AT_REST
from station.settings.archive import unpack
from station.settings.revisions import revision_of, write_files
from station.settings.switching import ERROR_MAX, HOLDS_S, Switching, words_of
from station.store.asked import WaitingTree
from station.store.store import Store

log = logging.getLogger(__name__)

LOOK_S = 0.5
LEFT_S = 300.0
"""A verdict that nobody put away, or scans that nobody used, hold a restart up for so long."""
AGAIN_S = 30.0
"""After something failed that may mend itself (a full disk) it is tried again."""
TOLD = 10
"""What became of revisions, so many of the latest, for whoever follows."""


class Checked(Protocol):
    """Checks a shared part together with what is the bench's own, or compares it with the one in use."""

    async def __call__(self, shared: Path) -> list[str]:
        """What there is to say, as short as a reply has to be. Raises `SettingsError` where it could not be done."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """What a tree and the bench have to show. `check`: what is wrong with a tree; `loosened`: where safety is looser
    than with the one in use; `own_loads` raises `SettingsError` where the bench's credentials would not load."""

    check: Checked
    loosened: Checked
    own_loads: Callable[[], object]
    examine: Examine


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

    @property
    def interlocks(self) -> Sequence[Interlock]:
        """Those of the configuration."""

    @property
    def status(self) -> GuardStatus | None:
        """The guard's last word."""

    @property
    def hot(self) -> bool:
        """Whether the fan still has to run."""

    def is_off(self) -> bool:
        """Whether K and H are known to be off."""


class Quiet:
    """Whether the daemon may start again now: nobody loses anything by it."""

    def __init__(self, session: Session, safety: Safety, now_s: Callable[[], float]) -> None:
        self._session, self._safety, self._now_s = session, safety, now_s
        self._seen: tuple[Mapping[str, Any], float] | None = None
        self._ran = False

    def holds(self) -> bool:
        """No run, nothing on, nothing latched, nothing hot, and nobody in the middle of anything."""
        return not self.waits_for()

    def tripped_by(self) -> str:
        """The interlocks that are latched although no run was seen since the start, so no device's doing; in words."""
        names = {row.name for row in self._safety.interlocks}
        its = [] if self._ran else [trip for trip in self._safety.trips if trip.interlock in names]
        return "; ".join(f"{trip.interlock}: {trip.cause}" for trip in its)

    def waits_for_way_back(self) -> str:
        """The same for the way back from a trial: a latch that the guard holds too is no bar."""
        view = self._session.view
        status = self._safety.status
        latched = State(view["state"]) is State.TRIPPED and status is not None and status.state is GuardState.TRIPPED
        if self._session.running or not latched or not self._safety.is_off():
            return self.waits_for()
        return "the load bank to be cool" if self._ran and self._safety.hot else ""

    def waits_for(self) -> str:
        """What has to end first, in words; empty where nothing has."""
        view = self._session.view
        state = State(view["state"])
        self._ran = self._ran or self._session.running
        busy = self._busy(view, state)
        if busy:
            self._seen = None
            return busy
        if state is State.WAITING and not any(view["scans"].values()):
            return ""
        if self._seen is None or self._seen[0] != view:
            self._seen = (view, self._now_s())
        left_s = LEFT_S - (self._now_s() - self._seen[1])
        left = "what was scanned in" if state is not State.WAITING and any(view["scans"].values()) else "the bench"
        return "" if left_s <= 0 else f"{left} ({STATE_TITLES[state]['en']}), {left_s:.0f} s more if nobody comes"

    def _busy(self, view: Mapping[str, Any], state: State) -> str:
        if self._session.running:
            run = view.get("run") or {}
            return f"the run {run.get('run_id', 'under way')}"
        if self._safety.trips:
            codes = ", ".join(trip.code or trip.interlock for trip in self._safety.trips)
            return f"RESET at the bench: a trip is latched ({codes})"
        if not self._safety.is_off():
            return "mains and test voltage to be off"
        return "" if state in AT_REST else f"the bench: {STATE_TITLES[state]['en']}"


class Applying:
    """One a station. `run` ends only when the daemon is to start again, for the wanted revision."""

    def __init__(
        self,
        store: Store,
        messages: Messages,
        switching: Switching,
        proofs: Proofs,
        quiet: Quiet,
        publish: Publish,
        now_s: Callable[[], float],
    ) -> None:
        self._store, self._messages, self._switching = store, messages, switching
        self._proofs, self._quiet, self._publish, self._now_s = proofs, quiet, publish, now_s
        self._health = Health(proofs.examine, quiet.holds)
        self._compared = False
        self._waits_for = ""
        self._checking = switching.revisions.state / "checking"
        self._state = switching.read()
        self._revision = switching.revisions.current()

    @property
    def on_trial(self) -> bool:
        """Whether the revision in use has yet to show that the bench stays up with it."""
        return self._state.trial is not None

    def look(self) -> Mapping[str, Any]:
        """For `status` and watchers: the revision in use (None: the bench's own directory), what is wanted and what it
        waits for, on trial, why the last one was refused or given up, and what became of revisions lately."""
        state = self._state
        return {
            "revision": self._revision, "wanted": state.wanted, "on_trial": self.on_trial,
            "waits_for": self._waits_for if state.wanted or self.on_trial else "", "last_apply_error": state.error,
            "happened": [asdict(one) for one in state.history[-TOLD:]],
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
                if self.on_trial and await self._is_given_up(holds_at_s - self._now_s()):
                    return
                if (tree := await self._store.next_tree()) is not None:
                    await self._take(tree)
                elif self._state.wanted is not None and not self.on_trial and await self._ready(self._state.wanted):
                    log.warning("%s is taken into use: the daemon starts again", words_of(self._state.wanted))
                    return
                await asyncio.sleep(LOOK_S)
            except (StationError, OSError) as error:
                log.error("configuration: %s; tried again in %g s", error, AGAIN_S)
                await asyncio.sleep(AGAIN_S)

    # ---- one tree ------------------------------------------------------------------------------------------
    async def _take(self, tree: WaitingTree) -> None:
        by = tree.asked_by or "the bench's socket" if tree.cmd_id is None else f"the centre ({tree.cmd_id})"
        revision, looser = None, ""
        try:
            files = await asyncio.to_thread(self._lay_out, tree.archive)
            revision = revision_of(files)
            outcome, looser = await self._judge(files, by)
        except StoreError:
            raise
        except (SettingsError, OSError) as error:
            outcome = Outcome("refused", f"apply: {error}")
        except Exception as error:  # it would break on it again, for ever
            log.exception("apply broke the station's rules")
            outcome = Outcome("refused", f"apply: the station broke on it ({error!r}); see its log")
        if outcome.status == "refused":
            await self._write(lambda: self._switching.refuse(outcome.reason or "", revision, by))
        reason = outcome.reason and outcome.reason[:ERROR_MAX]
        messages = [] if tree.cmd_id is None else [self._messages.reply(tree.cmd_id, outcome.status, reason)]
        if looser:
            messages.append(self._messages.alarm("config_looser", looser[:ERROR_MAX]))
        await self._store.tree_checked(tree.place, messages)
        log.info("apply by %s: %s %s", by, outcome.status, outcome.reason)

    async def _judge(self, files: Mapping[str, bytes], by: str) -> tuple[Outcome, str]:
        """What is said of a tree, and what of safety it loosens."""
        problems = await self._proofs.check(self._checking)
        if problems:
            return Outcome("refused", "apply: " + " | ".join(problems)), ""
        lines = await self._proofs.loosened(self._checking)
        revision = await asyncio.to_thread(self._switching.revisions.keep, files)
        looser = f"{words_of(revision)}, sent by {by}, loosens: {' | '.join(lines)}" if lines else ""
        if looser:
            log.warning("%s", looser)
        new = await self._write(lambda: self._switching.want(revision, by, looser))
        when = "taken into use when no run is under way" if new else "it is in use"
        said = f"{words_of(revision)} is checked and kept; {when}"
        return Outcome("done", said + (f"; looser: {' | '.join(lines)}" if lines else "")), looser if new else ""

    def _lay_out(self, archive: bytes) -> Mapping[str, bytes]:
        files = unpack(archive)
        shutil.rmtree(self._checking, ignore_errors=True)
        write_files(self._checking, files)
        return files

    async def _ready(self, wanted: str) -> bool:
        """The bench is quiet, its own part would load, and the disk takes the change: no restart mends a full one."""
        self._waits_for = self._quiet.waits_for()
        if self._waits_for:
            return False
        await self._write(self._switching.write_down)
        try:
            self._proofs.own_loads()
            problems = await self._proofs.check(self._switching.revisions.folder(wanted))
        except SettingsError as error:
            problems = [str(error)]
        if problems:
            self._waits_for = f"the bench's own part, which would not load: {' | '.join(problems)}"
            raise SettingsError(f"{words_of(wanted)} is not taken into use yet; {self._waits_for}")
        self._switching.answered = await self._health.answering()
        return self._quiet.holds()

    # ---- one on trial --------------------------------------------------------------------------------------
    async def _is_given_up(self, left_s: float) -> bool:
        """Go on with the trial. Whether it is to end now, the bench going back: somebody takes it back, the idle bench
        trips with it at its minute, or a device that answered before is silent."""
        quiet = self._quiet.waits_for()
        self._waits_for = "" if self._compared else quiet
        tripped = self._quiet.tripped_by() if left_s <= 0 else ""
        taken = self._switching.taken_back() if self._state.wanted is not None else ""
        if why := taken or (tripped and f"the bench trips with it and no run: {tripped}"):
            self._waits_for = self._quiet.waits_for_way_back()
            return not self._waits_for and self._condemn(why)
        if self._compared and left_s <= 0:
            await self._write(self._switching.holds)
        elif self._state.wanted is not None and not self._waits_for:
            self._waits_for = f"the revision on trial to hold or go back, {max(left_s, 0.0):.0f} s more"
        trial = self._state.trial
        if self._compared or trial is None:
            return False
        worse = await self._health.worse(trial.answered)
        self._compared = worse == ""
        return bool(worse) and self._quiet.holds() and self._condemn(worse or "")

    def _condemn(self, why: str) -> bool:
        self._switching.condemned = why
        log.error("%s is given up: %s", words_of(self._revision), why)
        return True

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
