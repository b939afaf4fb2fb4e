"""One life of the station: its rooms on the world's ports, from boot to death. Wired as the daemon wires them.

What differs from the daemon: devices are the world's, the store works in the loop instead of a thread, nobody listens
on a socket, and the broker is a few lines of `centre`. A life that is over reaches nothing any more.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drivers.errors import AudioFault
from station.campaign.bench import World
from station.campaign.chance import Chance
from station.campaign.guard_port import GuardPort
from station.campaign.history import RELAYS
from station.campaign.ports import Panel, Relays, Sensor, Tester, Touch, Wire
from station.campaign.sound import SimulatedSound
from station.campaign.virtual import US
from station.contract.envelope import Stamp
from station.contract.messages import Messages
from station.contract.records import RecordCodec
from station.domain.clock import wall_bound_s
from station.domain.errors import StoreError
from station.domain.events import Event
from station.domain.interlock import Interlock, Trip
from station.domain.journal import RunDraft, close_as_aborted
from station.domain.outbox import Draft
from station.domain.plan import Plan, Product, Purpose
from station.domain.record import ClockStamp, DutInfo, PlanInfo, Record, StepRecord
from station.domain.work_order import Ticket
from station.panel.panel_task import PanelTask
from station.run import session_events as ev
from station.run.conductor import Conductor, Room
from station.run.delivery import RunMessages
from station.run.session import Session
from station.run.session_scans import Catalogue
from station.safety.causes import blame_words, trip_text
from station.safety.guarded import build_bench
from station.safety.kernel import Kernel
from station.safety.pollers import Poller, Pollers
from station.safety.readings import ReadingTable
from station.safety.relays import RelayDesk
from station.steps.catalog import STEPS
from station.store.store import Store

STATION = "campaign"
BOOT_S = 0.6
POLL_S = {
    "mains": 0.5, "temperature": 0.5, "inrush": 0.5, "dc": 0.2, "discharge": 1.0, "fan": 1.0, "loadbank": 10.0,
    "probe": 10.0, "bias": 1.0,
}  # fmt: skip
ATTEMPTS = 2
BOUND_S = {"whole": 7_260.0, "short": 60.0}
UTC_1970 = 1_790_000_000
"""An arbitrary day in 2026 for the stamps."""


class InTheLoop(Executor):
    """Does what it is given at once: there are no threads in virtual time."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True, slots=True)
class Setting:
    """What is under test: the configuration tree's interlocks, plans by id and products, resolved once."""

    interlocks: tuple[Interlock, ...]
    plans: dict[str, Plan]
    product: Product
    sha256: str
    speed: float = 1.0


