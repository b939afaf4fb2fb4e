"""What keeps an end of MQTT alive: serve one link, say why it ended, wait with full jitter, serve the next."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from station.mqtt.address import full_jitter_s


@dataclass(frozen=True, slots=True)
class Backoff:
    """Bounds of the wait between two tries, and where its randomness comes from."""

    base_s: float = 1.0
    cap_s: float = 120.0
    uniform: Callable[[float, float], float] = random.uniform

    def wait_s(self, attempt: int) -> float:
        """Seconds to wait before repeat `attempt` (0 is the first)."""
        return full_jitter_s(attempt, self.uniform, self.base_s, self.cap_s)


async def keep_serving(
    serve: Callable[[], Awaitable[None]],
    closing: asyncio.Event,
    backoff: Backoff,
    on_failure: Callable[[Exception], Awaitable[None]],
    now: Callable[[], float] = time.monotonic,
    did_its_work: Callable[[], bool] = lambda: False,
) -> None:
    """Call `serve` again and again until `closing` is set. Whatever it raises goes to `on_failure`, never further.

    A link that stood for longer than the longest wait, or `did_its_work`, starts the back-off anew.
    """
    attempt = 0
    while not closing.is_set():
        began = now()
        try:
            await serve()
        except* Exception as group:
            for error in _leaves(group):
                await on_failure(error)
        if did_its_work() or now() - began > backoff.cap_s:
            attempt = 0
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), backoff.wait_s(attempt))
        attempt += 1


def _leaves(group: ExceptionGroup[Exception]) -> list[Exception]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, ExceptionGroup) else [error])
    ]
