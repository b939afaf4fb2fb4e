"""The hands of the demo's technician: what they do inside the DUT when the bench asks, as commands of `simulate`.

Clips and probe go where a prompt says (`about`), and what else a hand is asked for is done in its words. Trimmers are
turned as a person turns them: a look at the needle, a turn of about the right size that is often a little too far,
another look. What is wrong to the eye or ear stands in the DUT's file; no judgement lives here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

LOOK_S = 0.3
"""From one turn to the next: nobody reads a needle faster."""
TURN_MA_MAX = 12.0
FINGER_MA = 0.5
CLIPS: Mapping[str, str] = {"clips-on": "clips 1", "clips-off": "clips 0"}


class Hands:
    """`now_s`: monotonic wall seconds. `wrong`: items of guided checks that a person finds wrong on this DUT."""

    def __init__(self, now_s: Callable[[], float], wrong: Collection[str] = ()) -> None:
        self._now_s = now_s
        self._wrong = frozenset(wrong)
        self._skill = random.Random(4)
        self._turned_s: dict[str, float] = {}

    def prepare(self, about: Mapping[str, str]) -> Iterator[str]:
        """What a prompt wants done before it is answered."""
        if "probe" in about:
            yield f"probe {about['probe']}"
        if "hand" in about:
            yield about["hand"]
        if about.get("item") in CLIPS:
            yield CLIPS[about["item"]]

    def finds_right(self, about: Mapping[str, str]) -> bool:
        """Whether all that a prompt asks about is as it should be; what had to be set is set when asked again."""
        asked = {about.get("item", ""), *about.get("items", "").split()}
        return "again" in about or asked.isdisjoint(self._wrong)

    def turn(self, guide: Mapping[str, Any] | None) -> Iterator[str]:
        """What follows from a guide: one turn, at most one each `LOOK_S`."""
        if guide is None or guide["hint"] not in ("raise", "lower"):
            return
        side, now_s = str(guide["channel"]), self._now_s()
        if now_s - self._turned_s.get(side, -LOOK_S) < LOOK_S:
            return
        self._turned_s[side] = now_s
        wanted_ma = (guide["target"] - guide["value"]) * self._skill.uniform(0.75, 1.4)
        turns = round(max(-TURN_MA_MAX, min(TURN_MA_MAX, wanted_ma)) / FINGER_MA)
        yield f"trim {side} {turns * FINGER_MA:g}"
