"""Mutual inspection (互检): an engineer who has neither repaired nor tested the device looks at it and answers for it.

The badge itself is the answer, because a button is anybody's: a badge at the first prompt agrees; after NG a badge at
the second says that its owner found something wrong. Only that judges the device: NG to both, nobody signs, is no fault
of it, so it ends the run (`StepDeclined`), and a time-out is an error. Two badges are proven, not two people.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.errors import StepDeclined
from station.domain.measurement import Measurement
from station.domain.prompt import PROMPT_S
from station.steps.params import require
from station.steps.step import StepContext

SIGN = {
    "zh": "互检：请另一位工程师检查，同意即扫描本人工牌；发现问题或无人可签按 NG",
    "en": "Mutual inspection: another engineer inspects and scans their badge to agree; NG if not, or if nobody can",
}
REJECT = {
    "zh": "互检未通过：发现问题的工程师扫描本人工牌（判不合格）；无人可签再按 NG",
    "en": "Not agreed: the engineer who found something wrong scans their badge (FAIL); NG again if nobody can sign",
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
    agrees = await context.ask_badge(SIGN, second=True, wait_s=params.wait_s, hands=params.bench_off) is not None
    if not agrees and await context.ask_badge(REJECT, second=True, wait_s=params.wait_s) is None:
        raise StepDeclined(
            "mutual inspection: nobody signed; fetch an engineer who has neither repaired this device nor had this run"
            " in hand, then test again"
        )
    conditions: dict[str, str | float] = {"asked": SIGN["en"], "answer": "OK" if agrees else "NG"}
    context.record(Measurement("mutual_inspection_ok", 1.0 if agrees else 0.0, conditions=conditions))
