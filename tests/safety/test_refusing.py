"""Interlocks that refuse: nothing is begun while they are not OK, and what is on goes on. And the plug's voltmeter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.catalog import CATALOG
from drivers.errors import PermitDenied
from station.domain.interlock import Interlock, When
from station.safety.bench import DriveInterlock
from station.safety.causes import verdict_of
from station.safety.errors import PlugUnseen
from station.settings.loading import load
from station.steps.catalog import STEPS
from tests.safety.rig import INTERLOCKS, MemoryLatch, Rig, now, play

SHIPPED = {row.name: row for row in load(Path(__file__).resolve().parents[2] / "config", STEPS, CATALOG).interlocks}
PLUG_VOLTS = SHIPPED["plug-volts"]
AMBIENT = Interlock("ambient", "temperature.ambient_degc", 2.0, low=10.0, blames="station", reaction="refuse")


def refusing(when: When) -> tuple[Interlock, ...]:
    return (*INTERLOCKS, replace(AMBIENT, when=when))


def test_what_refuses_mains_lets_it_go_on_once_it_is_on() -> None:
    async def scene(rig: Rig) -> None:
        rig.degc["ambient_degc"] = 5.0
        await rig.settle()
        assert rig.causes == [] and any("ambient" in reason for reason in rig.kernel.why_start_refused())
        with pytest.raises(PermitDenied, match=r"ambient.*low \(5, limit 10\)"):
            await rig.energise()
        assert rig.guard.k_times == []
        rig.degc["ambient_degc"] = 20.0
        await rig.settle()
        assert rig.kernel.why_start_refused() == ()
        await rig.energise()
        rig.degc["ambient_degc"] = 5.0
        await rig.settle(3.0)
        assert rig.guard.core.k and rig.causes == [] and rig.kernel.permits.mains.granted

    play(scene, interlocks=refusing("energised"))


def test_what_refuses_drive_lets_it_play_on_once_it_plays() -> None:
    async def scene(rig: Rig) -> None:
        drive: DriveInterlock = rig.bench.drive
        await rig.energise()
        rig.degc["ambient_degc"] = 5.0
        await rig.settle()
        with pytest.raises(PermitDenied, match="ambient"):
            await drive.prepare()
        assert rig.guard.core.k and rig.causes == []
        rig.degc["ambient_degc"] = 20.0
        await rig.settle()
        await drive.prepare()
        rig.degc["ambient_degc"] = 5.0
        await rig.settle(3.0)
        assert rig.kernel.permits.drive.granted and rig.causes == []

    play(scene, interlocks=refusing("drive"))


def test_what_refuses_always_refuses_reset_too() -> None:
    async def scene(rig: Rig) -> None:
        rig.degc["ambient_degc"] = 5.0
        rig.kernel.stop()
        await rig.settle()
        assert any("ambient" in reason for reason in await rig.kernel.reset())
        rig.degc["ambient_degc"] = 20.0
        await rig.settle()
        assert await rig.kernel.reset() == ()

    play(scene, interlocks=refusing("always"))


def test_a_sensor_that_proves_nothing_refuses_as_well() -> None:
    async def scene(rig: Rig) -> None:
        rig.sensors["temperature"].dead = True
        await rig.settle(3.0)
        assert rig.kernel.why_start_refused() == ("interlock ambient: temperature.ambient_degc is failed",)

    play(scene, interlocks=(replace(AMBIENT, when="energised"),))


def test_a_discharge_voltmeter_stuck_at_zero_trips_while_mains_is_on() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.settle()
        rig.sensors["discharge"]._source = lambda: {"l_n_v": 0.0, "l_pe_v": 0.0, "n_pe_v": 0.0}
        await rig.tripped(5.0)
        trip = rig.kernel.trips[0]
        assert (trip.interlock, trip.cause, trip.code) == ("plug-volts", "LOW", "STATION-PLUG-VOLTS")
        assert verdict_of(trip) == "ERROR"
        await rig.settle(0.1)
        assert not rig.guard.core.k

    play(scene, interlocks=(*INTERLOCKS, PLUG_VOLTS))


def test_a_dead_discharge_voltmeter_forbids_mains_and_takes_it_away() -> None:
    async def scene(rig: Rig) -> None:
        rig.sensors["discharge"].dead = True
        await rig.settle()
        with pytest.raises(PermitDenied, match="plug-volts"):
            await rig.energise()
        rig.sensors["discharge"].dead = False
        await rig.settle()
        await rig.energise()
        rig.sensors["discharge"].dead = True
        await rig.tripped(5.0)
        assert rig.causes[0] == ("plug-volts", "FAILED")

    play(scene, interlocks=(*INTERLOCKS, PLUG_VOLTS))


def volts(rig: Rig, l_n: float, l_pe: float, n_pe: float) -> dict[str, float]:
    """These with the contactor closed, nothing without."""
    on = 1.0 if rig.guard.fb else 0.0
    return {"l_n_v": on * l_n, "l_pe_v": on * l_pe, "n_pe_v": on * n_pe}


@pytest.mark.parametrize(("l_pe", "n_pe"), [(230.0, 0.5), (0.5, 230.0)])
def test_mains_is_seen_whichever_way_round_the_plug_is(l_pe: float, n_pe: float) -> None:
    async def scene(rig: Rig) -> None:
        rig.sensors["discharge"]._source = lambda: volts(rig, 230.0, l_pe, n_pe)
        await rig.energise()
        await rig.settle(5.0)
        assert rig.guard.core.k and rig.causes == []

    play(scene, interlocks=(*INTERLOCKS, PLUG_VOLTS))


@pytest.mark.parametrize(
    ("l_n", "l_pe", "n_pe", "said"),
    [
        (0.0, 0.0, 0.0, r"L-N reads 0\.0 V, must be at least 150 V"),
        (230.0, 0.1, 0.2, r"neither L-PE \(0\.1 V\) nor N-PE \(0\.2 V\) shows it"),
        (230.0, 115.0, 115.0, "neither L-PE"),
        (149.9, 230.0, 0.0, "L-N reads 149.9 V"),
    ],
)
def test_a_voltmeter_that_does_not_see_mains_on_every_pair_lets_no_mains_stay_on(
    l_n: float, l_pe: float, n_pe: float, said: str
) -> None:
    async def scene(rig: Rig) -> None:
        rig.sensors["discharge"]._source = lambda: volts(rig, l_n, l_pe, n_pe)
        with pytest.raises(PlugUnseen, match=said):
            await rig.energise()
        assert not rig.guard.core.k and not rig.guard.fb
        (on, _), (off, _) = rig.guard.k_times
        assert off - on < 2.5
        assert rig.causes == [], "said once, by the step; the interlock is for what breaks later"

    play(scene, interlocks=(*INTERLOCKS, PLUG_VOLTS))


def test_a_voltmeter_that_answers_late_after_on_is_given_its_time() -> None:
    async def scene(rig: Rig) -> None:
        rig.sensors["discharge"]._source = lambda: volts(rig, *((230.0, 230.0, 0.5) if late(rig) else (0.0, 0.0, 0.0)))
        await rig.energise()
        assert rig.guard.core.k

    def late(rig: Rig) -> bool:
        return bool(rig.guard.k_times) and now() - rig.guard.k_times[-1][0] > 1.0

    play(scene, interlocks=(*INTERLOCKS, PLUG_VOLTS))


def test_a_good_discharge_voltmeter_trips_neither_at_on_nor_at_off_nor_in_between() -> None:
    async def scene(rig: Rig) -> None:
        rig.sensors["discharge"]._source = lambda: volts(rig, 230.0, 230.0, 0.5)
        for _ in range(3):
            await rig.energise()
            await rig.settle(6.0)
            await rig.bench.mains.off()
            await rig.settle(6.0)
        assert rig.causes == []

    play(scene, interlocks=(*INTERLOCKS, PLUG_VOLTS))


def test_a_load_bank_thermometer_that_says_nothing_is_named_and_counts_as_hot() -> None:
    def said(rig: Rig) -> tuple[str, bool]:
        return rig.kernel.why_not_cool, rig.kernel.hot

    async def scene(rig: Rig) -> None:
        await rig.settle()
        assert said(rig) == ("", False)
        rig.sensors["temperature"].dead = True
        await rig.settle(2.0)
        assert said(rig) == ("temperature.loadbank_degc is failed", True)
        rig.sensors["temperature"].dead = False
        await rig.settle(2.0)
        assert said(rig) == ("", False)

    play(scene)


def test_a_service_latch_stands_against_start() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        assert any("service latch: WELD" in reason for reason in rig.kernel.why_start_refused())

    play(scene, latch=MemoryLatch("WELD: in an earlier run"), reset=False)
