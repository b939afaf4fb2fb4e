"""A runner over the whole safety room in virtual time, a real store under it, and steps that a test writes itself."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from station.contract.records import RecordCodec
from station.domain.clock import MonotonicClock
from station.domain.errors import StepError
from station.domain.events import Event
from station.domain.journal import RunDraft
from station.domain.limit import Limit
from station.domain.measurement import Channel, Measurement
from station.domain.plan import Needs, OnFail, Plan, PlanStep, Product, Requirement
from station.domain.plates import AmplifierPlate
from station.domain.prompt import Answer, Prompt
from station.domain.record import Record
from station.domain.work_order import EarlierRun
from station.run.delivery import RunMessages
from station.run.judging import Against
from station.run.run_ports import Order
from station.run.runner import Runner
from station.steps.step import StepContext, StepSpec
from station.store.history import History
from station.store.store import Store
from tests.safety import rig as safety
from tests.uplink.rig import MESSAGES, STATION, TS, make_draft

LIMIT = Limit("of the test", 1.0, 2.0)
LONG = " and so on" * 1000
"""Makes a row longer than a page, so that a database that cannot grow cannot take it."""
PRODUCT = Product("example-a-100", "Example", "A-100", "audio-amplifier", "I", AmplifierPlate(100.0, 8.0, 29.0))
Measure = Callable[[StepContext, Any], Coroutine[Any, Any, None]]


def good(name: str = "a_v", value: float | None = 1.5) -> Measure:
    """A step that records one value and is done."""

    async def measure(context: StepContext, params: Any) -> None:
        context.record(Measurement(name, value))

    return measure


@dataclass(frozen=True, slots=True)
class Made:
    """One step of a test's plan."""

    measure: Measure
    requires: tuple[str, ...] = ("a_v",)
    needs: Needs = Needs.NOTHING
    limit: Limit | None = LIMIT
    on_fail: OnFail = OnFail.CONTINUE
    only_after_pass: bool = False
    channel: Channel | None = None
    applicable: bool = True
    params: Any = None


class _Stamps:
    def now(self) -> str:
        return TS


@dataclass(slots=True)
class RunRig:
    """`bench` is the safety rig (`bench.kernel`, `bench.guard`); `events` what watchers were told."""

    bench: safety.Rig
    store: Store
    path: Path
    events: list[Event] = field(default_factory=list)
    draft: RunDraft = field(default_factory=make_draft)
    answer: bool = True
    answers: list[Answer] = field(default_factory=list)
    """What is answered prompt by prompt; `answer` where it is empty."""
    asked: list[Prompt] = field(default_factory=list)
    earlier: Sequence[EarlierRun] = ()
    """Runs of the device before this one."""
    against: Against = lambda measurement, use: None
    """What stands against an instrument when a measurement is judged."""
    swapped: Callable[[], tuple[str, ...]] = tuple
    """Which instruments were swapped since it was last asked."""
    runner: Runner = field(init=False)
    watcher: Callable[[Event], None] = field(init=False)

    def __post_init__(self) -> None:
        self.watcher = self.events.append

    async def run(self, *made: Made) -> Record:
        """Make a run of these steps; ids are `step0`, `step1`, …"""
        return await self.start(*made)

    def start(self, *made: Made) -> Awaitable[Record]:
        """The same, the runner being there before anything has happened."""
        specs = {
            f"step{n}": StepSpec(f"step{n}", m.measure, object, m.requires, frozenset(), m.needs)
            for n, m in enumerate(made)
        }
        steps = tuple(
            PlanStep(
                f"step{n}", f"step{n}", {"zh": "步骤", "en": f"step {n}{LONG}"}, m.params,
                tuple(Requirement(name, m.limit, m.channel) for name in m.requires), m.on_fail, m.only_after_pass,
                m.applicable,
            )
            for n, m in enumerate(made)
        )  # fmt: skip
        plan = Plan("test", "1", "0" * 64, {"zh": "测试", "en": "test"}, "engineering", False, steps, 60.0)
        self.runner = Runner(
            self.bench.bench, self.bench.kernel, self.store, RunMessages(MESSAGES), specs, MonotonicClock(), _Stamps(),
            self.watcher, self._ask, self.against, self.swapped,
        )  # fmt: skip
        return self.runner.run(Order(plan, PRODUCT, self.draft, earlier=self.earlier))

    async def _ask(self, prompt: Prompt) -> Answer:
        self.asked.append(prompt)
        if self.answers:
            return self.answers.pop(0)
        if not self.answer:
            raise StepError("nobody answered")
        return True

    def stored(self) -> Record:
        """The one record of the journal."""
        with History(self.path, RecordCodec()) as history:
            return history.record("1")

    def fill_the_disk(self) -> None:
        """After what was asked for so far SQLite finds no page: SQLITE_FULL, as on a full disk."""
        self.store._thread.submit(_fill, self.store._db).result()

    def make_room(self) -> None:
        """The disk has room again."""
        self.store._thread.submit(self.store._db.execute, "PRAGMA max_page_count = 1000000").result()

    @property
    def energised(self) -> bool:
        """K or H, at the guard itself."""
        return bool(self.bench.guard.core.k or self.bench.guard.core.h)


def _fill(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE filler (x)")
    db.execute("PRAGMA max_page_count = 1")
    for size in (100_000, 3_000):
        with contextlib.suppress(sqlite3.OperationalError):
            while True:
                db.execute("INSERT INTO filler VALUES (zeroblob(?))", (size,))


def play(scene: Callable[[RunRig], Coroutine[Any, Any, None]]) -> None:
    """Run one scene on a fresh bench that was reset, with a fresh store; at its end nothing may be energised."""

    async def whole(bench: safety.Rig) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "station.sqlite"
            store = await Store.open(path, RecordCodec(), STATION, lambda: TS)
            try:
                rig = RunRig(bench, store, path)
                await scene(rig)
                assert not rig.energised, "K and H are off when a run is over"
            finally:
                await store.close()

    safety.play(whole)
