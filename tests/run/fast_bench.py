"""A whole incoming run on one simulated DUT in a few seconds: real plan, runner, steps, analysis and plant, no wires.

What stands between them on a bench (kernel, guard, buses, processes) is played here in virtual time: relays and
contactor move the plant, meters are the twins' own instruments, and an interlock of config/interlocks.toml that is
broken trips the run. `tests/scenarios` proves the same on the real thing for some DUTs.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from drivers.catalog import CATALOG
from drivers.ports import Accuracy, BondSetup, InsulationSetup, TesterReading, TouchReading
from drivers.sim.device import DutFile
from drivers.sim.gpt9800 import TESTER
from drivers.sim.instrument import Instrument
from drivers.sim.modbus_devices import (
    BiasTwin,
    DcMeterTwin,
    FeedTwin,
    HandProbeTwin,
    LoadBankTwin,
    MainsTwin,
    ProbeTwin,
    RegisterTwin,
    ThermocoupleTwin,
)
from drivers.sim.plant import Plant
from drivers.sim.st5540 import METER
from station.assembly import make_devices
from station.cli.demo import OTHER_BADGE
from station.cli.demo_hand import Hands
from station.domain.interlock import Interlock, Trip
from station.domain.journal import RunDraft
from station.domain.measurement import Channel
from station.domain.outbox import Draft
from station.domain.plates import AmplifierPlate
from station.domain.prompt import Answer, Prompt
from station.domain.record import PlanInfo, Record, StepRecord
from station.run.diagnosis import diagnose
from station.run.run_ports import Order
from station.run.runner import Runner
from station.safety.bench import Bench
from station.safety.errors import TerminalsLive
from station.safety.rules import AUDIO, LOADS
from station.settings.loading import load
from station.settings.tree import Tree
from station.steps.catalog import STEPS
from tests.run.fast_sound import FastSound
from tests.uplink.rig import make_draft

CONFIG = Path(__file__).resolve().parents[2] / "config"
SEED = 7
"""The demo's: so its instruments err alike."""
READ_S = 0.03
OFF_PAUSE_S = 10.0


class _Wall:
    """Virtual wall time, which test time is too. The speed only says how long a stretch of a soak may be: 12 s."""

    speed = 240.0

    def __init__(self) -> None:
        self.at_s = 0.0

    def now_s(self) -> float:
        return self.at_s

    def spent(self, seconds: float) -> None:
        self.at_s += seconds

    async def sleep(self, seconds: float) -> None:
        self.at_s += seconds
        await asyncio.sleep(0)


class _Watch:
    """The kernel's trips as the runner sees them."""

    def __init__(self) -> None:
        self.trips: list[Trip] = []
        self._set = asyncio.Event()

    async def wait_tripped(self) -> None:
        await self._set.wait()

    async def trip(self, rule: Interlock, value: float, at_s: float) -> None:
        """Latch it; whoever read the value gets no further."""
        limit = rule.high if rule.high is not None and value > rule.high else rule.low
        self.trips.append(Trip(rule.name, "VALUE", value, limit, rule.blames, at_s, rule.measurement, rule.code))
        self._set.set()
        await asyncio.Event().wait()


