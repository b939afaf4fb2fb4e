"""Values and waits that the tests of store, contract, uplink and collector share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from station.collector.centre import Centre
from station.collector.collector import Collector
from station.collector.sqlite import SqliteCentre
from station.contract.envelope import Stamp
from station.contract.keys import SigningKey
from station.contract.messages import Messages
from station.contract.records import RecordCodec
from station.domain.clock import utc_text
from station.domain.events import Event
from station.domain.journal import PlannedMeasurement, PlannedStep, RunDraft, UnfinishedRun, close_as_aborted
from station.domain.measurement import Curve
from station.domain.record import (
    Cause,
    ClockStamp,
    DutInfo,
    Finding,
    Handover,
    Instrument,
    JudgedMeasurement,
    Part,
    PlanInfo,
    Record,
    Reference,
    StepRecord,
    TripRecord,
)
from station.domain.verdict import Verdict
from station.mqtt.keeper import Backoff
from station.mqtt.tls import TlsFiles
from station.store.store import Store, mint_run_id
from station.uplink.inbox import Carry, carry_nothing
from station.uplink.uplink import Uplink
from station.uplink.window import WindowLimits

STATION = "bench-07"
CLOCK = ClockStamp("synced", 12.0, "4c3e25f6-bb6c-4a2d-828c-777d7b0ca4e9")
TS = "2026-11-22T03:52:10.123Z"
FAST = Backoff(base_s=0.02, cap_s=0.2)
IMPATIENT = WindowLimits(receipt_timeout_s=0.4)


def read_stamp() -> Stamp:
    return Stamp(TS, CLOCK, 123)


MESSAGES = Messages(STATION, read_stamp)
OF_TODAY = Messages(STATION, lambda: Stamp(utc_text(datetime.now(UTC)), CLOCK, 123))
"""For a bench to which commands are sent with today's stamps."""


def planned(name: str, *measurements: str) -> PlannedStep:
    listed = tuple(PlannedMeasurement(m, "V", "left", 1.0, 2.0, "data plate") for m in measurements)
    return PlannedStep(name, f"use-{name}", {"zh": "步骤", "en": name}, listed)


PLAN = (planned("first", "a_v"), planned("second", "b_v", "c_v"), planned("third", "d_v"))


def make_draft(run_id: str | None = None) -> RunDraft:
    return RunDraft(
        run_id or mint_run_id(), "engineering", "WO-1", "badge-1", None, None,
        DutInfo("example-a-100", "Example", "A-100", "SN-1"), PlanInfo("self-test", "3", "0" * 64), PLAN, STATION,
        "0.1", "1" * 64, True, 240.0, TS, CLOCK,
    )  # fmt: skip


def make_step(name: str, verdict: Verdict = Verdict.PASS, value: float | None = 1.5, attempt: int = 1) -> StepRecord:
    plan = next(step for step in PLAN if step.id == name)
    made = tuple(
        JudgedMeasurement(m.name, value, m.unit, verdict, m.channel, m.low, m.high, 0.01, None, m.limit_source)
        for m in plan.measurements
    )
    return StepRecord(name, plan.use, plan.title, verdict, attempt, TS, 2.5, made)


def make_record(draft: RunDraft, run_no: int, steps: tuple[StepRecord, ...] | None = None) -> Record:
    """A PASS of all planned steps, unless told otherwise."""
    steps = tuple(make_step(step.id) for step in PLAN) if steps is None else steps
    closed = close_as_aborted(UnfinishedRun(run_no, draft, steps), TS)
    return replace(closed, verdict=Verdict.PASS, causes=())


