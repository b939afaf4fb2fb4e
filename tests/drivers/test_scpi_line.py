"""One serial line of text: late, half, unsolicited and foreign lines are never taken for an answer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, PermitDenied, PortError, ProtocolError
from drivers.scpi.line import ScpiLine
from drivers.scpi.wire import SerialWire
from tests.drivers.fake_line import FakeLine, Reply

IDENTITY = r"ACME,.*"
VALUE = r"V=(\d+)"
TIMEOUT_S = 0.4


def instrument(answers: dict[str, Callable[[], Reply]]) -> Callable[[bytes], Reply]:
    """An instrument that knows its name, `V?` unless told otherwise, and nothing else."""

    def answer(request: bytes) -> Reply:
        question = request.decode().strip()
        if question in answers:
            return answers[question]()
        return {"*IDN?": [(0.0, b"ACME,1\r\n")], "V?": [(0.0, b"V=1\r\n")]}.get(question, [])

    return answer


@asynccontextmanager
async def line_with(answers: dict[str, Callable[[], Reply]] | None = None) -> AsyncIterator[tuple[ScpiLine, FakeLine]]:
    with FakeLine(instrument(answers or {}), length=0) as fake:
        line = ScpiLine(SerialWire(fake.path, 115200), IDENTITY, timeout_s=TIMEOUT_S, silence_s=0.05)
        try:
            yield line, fake
        finally:
            line.close()


async def heard(fake: FakeLine, request: bytes) -> None:
    for _ in range(1000):
        if request in fake.requests:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{request!r} never came")


def in_turn(*replies: Reply) -> Callable[[], Reply]:
    waiting = iter(replies)
    return lambda: next(waiting)


async def test_a_question_gets_its_answer_after_the_instrument_said_who_it_is() -> None:
    async with line_with() as (line, fake):
        assert (await line.ask("V?", VALUE))[1] == "1"
        assert fake.requests == [b"*IDN?\r\n", b"V?\r\n"]


async def test_a_late_answer_is_never_credited_to_the_next_question() -> None:
    late: Reply = [(0.0, b"V="), (TIMEOUT_S * 1.3, b"666\r\n")]
    async with line_with({"V?": in_turn([(0.0, b"V=1\r\n")], late, [(0.0, b"V=2\r\n")])}) as (line, fake):
        assert (await line.ask("V?", VALUE))[1] == "1"
        with pytest.raises(DeviceTimeout, match=r"no answer to V\? within"):
            await line.ask("V?", VALUE)
        fake.say(b"V=666\r\n")
        assert (await line.ask("V?", VALUE))[1] == "2"
        assert fake.requests[-2:] == [b"*IDN?\r\n", b"V?\r\n"]


async def test_a_cancelled_question_leaves_no_answer_behind() -> None:
    slow: Reply = [(TIMEOUT_S / 2, b"V=666\r\n")]
    async with line_with({"V?": in_turn([(0.0, b"V=1\r\n")], slow, [(0.0, b"V=2\r\n")])}) as (line, _):
        await line.ask("V?", VALUE)
        asking = asyncio.create_task(line.ask("V?", VALUE))
        await asyncio.sleep(TIMEOUT_S / 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (await line.ask("V?", VALUE))[1] == "2"


async def test_unsolicited_lines_before_the_question_are_thrown_away() -> None:
    async with line_with({"V?": in_turn([(0.0, b"V=1\r\n")], [(0.0, b"V=3\r\n")])}) as (line, fake):
        await line.ask("V?", VALUE)
        fake.say(b"V=666\r\nRESULT PASS\r\n")
        await asyncio.sleep(0.02)
        assert (await line.ask("V?", VALUE))[1] == "3"


async def test_an_answer_beside_which_something_came_unasked_is_asked_for_once_more() -> None:
    torn: Reply = [(0.0, b"V=4RESULT PASS\r\n2\r\nV=42\r\n")]
    async with line_with({"V?": in_turn(torn, [(0.0, b"V=42\r\n")])}) as (line, fake):
        assert (await line.ask("V?", VALUE))[1] == "42"
        assert fake.requests.count(b"V?\r\n") == 2


async def test_what_may_be_asked_only_once_is_an_error_beside_something_unasked() -> None:
    async with line_with({"V?": lambda: [(0.0, b"RESULT PASS\r\nV=3\r\n")]}) as (line, fake):
        with pytest.raises(ProtocolError, match="'RESULT PASS' came unasked beside the answer to V"):
            await line.ask("V?", VALUE, again=False)
        assert fake.requests.count(b"V?\r\n") == 1
        with pytest.raises(ProtocolError, match="switch automatic output off"):
            await line.ask("V?", VALUE)


async def test_echoes_and_lines_that_mean_nothing_are_passed_over() -> None:
    with FakeLine(instrument({"GO": lambda: [(0.0, b"OK\r\n")], "V?": lambda: [(0.0, b"V?\r\nV=5\n\r")]}), 0) as fake:
        line = ScpiLine(SerialWire(fake.path, 115200), IDENTITY, timeout_s=TIMEOUT_S, chatter="n?OK")
        await line.tell("GO")
        assert (await line.ask("V?", ".*"))[0] == "V=5"
        assert fake.requests.count(b"V?\r\n") == 1
        line.close()


@pytest.mark.parametrize("noise", [b"V=7\xb0\r\n", b"V=\x007\r\n", b"x" * 600 + b"V=7\r\n", b"y" * 9000 + b"\rV=7\r"])
async def test_noisy_and_overlong_lines_are_never_mended_into_an_answer(noise: bytes) -> None:
    async with line_with({"V?": in_turn([(0.0, noise)], [(0.0, b"V=1\r\n")])}) as (line, _):
        assert (await line.ask("V?", VALUE))[1] == "1"


async def test_half_a_line_is_let_end_before_the_next_question() -> None:
    async with line_with() as (line, fake):
        await line.ask("V?", VALUE)
        fake.say(b"some V")
        await asyncio.sleep(0.02)
        asking = asyncio.create_task(line.ask("V?", VALUE))
        await asyncio.sleep(0.02)
        assert fake.requests.count(b"V?\r\n") == 1
        fake.say(b"=666\r\n")
        assert (await asking)[1] == "1"


async def test_half_a_line_that_never_ends_is_survived() -> None:
    async with line_with() as (line, fake):
        await line.ask("V?", VALUE)
        fake.say(b"V=66")
        await asyncio.sleep(0.02)
        assert (await line.ask("V?", VALUE))[1] == "1"


async def test_an_answer_of_another_shape_is_shown_in_the_error() -> None:
    async with line_with({"V?": lambda: [(0.0, b"ERROR 7\r\n")]}) as (line, _):
        with pytest.raises(ProtocolError, match=r"V\? was answered 'ERROR 7'"):
            await line.ask("V?", VALUE)


async def test_another_instrument_on_the_port_is_an_error() -> None:
    async with line_with({"*IDN?": lambda: [(0.0, b"OTHER,9\r\n")]}) as (line, _):
        with pytest.raises(ProtocolError, match="'OTHER,9'; is it this instrument"):
            await line.ask("V?", VALUE)


async def test_queued_errors_are_read_until_none_is_left() -> None:
    queue = in_turn([(0.0, b'20,"Command Error"\r\n')], [(0.0, b"90,Interlock\r\n")], [(0.0, b"0,No Error\r\n")])
    async with line_with({"SYST:ERR?": queue}) as (line, _):
        with pytest.raises(DeviceRefused, match="setting up: the instrument reports 20 Command Error; 90 Interlock"):
            await line.refuse_errors("setting up")


async def test_errors_without_end_do_not_hang() -> None:
    async with line_with({"SYST:ERR?": lambda: [(0.0, b"20,Again\r\n")]}) as (line, _):
        with pytest.raises(ProtocolError, match="more than 32 queued errors"):
            await line.errors()


async def test_a_command_without_its_permit_puts_no_byte_on_the_wire() -> None:
    class Denied:
        def check(self) -> None:
            raise PermitDenied("tester", "lid open")

    async with line_with() as (line, fake):
        with pytest.raises(PermitDenied):
            await line.tell("GO", Denied())
        await line.ask("V?", VALUE)
        assert b"GO\r\n" not in fake.requests


async def test_a_de_energising_command_does_not_wait_for_a_question() -> None:
    async with line_with({"V?": list}) as (line, fake):
        asking = asyncio.create_task(line.ask("V?", VALUE))
        await heard(fake, b"V?\r\n")
        line.tell_now("STOP")
        await heard(fake, b"STOP\r\n")
        assert fake.requests[-1] == b"STOP\r\n"
        assert not asking.done()
        with pytest.raises(DeviceTimeout):
            await asking


async def test_a_lost_line_is_a_port_error_at_once_and_is_found_again(tmp_path: Path) -> None:
    port = tmp_path / "bench-tester"
    first = FakeLine(instrument({"V?": list}), length=0)
    port.symlink_to(first.path)
    line = ScpiLine(SerialWire(str(port), 115200), IDENTITY, timeout_s=5.0)
    with first:
        asking = asyncio.create_task(line.ask("V?", VALUE))
        await asyncio.to_thread(first.asked.wait, 5.0)
        threading.Timer(0.1, first.hang_up).start()
        with pytest.raises(PortError):
            await asyncio.wait_for(asking, 3.0)
    port.unlink()
    with pytest.raises(PortError, match="check the cable"):
        await line.ask("V?", VALUE)
    with FakeLine(instrument({}), length=0) as second:
        port.symlink_to(second.path)
        assert (await line.ask("V?", VALUE))[1] == "1"
        line.close()
        line.close()


KINDS = ("good", "silent", "late", "half", "chatter", "garbled")


@settings(max_examples=15, deadline=None, derandomize=True)
@given(history=st.lists(st.sampled_from(KINDS), min_size=2, max_size=6))
def test_in_a_random_history_every_answer_belongs_to_the_question_asked_last(history: list[str]) -> None:
    kinds, numbers = iter(history), itertools.count(1)

    def value() -> Reply:
        right = b"V=%d\r\n" % next(numbers)
        return {
            "good": [(0.0, right)],
            "silent": [],
            "late": [(0.06, right)],
            "half": [(0.0, right[:3]), (0.06, right[3:])],
            "chatter": [(0.0, right + b"READY\r\n")],
            "garbled": [(0.0, b"V=\xff\xfe\r\n")],
        }[next(kinds, "good")]

    async def play() -> None:
        with FakeLine(instrument({"V?": value}), length=0) as fake:
            line = ScpiLine(SerialWire(fake.path, 115200), IDENTITY, timeout_s=0.04, silence_s=0.02)
            for _ in history:
                with contextlib.suppress(DriverError):
                    answer = await line.ask("V?", VALUE)
                    assert int(answer[1]) == fake.requests.count(b"V?\r\n"), history
            line.close()

    asyncio.run(play())
