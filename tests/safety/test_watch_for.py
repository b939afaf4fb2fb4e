"""Which interlocks are judged in a run: those of its product's family, and all of them wherever that is not certain."""

from __future__ import annotations

from station.domain.interlock import Interlock
from tests.safety.rig import INTERLOCKS, Rig, play

FOR_ALL = tuple(row for row in INTERLOCKS if row.reading != "mains.power_w")
AMPLIFIER = Interlock("mains-power", "mains.power_w", 2.0, high=900.0, measurement="idle_power_w",
                      families=("audio-amplifier", "phone"))  # fmt: skip
APPLIANCE = Interlock("mains-power-appliance", "mains.power_w", 2.0, high=2000.0, measurement="work_power_w",
                      families=("appliance",))  # fmt: skip
ROWS = (*FOR_ALL, AMPLIFIER, APPLIANCE)


def names(rig: Rig) -> set[str]:
    return {row.name for row in rig.kernel.interlocks}


def test_a_run_is_judged_by_its_own_familys_rows_and_by_those_for_all() -> None:
    async def scene(rig: Rig) -> None:
        rig.bench.mains.limit(60.0, "appliance")
        assert names(rig) == {*(row.name for row in FOR_ALL), "mains-power-appliance"}
        rig.power_w = 1500.0  # a heater in good health, and more than any amplifier may take
        await rig.energise()
        await rig.settle(2.0)
        assert rig.causes == []
        rig.power_w = 2300.0
        await rig.tripped()
        assert rig.causes == [("mains-power-appliance", "HIGH")]

    play(scene, interlocks=ROWS)


def test_the_same_power_trips_in_the_run_of_another_family() -> None:
    async def scene(rig: Rig) -> None:
        rig.bench.mains.limit(60.0, "phone")
        await rig.energise()
        rig.power_w = 1500.0
        await rig.tripped()
        assert rig.causes == [("mains-power", "HIGH")]

    play(scene, interlocks=ROWS)


def test_a_sensor_that_falls_silent_still_trips_whatever_the_family() -> None:
    async def scene(rig: Rig) -> None:
        rig.bench.mains.limit(60.0, "appliance")
        await rig.energise()
        rig.sensors["mains"].dead = True
        await rig.tripped(5.0)
        assert rig.causes[0][0] == "mains-power-appliance"

    play(scene, interlocks=ROWS)


def test_while_no_family_is_known_every_row_is_judged() -> None:
    async def scene(rig: Rig) -> None:
        assert names(rig) == {row.name for row in ROWS}, "before any run"
        rig.bench.mains.limit(60.0, "appliance")
        rig.bench.mains.limit(60.0)
        assert names(rig) == {row.name for row in ROWS}
        await rig.energise()
        rig.power_w = 1500.0
        await rig.tripped()
        assert rig.causes == [("mains-power", "HIGH")]

    play(scene, interlocks=ROWS)


def test_a_family_that_comes_while_something_is_wanted_loosens_nothing() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.kernel.watch_for("appliance")
        assert names(rig) == {row.name for row in ROWS}
        rig.power_w = 1500.0
        await rig.tripped()
        assert rig.causes == [("mains-power", "HIGH")]

    play(scene, interlocks=ROWS)


def test_a_family_that_no_row_names_is_judged_by_the_rows_for_all_alone() -> None:
    """`station check` refuses such a tree (required.py); the kernel invents no row."""

    async def scene(rig: Rig) -> None:
        rig.bench.mains.limit(60.0, "headphones")
        assert names(rig) == {row.name for row in FOR_ALL}

    play(scene, interlocks=ROWS)


def test_the_next_run_begins_with_its_own_rows() -> None:
    async def scene(rig: Rig) -> None:
        rig.bench.mains.limit(60.0, "appliance")
        await rig.energise()
        await rig.bench.mains.off()
        rig.bench.mains.limit(60.0, "audio-amplifier")
        assert "mains-power" in names(rig) and "mains-power-appliance" not in names(rig)

    play(scene, interlocks=ROWS)
