"""How a bench is before a switch of its configuration and after it: which devices answer, and whether fewer do.

Looks while nobody uses the bench; reads, energises nothing. What is on trial, and how one goes back, stands elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

log = logging.getLogger(__name__)

TRIES = 3
"""So often must a device that answered before be silent, one after the other."""
PAUSE_S = 5.0
LOOK_S = 0.1
"""So soon after somebody comes an examination lets go of the devices."""
Examine = Callable[[], Awaitable[Mapping[str, str]]]
"""Every configured device by its role, asked once: empty where it answered, else what is wrong."""


class Health:
    """`quiet`: whether the bench may be looked at just now."""

    def __init__(self, examine: Examine, quiet: Callable[[], bool]) -> None:
        self._examine, self._quiet = examine, quiet

    async def answering(self) -> list[str]:
        """The devices that answer; none where it cannot be told."""
        found = await self._look()
        return [] if found is None else sorted(role for role, wrong in found.items() if not wrong)

    async def worse(self, before: Collection[str]) -> str | None:
        """What was there before and is silent now, in words; empty where nothing is. None: the bench is in use, so
        that it cannot be told yet.

        A device that answers once of `TRIES` is there; one that is no longer configured is not missed.
        """
        silent: dict[str, str] = {}
        for number in range(TRIES):
            if number:
                await asyncio.sleep(PAUSE_S)
            found = await self._look()
            if found is None:
                return None
            now = {role: found[role] for role in before if found.get(role)}
            silent = {role: wrong for role, wrong in now.items() if number == 0 or role in silent}
            if not silent:
                return ""
        return "; ".join(f"{role} answered before and is silent now: {wrong}" for role, wrong in silent.items())

    async def _look(self) -> Mapping[str, str] | None:
        """None: the bench is in use, or came into use while its devices were asked."""
        if not self._quiet():
            return None
        asking = asyncio.ensure_future(self._examine())
        try:
            while not asking.done():
                await asyncio.wait({asking}, timeout=LOOK_S)
                if not asking.done() and not self._quiet():
                    return None
            return asking.result()
        except Exception:  # a bug in a driver says nothing of a configuration, and must not end the daemon
            log.exception("the devices could not be examined; the trial goes on without")
            return {}
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
