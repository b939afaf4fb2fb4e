"""Random histories of several devices, reads and writes, on a line on which everything goes wrong: no wrong value.

The bus, its queue, its thread and its checks are real; the serial port and the clock under it are virtual, so that a
history of seconds takes milliseconds. A smaller share runs on a real pty in real time. The same histories find a bus
that lacks any one of its checks. By hand: `pytest -m byhand -n 0` on this file plays 100,000.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from drivers.errors import DeviceTimeout, ProtocolError
from drivers.modbus import frame
from drivers.modbus.bus import Modbus, ModbusBus
from drivers.modbus.doubt import Doubt
from drivers.modbus.rtu import Port, RtuLine
from drivers.modbus.transactions import _Job
from tests.drivers.fake_line import FakeLine, rtu_length
from tests.drivers.modbus_plant import LATE_S, LONG_S, UNPLUG, Answer, sealed
from tests.drivers.modbus_player import OurClient, Player
from tests.drivers.twin_bus import Allowed
from tests.drivers.virtual_line import VirtualLine

BAUD = 115200
STEPS = st.lists(st.integers(0, 2**48 - 1), min_size=3, max_size=8)
HISTORIES = settings(
    max_examples=3000, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
MakeLine = Callable[[VirtualLine], RtuLine]


def virtual(line: VirtualLine, kind: type[RtuLine] = RtuLine) -> RtuLine:
    return kind("virtual", BAUD, LONG_S, LATE_S, clock=line.clock, open_port=line.open)


def play(numbers: list[int], runner: asyncio.Runner, make: MakeLine = virtual) -> Player:
    player = Player(numbers)
    line = VirtualLine(player.answer, 10 / BAUD)

    async def go() -> None:
        bus = Modbus(make(line))
        try:
            await player.play(OurClient(bus, player), line.idle, line.say)
        finally:
            await bus.close()
        player.check_owed()

    runner.run(go())
    return player


def test_in_3000_random_histories_no_wrong_value_is_ever_returned() -> None:
    seen = {"answers": 0, "calls": 0}
    with asyncio.Runner() as runner:

        @HISTORIES
        @given(numbers=STEPS)
        def one(numbers: list[int]) -> None:
            player = play(numbers, runner)
            seen["answers"] += player.answers
            seen["calls"] += len(player.steps)
            assert player.wrong == []

        one()
    assert seen["answers"] > 0.4 * seen["calls"], f"a bus that answers nothing is never wrong: {seen}"


@pytest.mark.byhand
@pytest.mark.timeout(7200)
def test_in_100_000_random_histories_no_wrong_value_is_ever_returned(capsys: pytest.CaptureFixture[str]) -> None:
    seen = {"histories": 0, "calls": 0, "answers": 0, "wrong": 0}
    begin = time.process_time()
    with asyncio.Runner() as runner:

        @settings(HISTORIES, max_examples=100_000, derandomize=False, phases=[Phase.generate])
        @given(numbers=STEPS)
        def one(numbers: list[int]) -> None:
            player = play(numbers, runner)
            for key, more in (("histories", 1), ("calls", len(player.steps)), ("answers", player.answers)):
                seen[key] += more
            seen["wrong"] += len(player.wrong)
            assert player.wrong == []

        one()
    with capsys.disabled():
        print(f"\n{seen}, {time.process_time() - begin:.0f} s of processor time")
    assert seen["histories"] >= 90_000


@settings(HISTORIES, max_examples=25)
@given(numbers=STEPS)
def test_on_a_real_pty_in_real_time_no_wrong_value_is_returned_either(numbers: list[int]) -> None:
    player = Player(numbers)

    async def go() -> None:
        with FakeLine(
            lambda request: (part for part in player.answer(request) if part[1] != UNPLUG), rtu_length
        ) as line:
            bus = ModbusBus(line.path, BAUD, LONG_S, LATE_S)
            await player.play(OurClient(bus, player), time.sleep, lambda data, after_s: line.say(data))
            await bus.close()

    asyncio.run(go())
    assert player.wrong == []


# ---- the same histories find a bus that lacks one check ----------------------------------------------------------


class NoFlush(RtuLine):
    def _listen_until_quiet(self, port: Port, urgent: Callable[[], bool]) -> None:
        assert isinstance(port, VirtualLine)
        port.idle(max(0.0, max(self._quiet_from, self._trusted_from) - self._clock()))


class NoQuarantine(RtuLine):
    def _distrust(self) -> None:
        self._trusted_from = self._clock() + self._silence_s


class EarlyQuarantine(RtuLine):
    """Counts the quarantine from the failure, which noise may bring long before the deadline."""

    def _distrust(self) -> None:
        self._trusted_from = self._clock() + self._quarantine_s


@pytest.mark.parametrize(("kind", "read"), [(RtuLine, 2), (EarlyQuarantine, 1)])
async def test_a_quarantine_begins_at_the_deadline_also_after_noise_long_before_it(
    kind: type[RtuLine], read: int
) -> None:
    asked = 0

    def answer(request: bytes) -> Answer:
        nonlocal asked
        asked += 1
        reply = sealed(bytes((3, 4, 2, 0, asked)))
        if asked == 1:
            yield 0.0, b"\xc9"
            yield LATE_S + 0.01, reply
        else:
            yield 0.015, reply

    line = VirtualLine(answer, 10 / BAUD)
    bus = Modbus(virtual(line, kind))
    with pytest.raises(ProtocolError, match="unit 201 answers for unit 3"):
        await bus.read_input(3, 0, 1)
    assert await bus.read_input(3, 0, 1) == (read,)
    await bus.close()


async def test_the_late_echo_of_other_coils_proves_no_release_and_that_of_the_same_coil_does() -> None:
    asked = 0

    def answer(request: bytes) -> Answer:
        nonlocal asked
        asked += 1
        if asked % 2:  # too late, and the next one is not heard at all
            yield LONG_S + 0.01, sealed(request[:6])

    line = VirtualLine(answer, 10 / BAUD)
    bus = Modbus(virtual(line))
    with pytest.raises(DeviceTimeout):
        await bus.write_coils(3, 0, [True] * 8, Allowed())
    with pytest.raises(ProtocolError, match="it was sent, and is not proven"):
        await bus.write_coils(3, 0, [False] * 8, None)
    assert len(line.sent) == 2
    line.idle(2 * LATE_S)
    with pytest.raises(DeviceTimeout):
        await bus.write_coil(3, 4, False, None)
    begin = line.now
    await bus.write_coil(3, 4, False, None)
    assert line.now - begin < LATE_S
    await bus.close()


COIL, ON, OFF = frame.write_coil(3, 0, False), frame.write_coils(3, 0, [True] * 8), frame.write_coils(3, 0, [False] * 8)
OTHER = frame.write_register(3, 0, 7)


@pytest.mark.parametrize(
    ("before", "request_now", "late", "unproven"),
    [
        ([], OFF, False, False),
        ([frame.read_registers(4, 3, 0, 8), OTHER], OFF, False, False),
        ([frame.write_coils(7, 0, [True] * 8)], OFF, False, False),
        ([OFF], OFF, True, False),
        ([ON], OFF, True, True),
        ([COIL, OTHER], COIL, True, True),
        ([OTHER, COIL], COIL, True, False),
    ],
)
def test_a_release_is_proven_by_its_own_echo_only(
    before: list[frame.Request], request_now: frame.Request, late: bool, unproven: bool
) -> None:
    doubt = Doubt()
    for one in before:
        doubt.note(one)
    assert (doubt.is_late_possible(request_now), doubt.leaves_unproven(request_now)) == (late, unproven)
    doubt.settle()
    assert not doubt.is_late_possible(request_now)


class Found(Exception):
    pass


CHECKS = ("check_unit", "check_function", "check_head", "check_length", "check_crc")


@pytest.mark.parametrize("missing", [*CHECKS, "flush", "quarantine", "cancelled off"])
def test_a_bus_without_one_of_its_checks_is_found(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = {"flush": NoFlush, "quarantine": NoQuarantine}.get(missing, RtuLine)
    if missing in CHECKS:
        monkeypatch.setattr(frame, missing, lambda *args: None)
    if missing == "cancelled off":
        monkeypatch.setattr(_Job, "dropped", property(lambda job: job.future.cancelled()))
    played = 0
    with asyncio.Runner() as runner:

        @settings(HISTORIES, phases=[Phase.generate])
        @given(numbers=STEPS)
        def one(numbers: list[int]) -> None:
            nonlocal played
            played += 1
            if wrong := play(numbers, runner, lambda line: virtual(line, kind)).wrong:
                raise Found(wrong)

        with pytest.raises(Found):
            one()
    assert played <= 3000
