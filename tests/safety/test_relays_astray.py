"""RESET puts relays that are astray where they belong, as far as they obey; without it a lost reply locks the bench."""

from __future__ import annotations

from tests.safety.rig import Rig, play


def test_a_relay_that_closed_by_itself_is_opened_by_reset() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        rig.board.positions["load_left"] = True
        await rig.tripped(5.0)
        assert rig.causes[0] == ("relays", "MISMATCH load_left")
        assert await rig.kernel.reset() == ()
        assert rig.board.positions["load_left"] is False and rig.causes == []
        await rig.settle(5.0)
        assert rig.causes == []

    play(scene)


def test_a_fan_that_stopped_by_itself_is_put_on_again_by_reset() -> None:
    async def scene(rig: Rig) -> None:
        rig.degc["loadbank_degc"] = 80.0
        await rig.settle(3.0)
        assert rig.board.positions["fan"]
        rig.board.positions["fan"] = False
        await rig.tripped(5.0)
        assert rig.causes[0] == ("relays", "MISMATCH fan")
        assert await rig.kernel.reset() == ()
        await rig.settle(5.0)
        assert rig.board.positions["fan"] and rig.causes == []

    play(scene)


def test_a_fan_that_does_not_obey_keeps_the_bench_tripped() -> None:
    """Found by the campaign: RESET cleared the latch, and the next scan tripped again."""

    async def scene(rig: Rig) -> None:
        rig.degc["loadbank_degc"] = 80.0
        await rig.settle(3.0)
        rig.board.positions["fan"] = False
        rig.board.stuck.add("fan")
        await rig.tripped(5.0)
        assert "relay fan is not where it was put" in await rig.kernel.reset()
        assert rig.causes[0] == ("relays", "MISMATCH fan")

    play(scene)


def test_a_relay_that_does_not_obey_keeps_the_bench_tripped() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        rig.board.positions["load_left"] = True
        rig.board.stuck.add("load_left")
        await rig.tripped(5.0)
        assert "relay load_left is not where it was put" in await rig.kernel.reset()
        assert rig.causes[0] == ("relays", "MISMATCH load_left")

    play(scene)