class _Meters:
    """The twins' instruments, read without their wires; every reading passes the interlocks."""

    def __init__(self, plant: Plant, wall: _Wall, watch: _Watch, interlocks: Sequence[Interlock]) -> None:
        self._plant, self._wall, self._watch, self._interlocks = plant, wall, watch, interlocks
        self.drives = False

        def twin(kind: type[RegisterTwin], bus: int, address: int) -> RegisterTwin:
            return kind(plant, f"{SEED + bus} {address} {kind.__name__}")

        self._twins = {
            "mains": (twin(MainsTwin, 0, 2), 4, self._mains),
            "temperature": (twin(ThermocoupleTwin, 0, 3), 3, self._temperature),
            "inrush": (twin(ProbeTwin, 1, 11), 4, lambda words: {"peak_a": words[0] / 100.0}),
            "dc": (twin(DcMeterTwin, 1, 12), 4, partial(
                _floats, names=("left_plus_v", "left_minus_v", "right_plus_v", "right_minus_v"))),
            "loadbank": (twin(LoadBankTwin, 1, 15), 4, partial(_floats, names=("left_ohm", "right_ohm"))),
            "probe": (twin(HandProbeTwin, 1, 16), 4, partial(_floats, names=("volts_v",))),
            "feed": (twin(FeedTwin, 1, 18), 4, partial(_floats, names=("main_v", "main_a", "battery_v", "battery_a"))),
            "bias": (twin(BiasTwin, 1, 17), 4, partial(_floats, names=("left_mv", "right_mv"))),
        }  # fmt: skip

    async def fresh(self, role: str) -> Mapping[str, float]:
        self._wall.at_s += READ_S
        await asyncio.sleep(0)
        twin, function, decode = self._twins[role]
        readings: dict[str, float] = decode(twin.read(function))
        for rule in self._interlocks:
            at, _, quantity = rule.reading.partition(".")
            when = {"energised": self._plant.contactor_closed(), "drive": self.drives}.get(rule.when, False)
            if at != role or not when or rule.reaction != "trip":
                continue
            value = readings[quantity]
            if (rule.high is not None and value > rule.high) or (rule.low is not None and value < rule.low):
                self._plant.set_contactor(False)
                await self._watch.trip(rule, value, self._wall.at_s)
        return readings

    def latest(self, name: str) -> float:
        raise NotImplementedError(name)

    def accuracy(self, name: str) -> Accuracy:
        role, _, quantity = name.partition(".")
        return accuracies()[role][quantity]

    async def arm_probe(self) -> None:
        self._plant.arm_peak()

    @staticmethod
    def _mains(words: Sequence[int]) -> dict[str, float]:
        return {
            "voltage_v": words[0] / 10.0, "current_a": (words[1] + 65536 * words[2]) / 1000.0,
            "power_w": (words[3] + 65536 * words[4]) / 10.0, "frequency_hz": words[7] / 10.0,
        }  # fmt: skip

    @staticmethod
    def _temperature(words: Sequence[int]) -> dict[str, float]:
        names = ("heatsink_degc", "ambient_degc", "loadbank_degc")
        return {name: word * 1370.0 / 65535.0 for name, word in zip(names, words, strict=False)}


def _floats(words: Sequence[int], names: Sequence[str]) -> dict[str, float]:
    count = 2 * len(names)
    values = struct.unpack(f">{len(names)}f", struct.pack(f">{count}H", *words[:count]))
    return dict(zip(names, values, strict=True))


class _Ports:
    """Mains, tester, touch-current meter, routing and drive of the bench, straight onto the plant."""

    accuracy: Mapping[str, Accuracy]

    def __init__(self, plant: Plant, wall: _Wall, meters: _Meters) -> None:
        self._plant, self._wall, self._meters = plant, wall, meters
        self.accuracy = accuracies()["tester"] | accuracies()["touch"]
        self._insulation = Instrument(f"{SEED} gpt9800 insulation", TESTER)
        self._bond = Instrument(f"{SEED} gpt9800 bond", TESTER)
        self._touch = Instrument(f"{SEED} st5540", METER)

    # mains
    def limit(self, bound_s: float, family: str = "") -> None:
        return

    async def on(self, bound_s: float) -> None:
        self._wall.at_s += OFF_PAUSE_S
        self._plant.set_contactor(True)
        self._wall.at_s += 0.05
        await asyncio.sleep(0)

    async def off(self) -> None:
        await self.release()
        self._plant.set_contactor(False)
        self._wall.at_s += 0.05

    # tester and touch current
    async def measure_insulation(self, setup: InsulationSetup) -> TesterReading:
        self._plant.set_relay("tester", True)
        self._plant.set_tester_enable(True)
        self._plant.set_test_voltage(setup.voltage_v)
        await self._wall.sleep(setup.test_s)
        value = self._insulation.read(self._plant.insulation_mohm())
        self._plant.set_test_voltage(0.0)
        self._plant.set_tester_enable(False)
        self._plant.set_relay("tester", False)
        return TesterReading(value, None, setup.voltage_v, setup.test_s)

    async def measure_bond(self, setup: BondSetup) -> TesterReading:
        self._plant.set_relay("tester", True)
        await self._wall.sleep(setup.test_s)
        value = self._bond.read(self._plant.earth_bond_ohm())
        self._plant.set_relay("tester", False)
        return TesterReading(value, None, setup.current_a, setup.test_s)

    async def measure(self, settle_s: float) -> TouchReading:
        self._plant.set_relay("touch", True)
        await self._wall.sleep(settle_s)
        value = self._touch.read(self._plant.touch_current_ma())
        self._plant.set_relay("touch", False)
        return TouchReading(value, False, False)

    # routing and drive
    async def close(self, *roles: str) -> None:
        for role in roles:
            self._plant.set_relay(role, True)

    async def open(self, *roles: str) -> None:
        for role in roles:
            self._plant.set_relay(role, False)

    async def prepare(self) -> None:
        if all(self._plant.relay(role) for role in AUDIO):
            return
        volts = await self._meters.fresh("dc")
        live = {name: value for name, value in volts.items() if abs(value) > 1.0}
        if live:
            raise TerminalsLive(f"{live} V at the terminals")
        await self.close("fan", *AUDIO)
        self._wall.at_s += 2.0
        self._meters.drives = True

    async def unload(self, source_max_v: float) -> None:
        await self.open(*LOADS)

    async def measure_loads(self) -> Mapping[Channel, tuple[float, float]]:
        await self.open(*LOADS)
        ohms = await self._meters.fresh("loadbank")
        return {"left": (ohms["left_ohm"], 0.01), "right": (ohms["right_ohm"], 0.01)}

    async def release(self) -> None:
        self._meters.drives = False
        await self.open(*AUDIO)


