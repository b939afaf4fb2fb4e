"""A phone's battery by itself, the charger dead: its voltage, and what the phone takes of it while it sleeps.

Both are read at the battery adapter, which is in line between battery and board; the current is positive out of the
battery. The voltage comes first of all: what is charged afterwards must be a battery that may be charged.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.errors import StepDeclined
from station.domain.measurement import Measurement
from station.steps.params import require
from station.steps.readings import mean_of, read_mean
from station.steps.step import StepContext

ROLE, VOLTS, AMPS = "feed", "battery_v", "battery_a"
ABSENT_V = 0.5
ASLEEP = {
    "zh": "手机开机，打开飞行模式，锁屏并关闭屏幕，盖好测试盖后按 OK；做不到按 NG",
    "en": "Phone on, flight mode, locked, screen dark, lid shut: then OK. NG if that cannot be done",
}


@dataclass(frozen=True, slots=True)
class VoltageParams:
    """Mean of `readings` readings."""

    readings: int = 5

    def __post_init__(self) -> None:
        require("readings", self.readings, 1, 50)


async def measure_voltage(context: StepContext, params: VoltageParams) -> None:
    """Records `battery_voltage_v` with the charger dead, whatever the phone draws."""
    await context.bench.mains.off()
    mean, uncertainty = await read_mean(context.bench.meters, f"{ROLE}.{VOLTS}", params.readings)
    if abs(mean) < ABSENT_V:
        context.note("no voltage at the battery adapter: look at its plug, then at the battery's protection board")
    context.record(Measurement("battery_voltage_v", mean, uncertainty=uncertainty))


@dataclass(frozen=True, slots=True)
class IdleParams:
    """After the answer `settle_s` until it sleeps, then the mean over `test_s`, a reading each second; test time."""

    settle_s: float = 30.0
    test_s: float = 30.0

    def __post_init__(self) -> None:
        require("settle_s", self.settle_s, 0.0, 600.0)
        require("test_s", self.test_s, 5.0, 600.0)


async def measure_idle(context: StepContext, params: IdleParams) -> None:
    """Records `idle_current_ma`, out of the battery, in flight mode with the screen dark.

    Raises `StepDeclined` where the phone cannot be brought to sleep, `StepError` on a time-out.
    """
    await context.bench.mains.off()
    await context.bench.drive.release()
    if not await context.ask(ASLEEP, {"hand": "flight 1"}, hands=True):
        raise StepDeclined(
            "idle current: the phone is not in flight mode and dark; set it so and test again, or repair"
        )
    await context.clock.sleep(params.settle_s)
    amps: list[float] = []
    for done in range(round(params.test_s)):
        amps.append((await context.bench.meters.fresh(ROLE))[AMPS])
        context.progress((done + 1) / params.test_s, {"idle_current_ma": 1000.0 * amps[-1]})
        await context.clock.sleep(1.0)
    mean, uncertainty = mean_of(amps, context.bench.meters.accuracy(f"{ROLE}.{AMPS}"))
    conditions: dict[str, str | float] = {"settle_s": params.settle_s, "test_s": params.test_s}
    context.record(Measurement("idle_current_ma", 1000.0 * mean, None, 1000.0 * uncertainty, conditions=conditions))
