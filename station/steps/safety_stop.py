"""Whether an appliance's safety device (lid switch, tip-over switch) stops it: operated by hand, fed, its power read.

Nobody can reach a device that is live on this bench, so the hand comes first: mains off, the device's own lid opened
(or whatever its safety device looks at), mains on again, and it must not start. Afterwards the hand puts it back, and
mains goes on once more, so that the plan goes on with a device at work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from station.domain.measurement import Measurement
from station.domain.prompt import PROMPT_S
from station.steps.params import require
from station.steps.readings import read_mean
from station.steps.step import StepContext

ITEM = "safety-stop"
AGAIN, WAIT_S, PAUSE_S = 0.5, 300.0, 2.0
"""Put back, it takes at least so much of what it took at work, within so long (test time): its thermostat may be open
just then. What does not run again was not stopped by its safety device."""
OPERATE = {
    "zh": "停转后(当心烫手)触发机器的安全装置(打开机盖/放倒)并保持，关好测试台盖，再按 OK；触发不了按 NG",
    "en": "Stopped? (Hot!) Trip its safety device (open lid, lay over), leave it so, shut the bench's lid: OK. Else NG",
}
RESTORE = {
    "zh": "把安全装置复原，关好测试台盖，再按 OK；复原不了按 NG",
    "en": "Put its safety device back, shut the bench's lid, OK. It does not go back: NG",
}


@dataclass(frozen=True, slots=True)
class Params:
    """Test time after ON before it counts, then the mean of `readings`; `wait_s`: of each question, wall seconds."""

    settle_s: float = 3.0
    readings: int = 3
    wait_s: float = PROMPT_S

    def __post_init__(self) -> None:
        require("settle_s", self.settle_s, 0.5, 60.0)
        require("readings", self.readings, 1, 50)
        require("wait_s", self.wait_s, 10.0, 86_400.0)


def items_of(params: Mapping[str, Any]) -> Mapping[str, str]:
    """It is guided: a product whose safety device no hand can operate says `without = ["safety-stop"]`."""
    return {ITEM: ""}


async def measure(context: StepContext, params: Params) -> None:
    """Records `safety_device_ok` (1: a hand could operate it and put it back, and it ran again) and `stopped_power_w`.
    Mains is on again after it, unless the answer was NG."""
    mains = context.bench.mains
    await mains.off()
    if not await _ask(context, params, OPERATE, "operate"):
        context.note("the technician cannot operate its safety device")
        _record_answer(context, is_ok=False)
        context.skip("stopped_power_w")
        return
    await mains.on(context.mains_bound_s)
    watts, uncertainty = await _power(context, params)
    await mains.off()
    context.record(Measurement("stopped_power_w", watts, uncertainty=uncertainty))
    back = await _ask(context, params, RESTORE, "restore")
    if back:
        await mains.on(context.mains_bound_s)
        if not await _runs_again(context, params):
            context.record(Measurement("safety_device_ok", 0.0, conditions={"answer": "OK"}))
            return
    _record_answer(context, is_ok=back)


async def _runs_again(context: StepContext, params: Params) -> bool:
    """Whether it takes its power again; True where this run has not measured what it takes at work."""
    wanted_w = AGAIN * (context.already("work_power_w") or 0.0)
    begun_s = context.clock.now_s()
    while (watts := (await _power(context, params))[0]) < wanted_w and context.clock.now_s() - begun_s < WAIT_S:
        await context.clock.sleep(PAUSE_S)
    if watts < wanted_w:
        context.note(
            f"put back, it takes {watts:.0f} W and must take {wanted_w:.0f} W or more: it stays off, so that it stood "
            'still proves nothing. One that wants its button pressed after a power cut says without = ["safety-stop"]'
        )
        return False
    context.note(f"put back, it takes {watts:.0f} W again")
    return True


async def _ask(context: StepContext, params: Params, text: Mapping[str, str], what: str) -> bool:
    about = {"item": f"{ITEM}-{what}", "hand": f"safety {what}"}
    return await context.ask(text, about, wait_s=params.wait_s, hands=True)


async def _power(context: StepContext, params: Params) -> tuple[float, float]:
    """Mean mains power once it is settled, W, and its uncertainty."""
    await context.clock.sleep(params.settle_s)
    return await read_mean(context.bench.meters, "mains.power_w", params.readings)


def _record_answer(context: StepContext, *, is_ok: bool) -> None:
    conditions: dict[str, str | float] = {"asked": OPERATE["en"], "answer": "OK" if is_ok else "NG"}
    context.record(Measurement("safety_device_ok", 1.0 if is_ok else 0.0, conditions=conditions))
