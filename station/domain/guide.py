"""What a technician is led by while an adjustment is turned: a live value, where it shall go, and which way to turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from station.domain.measurement import Channel

Hint = Literal["raise", "lower", "hold", "done"]
"""`hold`: inside, wait until it has settled. `done`: settled, hands off."""


@dataclass(frozen=True, slots=True)
class Guide:
    """One reading of an adjustment; `low` to `high` is the window around `target`, all in `unit`."""

    name: str
    value: float
    unit: str
    low: float
    high: float
    target: float
    hint: Hint
    channel: Channel | None = None
