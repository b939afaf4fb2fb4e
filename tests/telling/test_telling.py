"""What is retained: what is latched now, who this is, and the truth from the first word after a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.catalog import CATALOG
from station.contract.bodies import AlarmActive, Body, Info, Telemetry
from station.contract.commands import VERBS
from station.contract.messages import encode_body
from station.domain.interlock import Trip
from station.domain.record import Instrument
from station.safety.causes import guard_trip, station_trip
from station.safety.readings import ReadingTable
from station.settings.loading import load
from station.steps.catalog import STEPS
from station.telling.info import info_of
from station.telling.latched import MOST
from station.telling.telling import INFO_S, Telling
from tests.safety import rig as safety
from tests.telling.test_progress import begun, session, step
from tests.uplink.rig import STATION, read_stamp

BOOT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
CONFIG = Path(__file__).resolve().parents[2] / "config"


class Wire:
    """The uplink's two methods: `said` in order, the same retained body once."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Body]] = []
        self.retained: dict[str, Body] = {}

    def retain(self, name: str, body: Body) -> None:
        if self.retained.get(name) != body:
            self.retained[name] = body
            self.said.append((name, body))

    def telemetry(self, body: Telemetry) -> None:
        self.said.append(("telemetry", body))

    def of(self, name: str) -> list[Any]:
        return [body for said, body in self.said if said == name]


class Bench:
    """A telling on a kernel that a test writes itself."""

    def __init__(self) -> None:
        self.wire, self.table = Wire(), ReadingTable()
        self.kernel = SimpleNamespace(trips=(), service_latch=None)
        self.now_s = 1000.0
        self.info = Info(software="1")
        self.telling = Telling(
            self.wire, self.kernel, self.table.snapshot, lambda: self.info,
            lambda: BOOT + timedelta(seconds=self.now_s), lambda: self.now_s, 1.0,
        )  # fmt: skip

    def codes(self) -> list[list[str]]:
        return [[alarm.code for alarm in body.alarms] for body in self.wire.of("alarm_active")]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def tripped(code: str) -> dict[str, Any]:
    return dict(session("tripped", trip={"code": code, "text": {"zh": "断电", "en": "power came back"}}).data)


def test_a_snapshot_goes_out_at_every_change_and_never_between(bench: Bench) -> None:
    bench.telling.begin(session("waiting").data)
    for trips in ((), (guard_trip("LID", 990.0),), (guard_trip("LID", 990.0), station_trip("scan", "LATE", 999.0)), ()):
        bench.kernel.trips = trips
        for _ in range(20):
            bench.telling.look()
            bench.now_s += 0.05
    assert bench.codes() == [[], ["G04"], ["G04", "K01"], []]
    first, second = bench.wire.of("alarm_active")[2].alarms
    assert first.cause == "guard, LID; by a person's act" and second.cause == "scan, LATE; blames the station"
    assert first.at == "2026-11-22T04:16:30.000Z", "when it tripped, not when it was told"
    assert first == bench.wire.of("alarm_active")[1].alarms[0], "a second trip changes nothing about the first"


def test_the_run_of_a_trip_is_kept_after_the_run(bench: Bench) -> None:
    for event in (*begun(), step("power")):
        bench.telling.follow(event)
    bench.kernel.trips = (guard_trip("ESTOP", 999.0),)
    bench.telling.look()
    bench.telling.follow(session("tripped", trip={"code": "G02", "text": {}}))
    bench.kernel.trips = (*bench.kernel.trips, guard_trip("LID", 1000.0))
    bench.telling.look()
    assert [(alarm.code, alarm.run_id) for alarm in bench.wire.of("alarm_active")[-1].alarms] == [
        ("G02", "r1"),
        ("G04", None),
    ]


def test_a_restart_begins_with_the_truth_and_an_empty_list_says_that_nothing_is(bench: Bench) -> None:
    bench.telling.begin(session("waiting").data)
    assert [name for name, _ in bench.wire.said] == ["progress", "alarm_active", "info"]
    assert bench.wire.retained["alarm_active"] == AlarmActive()
    again = Bench()
    again.kernel.service_latch = "WELD: the contactor's feedback stayed closed with K off"
    again.telling.begin(tripped("POWER"))
    assert again.codes() == [["POWER", "SERVICE"]]
    again.telling.follow(session("waiting"))
    again.telling.look()
    assert again.codes()[-1] == ["SERVICE"], "RESET clears what a RESET clears"