class LoopClock:
    """Test time of a campaign: the loop's, times the speed for what is waited for."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._now_s = 0.0

    def now_s(self) -> float:
        return self._now_s if self.speed != 1.0 else asyncio.get_running_loop().time()

    def spent(self, seconds: float) -> None:
        self._now_s += seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)
        self._now_s += seconds


class Stamps:
    """UTC as the machine believes it to be: it jumps when the world says so."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read_stamp(self) -> Stamp:
        """Now."""
        us = self._world.now_us + (UTC_1970 + self._world.utc_offset_s) * US
        minutes, second = divmod(us // 1000, 60_000)
        hours, minute = divmod(minutes, 60)
        days, hour = divmod(hours, 24)
        day = days % 28 + 1
        text = f"2026-{days // 28 % 12 + 1:02}-{day:02}T{hour:02}:{minute:02}:{second // 1000:02}.{second % 1000:03}Z"
        return Stamp(text, ClockStamp("unsynced", None, "campaign"), self._world.now_us * 1000)

    def now(self) -> str:
        """The text alone."""
        return self.read_stamp().ts


class Disk:
    """The store as the runner's journal, on a disk that can be slow or full."""

    def __init__(self, world: World, wire: Wire, store: Store) -> None:
        self._world, self._wire, self._store = world, wire, store

    async def _turn(self, run_id: str = "") -> None:
        if self._world.disk_delay_us:
            await asyncio.sleep(self._world.disk_delay_us / US)
        await self._wire.alive()
        if self._world.disk_full:
            self._world.may_be_cut_off.add(run_id)
            raise StoreError("station.sqlite: the disk is full; make room, nothing is tested until then")

    async def begin_run(self, draft: RunDraft, messages: Sequence[Draft]) -> int:
        await self._turn()
        number = await self._store.begin_run(draft, messages)
        self._world.minted.append(draft.run_id)
        return number

    async def add_step(self, run_id: str, index: int, step: StepRecord) -> None:
        await self._turn(run_id)
        await self._store.add_step(run_id, index, step)

    async def finish_run(self, record: Record, messages: Sequence[Draft]) -> tuple[str, ...]:
        await self._turn(record.run_id)
        refused = await self._store.finish_run(record, messages)
        self._world.recorded(record)
        return refused

    async def post(self, messages: Sequence[Draft]) -> None:
        """Messages of no run."""
        await self._turn()
        await self._store.post(messages)


class DiskLatch:
    """The service latch on the world's disk."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def set(self, reason: str) -> None:
        if self._world.disk_full:
            raise OSError("disk full")
        self._world.service_latch = reason

    async def read(self) -> str | None:
        return self._world.service_latch


class Life:
    """The rooms. `ticking`: the kernel, the pollers and the panel run as tasks of their own."""

    def __init__(self, world: World, setting: Setting, path: Path, number: int, *, ticking: bool) -> None:
        self.world = world
        self.setting = setting
        self.number = number
        self.ticking = ticking
        self.over = False
        self.ready = False
        self._path = path
        self._tasks: list[asyncio.Task[Any]] = []
        self._runs = Chance(world.history.seed, f"runs {number}")
        self._broken: dict[str, str] = {}

    def is_over(self) -> bool:
        """Whether this life has ended: then nothing of it reaches the world."""
        return self.over

    async def boot(self) -> None:
        """From the start of the process to a station that is ready."""
        world, clock = self.world, LoopClock(self.setting.speed)
        loop = asyncio.get_running_loop()
        self.stamps = Stamps(world)
        self.store = await Store.open(self._path, RecordCodec(), STATION, self.stamps.now, InTheLoop())
        self.disk = Disk(world, self._wire("guard"), self.store)
        self.messages = RunMessages(Messages(STATION, self.stamps.read_stamp))
        cut_off = await self._close_cut_off_runs()
        kernel = self.kernel = self._build_kernel(loop)
        bench = build_bench(
            kernel, Tester(self._wire("tester")), Touch(self._wire("touch")),
            SimulatedSound(self._wire("audio"), clock), clock,
        )  # fmt: skip
        self.session = Session(
            Catalogue(
                {self.setting.product.id: self.setting.product.family},
                {p: plan.purpose for p, plan in self.setting.plans.items()},
            )
        )
        room = Room(
            bench, kernel, self.disk, self.messages, STEPS, clock, self.stamps, self._resolve, self._draft,
            self._prepare, lambda trip: trip_text(trip, self.setting.interlocks), self._alarm, broken=self._broken,
        )  # fmt: skip
        self.conductor = Conductor(self.session, room, self._make_panel, self._publish, loop.time)
        kernel.listen(self.conductor.tripped)
        kernel.turn = self._counted(kernel.turn)  # type: ignore[method-assign, assignment]
        await asyncio.sleep(BOOT_S)
        await kernel.start(never_energised=not await self.store.has_runs(), ticking=self.ticking)
        if cut_off:
            self.conductor.post(ev.PowerReturned())
        self.ready = True
        world.note(f"station up, life {self.number}")
        if self.ticking:
            self._spawn(self.conductor.panel.run(), "panel")
            self._spawn(self.conductor.watch_guard(), "watch")

    async def close_the_books(self) -> None:
        """The store alone: what was cut off becomes a record, as at every start."""
        self.stamps = Stamps(self.world)
        self.store = await Store.open(self._path, RecordCodec(), STATION, self.stamps.now, InTheLoop())
        self.disk = Disk(self.world, self._wire("audio"), self.store)
        self.messages = RunMessages(Messages(STATION, self.stamps.read_stamp))
        await self._close_cut_off_runs()

    async def terminate(self) -> None:
        """As the daemon on SIGTERM."""
        await self.conductor.stop()
        for task in self._tasks:
            task.cancel()
        await self.kernel.close()

    def _counted(self, turn: Callable[[float], None]) -> Callable[[float], None]:
        """The kernel's turn, with the world knowing that one is on: heartbeats come from there alone."""
        world = self.world

        def counted(due_s: float) -> None:
            world.turns += 1
            world.in_turn = True
            try:
                turn(due_s)
            finally:
                world.in_turn = False

        return counted

    def _spawn(self, work: Any, name: str) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work, name=name))

    def _wire(self, role: str) -> Wire:
        return Wire(self.world, role, self.is_over)

    def _build_kernel(self, loop: asyncio.AbstractEventLoop) -> Kernel:
        world, table = self.world, ReadingTable()
        plant = world.plant
        sources: dict[str, Callable[[int], dict[str, float]]] = {
            "mains": lambda now_us: {"power_w": plant.power_w(), "voltage_v": 230.0 if plant.supply else 0.0},
            "temperature": lambda now_us: {
                "heatsink_degc": plant.heatsink.at(now_us), "ambient_degc": 25.0,
                "loadbank_degc": plant.load_bank.at(now_us),
            },
            "inrush": lambda now_us: {"peak_a": plant.peak_a},
            "dc": lambda now_us: plant.terminals(),
            "discharge": plant.plug,
            "fan": lambda now_us: {"rpm": plant.rpm(now_us)},
            "loadbank": lambda now_us: {"left_ohm": 8.01, "right_ohm": 7.99},
            "probe": lambda now_us: {"volts_v": 0.0},
            "bias": lambda now_us: {"left_mv": 0.0, "right_mv": 0.0},
        }  # fmt: skip
        self.sensors = {role: Sensor(self._wire(role), source) for role, source in sources.items()}
        self.relays = Relays(self._wire("relays"), RELAYS)
        self.panel_port = Panel(self._wire("panel"))
        self.guard = GuardPort(self._wire("guard"), self.number)
        desk = RelayDesk(self.relays, {role: channel for channel, role in enumerate(RELAYS)}, loop.time)
        pollers = Pollers(
            Poller(role, sensor, POLL_S[role], table, loop.time, ATTEMPTS) for role, sensor in self.sensors.items()
        )
        return Kernel(
            self.guard, desk, pollers, table, self.setting.interlocks, DiskLatch(world), self._drive_page, loop.time
        )

    def _drive_page(self, until_s: float | None) -> None:
        if not self.over:
            self.world.drive_page(until_s)

    def _make_panel(self, conductor: Conductor) -> PanelTask:
        def post(event: ev.Event) -> None:
            conductor.post(event)

        now_s = asyncio.get_running_loop().time
        return PanelTask(
            self.panel_port, post, lambda why: post(ev.PanelLost(why)), lambda: post(ev.PanelBack()), now_s=now_s
        )

    def _publish(self, event: Event) -> None:
        if self.over:
            return
        if event.kind == "session":
            self.world.session_changed(event.data["state"], (event.data["asks"] or {}).get("kind", ""))
        elif event.kind == "tell":
            self.world.note(f"told: {event.data['code']}")

    def _resolve(self, plan_id: str, product_id: str) -> tuple[Plan, Product]:
        return self.setting.plans[plan_id], self.setting.product

    def _draft(self, ticket: Ticket, purpose: Purpose, plan: Plan, product: Product) -> RunDraft:
        stamp = self.stamps.read_stamp()
        self.world.bound_us = wall_bound_s(plan.max_mains_s, self.setting.speed) * US
        run_id = str(uuid.UUID(int=self._runs.whole(0, (1 << 64) - 1) << 64 | 0x7 << 76 | 0x2 << 62))
        return RunDraft(
            run_id=run_id, purpose=purpose, work_order=ticket.work_order.number, operator=ticket.operator,
            second_operator=None, repair_engineer=None,
            dut=DutInfo(product.id, product.maker, product.model, ticket.serial_number, ticket.imei),
            plan=PlanInfo(plan.id, plan.revision, plan.sha256, plan.label), planned=(), station=STATION,
            software="campaign",
            config_sha256=self.setting.sha256, simulated=True, speed=self.setting.speed, started_at=stamp.ts,
            clock=stamp.clock,
        )  # fmt: skip

    async def _prepare(self) -> None:
        await self._close_cut_off_runs()
        if self.world.troubles["audio"].kind:
            raise AudioFault("audio", "the sound process does not start")

    async def _alarm(self, trip: Trip, run_id: str | None) -> None:
        cause = f"{trip.interlock}, {trip.cause}; {blame_words(trip)}"
        await self.disk.post([self.messages_of_station().alarm(trip.code or trip.interlock, cause, run_id=run_id)])

    def messages_of_station(self) -> Messages:
        """Drafts of messages that belong to no run."""
        return Messages(STATION, self.stamps.read_stamp)

    async def _close_cut_off_runs(self) -> int:
        cut_off = await self.store.unfinished()
        for run in cut_off:
            self.world.cut_off.add(run.draft.run_id)
            record = close_as_aborted(run, self.stamps.now(), self._broken.get(run.draft.run_id))
            await self.disk.finish_run(record, self.messages.ended(record))
        return len(cut_off)


def make_setting(tree: Any, product_id: str, speed: float) -> Setting:
    """The tree's outgoing plan, whole and without its soak, for one product."""
    plan = tree.resolve("outgoing-amplifier", product_id)
    steps = list(plan.steps)
    for index, step in enumerate(steps):
        if step.use == "soak" and speed == 1.0:  # looked at rarely: the scan watches all the time
            steps[index] = replace(step, params=replace(step.params, batch_s=300.0, rise_window_s=3600.0))
    short = tuple(step for step in steps if step.use != "soak")
    plans = {"whole": replace(plan, id="whole", steps=tuple(steps)), "short": replace(plan, id="short", steps=short)}
    if speed == 1.0:  # bounds that a session can reach: the tree's own is longer than the session
        plans = {name: replace(plan, max_mains_s=BOUND_S[name]) for name, plan in plans.items()}
    return Setting(tree.interlocks, plans, tree.products[product_id], tree.sha256, speed)
