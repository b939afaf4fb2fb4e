"""What systemd hears, in order, when a room of the daemon breaks: a stop, or that the process runs itself anew.

To a unit that said STOPPING no new life comes: systemd kills it after TimeoutStopSec, healthy or not.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from station.daemon import _live
from station.starting import AGAIN, DONE, FAILED


class Ear:
    """Instead of the supervisor."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def ready(self) -> None:
        self.heard.append("ready")

    def stopping(self) -> None:
        self.heard.append("stopping")

    def starting_again(self) -> None:
        self.heard.append("starting again")


async def breaks() -> None:
    raise ZeroDivisionError("a room")


async def lasts() -> None:
    await asyncio.Event().wait()


async def ends() -> None:
    """Another configuration is to be loaded."""


def term() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def live(
    ear: Ear, on_trial: bool, room: Callable[[], Awaitable[None]], changed: Callable[[], Awaitable[None]]
) -> int:
    """The daemon's rooms, the last of which may end without an end of the daemon."""

    async def make_dead() -> None:
        ear.heard.append("dead")

    return await _live(ear, make_dead, lambda: on_trial, changed(), room(), lasts())  # type: ignore[arg-type]


@pytest.mark.parametrize(("on_trial", "says"), [(False, "stopping"), (True, "starting again")])
async def test_a_room_that_breaks_is_a_stop_unless_a_revision_is_on_trial(on_trial: bool, says: str) -> None:
    ear = Ear()
    assert await live(ear, on_trial, breaks, lasts) == FAILED
    assert ear.heard == ["ready", says, "dead"]


async def test_another_configuration_is_a_new_life() -> None:
    ear = Ear()
    assert await live(ear, False, lasts, ends) == AGAIN
    assert ear.heard == ["ready", "starting again", "dead"]


@pytest.mark.parametrize("on_trial", [False, True])
async def test_a_signal_is_a_stop(on_trial: bool) -> None:
    ear = Ear()
    asyncio.get_running_loop().call_later(0.02, term)
    assert await live(ear, on_trial, lasts, lasts) == DONE
    assert ear.heard == ["ready", "stopping", "dead"]


@pytest.mark.parametrize(("on_trial", "status"), [(False, FAILED), (True, DONE)])
async def test_a_room_that_breaks_at_a_signal_gives_no_new_life(on_trial: bool, status: int) -> None:
    """On trial FAILED would be: back, and anew, in the middle of systemd's stop."""

    async def breaks_at_the_end() -> None:
        try:
            await lasts()
        finally:
            raise ZeroDivisionError("a room")

    ear = Ear()
    asyncio.get_running_loop().call_later(0.02, term)
    assert await live(ear, on_trial, breaks_at_the_end, lasts) == status
    assert ear.heard == ["ready", "stopping", "dead"]
