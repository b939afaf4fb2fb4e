"""Following a configuration that was handed to the daemon, over its restart, to its end: in use, or not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from station.control.answers import ControlError
from station.control.client import ControlClient

LOOK_S = 0.5
AWAY_S = 120.0
"""So long may a daemon be gone in a restart before its end is told."""
LATER = "it goes on without this command; see it with: station revisions"


@dataclass(frozen=True, slots=True)
class Followed:
    """How it ended: `in use`; `refused`, `given up`, `replaced`, `waiting` (followed for too long), `left`, `gone`."""

    what: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the daemon says of its configuration."""

    configuration: Mapping[str, Any]

    @property
    def happened(self) -> list[Mapping[str, Any]]:
        """What became of revisions lately."""
        return list(self.configuration.get("happened") or [])

    @property
    def last(self) -> int:
        """The number of the latest of them."""
        return max((int(one["number"]) for one in self.happened), default=0)


def told(socket: Path) -> Told:
    """Ask the daemon. Raises `ControlError`."""
    with ControlClient(socket) as client:
        reply = client.ask("status")
    return Told(reply["data"].get("configuration") or {})


def follow(socket: Path, revision: str, since: int, timeout_s: float | None, say: Callable[[str], None]) -> Followed:
    """Until the revision is in use for good or is not to be; `since`: what had happened before it was handed over.

    Ctrl-C and the time-out end the following and nothing else.
    """
    ends_s = None if timeout_s is None else time.monotonic() + timeout_s
    eyes = _Eyes(revision, since, say)
    try:
        while True:
            if (end := eyes.look(socket)) is not None:
                return end
            if ends_s is not None and time.monotonic() >= ends_s:
                return Followed("waiting", f"followed for {timeout_s:g} s; {LATER}")
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        return Followed("left", LATER)


class _Eyes:
    """What has been seen, so that everything is said once."""

    def __init__(self, revision: str, since: int, say: Callable[[str], None]) -> None:
        self._revision, self._since, self._say = revision, since, say
        self._kept = False
        self._waited_for = ""
        self._away_since_s: float | None = None

    def look(self, socket: Path) -> Followed | None:
        """One look at the daemon; the end, where it has come."""
        try:
            seen = told(socket)
        except ControlError as error:
            return self._away(error)
        if self._away_since_s is not None:
            self._away_since_s = None
            self._say("the daemon is back")
        for one in seen.happened:
            if one["number"] > self._since:
                self._since = one["number"]
                if (end := self._take(one)) is not None:
                    return end
        self._wait(seen.configuration)
        return None

    def _away(self, error: ControlError) -> Followed | None:
        if self._away_since_s is None:
            self._away_since_s = time.monotonic()
            self._say("the daemon starts again")
        if time.monotonic() - self._away_since_s > AWAY_S:
            return Followed("gone", f"{error}; see: journalctl -u station")
        return None

    def _take(self, one: Mapping[str, Any]) -> Followed | None:
        what, why = str(one["what"]), str(one["why"])
        if one["revision"] != self._revision:
            if what == "kept" and self._kept:
                return Followed("replaced", f"revision {str(one['revision'])[:12]} was sent after it by {one['by']}")
            return None
        if what == "kept":
            self._kept = True
            self._say("checked and kept on the bench")
        elif what == "on trial":
            self._say("taken into use, on trial for a minute")
        elif what in ("in use", "refused", "given up"):
            return Followed(what, why)
        return None

    def _wait(self, configuration: Mapping[str, Any]) -> None:
        on_trial = configuration.get("revision") if configuration.get("on_trial") else None
        its = self._revision in (configuration.get("wanted"), on_trial)
        waits_for = str(configuration.get("waits_for") or "") if its else ""
        words = waits_for.partition(",")[0]  # what follows counts down
        if words and words != self._waited_for:
            self._say(f"waiting for {waits_for}")
        self._waited_for = words
