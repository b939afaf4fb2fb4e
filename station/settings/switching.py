"""From one revision to the next: one that waits, one on trial, and back by itself where it does not hold.

    wanted ── the bench is quiet ──▶ on trial ── up for a minute ──▶ in use
                                        └── will not load, dies, does not come up twice, trips the idle bench, a
                                            device is silent with it, or a person takes it back ──▶ the one before

`state.json` beside the revisions says where that stands; it is written whole, before and after `current` changes, and
`begin` makes the two agree again however the one before ended. What a full disk does not take is known in memory and
written later: a bench whose `current` leads to what held before starts. Only who holds the store's lock may write here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from station.domain.clock import utc_text
from station.settings.history import Happened, What, add, asker_of
from station.settings.revisions import Revisions, put_in_place, read_files, revision_of, write_file

log = logging.getLogger(__name__)

STARTS_MAX = 2
"""So often may a revision on trial be started without holding."""
HOLDS_S = 60.0
"""Up for so long, a revision holds."""
ERROR_MAX = 1000


@dataclass(frozen=True, slots=True)
class Trial:
    """A revision that has to show that the bench comes up with it."""

    to: str
    back: str | None
    """What was in use before; None: the bench's own directory."""
    starts: int = 0
    answered: tuple[str, ...] = ()
    """Devices that answered before the switch."""


@dataclass(frozen=True, slots=True)
class SwitchState:
    """What is kept over restarts. `error`: why the last revision was refused or given up; `untold`: it went back, and
    the centre has not heard of it."""

    wanted: str | None = None
    trial: Trial | None = None
    error: str | None = None
    untold: bool = False
    history: tuple[Happened, ...] = ()

    def then(self, now: str, what: What, revision: str | None, by: str = "", why: str = "") -> SwitchState:
        """With one thing more in its history."""
        return replace(self, history=add(self.history, now, what, revision, by, why))


def _now() -> str:
    return utc_text(datetime.now(UTC))


