"""Steps that hold a run where the test wants it, one plan each: nothing on, mains, test voltage, asking."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

from drivers.ports import InsulationSetup
from station.domain.errors import StepError
from station.domain.limit import Limit
from station.steps.step import StepContext

LIMIT = Limit("of the test", 1.0, 2.0)
LONG_S = 100_000.0
ASKED = {"zh": "请确认", "en": "is it so?"}
Hold = Callable[[StepContext, asyncio.Event], Awaitable[None]]


async def _wait(context: StepContext, let_go: asyncio.Event) -> None:
    await asyncio.sleep(LONG_S)


async def _mains(context: StepContext, let_go: asyncio.Event) -> None:
    await context.bench.mains.on(context.mains_bound_s)
    await asyncio.sleep(LONG_S)


async def _drive(context: StepContext, let_go: asyncio.Event) -> None:
    await context.bench.mains.on(context.mains_bound_s)
    await context.bench.drive.prepare()
    await asyncio.sleep(LONG_S)


async def _volts(context: StepContext, let_go: asyncio.Event) -> None:
    await context.bench.tester.measure_insulation(InsulationSetup(500.0, 100.0, 1.0))


async def _ask(context: StepContext, let_go: asyncio.Event) -> None:
    await context.ask(ASKED, wait_s=LONG_S)


async def _ask_hands(context: StepContext, let_go: asyncio.Event) -> None:
    await context.ask(ASKED, wait_s=LONG_S, hands=True)


async def _ask_badge(context: StepContext, let_go: asyncio.Event) -> None:
    await context.ask_badge(ASKED, second=True, wait_s=LONG_S)


async def _ask_live(context: StepContext, let_go: asyncio.Event) -> None:
    await context.bench.mains.on(context.mains_bound_s)
    await context.ask(ASKED, wait_s=LONG_S)


async def _stay(context: StepContext, let_go: asyncio.Event) -> None:
    """Does not end when it is told to: the run stays open, with the bench dead."""
    await context.bench.mains.on(context.mains_bound_s)
    while not let_go.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await let_go.wait()


async def _warm(context: StepContext, let_go: asyncio.Event) -> None:
    """Leaves the lid locked behind it: the bench was energised."""
    await context.bench.mains.on(context.mains_bound_s)
    await asyncio.sleep(1.0)


async def _pass(context: StepContext, let_go: asyncio.Event) -> None:
    return


async def _break(context: StepContext, let_go: asyncio.Event) -> None:
    raise StepError("the station's fault")


HOLDING: Mapping[str, Hold] = {
    "wait": _wait, "mains": _mains, "drive": _drive, "volts": _volts, "ask": _ask, "ask-hands": _ask_hands,
    "ask-badge": _ask_badge, "ask-live": _ask_live, "stay": _stay, "warm": _warm, "pass": _pass, "fail": _pass,
    "break": _break,
}  # fmt: skip
"""By the plan's id."""
