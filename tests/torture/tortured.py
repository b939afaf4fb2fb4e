"""A station to be tortured, a process: the real store and the real uplink, runs as fast as told, a clock that jumps.

Its one argument is a JSON object (`Told`). What it has committed it says on standard output, one JSON line each, only
after the store's call returned: that is the ledger which the referee holds against the store. Exit status: 0 after
SIGTERM, 4 where the store could not be opened.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from station.contract.bodies import TAKES_ALSO, Info
from station.contract.envelope import Stamp
from station.contract.keys import load_public_keys
from station.contract.messages import Messages
from station.contract.records import RecordCodec
from station.domain.clock import utc_text
from station.domain.errors import StoreError
from station.domain.events import Event
from station.domain.journal import close_as_aborted
from station.domain.measurement import Curve
from station.domain.record import ClockStamp, DutInfo, Record
from station.mqtt.keeper import Backoff
from station.store.lock import hold_store
from station.store.store import Store
from station.uplink.uplink import Uplink
from station.uplink.window import WindowLimits
from tests.torture.children import die_with_parent
from tests.torture.sabotaged_station import sabotage_station
from tests.uplink.rig import CLOCK, PLAN, make_draft, make_record, make_step

STORE_CANNOT_OPEN = 4
ENOUGH = "enough"
"""A file of this name in a station's folder ends the making of runs, also for its later lives."""
_AT_ONCE = 6
_RETRY_S = 0.2
_SAYING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Told:
    """What a station is told. `home` holds `disk/station.sqlite`; runs are made until `quota` stand in the journal."""

    name: str
    home: str
    broker: str
    keys: str
    seed: int
    quota: int
    runs_per_s: float
    receipt_timeout_s: float
    backoff_cap_s: float
    sabotage: str | None = None

    @property
    def store(self) -> Path:
        """Its store."""
        return Path(self.home) / "disk" / "station.sqlite"

    def to_text(self) -> str:
        """As the one argument of the process."""
        return json.dumps(asdict(self))


def say(**words: Any) -> None:
    """One line of the ledger, whole: the store's thread has something to say too."""
    with _SAYING:
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()


