"""A guard with other figures than the contract's energises nothing: it is refused, and why is said."""

from __future__ import annotations

import pytest

from drivers.errors import PermitDenied
from drivers.ports import GuardHello, InsulationSetup
from station.safety.guard_line import unfit
from station.safety.rules import Rules
from tests.safety.rig import Rig, play

WRONG = [
    ({"hb_ms": 301}, "heartbeat limit is 301 ms, at most 300 ms"),
    ({"hb_ms": 1000}, "heartbeat limit is 1000 ms, at most 300 ms"),
    ({"bleed_s": 9}, "bleed time is 9 s, at least 10 s"),
    ({"bleed_s": 0}, "bleed time is 0 s, at least 10 s"),
]


@pytest.mark.parametrize(("figures", "said"), WRONG)
def test_a_guard_with_a_longer_heartbeat_limit_or_a_shorter_bleed_time_energises_nothing(
    figures: dict[str, int], said: str
) -> None:
    async def scene(rig: Rig) -> None:
        rig.guard.figures = figures
        rig.guard.power_up()
        await rig.settle()
        await rig.settle()
        assert any(said in reason and "docs/flashing-the-guard.md" in reason for reason in await rig.kernel.reset())
        assert rig.kernel.trips and rig.guard.k_times == []

    play(scene)


@pytest.mark.parametrize(("figures", "said"), WRONG)
def test_start_mains_and_test_voltage_are_refused_as_well(figures: dict[str, int], said: str) -> None:
    """As on a daemon that was started quietly beside a guard that is SAFE: no RESET was asked for."""

    async def scene(rig: Rig) -> None:
        core = rig.guard.core
        core.hb_ms, core.bleed_s = figures.get("hb_ms", core.hb_ms), figures.get("bleed_s", core.bleed_s)
        await rig.kernel.line.open_again()
        await rig.settle(0.2)
        assert rig.causes == [] and any(said in reason for reason in rig.kernel.why_start_refused())
        with pytest.raises(PermitDenied, match=said):
            await rig.energise()
        with pytest.raises(PermitDenied, match=said):
            await rig.bench.tester.measure_insulation(InsulationSetup(500.0, 1.0, 5.0))
        assert rig.guard.k_times == [] and not {"ARM", "HV"} & set(rig.guard.said)

    play(scene)


def test_a_guard_with_stricter_figures_is_taken() -> None:
    rules = Rules()
    assert unfit(rules, GuardHello("1", "b", 300, 9000, 10)) == ""
    assert unfit(rules, GuardHello("1", "b", 50, 1, 600)) == ""


def test_a_guard_that_has_not_said_what_it_is_is_refused() -> None:
    assert "HELLO guard/1" in unfit(Rules(), None)
