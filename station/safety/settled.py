"""Clean-up that runs to its end, whatever happens to the task that asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def settle(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end even if the caller is cancelled meanwhile; the cancellation then goes on.

    `work` must bound its own time. Raises what `work` raises, unless a cancellation came in between.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen; the cancellation is what the caller must know
        raise cancelled
    return task.result()


async def try_all(*actions: tuple[Callable[[], Awaitable[object]], float]) -> None:
    """Do every action in order, each for at most its own wall seconds, whatever the earlier ones raised.

    Raises the first error once all have been tried.
    """
    first: Exception | None = None
    for action, limit_s in actions:
        try:
            async with asyncio.timeout(limit_s):
                await action()
        except Exception as error:
            first = first or error
    if first is not None:
        raise first