class Switching:
    """Of one bench; every method may raise `OSError`, except `drop`, `ended_well` and `told`.

    `own`: the bench's own directory; its shared files, as they are now, need no switch while they are in use.
    """

    def __init__(self, revisions: Revisions, own: Path | None = None, now: Callable[[], str] = _now) -> None:
        self.revisions = revisions
        self.condemned: str | None = None
        """Why the revision on trial is to be given up, once this process has ended in order."""
        self.answered: Sequence[str] = ()
        """Devices that answered when the bench was last looked at: kept with the next trial."""
        self._file = revisions.state / "state.json"
        self._unwritten: SwitchState | None = None
        self._now = now
        self._own = None if own is None else _revision_in(own)

    @property
    def behind(self) -> bool:
        """Whether the file says less than is known here."""
        return self._unwritten is not None

    def write_down(self) -> None:
        """Write where it stands once more: afterwards it is in the file, and the disk takes it."""
        self._write(self.read())

    def read(self) -> SwitchState:
        """Where it stands; nothing is wanted where nothing can be read."""
        if self._unwritten is not None:
            return self._unwritten
        try:
            plain = json.loads(self._file.read_text(encoding="utf-8"))
            trial = plain["trial"]
            trial = trial and Trial(**trial | {"answered": tuple(trial.get("answered", ()))})
            history = tuple(Happened(**one) for one in plain.get("history", ()))
            return SwitchState(**plain | {"trial": trial, "history": history})
        except FileNotFoundError:
            return SwitchState()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.error("%s is damaged (%s); no revision is on trial and none is wanted", self._file, error)
            return SwitchState()

    def want(self, revision: str, by: str = "", why: str = "") -> bool:
        """It was checked and is here: take it into use when that can be. False: it is in use, or on trial, already."""
        state = replace(self.read(), error=None).then(self._now(), "kept", revision, by, why)
        if state.trial is not None and revision == state.trial.to:
            self._write(replace(state, wanted=None))
            return False
        if state.trial is None and revision == (self.revisions.current() or self._own):
            self._write(replace(state, wanted=None).then(self._now(), "in use", revision, why="it was in use already"))
            return False
        self._write(replace(state, wanted=revision))
        return True

    def taken_back(self) -> str:
        """Who wants the one before back while another is on trial, in words; empty where nobody does."""
        state = self.read()
        return f"taken back by {asker_of(state.history, state.wanted)}" if state.wanted and self._is_back(state) else ""

    def _is_back(self, state: SwitchState) -> bool:
        its = state.trial
        return its is not None and state.wanted is not None and state.wanted == (its.back or self._own)

    def refuse(self, error: str, revision: str | None = None, by: str = "") -> None:
        """A tree was refused; what is in use or wanted stays so."""
        state = replace(self.read(), error=error[:ERROR_MAX])
        self._write(state.then(self._now(), "refused", revision, by, error))

    def switch(self) -> bool:
        """Take the wanted revision into use, on trial. False: none is wanted, or another is on trial."""
        state = self.read()
        if state.wanted is None or state.trial is not None:
            return False
        trial = Trial(state.wanted, self.revisions.current(), answered=tuple(self.answered))
        by = asker_of(state.history, state.wanted)
        self._write(replace(state, trial=trial).then(self._now(), "on trial", state.wanted, by))
        self.revisions.use(state.wanted)
        return True

    def drop(self, error: str) -> None:
        """The wanted revision could not be taken into use; it is wanted no more."""
        state = self.read()
        trial = None if state.trial and self.revisions.current() != state.trial.to else state.trial
        dropped = replace(state, wanted=None, trial=trial, error=error[:ERROR_MAX])
        self._keep(dropped.then(self._now(), "given up", state.wanted, why=error))

    def begin(self) -> None:
        """To be called at every start, before anything is loaded."""
        state = self.read()
        trial = state.trial
        if trial is None:
            return
        if self.revisions.current() != trial.to:
            if trial.starts == 0:  # killed before it was in use: it is still wanted
                self._keep(replace(state, trial=None))
            else:  # killed on the way back
                self._give_up(state, trial, "the bench did not come up with it")
        elif trial.starts >= STARTS_MAX:
            self.go_back(f"it did not stay up for {HOLDS_S:.0f} s, {STARTS_MAX} times in a row")
        elif why := self.taken_back():
            self.go_back(why)
        else:
            wanted = None if state.wanted == trial.to else state.wanted
            try:
                self._write(replace(state, wanted=wanted, trial=replace(trial, starts=trial.starts + 1)))
            except OSError as error:  # started uncounted, it could fail for ever
                self.go_back(f"its start could not be counted: {error}; make room and apply it again")

    def holds(self) -> None:
        """The revision on trial has been up long enough."""
        state = self.read()
        if state.trial is not None:
            held = replace(state, trial=None, error=None)
            self._write(held.then(self._now(), "in use", state.trial.to, asker_of(state.history, state.trial.to)))
            self.revisions.forget((state.wanted, state.trial.to, state.trial.back))

    def ended_well(self) -> None:
        """The daemon was told to stop: that says nothing against a revision on trial."""
        state = self.read()
        if state.trial is not None:
            self._keep(replace(state, trial=replace(state.trial, starts=0)))

    def go_back(self, why: str) -> bool:
        """Give up the revision on trial for the one before. False: none is on trial."""
        state = self.read()
        if state.trial is None or self.revisions.current() != state.trial.to:
            return False
        try:
            self.revisions.use(state.trial.back)
        except OSError:
            if self.revisions.current() != state.trial.back:
                raise
        self._give_up(state, state.trial, why)
        return True

    def told(self) -> None:
        """The centre will hear that it went back."""
        self._keep(replace(self.read(), untold=False))

    def _give_up(self, state: SwitchState, trial: Trial, why: str) -> None:
        error = f"revision {trial.to[:12]} was given up, {words_of(trial.back)} is in use again: {why}"[:ERROR_MAX]
        log.error("%s", error)
        wanted = None if state.wanted == trial.to or self._is_back(state) else state.wanted
        back = replace(state, wanted=wanted, trial=None, error=error, untold=True)
        back = back.then(self._now(), "given up", trial.to, why=why)
        if self._is_back(state) and state.wanted is not None:
            back = back.then(self._now(), "in use", state.wanted, asker_of(state.history, state.wanted))
        self._keep(back)

    def _keep(self, state: SwitchState) -> None:
        """Write it, or know it until it can be written."""
        try:
            self._write(state)
        except OSError as error:
            log.error("%s is not written: %s; it is tried again", self._file, error)
            self._unwritten = state

    def _write(self, state: SwitchState) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".new")
        write_file(beside, json.dumps(asdict(state), ensure_ascii=False).encode())
        put_in_place(beside, self._file)
        self._unwritten = None


def _revision_in(own: Path) -> str | None:
    try:
        return revision_of(read_files(own))
    except OSError:
        return None


def words_of(revision: str | None) -> str:
    """A revision in a sentence."""
    return "the bench's own directory" if revision is None else f"revision {revision[:12]}"
