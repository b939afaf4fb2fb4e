"""`UartGuard` against the real firmware over a pty, and what it does when the line misbehaves."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from drivers.errors import DeviceTimeout, GuardRefused, PermitDenied, PortError, ProtocolError
from drivers.ports import GuardState
from drivers.sim.pty import RawPty
from drivers.uart import guard as uart_guard
from drivers.uart.guard import UartGuard
from drivers.uart.guard_frame import decode, encode
from tests.drivers.fake_line import FakeLine, Reply
from tests.drivers.guard_bench import Heart, Rig


class Granted:
    """A permit that holds."""

    def check(self) -> None:
        return


class Denied:
    """A permit that is gone."""

    def check(self) -> None:
        raise PermitDenied("mains", "tripped")


async def until(condition: Callable[[], bool], deadline_s: float = 5.0) -> None:
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(settings={"BLEED_S": 1})
    yield rig
    rig.close()


@pytest.fixture
async def guard(rig: Rig) -> AsyncIterator[UartGuard]:
    guard = UartGuard(rig.port)
    yield guard
    await guard.close()


async def make_safe(guard: UartGuard) -> None:
    await guard.open()
    await guard.reset()
    guard.heartbeat()


async def test_opening_tells_what_the_guard_says_of_itself(guard: UartGuard) -> None:
    assert guard.status is None
    hello = await guard.open()
    assert (hello.hb_ms, hello.max_on_s, hello.bleed_s) == (300, 9000, 1)
    assert guard.hello == hello
    await until(lambda: guard.status is not None)
    assert guard.status is not None
    assert guard.status.cause == "BOOT"
    assert time.monotonic() - guard.status.received_at < 2.0


async def test_the_verbs_take_the_guard_through_its_states(guard: UartGuard, rig: Rig) -> None:
    await make_safe(guard)
    heart = Heart(guard.heartbeat)
    await guard.arm(Granted())
    await guard.on(5, Granted())
    await asyncio.to_thread(rig.wait_for, "k", 1)
    await until(lambda: guard.status is not None and guard.status.state == GuardState.ENERGISED and guard.status.fb)
    await guard.off()
    await until(lambda: guard.status is not None and guard.status.state == GuardState.SAFE)
    await until(lambda: guard.status is not None and not guard.status.fb)
    await guard.hv(2, Granted())
    await asyncio.to_thread(rig.wait_for, "h", 1)
    await guard.stop()
    await asyncio.to_thread(rig.wait_for, "h", 0)
    await until(lambda: guard.status is not None and guard.status.cause == "HOST")
    await asyncio.sleep(1.0)
    await guard.unlock()
    await asyncio.to_thread(rig.wait_for, "lock", 0)
    heart.stop()


async def test_a_refusal_carries_verb_and_reason(guard: UartGuard) -> None:
    await make_safe(guard)
    with pytest.raises(GuardRefused, match="refused ON: STATE") as refused:
        await guard.on(5, Granted())
    assert (refused.value.verb, refused.value.reason) == ("ON", "STATE")
    with pytest.raises(GuardRefused, match="RANGE"):
        await guard.hv(121, Granted())


async def test_without_a_permit_no_byte_of_an_energising_frame_goes_out(guard: UartGuard, rig: Rig) -> None:
    await make_safe(guard)
    for act in (guard.arm(Denied()), guard.on(5, Denied()), guard.hv(5, Denied())):
        with pytest.raises(PermitDenied):
            await act
    await guard.off()
    assert guard.status is not None
    assert guard.status.state == GuardState.SAFE
    assert not rig.ever("k", 1)


async def test_opening_again_makes_a_new_session_and_trips_what_is_energised(guard: UartGuard, rig: Rig) -> None:
    await make_safe(guard)
    await guard.arm(Granted())
    await guard.on(60, Granted())
    await asyncio.to_thread(rig.wait_for, "k", 1)
    before = guard.hello
    after = await guard.open()
    assert before is not None
    assert after.boot == before.boot
    await asyncio.to_thread(rig.wait_for, "k", 0)
    await until(lambda: guard.status is not None and guard.status.cause == "LINK")
    await guard.reset()


async def test_a_reset_guard_shows_as_a_session_that_is_gone(guard: UartGuard, rig: Rig) -> None:
    first = await guard.open()
    await asyncio.to_thread(rig.twin.reset)
    await until(lambda: guard.status is not None and guard.status.up_ms < 400)
    guard.heartbeat()
    await until(lambda: guard.hello is None)
    assert (await guard.open()).boot != first.boot


async def test_closing_switches_off(guard: UartGuard, rig: Rig) -> None:
    await make_safe(guard)
    await guard.arm(Granted())
    await guard.on(60, Granted())
    await asyncio.to_thread(rig.wait_for, "k", 1)
    await guard.close()
    off_ns = await asyncio.to_thread(rig.wait_for, "k", 0)
    assert off_ns > 0
    assert guard.status is None
    with pytest.raises(PortError, match="not open"):
        await guard.off()
    guard.heartbeat()
    await guard.close()


async def test_a_missing_port_is_a_port_error() -> None:
    with pytest.raises(PortError, match="cannot open /dev/no-such-guard"):
        await UartGuard("/dev/no-such-guard").open()


# ---- a far end that misbehaves ---------------------------------------------------------------------------------
def far_end(answers: dict[str, str]) -> FakeLine:
    """A guard that answers only these verbs, and with anything that follows the SEQ."""

    def answer(request: bytes) -> Reply:
        body = decode(request.rstrip(b"\n")) or ""
        session, seq, verb, *_ = body.split(" ")
        return [(0.0, encode(f"{session} {seq} {answers[verb]}"))] if verb in answers else []

    return FakeLine(answer, length=0)


HELLO = "OK HELLO guard/1 fw=1 boot=00000001 nonce=00000002 hb=300 max_on=9000 bleed=10"


def verbs(line: FakeLine) -> list[str]:
    return [request.split(b" ")[2].split(b"*")[0].decode() for request in line.requests]


async def test_a_guard_of_another_protocol_is_refused() -> None:
    with far_end({"HELLO": HELLO.replace("guard/1", "guard/2")}) as line:
        guard = UartGuard(line.path)
        with pytest.raises(ProtocolError, match="not guard/1"):
            await guard.open()
        await guard.close()


async def test_a_silent_port_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uart_guard, "HELLO_S", 0.02)
    with far_end({}) as line:
        guard = UartGuard(line.path)
        with pytest.raises(DeviceTimeout, match="no answer to HELLO"):
            await guard.open()
        assert guard.hello is None
        await guard.close()
        assert set(verbs(line)) <= {"HELLO", "OFF"}


async def test_an_on_that_is_not_answered_is_followed_by_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uart_guard, "ANSWER_S", 0.05)
    with far_end({"HELLO": HELLO}) as line:
        guard = UartGuard(line.path)
        await guard.open()
        with pytest.raises(DeviceTimeout, match="no answer to ON"):
            await guard.on(5, Granted())
        await until(lambda: verbs(line)[-2:] == ["ON", "OFF"])
        await guard.close()


async def test_an_on_whose_caller_is_cancelled_is_followed_by_off() -> None:
    with far_end({"HELLO": HELLO}) as line:
        guard = UartGuard(line.path)
        await guard.open()
        asking = asyncio.create_task(guard.on(5, Granted()))
        await until(lambda: verbs(line)[-1] == "ON")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: verbs(line)[-2:] == ["ON", "OFF"])
        await guard.close()


async def test_an_answer_to_another_verb_is_no_answer() -> None:
    with far_end({"HELLO": HELLO, "RESET": "OK STAT"}) as line:
        guard = UartGuard(line.path)
        await guard.open()
        with pytest.raises(ProtocolError, match="RESET was answered as STAT"):
            await guard.reset()
        await guard.close()


async def test_a_line_torn_out_ends_what_waits_and_forgets_the_status() -> None:
    with far_end({"HELLO": HELLO}) as line:
        guard = UartGuard(line.path)
        await guard.open()
        line.say(encode(STATUS))
        await until(lambda: guard.status is not None)
        waiting = asyncio.create_task(guard.reset())
        await until(lambda: verbs(line)[-1] == "RESET")
        line.hang_up()
        with pytest.raises(PortError, match="lost"):
            await waiting
        assert guard.status is None
        assert guard.hello is None
        guard.heartbeat()
        with pytest.raises(PortError, match="not open"):
            await guard.off()
        with pytest.raises(PortError, match="cannot open"):
            await guard.open()
        await guard.close()


async def test_a_line_that_was_away_for_several_tries_is_open_again_once_it_is_back(tmp_path: Path) -> None:
    lead = tmp_path / "guard"
    with far_end({"HELLO": HELLO}) as line:
        lead.symlink_to(line.path)
        guard = UartGuard(str(lead))
        await guard.open()
        lead.unlink()
        line.hang_up()
        await until(lambda: guard.hello is None)
        for _ in range(3):
            with pytest.raises(PortError, match="cannot open"):
                await guard.open()
    with far_end({"HELLO": HELLO}) as line:
        lead.symlink_to(line.path)
        assert (await guard.open()) == guard.hello
        await guard.close()


STATUS = (
    "S state=SAFE k=0 h=0 lock=1 fb=0 estop=1 lid=1 thermo=1 cause=- also=- hb_age=-1 on_left=0 bad=0 up=1"
)  # fmt: skip


async def test_damaged_lines_are_no_status() -> None:
    with far_end({"HELLO": HELLO}) as line:
        guard = UartGuard(line.path)
        await guard.open()
        frame = encode(STATUS)
        for damaged in (frame.replace(b"SAFE", b"HV  "), b"x" * 9000 + frame, frame[:-7] + b"\n", b"\n"):
            line.say(damaged)
        line.say(encode(STATUS.replace("up=1", "up=2")))
        await until(lambda: guard.status is not None)
        assert guard.status is not None
        assert guard.status.up_ms == 2
        await guard.close()


async def test_a_heartbeat_on_a_full_line_does_not_wait() -> None:
    pty = RawPty()  # nobody reads its far end
    guard = UartGuard(pty.path)
    guard._reopen()
    guard._hello = object()  # type: ignore[assignment]
    began = time.monotonic()
    for _ in range(20_000):
        guard.heartbeat()
    assert time.monotonic() - began < 20.0
    with pytest.raises(PortError, match="does not read"):
        await guard.off()
    await guard.close()
    pty.close()
