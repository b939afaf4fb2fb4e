"""Mutual inspection (互检): an engineer who has not had this run in hand looks at the device and answers for it.

The badge says who; OK or NG says what they found. Only an NG under a badge judges the device: that nobody signs is no
fault of it, so it ends the run (`StepDeclined`), and a time-out is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.errors import StepDeclined
from station.domain.measurement import Measurement
from station.domain.prompt import PROMPT_S
from station.steps.params import require
from station.steps.step import StepContext

SIGN = {
    "zh": "互检：请另一位工程师检查后扫描本人工牌；无人可签按 NG",
    "en": "Mutual inspection: another engineer inspects and scans their badge; NG if nobody can",
}
CONFIRM = {
    "zh": "互检人：是否同意？同意按 OK，发现问题按 NG",
    "en": "Second engineer: do you agree? OK, or NG if you found something wrong",
}


@dataclass(frozen=True, slots=True)
class Params:
    """`bench_off`: mains and drive off first, the lid is released. `wait_s`: how long each prompt waits, wall s."""

    bench_off: bool = True
    wait_s: float = PROMPT_S

    def __post_init__(self) -> None:
        require("wait_s", self.wait_s, 10.0, 86_400.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `mutual_inspection_ok` (1 agrees, 0 does not); the badge goes on record as `second_operator`.

    Raises `StepDeclined` if nobody signs, `StepError` on a time-out.
    """
    if params.bench_off:
        await context.bench.mains.off()
        await context.bench.drive.release()
    if await context.ask_badge(SIGN, second=True, wait_s=params.wait_s, hands=params.bench_off) is None:
        raise StepDeclined(
            "mutual inspection: nobody signed; fetch an engineer who has not had this run in hand, then test again"
        )
    agrees = await context.ask(CONFIRM, {"item": "mutual-inspection"}, wait_s=params.wait_s, hands=params.bench_off)
    conditions: dict[str, str | float] = {"asked": CONFIRM["en"], "answer": "OK" if agrees else "NG"}
    context.record(Measurement("mutual_inspection_ok", 1.0 if agrees else 0.0, conditions=conditions))