def test_the_sessions_own_trip_is_not_told_beside_the_kernels(bench: Bench) -> None:
    bench.kernel.trips = (guard_trip("BOOT", 999.0),)
    bench.telling.begin(tripped("G01"))
    assert bench.codes() == [["G01"]]


def test_a_snapshot_is_bounded(bench: Bench) -> None:
    bench.kernel.trips = tuple(
        Trip("x" * 500, f"{n}" * 500, None, None, "station", 1.0 * n, None, "c" * 200) for n in range(200)
    )
    bench.telling.begin(session("tripped").data)
    (body,) = bench.wire.of("alarm_active")
    assert len(body.alarms) == MOST
    assert len(encode_body(body, "alarm_active", f"{STATION}:00000000:p1", STATION, read_stamp())) < 256 * 1024


def told_by(rig: safety.Rig) -> tuple[Wire, Telling]:
    """What is told of the rig's kernel from here on, and by whom."""
    wire = Wire()
    telling = Telling(
        wire, rig.kernel, rig.kernel.table.snapshot, lambda: Info(software="1"),
        lambda: BOOT + timedelta(seconds=safety.now()), safety.now, 1.0,
    )  # fmt: skip
    telling.begin(session("waiting").data)
    rig.kernel.each_turn(telling.soon)
    return wire, telling


def test_with_the_real_kernel_a_trip_is_told_and_a_reset_leaves_the_list_empty() -> None:
    async def scene(rig: safety.Rig) -> None:
        wire, _ = told_by(rig)
        rig.guard.estop = False
        await rig.tripped()
        await rig.settle(0.3)
        rig.guard.estop = True
        await rig.settle(1.0)
        assert await rig.kernel.reset() == ()
        await rig.settle(0.2)
        codes = [[alarm.code for alarm in body.alarms] for body in wire.of("alarm_active")]
        assert codes[0] == [] and ["G02"] in codes and codes[-1] == []

    safety.play(scene)


def test_telemetry_of_the_real_table_goes_out_while_a_run_is_on_and_then_no_more() -> None:
    async def scene(rig: safety.Rig) -> None:
        wire, telling = told_by(rig)
        await asyncio.sleep(10.0)
        assert wire.of("telemetry") == []
        for event in (*begun(), step("power")):
            telling.follow(event)
        rig.sensors["fan"].dead = True
        await asyncio.sleep(20.0)
        during = wire.of("telemetry")
        telling.follow(session("PASS", run_id="r1"))
        await asyncio.sleep(10.0)
        assert len(during) in (9, 10) and len(wire.of("telemetry")) - len(during) <= 1
        assert {(body.run_id, body.step) for body in during} == {("r1", "power")}
        assert all(body.readings["temperature.heatsink_degc"].mean == 40.0 for body in during)
        assert not any("fan.rpm" in body.readings for body in during[1:])

    safety.play(scene)


def test_info_is_looked_at_now_and_then_and_sent_when_it_is_another(bench: Bench) -> None:
    bench.telling.begin(session("waiting").data)
    for _ in range(40):
        bench.telling.look()
        bench.now_s += INFO_S / 4
    assert len(bench.wire.of("info")) == 1
    bench.info = Info(software="1", last_apply_error="station.toml:3: …")
    bench.now_s += INFO_S
    bench.telling.look()
    assert [body.last_apply_error for body in bench.wire.of("info")] == [None, "station.toml:3: …"]


def test_info_says_what_the_shipped_bench_can_do() -> None:
    tree = load(CONFIG, STEPS, CATALOG)
    meter = Instrument("mains", "pzem-016", "PZEM-016", "123", "2027-01-01")
    info = info_of(
        tree, (meter,), revision="r7", last_apply_error="e" * 5000, certificate_expires_at="2027-11-22T00:00:00Z"
    )
    assert {"plan:outgoing-amplifier:outgoing:audio-amplifier", "product:example-a-100"} <= set(info.capabilities)
    assert {f"verb:{verb}" for verb in VERBS} <= set(info.capabilities)
    assert ("simulated" in info.capabilities) == tree.station.simulated
    assert ("printer" in info.capabilities) == (tree.station.printer is not None)
    assert info.config_sha256 == tree.sha256 and info.config_revision == "r7"
    assert info.instruments == (meter,) and info.certificate_expires_at == "2027-11-22T00:00:00Z"
    assert info.last_apply_error is not None and len(info.last_apply_error) == 1000
    other = replace(tree, station=replace(tree.station, simulated=not tree.station.simulated))
    assert ("simulated" in info_of(other, ()).capabilities) != ("simulated" in info.capabilities)
