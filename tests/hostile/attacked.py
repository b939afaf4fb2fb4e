"""The station that is attacked: every real room between a message and the guard, in virtual time.

Inbox, commands, desk, control socket, session, conductor, runner, panel, store, telling, kernel with its scan and the
guard firmware's own core. Not here: wires, paho, and the sound process. Buttons are the technician's, here the test's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers.ports import Button, Buzz, Identity, Lamp, LampState
from station.campaign.campaign import _fast_disk
from station.campaign.life import InTheLoop
from station.contract.bodies import Body, Info, Telemetry
from station.contract.envelope import Stamp
from station.contract.keys import SigningKey
from station.contract.messages import Messages
from station.contract.records import RecordCodec
from station.desk import Desk
from station.domain.clock import ScaledClock, utc_text
from station.domain.journal import RunDraft
from station.domain.measurement import Measurement
from station.domain.plan import Needs, Plan, PlanStep, Product, Purpose, Requirement
from station.domain.plates import AmplifierPlate
from station.domain.record import ClockStamp, DutInfo, PlanInfo
from station.domain.work_order import Ticket
from station.mqtt.keeper import Backoff
from station.panel.panel_task import PanelTask
from station.paper.printing import Printing, Told
from station.run import session_events as ev
from station.run.conductor import Conductor, Room
from station.run.delivery import RunMessages, report_to_centre
from station.run.session import Session
from station.run.session_scans import Catalogue
from station.safety.causes import trip_text
from station.safety.guarded import build_bench
from station.steps.step import StepContext, StepSpec
from station.store.store import Store
from station.telling.latched import alarm_cause, alarm_code
from station.telling.telling import Telling
from station.uplink.inbox import Inbox
from station.uplink.window import Window, WindowLimits
from tests.hostile.holding import HOLDING, LIMIT
from tests.safety import rig as safety

STATION = "bench-07"
RECEIPTS, COMMANDS, STRANGER = (
    SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))
    for number, name in enumerate(("receipts", "commands", "stranger"), start=1)
)
PRODUCT = Product("amp", "Example", "A-100", "amplifier", "I", AmplifierPlate(100.0, 8.0, 29.0))
BOOT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PRESS_S, SCAN_S = 0.3, 0.05


class Buttons:
    """The panel's port: buttons that are held down; lamps are not looked at."""

    def __init__(self) -> None:
        self.down: frozenset[Button] = frozenset()

    async def ensure_ready(self) -> Identity:
        return Identity()

    async def close(self) -> None:
        return

    async def read_buttons(self) -> frozenset[Button]:
        return self.down

    async def show(self, lamps: Mapping[Lamp, LampState], buzz: Buzz) -> None:
        return


class LongTester(safety.Tester):
    """A test whose voltage stays on for most of the guard's bound."""

    async def run(self, permit: Any) -> Any:
        permit.check()
        self.running = True
        await asyncio.sleep(95.0)
        return await super().run(permit)


class Deaf:
    """An uplink without a link: what is retained and told has nowhere to go."""

    connected, last_error = False, None

    def __init__(self) -> None:
        self.retained: dict[str, Body] = {}

    def retain(self, name: str, body: Body) -> None:
        self.retained[name] = body

    def telemetry(self, body: Telemetry) -> None:
        return


