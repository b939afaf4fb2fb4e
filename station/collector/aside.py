"""Calls that block, one after another in a thread aside: a database that hangs holds up neither link nor loop.

The thread is a daemon: a call that never comes back does not hold up the end of the process either.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Aside:
    """`start` before the first call; `end` lets it finish what was asked for."""

    def __init__(self, name: str) -> None:
        self._asked: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it there and wait for what it gives or raises. A call that has begun goes on if nobody waits any more."""
        answer: Future[T] = Future()
        self._asked.put((answer, lambda: function(*args, **kwargs)))
        return await asyncio.wrap_future(answer)

    async def end(self, within_s: float) -> bool:
        """End after what was asked for; False if that does not come to its end in time."""
        self._asked.put(None)
        await asyncio.wait({asyncio.wrap_future(self._ended)}, timeout=within_s)
        return self._ended.done()

    def _serve(self) -> None:
        while (asked := self._asked.get()) is not None:
            answer, do = asked
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(do())
                except BaseException as error:
                    answer.set_exception(error)
            del asked, answer, do  # or the last batch would stay in memory until the next one
        self._ended.set_result(None)
