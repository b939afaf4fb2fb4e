"""The campaign's event loop: time passes only when nothing else can happen, in whole microseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from station.campaign.virtual import US, VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop(0)
    yield loop
    loop.close()


def test_two_hours_pass_at_once_and_to_the_microsecond(loop: VirtualLoop) -> None:
    loop.run_until_complete(asyncio.sleep(7_200))
    assert loop.now_us == 7_200 * US


def test_ten_thousand_small_waits_add_up_exactly(loop: VirtualLoop) -> None:
    async def wait() -> None:
        for _ in range(10_000):
            await asyncio.sleep(0.1)

    loop.run_until_complete(wait())
    assert (loop.now_us, loop.time()) == (1_000 * US, 1_000.0)


def test_timers_come_due_in_their_order_whatever_the_order_of_asking(loop: VirtualLoop) -> None:
    order: list[tuple[str, int]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append((name, loop.now_us))

    async def all_of_them() -> None:
        await asyncio.gather(wait("c", 0.3), wait("a", 0.1), wait("b", 0.2))

    loop.run_until_complete(all_of_them())
    assert order == [("a", 100_000), ("b", 200_000), ("c", 300_000)]


def test_who_owns_time_may_let_less_of_it_pass_than_the_next_timer_wants() -> None:
    asked: list[int | None] = []

    def pass_time(loop: VirtualLoop, limit_us: int | None) -> None:
        asked.append(limit_us)
        assert limit_us is not None
        loop.now_us = min(loop.now_us + 40_000, limit_us)

    loop = VirtualLoop(0, pass_time)
    loop.run_until_complete(asyncio.sleep(0.1))
    loop.close()
    assert asked == [100_000, 100_000, 100_000]
    assert loop.now_us == 100_000


def test_a_timeout_is_a_timer_like_any_other(loop: VirtualLoop) -> None:
    async def wait() -> None:
        async with asyncio.timeout(2.5):
            await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        loop.run_until_complete(wait())
    assert loop.now_us == 2_500_000


def test_waiting_for_what_nobody_will_do_is_told_instead_of_hanging(loop: VirtualLoop) -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="deadlock"):
        loop.run_until_complete(wait())
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_callback_from_a_thread_is_one_of_the_loop_s_own(loop: VirtualLoop) -> None:
    done = loop.create_future()
    loop.call_soon_threadsafe(done.set_result, 7)
    assert loop.run_until_complete(done) == 7