class JumpingClock:
    """UTC that jumps by hours both ways, of a quality that comes and goes; the monotonic clock beside it is real."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ahead = timedelta(0)
        self.stamp = replace(CLOCK)

    def read_utc(self) -> str:
        if self._rng.random() < 0.002:
            self._ahead = timedelta(hours=self._rng.uniform(-30_000, 30_000))
            quality = self._rng.choice(("synced", "holdover", "unsynced"))
            self.stamp = ClockStamp(quality, None if quality == "unsynced" else 12.0, CLOCK.boot_id)
            say(jump_h=self._ahead.total_seconds() / 3600.0)
        return utc_text(datetime.now(UTC) + self._ahead)

    def read_stamp(self) -> Stamp:
        text = self.read_utc()  # first: it may change the quality
        return Stamp(text, self.stamp, time.monotonic_ns())


class Tortured:
    """Makes runs and alarms, and puts back what was rejected."""

    def __init__(self, told: Told, store: Store, messages: Messages, clock: JumpingClock, rng: random.Random) -> None:
        self._told = told
        self._store = store
        self._messages = messages
        self._clock = clock
        self._rng = rng
        self._codec = RecordCodec()
        self._begun = 0

    async def make(self) -> None:
        """Close what was cut off, make the quota in small batches, then wait until this is cancelled."""
        with closing(sqlite3.connect(self._told.store)) as db:
            self._begun = db.execute("SELECT count(*) FROM runs").fetchone()[0]
        for run in await self._store.unfinished():
            await self._finish(close_as_aborted(run, self._clock.read_utc()))
        began, made = time.monotonic(), 0
        while (left := self._left()) > 0:
            batch = min(left, self._rng.randint(1, _AT_ONCE))
            await asyncio.gather(*(self._run() for _ in range(batch)))
            made += batch
            if self._rng.random() < 0.03:
                await self._raise_alarm()
            await asyncio.sleep(max(0.0, began + made / self._told.runs_per_s - time.monotonic()))
        say(idle=True)
        await asyncio.Event().wait()

    async def requeue(self) -> None:
        """What was rejected without reason goes out again, as a person would with `results requeue`."""
        while True:
            await asyncio.sleep(0.5)
            try:
                if (await self._store.counts()).quarantined and (count := await self._store.requeue()):
                    say(requeued=count)
            except StoreError as error:
                say(store_error=str(error))

    def hear(self, event: Event) -> None:
        """What the uplink tells its watchers; only that rows went to quarantine is of interest."""
        if event.kind == "alarm":
            say(uplink_alarm=event.data["code"])

    def _left(self) -> int:
        """How many runs are to be made still."""
        return 0 if (Path(self._told.home) / ENOUGH).exists() else self._told.quota - self._begun

    async def _run(self) -> None:
        draft = make_draft()
        dut = DutInfo(draft.dut.product, draft.dut.maker, draft.dut.model, f"SN-{self._rng.randrange(10_000)}")
        stamp = self._clock.read_stamp()
        draft = replace(
            draft, station=self._told.name, dut=dut, planned=PLAN[:1], started_at=stamp.ts, clock=stamp.clock
        )
        started = [self._messages.event("run_started", run_id=draft.run_id)] if self._rng.random() < 0.2 else []
        try:
            run_no = await self._store.begin_run(draft, started)
        except StoreError as error:
            say(store_error=str(error))
            await asyncio.sleep(_RETRY_S)
            return
        self._begun += 1
        step = replace(make_step(PLAN[0].id, value=self._rng.uniform(1.0, 2.0)), curves=self._curves())
        try:
            if self._rng.random() < 0.3:  # a commit each: the rest is made faster
                await self._store.add_step(draft.run_id, 0, step)
        except StoreError as error:
            say(store_error=str(error))
        await self._finish(make_record(draft, run_no, (step,)))

    def _curves(self) -> tuple[Curve, ...]:
        """Now and then a large one: a message of tens of kilobytes is cut in the middle more easily."""
        if self._rng.random() > 0.02:
            return ()
        points = tuple(float(point) for point in range(self._rng.randint(100, 3000)))
        levels = tuple(self._rng.uniform(-3.0, 0.0) for _ in points)
        return (Curve("response", "frequency", "Hz", "level", "dB", points, levels, "left"),)

    async def _finish(self, record: Record) -> None:
        """Until it is committed: a run that could not be written down is not finished."""
        result = self._messages.result(record)
        events = [self._messages.event("run_ended", run_id=record.run_id)] if self._rng.random() < 0.4 else []
        while True:
            try:
                await self._store.finish_run(record, [result, *events])
                break
            except StoreError as error:
                say(store_error=str(error))
                await asyncio.sleep(_RETRY_S)
                if record.run_id not in {run.draft.run_id for run in await self._store.unfinished()}:
                    say(committed_in_spite_of=str(error))
                    break
        text = self._codec.record_to_json(record)
        say(run=record.run_id, sha256=hashlib.sha256(text.encode()).hexdigest())

    async def _raise_alarm(self) -> None:
        cause = f"torture {self._rng.getrandbits(64):016x}"
        try:
            await self._store.post([self._messages.alarm("torture", cause)])
        except StoreError as error:
            say(store_error=str(error))
        else:
            say(alarm=cause)


async def live(told: Told) -> int:
    """One life of a station."""
    rng = random.Random(told.seed)
    clock = JumpingClock(rng)
    try:
        store = await Store.open(told.store, RecordCodec(), told.name, clock.read_utc)
    except StoreError as error:
        print(error, file=sys.stderr)
        return STORE_CANNOT_OPEN
    messages = Messages(told.name, clock.read_stamp)
    station = Tortured(told, store, messages, clock, rng)
    uplink = Uplink(
        store, messages, told.broker, load_public_keys(Path(told.keys)), station.hear,
        limits=WindowLimits(receipt_timeout_s=told.receipt_timeout_s), backoff=Backoff(0.05, told.backoff_cap_s),
    )  # fmt: skip
    if os.getpid() % 2:  # every other life takes one receipt for many messages
        uplink.retain("info", Info(software="tortured", capabilities=(TAKES_ALSO,)))
    else:
        uplink.retain("info", Info(software="tortured"))
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    serving = asyncio.create_task(uplink.run())
    say(up=store.store_epoch)
    doing = [asyncio.create_task(station.make()), asyncio.create_task(station.requeue())]
    ended = asyncio.create_task(ending.wait())
    await asyncio.wait([serving, ended, *doing], return_when=asyncio.FIRST_COMPLETED)
    for task in doing:
        task.cancel()
    results = await asyncio.gather(*doing, return_exceptions=True)
    await uplink.close()
    await serving
    await store.close()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return 0


def main() -> int:
    """One life."""
    die_with_parent()
    told = Told(**json.loads(sys.argv[1]))
    sabotage_station(told.sabotage)
    with hold_store(told.store):
        return asyncio.run(live(told))


if __name__ == "__main__":
    sys.exit(main())
