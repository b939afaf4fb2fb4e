"""When the lid is let go in a session: for a prompt that wants hands at the device, and after the run.

Tried again until it is done or nobody wants it any more. What keeps the lid locked is told, once for each time that it
is wanted. Whether the plug is dead is the kernel's to prove, not decided here.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from drivers.errors import DriverError, PermitDenied
from station.domain.errors import StationError
from station.run.refusal_words import in_both
from station.run.room import Safety
from station.run.session_texts import say

RETRY_S = 5.0
"""From a release that failed to the next try."""
HOT_S = 2.0
"""So long may the lid wait for a hot load bank before somebody is told: the fan's last turn is over by then."""

Tell = Callable[[str, Mapping[str, str]], None]
Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None] | None"]


class LidRelease:
    """One a conductor. `tell` takes a code and a text by language, `now_s` is monotonic."""

    def __init__(self, safety: Safety, spawn: Spawn, tell: Tell, now_s: Callable[[], float]) -> None:
        self._safety = safety
        self._spawn = spawn
        self._tell = tell
        self._now_s = now_s
        self._wanted = False
        self._task: asyncio.Task[None] | None = None
        self._again_s = self._hot_since_s = math.inf
        self._told: set[str] = set()

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for the lid."""
        return self._wanted

    def want(self, wanted: bool) -> None:
        """From now on, or no longer: a release under way ends with what it was wanted for."""
        if self._task is not None:
            self._task.cancel()
        self._wanted, self._task = wanted, None
        self._again_s = self._hot_since_s = math.inf
        self._told = set()

    def look(self, live: bool) -> None:
        """One look: release once nothing is on and nothing is hot, or say what is in the way."""
        if not self._wanted or live or (self._task is not None and not self._task.done()):
            return
        if self._safety.hot:
            self._note_hot()
        elif self._task is None or self._now_s() >= self._again_s:
            self._again_s = self._hot_since_s = math.inf
            self._task = self._spawn(self._release(), "lid")

    @property
    def due_s(self) -> float:
        """When a look would do something although nothing had changed, in monotonic seconds."""
        if not self._wanted:
            return math.inf
        told_s = math.inf if "lid_hot" in self._told else self._hot_since_s + HOT_S
        return min(self._again_s, told_s)

    def _note_hot(self) -> None:
        now_s = self._now_s()
        self._hot_since_s = min(self._hot_since_s, now_s)
        if now_s - self._hot_since_s >= HOT_S and not self._safety.why_not_cool:  # a blind one has words of its own
            self._tell_once("lid_hot", say("lid_hot"))

    async def _release(self) -> None:
        try:
            await self._safety.release_lid()
            self._wanted = False
        except (DriverError, PermitDenied, StationError) as error:
            self._tell_once("lid", in_both(f"the lid stays locked: {error}"))
        finally:
            self._again_s = self._now_s() + RETRY_S

    def _tell_once(self, code: str, text: Mapping[str, str]) -> None:
        if code not in self._told:
            self._told.add(code)
            self._tell(code, text)
