"""Electrical safety and power-up: earth bond, insulation, inrush, touch current, idle power.

Order and consequences stand in the plan. Earth bond and insulation run with K off; inrush switches mains on.
Definitions and sources: docs of the repair centre; DIN VDE 0701-0702 and IEC 60065 through secondary sources
(limits carry their source in the product file).
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.ports import BondSetup, InsulationSetup
from station.domain.errors import StepError
from station.domain.measurement import Measurement
from station.steps.params import require
from station.steps.readings import mean_of
from station.steps.step import StepContext


@dataclass(frozen=True, slots=True)
class EarthBondParams:
    """AC test current, its duration, and the tester's own high limit (its range, not the judgement)."""

    current_a: float = 25.0
    test_s: float = 3.0
    tester_high_ohm: float = 0.6

    def __post_init__(self) -> None:
        require("current_a", self.current_a, 3.0, 30.0)
        require("test_s", self.test_s, 0.5, 60.0)
        require("tester_high_ohm", self.tester_high_ohm, 0.01, 1.0)


async def measure_earth_bond(context: StepContext, params: EarthBondParams) -> None:
    """Records `earth_bond_ohm`: PE pin of the plug to accessible metal."""
    setup = BondSetup(params.current_a, params.test_s, params.tester_high_ohm)
    reading = await context.bench.tester.measure_bond(setup)
    accuracy = context.bench.tester.accuracy["earth_bond_ohm"]
    context.record(
        Measurement(
            "earth_bond_ohm", reading.value, uncertainty=accuracy.expanded(reading.value), bound=reading.bound,
            conditions={"current_a": reading.applied, "test_s": params.test_s},
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class InsulationParams:
    """DC test voltage (never above 500), settling time, and the tester's own low limit (not the judgement)."""

    voltage_v: float = 500.0
    test_s: float = 5.0
    tester_low_mohm: float = 1.0

    def __post_init__(self) -> None:
        require("voltage_v", self.voltage_v, 50.0, 500.0)
        require("test_s", self.test_s, 1.0, 120.0)
        require("tester_low_mohm", self.tester_low_mohm, 0.1, 1000.0)


async def measure_insulation(context: StepContext, params: InsulationParams) -> None:
    """Records `insulation_mohm`: L and N tied together against PE and accessible metal, settled."""
    setup = InsulationSetup(params.voltage_v, params.test_s, params.tester_low_mohm)
    reading = await context.bench.tester.measure_insulation(setup)
    accuracy = context.bench.tester.accuracy["insulation_mohm"]
    context.record(
        Measurement(
            "insulation_mohm", reading.value, uncertainty=accuracy.expanded(reading.value), bound=reading.bound,
            conditions={"voltage_v": reading.applied, "test_s": params.test_s},
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class InrushParams:
    """`settle_s`: test time after switch-on for which the hold collects; `reads_max`: probe readings to wait for it."""

    settle_s: float = 0.5
    reads_max: int = 40
    present_a: float = 0.5
    present_w: float = 5.0

    def __post_init__(self) -> None:
        require("settle_s", self.settle_s, 0.1, 10.0)
        require("reads_max", self.reads_max, 5, 500)
        require("present_a", self.present_a, 0.1, 10.0)
        require("present_w", self.present_w, 1.0, 100.0)


async def measure_inrush(context: StepContext, params: InrushParams) -> None:
    """Arms the probe, switches mains on, records `inrush_a`: the largest instantaneous current, A.

    The contactor moves in wall time, so the step reads until the probe has seen the switch-on. What no reading
    shows (a device that is not plugged in) is left to the low limit of the idle power; a probe that saw nothing while
    the mains meter sees the DUT is dead (`StepError`).
    """
    meters = context.bench.meters
    await meters.arm_probe()
    await context.bench.mains.on(context.mains_bound_s)
    peak_a = 0.0
    for _ in range(params.reads_max):
        peak_a = (await meters.fresh("inrush"))["peak_a"]
        context.progress(0.5, {"inrush_a": peak_a})
        if peak_a >= params.present_a:
            break
    await context.clock.sleep(params.settle_s)
    peak_a = max(peak_a, (await meters.fresh("inrush"))["peak_a"])
    if peak_a < params.present_a and (await meters.fresh("mains"))["power_w"] > params.present_w:
        raise StepError(
            f"inrush: the DUT takes more than {params.present_w:g} W and the probe saw {peak_a:.2f} A at switch-on; "
            "check the peak-current probe, then test again"
        )
    accuracy = meters.accuracy("inrush.peak_a")
    context.record(Measurement("inrush_a", peak_a, uncertainty=accuracy.expanded(peak_a)))


@dataclass(frozen=True, slots=True)
class TouchCurrentParams:
    """`settle_s`: test time for which the meter collects its maximum."""

    settle_s: float = 3.0

    def __post_init__(self) -> None:
        require("settle_s", self.settle_s, 0.5, 60.0)


async def measure_touch_current(context: StepContext, params: TouchCurrentParams) -> None:
    """Records `touch_current_ma`: maximum rms through the body network, DUT on, protective conductor opened."""
    reading = await context.bench.touch.measure(params.settle_s)
    if reading.line_open or reading.pe_open:
        which = "line" if reading.line_open else "protective conductor"
        raise StepError(f"touch current: the meter sees its {which} open; check plug and meter leads, then test again")
    accuracy = context.bench.touch.accuracy["touch_current_ma"]
    context.record(
        Measurement(
            "touch_current_ma", reading.value_ma, uncertainty=accuracy.expanded(reading.value_ma),
            conditions={"settle_s": params.settle_s},
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class IdlePowerParams:
    """`settle_s`: test time after switch-on before it counts; then the mean of `readings` readings."""

    settle_s: float = 10.0
    readings: int = 5

    def __post_init__(self) -> None:
        require("settle_s", self.settle_s, 0.0, 600.0)
        require("readings", self.readings, 1, 100)


async def measure_idle_power(context: StepContext, params: IdlePowerParams) -> None:
    """Records `idle_power_w`: mean mains power without drive, W. Its low limit proves that the DUT is on."""
    await context.clock.sleep(params.settle_s)
    readings: list[float] = []
    for done in range(params.readings):
        power_w = (await context.bench.meters.fresh("mains"))["power_w"]
        readings.append(power_w)
        context.progress((done + 1) / params.readings, {"idle_power_w": power_w})
    mean, uncertainty = mean_of(readings, context.bench.meters.accuracy("mains.power_w"))
    context.record(Measurement("idle_power_w", mean, uncertainty=uncertainty))
