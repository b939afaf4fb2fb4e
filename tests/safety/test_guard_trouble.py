"""A guard that cannot be reached says why: once in the log, and to whoever presses RESET."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import pytest

from drivers.uart.guard import UartGuard
from station.safety.guard_line import GuardLine
from station.safety.rules import Rules
from tests.safety.rig import Rig, play

ROOM = "station.safety.guard_line"


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == ROOM]


async def test_a_guard_on_a_wrong_port_is_logged_once_with_port_errno_and_remedy(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO, ROOM)
    port = str(tmp_path / "bench-guard")
    tries = 0

    class Counted(UartGuard):
        def _reopen(self) -> None:
            nonlocal tries
            tries += 1
            super()._reopen()

    line = GuardLine(Counted(port), time.monotonic, Rules(reconnect_s=0.01), lambda: None)
    task = asyncio.create_task(line.run())
    try:
        async with asyncio.timeout(10.0):
            while tries < 5:
                line.stop()
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await line.close()
    assert len(said(caplog)) == 1
    assert port in said(caplog)[0] and "Errno 2" in said(caplog)[0] and "check the cable" in said(caplog)[0]


def test_reset_beside_an_unplugged_guard_says_what_is_wrong_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, ROOM)

    async def scene(rig: Rig) -> None:
        rig.guard.unplug()
        await rig.settle(10.0)
        assert await rig.kernel.reset() == ("the guard does not say that it is off: guard: unplugged",)
        rig.guard.unplugged = False
        await rig.settle(5.0)
        assert await rig.kernel.reset() == ()

    play(scene)
    assert said(caplog) == ["the guard's line: guard: unplugged", "the guard answers again"]


@pytest.mark.parametrize("tripped", [False, True], ids=["energised", "just tripped"])
def test_a_guard_that_is_unplugged_while_energised_has_starved_before_a_daemon_that_ends_moves_a_relay(
    caplog: pytest.LogCaptureFixture, tripped: bool
) -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.guard.unplug()
        if tripped:
            rig.kernel.stop()
        before = len(rig.board.history)
        closing = asyncio.create_task(rig.kernel.close())
        await rig.guard.wait_off()
        assert len(rig.board.history) == before and not closing.done()
        await closing

    play(scene)
    assert "did not confirm STOP" in caplog.text
