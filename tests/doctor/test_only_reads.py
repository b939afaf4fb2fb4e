"""Doctor reads: whatever devices answer, nothing that it says to them writes a register or energises."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from gpiozero.pins.mock import MockFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.gpio.panel import GpioPanel
from drivers.scpi.settings import MeterQuantity, MeterSettings, Setup
from drivers.settings import GpioPanelSettings
from drivers.sim.multimeter import TextbookMeterTwin
from drivers.uart.guard_frame import decode, encode
from station.cli.doctor_listen import listen
from station.cli.main import _verb
from station.doctor.around import look_around
from station.doctor.finding import Finding, as_document, from_document
from station.domain.errors import SettingsError
from station.domain.record import ClockStamp
from station.settings.tree import DeviceSettings
from station.store.lock import hold_if_there, hold_store
from tests.doctor.rig import MISSING, examined, settings_with
from tests.doctor.test_causes import framed, only, registers
from tests.drivers.double_world import DoubleWorld
from tests.drivers.fake_line import FakeLine, Reply, rtu_length

READS = {1, 2, 3, 4}
SAID = re.compile(rb"(\*IDN\?|\*CLS|:?SYST:ERR\?|:HEAD(ER)? OFF|FUNC:TEST OFF|\*RMTOFF|[^ ]*\?)[\r\n]+")
"""What an instrument may hear: questions, clearing of old errors, and what ends a test."""
STATUS = "S state=SAFE k=0 h=0 lock=0 fb=0 estop=1 lid=1 thermo=1 cause=- also=- hb_age=-1 on_left=0 bad=0 up=5000"


def guard(line: bytes) -> Reply:
    body = decode(line.rstrip(b"\n"))
    assert body is not None
    session, seq, verb = body.split()[:3]
    more = " guard/1 fw=1.0.0 boot=0badcafe nonce=12345678 hb=300 max_on=9000 bleed=10" if verb == "HELLO" else ""
    return [(0.0, encode_long(f"{session} {seq} OK {verb}{more}")), (0.0, encode_long(STATUS))]


def encode_long(body: str) -> bytes:
    """A frame of the guard's, which may be longer than the host's."""
    from drivers.uart.guard_frame import crc16

    return b"%s*%04X\n" % (body.encode(), crc16(body.encode())) if len(body) > 120 else encode(body)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=12), line=st.binary(max_size=30), silent=st.sets(st.sampled_from([1, 2, 3, 11, 12])))
def test_whatever_is_answered_nothing_is_written(tmp_path: Path, noise: bytes, line: bytes, silent: set[int]) -> None:
    def bus(request: bytes) -> Reply:
        if request[0] in silent:
            return []
        return [(0.0, noise if noise and request[0] % 3 == 0 else registers(request))]

    with (
        FakeLine(bus, rtu_length) as a, FakeLine(bus, rtu_length) as b, FakeLine(guard, 0) as arms,
        FakeLine(lambda asked: [(0.0, line + b"\n")], 0) as tester, FakeLine(lambda asked: [(0.0, line)], 0) as touch,
    ):  # fmt: skip
        ports = settings_with(
            tmp_path, a=a.path, b=b.path, guard=arms.path, tester=tester.path, touch=touch.path
        )  # fmt: skip
        found = asyncio.run(examined(ports))
        heard = a.requests + b.requests
        assert found["guard"].answers and heard
        assert {request[1] for request in heard} <= READS
        verbs = {decode(one.rstrip(b"\n")).split()[2] for one in arms.requests}  # type: ignore[union-attr]
        assert verbs <= {"HELLO", "OFF"}, verbs
        assert all(SAID.fullmatch(one) for one in tester.requests + touch.requests), tester.requests + touch.requests


async def test_a_meter_that_a_reading_would_set_up_is_asked_who_it_is_and_no_more(tmp_path: Path) -> None:
    class Listening(TextbookMeterTwin):
        heard: list[bytes]

        def _hear(self, data: bytes) -> None:
            self.heard.append(data)
            super()._hear(data)

    twin = Listening(DoubleWorld(1.0), 1)
    twin.heard = []
    meter = MeterSettings(
        {"volts_v": MeterQuantity("READ?")}, port=await twin.start(), identity="DMM6",
        setup=(Setup("SYST:REM"), Setup("CONF:VOLT:DC 10", "FUNC?", '"VOLT"')),
    )  # fmt: skip
    shipped = settings_with(tmp_path)
    bench = replace(shipped, devices={**shipped.devices, "spare": DeviceSettings("scpi-meter", meter, 1.0)})
    try:
        found = (await examined(bench, ("spare",)))["spare"]
    finally:
        await twin.close()
    said = b"".join(twin.heard)
    assert found.answers and found.identity.model and "not read" in found.answer
    assert b"*IDN?" in said and all(SAID.fullmatch(one + b"\n") for one in said.split()), said


async def test_who_only_reads_the_buttons_leaves_lamps_and_buzzer_as_they_are() -> None:
    """The violet that `leave_safe` left behind outlives `station doctor`."""
    pins, lamps, buzzer = MockFactory(), {"violet": 24, "blue": 17}, 25
    for number in (*lamps.values(), buzzer):
        pins.pin(number).function = "output"
        pins.pin(number).state = True
    panel = GpioPanel(GpioPanelSettings({"start": 5, "stop": 6}, lamps, buzzer), pin_factory=pins)
    await panel.ensure_ready()
    assert await panel.read_buttons() == frozenset()
    await panel.close()
    assert all(pins.pin(number).function == "output" and pins.pin(number).state for number in (*lamps.values(), buzzer))


def test_beside_a_daemon_whose_socket_is_gone_no_port_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store" / "station.sqlite"
    bench = replace(settings_with(tmp_path), store_path=str(store), control_socket=str(tmp_path / "gone"))
    monkeypatch.setattr("station.cli.doctor._tree_of", lambda config: SimpleNamespace(station=bench, products={}))
    asked: list[object] = []
    monkeypatch.setattr("station.cli.doctor._examine", lambda settings: asked.append(settings) or ())
    with hold_store(store):
        for more in ([], ["--listen", "a"], ["--socket", str(tmp_path / "other")]):
            assert _verb(["doctor", *more]) == 2
            assert "a daemon runs (process " in (said := capsys.readouterr().err) and "stop it" in said
    assert not asked
    assert _verb(["doctor", "--json"]) == 0 and asked


def test_looking_makes_no_file_and_keeps_a_daemon_out_meanwhile(tmp_path: Path) -> None:
    store = tmp_path / "new" / "station.sqlite"
    with hold_if_there(store):
        assert not store.parent.exists(), "a lock file of root's would keep the daemon out for good"
    with hold_store(store):
        pass
    with hold_if_there(store), pytest.raises(SettingsError, match="uses it"), hold_store(store):
        pass


async def test_a_finding_travels_whole(tmp_path: Path) -> None:
    for one in (await examined(settings_with(tmp_path))).values():
        assert from_document(json.loads(json.dumps(as_document(one)))) == one
        assert isinstance(one, Finding)


def test_listening_finds_what_is_configured_what_is_silent_and_a_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("station.cli.doctor_listen.PROBE_S", 0.002)
    monkeypatch.setattr("station.cli.doctor_listen.ADDRESSES", range(10, 24))

    def answer(request: bytes) -> bytes:
        meter = [2301, 0, 0, 0, 0, 0, 0, 500, 0, 0]
        count = int.from_bytes(request[4:6], "big")
        if request[0] == 21 and request[1] == 4 and count == 10:
            return framed(bytes((21, 4, 20)) + b"".join(word.to_bytes(2, "big") for word in meter))
        return registers(request)

    with FakeLine(only({11, 12, 21}, answer), rtu_length) as line:
        status = listen("b", settings_with(tmp_path, b=line.path), as_json=True)
        assert {request[1] for request in line.requests} <= READS
    told = json.loads(capsys.readouterr().out)
    by_address = {one["address"]: one for one in told["devices"]}
    assert status == 1 and by_address[11]["role"] == "inrush" and by_address[11]["answers"]
    assert not by_address[13]["answers"], "configured and silent"
    assert by_address[21]["role"] == "" and by_address[21]["kind"] == "perhaps pzem-016"


def test_what_is_around_the_bench_is_told_with_remedies(tmp_path: Path) -> None:
    points = {
        one.name: one
        for one in look_around(settings_with(tmp_path), tmp_path, lambda: ClockStamp("unsynced", None, "boot"))
    }
    assert set(points) == {"broker", "disk", "clock"}
    assert not points["clock"].good and "timedatectl" in points["clock"].remedy


def test_wrong_use_is_one_line_and_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _verb(["doctor", "--config", str(tmp_path)]) == 2
    assert _verb(["doctor", "--config", "config", "--listen", "z"]) == 2
    assert "there are a, b" in capsys.readouterr().err.splitlines()[-1]
    assert _verb(["doctor", "--config", "config", "--listen", "a"]) == 2, MISSING
    assert "station doctor" in capsys.readouterr().err
