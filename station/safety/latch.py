"""The service latch as the kernel sees it: set by a weld, kept over restarts, cleared by a maintainer alone."""

from __future__ import annotations

from typing import Protocol


class Latch(Protocol):
    """Persistence of the service latch; the daemon binds it to the store. There is no `clear` here, on purpose."""

    async def set(self, reason: str) -> None:
        """Keep `reason` durably. May raise; it is tried again until it succeeds."""

    async def read(self) -> str | None:
        """The reason of a latch that is set, or None."""
