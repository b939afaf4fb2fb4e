"""A store, a folder of revisions and a bench that a test sets as it likes, for what takes a tree into use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from drivers.ports import GuardState, GuardStatus
from station.applying import Applying, Proofs, Quiet
from station.domain.commands import KeepTree
from station.domain.errors import SettingsError
from station.domain.events import Event
from station.domain.interlock import Interlock, Trip
from station.domain.session_state import State
from station.settings.revisions import Revisions
from station.settings.switching import Switching
from station.store.store import Store
from tests.settings.trees import packed
from tests.uplink.rig import MESSAGES, until

TRIP = Trip("heatsink", "too hot", 101.0, 100.0, "dut", 1.0, code="DUT-HEATSINK-HOT")
TREE = packed({"interlocks.toml": b"one"})
OTHER = packed({"interlocks.toml": b"two"})
STATUS = GuardStatus(
    state=GuardState.SAFE, k=False, h=False, lock=False, fb=False, estop=True, lid=True, thermo=True, cause=None,
    also=(), hb_age_ms=1, on_left_s=0, bad=0, up_ms=1, received_at=0.0,
)  # fmt: skip
SCANS = {"operator": None, "work_order": None, "serial_number": None, "product": None, "plan": None, "step": None}


@dataclass
class Bench:
    """What `Quiet` looks at."""

    state: State = State.WAITING
    running: bool = False
    off: bool = True
    trips: tuple[Any, ...] = ()
    guard_holds: bool = True
    hot: bool = False
    scans: dict[str, Any] = field(default_factory=lambda: dict(SCANS))

    @property
    def view(self) -> dict[str, Any]:
        return {"state": self.state.value, "scans": dict(self.scans)}

    @property
    def interlocks(self) -> tuple[Interlock, ...]:
        return (Interlock(TRIP.interlock, "temperature.heatsink_degc", 1.0),)

    @property
    def status(self) -> GuardStatus:
        state = GuardState.TRIPPED if self.trips and self.guard_holds else GuardState.SAFE
        return replace(STATUS, state=state)

    def is_off(self) -> bool:
        return self.off


class Rig:
    """A store, a folder of revisions and a bench that a test sets as it likes; time passes by its word."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.bench, self.now_s = store, Bench(State.TRIPPED), 0.0
        self.switching = Switching(Revisions(folder / "config"))
        self.problems: list[str] | Exception = []
        self.events: list[Event] = []
        self.checked: list[Path] = []
        self.looser: list[str] = []
        self.silent: list[dict[str, str]] = []
        """What each look at the devices finds; the last one stays."""
        self.own_part: SettingsError | None = None
        self.fresh()

    def fresh(self) -> None:
        """As after a restart."""
        quiet = Quiet(self.bench, self.bench, lambda: self.now_s)
        proofs = Proofs(self._check, self._loosened, self._own_loads, self._examine)
        self.applying = Applying(
            self.store, MESSAGES, self.switching, proofs, quiet, self.events.append, lambda: self.now_s
        )

    async def _loosened(self, shared: Path) -> list[str]:
        return self.looser

    def _own_loads(self) -> None:
        if self.own_part is not None:
            raise self.own_part

    async def _examine(self) -> dict[str, str]:
        return self.silent.pop(0) if len(self.silent) > 1 else self.silent[0] if self.silent else {}

    async def _check(self, shared: Path) -> list[str]:
        self.checked.append(shared)
        if isinstance(self.problems, Exception):
            raise self.problems
        return self.problems

    async def ask(self, archive: bytes, cmd_id: str) -> None:
        await self.store.take_command(cmd_id, lambda kept: [], [KeepTree("0" * 64, archive)])

    async def run(self, condition: Callable[[], Any]) -> bool:
        """Let it run until this holds or it ends; whether it wants to start again."""
        task = asyncio.create_task(self.applying.run())
        await until(lambda: task.done() or condition(), "what the test waits for")
        again = task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return again

    async def replies(self) -> list[dict[str, Any]]:
        rows = await self.store.due(99)
        return [json.loads(row.payload)["body"] for row in rows if row.suffix == "reply"]

    async def answered(self) -> None:
        """Until no tree waits."""

        async def none_waits() -> bool:
            return await self.store.next_tree() is None

        task = asyncio.create_task(self.applying.run())
        await until(none_waits, "all are answered")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
