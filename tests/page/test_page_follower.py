"""What the page does when the daemon behind it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC
from typing import Any

import pytest

from station.domain.errors import StationError
from station.page.advice import Advice
from station.page.serve import PageChoice, serve


class Line:
    """A daemon that comes back after each status; these are the revisions that it uses."""

    def __init__(self, *revisions: str | None) -> None:
        self.revisions = list(revisions)
        self.told: list[str | None] = []

    async def watch(self) -> AsyncGenerator[dict[str, Any], None]:
        yield {"kind": "status", "data": self._status()}
        await asyncio.sleep(3600.0)

    async def poll(self, verb: str, pause_s: float) -> AsyncGenerator[dict[str, Any], None]:
        while True:
            yield {"status": "done", "data": self._status()}
            await asyncio.sleep(0)

    async def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        raise StationError("not here")

    def _status(self) -> dict[str, Any]:
        self.told.append(self.revisions.pop(0) if len(self.revisions) > 1 else self.revisions[0])
        return {"configuration": {"revision": self.told[-1]}}


CHOICE = PageChoice("bench-07", "zh", UTC, lan=False, port=0)


@pytest.mark.parametrize("revisions", [(None, None, None, "a"), ("a", "a", "b"), ("a", "a", None)])
async def test_the_page_ends_once_another_configuration_is_in_use(revisions: tuple[str | None, ...]) -> None:
    line = Line(*revisions)
    urls: list[str] = []
    await asyncio.wait_for(serve(CHOICE, line, Advice(), None, urls.append), 10.0)
    assert urls and line.told == list(revisions)


@pytest.mark.parametrize("revision", [None, "a"])
async def test_it_stays_as_long_as_the_configuration_does(revision: str | None) -> None:
    line = Line(revision)
    page = asyncio.create_task(serve(CHOICE, line, Advice(), None, lambda url: None))
    async with asyncio.timeout(10.0):
        while len(line.told) < 50:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not page.done()
    page.cancel()
    await asyncio.gather(page, return_exceptions=True)
