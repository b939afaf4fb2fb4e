"""What a contract suite holds in its hands: one device, on its twin or on a real bench, and its cable."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drivers.catalog import CATALOG
from drivers.errors import PermitDenied
from tests.drivers.double_world import DoubleWorld

TRUST = "CONTRACT_PERSON"
PATIENCE_S = 20.0
"""On a busy machine."""


class Allowed:
    """A permit that is there."""

    def check(self) -> None:
        pass


class Denied:
    """A permit that is gone."""

    def check(self) -> None:
        raise PermitDenied("tester", "tripped")


async def _cannot() -> None:
    pytest.skip("this device has no cable that could be pulled")


@dataclass(slots=True)
class Rig:
    """`device` under test. `use`: the harmless thing to ask of it. `unplug`, `replug`: its cable; a real one needs a
    person. `world`: what its twin's instruments see, None on a real bench; `twin`: the twin itself."""

    kind: str
    settings: Any
    device: Any
    use: Callable[[], Awaitable[Any]]
    unplug: Callable[[], Awaitable[None]] = _cannot
    replug: Callable[[], Awaitable[None]] = _cannot
    world: DoubleWorld | None = None
    twin: Any = None
    truth: Callable[[DoubleWorld], Mapping[str, float]] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def readings(self) -> set[str]:
        """What the catalogue says that it reads."""
        return set(CATALOG[self.kind].readings(self.settings))

    @property
    def sees(self) -> DoubleWorld:
        """The world, where there is one."""
        assert self.world is not None, "a suite for twins alone"
        return self.world


Opened = AbstractAsyncContextManager[Rig]


@dataclass(frozen=True, slots=True)
class Case:
    """One place of a table of devices: its kind in the catalogue, and how it is brought up. `name` tells two apart."""

    kind: str
    open: Callable[[Path], Opened]
    name: str = ""
    real: bool = False
    cable: bool = True
    """Whether it hangs on one that can be pulled."""

    def patience(self) -> asyncio.Timeout:
        """No call may hang, whatever is unplugged. A person is given all the time."""
        return asyncio.timeout(None if self.real else PATIENCE_S)

    def param(self) -> Any:
        """As a parameter of a suite; a device of a real bench runs with `-m hardware` only."""
        marks = [pytest.mark.hardware] if self.real else []
        return pytest.param(self, id=f"{self.kind} {self.name}".strip(), marks=marks)


class Plug:
    """The name of a port that stays, as a udev rule gives it; below it whatever is plugged in."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "port"

    def into(self, port: str) -> None:
        """Plug it in there."""
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(port)

    def out(self) -> None:
        """Pull it."""
        self.path.unlink(missing_ok=True)


@asynccontextmanager
async def plugged(folder: Path, twin: Any, start: str = "start") -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """`twin` switched on behind a name that stays; and its cable as keywords of a `Rig`."""
    plug = Plug(folder)

    async def replug() -> None:
        plug.into(await _done(getattr(twin, start)()))

    async def unplug() -> None:
        await _done(twin.close())
        plug.out()

    await replug()
    try:
        yield str(plug.path), {"unplug": unplug, "replug": replug, "twin": twin}
    finally:
        await _done(twin.close())


async def _done(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


def ask_person(deed: str) -> None:
    """Wait until a person at the bench has done it; without one the test is skipped, and says so."""
    if not sys.stdin.isatty() or not os.environ.get(TRUST):
        pytest.skip(f"needs a person ({TRUST}=yes and pytest -s at the bench): {deed}")
    print(f"\n>>> {deed}, then press Enter (s and Enter: skip): ", end="", flush=True)
    if sys.stdin.readline().strip().lower() == "s":
        pytest.skip(f"not done: {deed}")