class Errors(logging.Handler):
    """What no message may cause: an exception that nobody expected, a task that died, a callback that broke."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or (record.name == "asyncio" and record.levelno >= logging.ERROR):
            self.seen.append(f"{record.name}: {record.getMessage()}")


class Attacked:
    """One station, attacked in one state after another. `inbox_type`: another inbox, for a sabotage."""

    def __init__(self, bench: safety.Rig, store: Store, folder: Path, inbox_type: type[Inbox]) -> None:
        self.bench, self.store, self.folder = bench, store, folder
        self.loop = asyncio.get_running_loop()
        self.kernel, self.guard = bench.kernel, bench.guard
        bench.tester = LongTester(bench)
        bench.bench = build_bench(bench.kernel, bench.tester, bench.touch, bench.sound, ScaledClock(1.0))
        self.clock_quality: Any = "synced"
        self.messages = Messages(STATION, self.stamp)
        self.alarms = self.turns = self._minted = 0
        self.let_go = asyncio.Event()
        """Lets a step end that holds its run open."""
        self.buttons = Buttons()
        self.session = Session(
            Catalogue({"amp": "amplifier"}, dict.fromkeys(HOLDING, "outgoing") | {"ways-in": "incoming"})
        )
        self.socket = folder / "control"
        self.desk = Desk(self.socket, store)
        self.conductor = Conductor(self.session, self._room(), self._panel, self.desk.publish, self.loop.time)
        self.commands = self.desk.commands
        self.inbox = inbox_type(
            store, self.messages, {RECEIPTS.key_id: RECEIPTS.public}, Window(WindowLimits(), Backoff()),
            self.desk.publish, self._raise_alarm, command_keys={COMMANDS.key_id: COMMANDS.public},
            carry=lambda verb, args: self.commands.carry(verb, args), now_s=self.loop.time,
        )  # fmt: skip
        self.uplink: Any = Deaf()
        self.tasks: list[asyncio.Task[Any]] = []
        self.errors = Errors()
        self.rises = self.opened_live = 0
        """How often K or H came on, and the lid was let go with one of them on, since the start."""
        self._outputs = (False, False, True)
        self._step_guard, bench.guard.step = bench.guard.step, self._guard_step  # type: ignore[method-assign]

    def _guard_step(self) -> None:
        """Every 5 ms, before and after the core's own turn: no output moves unseen between two looks."""
        self._note_outputs()
        self._step_guard()
        self._note_outputs()

    def _note_outputs(self) -> None:
        core = self.guard.core
        k, h, lock = bool(core.k), bool(core.h), bool(core.lock)
        self.rises += (k > self._outputs[0]) + (h > self._outputs[1])
        self.opened_live += (k or h) and lock < self._outputs[2]
        self._outputs = (k, h, lock)

    # ---- wiring, as the daemon's ---------------------------------------------------------------------------
    def stamp(self) -> Stamp:
        now = utc_text(BOOT + timedelta(seconds=self.loop.time()))
        return Stamp(now, ClockStamp(self.clock_quality, 1.0, "boot"), round(self.loop.time() * 1e9))

    def now(self) -> str:
        return self.stamp().ts

    def _room(self) -> Room:
        return Room(
            self.bench.bench, self.kernel, self.store, RunMessages(self.messages), self._steps(), ScaledClock(1.0),
            self, self._resolve, self._draft, self._prepare, lambda trip: trip_text(trip, safety.INTERLOCKS),
            lambda trip, run_id: self.store.post(
                [self.messages.alarm(alarm_code(trip), alarm_cause(trip), run_id=run_id)]
            ),
            report=partial(report_to_centre, self.store, self.messages),
            recall=partial(self.store.runs_of_order, simulated=True),
        )  # fmt: skip

    def _panel(self, conductor: Conductor) -> PanelTask:
        def post(event: ev.Event) -> None:
            conductor.post(event)

        return PanelTask(
            self.buttons, post, lambda why: post(ev.PanelLost(why)), lambda: post(ev.PanelBack()),
            now_s=self.loop.time,
        )  # fmt: skip

    def _steps(self) -> dict[str, StepSpec]:
        async def measure(context: StepContext, params: Any) -> None:
            context.record(Measurement("a_v", 9.0 if params == "fail" else 1.5))
            await HOLDING[params](context, self.let_go)

        return {"hold": StepSpec("hold", measure, object, ("a_v",), frozenset(), Needs.NOTHING)}

    def _resolve(self, plan: str, product: str) -> tuple[Plan, Product]:
        step = PlanStep("hold", "hold", {"zh": "步", "en": "step"}, plan, (Requirement("a_v", LIMIT),))
        title = {"zh": "测试", "en": plan}
        return Plan(plan, "1", "0" * 64, title, "outgoing", False, (step,), 3600.0), PRODUCT

    def _draft(self, ticket: Ticket, purpose: Purpose, plan: Plan, product: Product) -> RunDraft:
        stamp = self.stamp()
        return RunDraft(
            run_id=self._mint(), purpose=purpose, work_order=ticket.work_order.number, operator=ticket.operator,
            second_operator=None, repair_engineer=None,
            dut=DutInfo(product.id, product.maker, product.model, ticket.serial_number),
            plan=PlanInfo(plan.id, plan.revision, plan.sha256, plan.label), planned=(), station=STATION, software="1",
            config_sha256="0" * 64, simulated=True, speed=1.0, started_at=stamp.ts, clock=stamp.clock,
        )  # fmt: skip

    def _mint(self) -> str:
        """The same ids in the same order: a seed is to be played again."""
        self._minted += 1
        return f"01a204d4-f2d8-7fc3-a84c-{self._minted:012x}"

    async def _prepare(self) -> None:
        return

    async def _examine(self) -> dict[str, Any]:
        return {"devices": []}

    async def _raise_alarm(self, code: str, cause: str) -> None:
        self.alarms += 1

    # ---- life ----------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """From the kernel on, which was started: everything that the daemon runs beside it."""
        printing = Printing(
            self.store, None, _draws_nothing, self.messages, Told(self.desk.publish, lambda on: None, self.now)
        )
        telling = Telling(
            self.uplink, self.kernel, self.kernel.table.snapshot, lambda: Info(software="1"),
            lambda: BOOT + timedelta(seconds=self.loop.time()), self.loop.time, 1.0,
        )  # fmt: skip
        self.desk.use(self.conductor, self.uplink, printing, telling, self._examine)
        self.kernel.listen(self.conductor.tripped)
        self.kernel.each_turn(self._count_turn)
        self.kernel.each_turn(telling.soon)
        telling.begin(self.conductor.view)
        for trip in self.kernel.trips:  # of its boot
            self.conductor.tripped(trip)
        await self.desk.start()
        for work in (self.conductor.panel.run(), self.conductor.watch_guard(), printing.run()):
            self.tasks.append(self.loop.create_task(work))
        logging.getLogger().addHandler(self.errors)

    def _count_turn(self) -> None:
        self.turns += 1

    async def close(self) -> None:
        logging.getLogger().removeHandler(self.errors)
        self.let_go.set()
        await self.conductor.stop()
        await self.desk.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    # ---- the technician ------------------------------------------------------------------------------------
    async def press(self, button: Button) -> None:
        """Down for a moment, and up."""
        self.buttons.down = frozenset({button})
        await asyncio.sleep(PRESS_S)
        self.buttons.down = frozenset()
        await asyncio.sleep(2 * SCAN_S)

    def scan(self, *lines: str) -> None:
        """The bench's own scanner."""
        for line in lines:
            self.conductor.post(ev.Scanned(line))

    @property
    def run(self) -> Mapping[str, Any]:
        """The run as the session has it."""
        return self.conductor.view["run"] or {}


async def _draws_nothing(*args: Any) -> bytes:
    raise AssertionError("no printer, no slip")


@contextlib.asynccontextmanager
async def attacked(inbox_type: type[Inbox] = Inbox) -> AsyncIterator[Attacked]:
    """A station at its power-up: the guard has tripped with BOOT, nothing was reset."""
    bench = safety.Rig()
    with tempfile.TemporaryDirectory(prefix="hostile-", dir=_fast_disk()) as folder:
        store = await Store.open(Path(folder) / "s.sqlite", RecordCodec(), STATION, executor=InTheLoop())
        bench.guard.start()
        try:
            await bench.kernel.start()
            await bench.settle()
            station = Attacked(bench, store, Path(folder), inbox_type)
            await station.start()
            try:
                yield station
            finally:
                await station.close()
        finally:
            await bench.close()
            await store.close()