@lru_cache(maxsize=1)
def tree() -> Tree:
    """The shipped configuration."""
    return load(CONFIG, STEPS, CATALOG)


@lru_cache(maxsize=1)
def accuracies() -> Mapping[str, Mapping[str, Accuracy]]:
    """Error bounds by role, from the real drivers; none of them opens its wire."""
    devices = make_devices(tree().station)
    return {poller.role: poller.accuracy for poller in devices.pollers} | {
        "tester": devices.tester.accuracy, "touch": devices.touch.accuracy,
    }  # fmt: skip


class _Kept:
    """Journal, messages and stamps that keep nothing."""

    async def begin_run(self, draft: RunDraft, messages: Sequence[Draft]) -> int:
        return 1

    async def add_step(self, run_id: str, index: int, step: StepRecord) -> None:
        return

    async def finish_run(self, record: Record, messages: Sequence[Draft]) -> None:
        return

    def started(self, draft: RunDraft) -> Sequence[Draft]:
        return ()

    def ended(self, record: Record) -> Sequence[Draft]:
        return ()

    def now(self) -> str:
        return "2026-11-22T03:52:10.123Z"


def run_incoming(dut: DutFile, plan_id: str = "incoming-amplifier") -> Record:
    """The record of an incoming run on this DUT, with its findings."""
    return run_plan(dut, plan_id)


def run_plan(dut: DutFile, plan_id: str, settings: Tree | None = None) -> Record:
    """The record of a run of any plan on this DUT; `settings`: another tree than the shipped one."""
    return asyncio.run(_run(dut, plan_id, settings or tree()))


async def _run(dut: DutFile, plan_id: str, settings: Tree) -> Record:
    product = settings.products[dut.product]
    wall, watch, kept = _Wall(), _Watch(), _Kept()
    load_ohm = product.plate.load_ohm if isinstance(product.plate, AmplifierPlate) else 8.0
    plant = Plant(dut, 1.0, SEED, load_ohm, wall.now_s)
    hands = Hands(wall.now_s, getattr(dut, "wrong", ()))
    rows = [row for row in settings.interlocks if not row.families or product.family in row.families]
    meters = _Meters(plant, wall, watch, rows)
    ports: Any = _Ports(plant, wall, meters)
    sound = FastSound(plant, settings.station.audio.settings, SEED)
    bench = Bench(ports, ports, ports, ports, ports, meters, sound)
    plan = settings.resolve(plan_id, product.id)

    async def ask(prompt: Prompt) -> Answer:
        wall.at_s += 5.0
        for words in hands.prepare(prompt.about):
            assert plant.act(words), f"nobody can do {words!r} to this device"
        return OTHER_BADGE if prompt.kind == "badge" else hands.finds_right(prompt.about)

    runner = Runner(bench, watch, kept, kept, STEPS, wall, kept, lambda event: None, ask)
    draft = replace(make_draft(), purpose=plan.purpose, plan=PlanInfo(plan.id, plan.revision, plan.sha256))
    return await runner.run(Order(plan, product, draft, partial(diagnose, settings.diagnosis)))
