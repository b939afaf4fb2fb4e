"""What the steps of headphones share: the plate's level, the fixture's words, and a hand that is asked once.

The fixture is docs/headphones.md's: jack and microphones come where speaker terminals are captured, so that volts of
the sound process are volts of the jack (switch at IMPEDANCE) or pascal (switch at COUPLER, 1.00 V/Pa).
"""

from __future__ import annotations

from collections.abc import Mapping

from station.domain.errors import StepDeclined
from station.domain.measurement import Channel
from station.domain.plates import HeadphonesPlate
from station.domain.sound import Stimulus, Value
from station.steps.levels import db
from station.steps.response import THIRD_OCTAVES_HZ
from station.steps.step import StepContext

SPL_AT_1_PA = 94.0
"""dB re 20 uPa of 1 Pa (93.98)."""
TONE_HZ = 1000.0
AT_TONE = THIRD_OCTAVES_HZ.index(TONE_HZ)
"""The tone's place among the third octaves of a sweep."""
MOVED_DB = 1.5
"""Further from the level that was measured before, somebody has moved the switch or a coupler."""
FAINT_DB = 12.0
"""A side so far under its data plate has failed; what drowns there says nothing more about it."""


def plate_of(context: StepContext) -> HeadphonesPlate:
    """The data plate. Raises `StepError` for a product of another family."""
    return context.product.plate_of(HeadphonesPlate)


def tone(context: StepContext, seconds: float, hz: float = TONE_HZ, *, left: bool = True, right: bool = True,
         spectrum: bool = False) -> Stimulus:  # fmt: skip
    """A tone at the level of the plate (94 dB SPL at 1 kHz, never above its `max_v`), on one side or both."""
    volts = plate_of(context).test_v
    return Stimulus(hz, volts if left else 0.0, volts if right else 0.0, seconds, spectrum)


async def have_done(context: StepContext, text: Mapping[str, str], hand: str) -> None:
    """Ask for something to be done at the fixture. Raises `StepDeclined` on NG, `StepError` on a time-out."""
    if not await context.ask(text, {"hand": f"fixture {hand}"}):
        raise StepDeclined(f"fixture: NG to {text['en']!r}; set it right, then test again")


def is_faint(level: Value) -> bool:
    """Whether a side is as good as silent at 1 kHz: by more than `FAINT_DB` under the 1 Pa that its plate promises."""
    return level.bound is not None or level.value < 10.0 ** (-FAINT_DB / 20.0)


def moved_db(context: StepContext, channel: Channel, level: Value) -> float:
    """How far a side's level at 1 kHz is from what it was when its sensitivity was measured; 0 where it was not."""
    before = context.already("sensitivity_db", channel)
    if before is None or level.bound is not None:
        return 0.0
    return SPL_AT_1_PA + db(level.value / plate_of(context).test_v) - before