def full_record() -> Record:
    """A record with something in every field."""
    draft = make_draft()
    measured = JudgedMeasurement(
        "thd_percent", 0.0004, "%", Verdict.PASS, "left", None, 0.1, 0.0001, "below", "data plate",
        {"at_w": 100.0, "f": "1 kHz"},
    )  # fmt: skip
    curve = Curve("response", "frequency", "Hz", "level", "dB", (20.0, 1000.0), (-0.1, 0.0), "left", (-3.0, -3.0))
    step = StepRecord(
        "thd", "thd", {"zh": "失真", "en": "THD"}, Verdict.FAIL, 2, TS, 1.25, (measured,), (curve,), ("a",)
    )
    return replace(
        make_record(draft, 7, (step,)), second_operator="badge-2", repair_engineer="E-9", verdict=Verdict.FAIL,
        dut=replace(draft.dut, imei="490154203237518"), steps=(step,),
        causes=(Cause("thd", "thd_percent", "left", "too high"),),
        trips=(TripRecord("heatsink", "hot", 101.0, 100.0, "dut", 12.5),), parts=(Part("2SC5200", "Q3", 2),),
        findings=(Finding("output-stage", {"zh": "偏置", "en": "bias"}, ("thd_percent",), 0.8),),
        handovers=(Handover("badge-3", TS),),
        instruments=(Instrument("mains", "pzem-016", "PZEM-016", "123", "2027-01-01"),), reference=Reference("r-1"),
    )  # fmt: skip


async def do_run(store: Store, draft: RunDraft | None = None) -> Record:
    """A whole run through the store: begun, stepped, finished, with its event and its result."""
    draft = draft or make_draft()
    run_no = await store.begin_run(draft, [MESSAGES.event("run_started", run_id=draft.run_id)])
    for index, step in enumerate(PLAN):
        await store.add_step(draft.run_id, index, make_step(step.id))
    record = make_record(draft, run_no)
    await store.finish_run(record, [MESSAGES.result(record), MESSAGES.event("run_ended", run_id=draft.run_id)])
    return record


async def open_store(path: Path) -> Store:
    return await Store.open(path, RecordCodec(), STATION, lambda: TS)


async def until(condition: Callable[[], Any], what: str, deadline_s: float = 40.0) -> None:
    """Wait for a condition, plain or awaitable; fails with `what` when the deadline passes."""
    end = time.monotonic() + deadline_s
    while True:
        holds = condition()
        if await holds if isinstance(holds, Awaitable) else holds:
            return
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what}")
        await asyncio.sleep(0.01)


class Bench:
    """A store with its uplink on a broker; `events` is what it told its watchers."""

    def __init__(
        self, store: Store, url: str, key: SigningKey, limits: WindowLimits = IMPATIENT, *,
        carry: Carry = carry_nothing, command_key: SigningKey | None = None, tls: TlsFiles | None = None,
        messages: Messages = MESSAGES,
    ) -> None:  # fmt: skip
        """`command_key` signs commands; the key of the receipts where none is given."""
        self.store = store
        self.events: list[Event] = []
        commands = command_key or key
        self.uplink = Uplink(
            store, messages, url, {key.key_id: key.public}, self.events.append, limits=limits, backoff=FAST,
            carry=carry, command_keys={commands.key_id: commands.public}, tls=tls,
        )  # fmt: skip
        self.task = asyncio.create_task(self.uplink.run())

    def seen(self, kind: str) -> list[dict[str, Any]]:
        return [dict(event.data) for event in self.events if event.kind == kind]

    async def drained(self) -> None:
        async def empty() -> bool:
            return (await self.store.counts()).waiting == 0

        await until(empty, "the outbox is empty")

    async def close(self) -> None:
        await self.uplink.close()
        await self.task
        await self.store.close()


class Office:
    """A collector on a broker, in this event loop."""

    def __init__(self, url: str, centre: Centre, key: SigningKey, tls: TlsFiles | None = None) -> None:
        self.ready = asyncio.Event()
        self.centre = centre
        self.collector = Collector(url, centre, key, backoff=FAST, on_ready=self.ready.set, tls=tls)
        self.task = asyncio.create_task(self.collector.run())

    @classmethod
    async def open(
        cls, url: str, path: Path, key: SigningKey, tls: TlsFiles | None = None, deadline_s: float = 10.0
    ) -> Office:
        office = cls(url, SqliteCentre(path), key, tls)
        try:
            await asyncio.wait_for(office.ready.wait(), deadline_s)
        except TimeoutError:
            await office.close()
            raise
        return office

    async def close(self) -> None:
        self.collector.close()
        await self.task
        self.centre.close()
