"""A rule of diagnosis as config/diagnosis.toml holds it: conditions over a run's measurements, and what they mean.

`station/settings/diagnosis.py` reads and checks the file; `station/run/diagnosis.py` applies the rules to a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Reads = Literal["passed", "failed", "low", "high", "below", "above"]
"""`low`, `high`: judged FAIL on that side of its limit. `below`, `above`: the value against one of the rule's own."""
On = Literal["same", "any", "both"]
"""On which channel a condition must hold: the one that the rule is asked for, either of them, or both."""
HowMany = Literal["any", "one", "both"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One measurement (`reads`), or one interlock that tripped (`trip`; `measurement` is then what it stands for).

    A trip counts where it blames the device: of a meter that failed or fell silent it says nothing.

    `value` and `by` are in the unit of the measurement: the bound of `below` and `above`, and how far beyond its limit
    a value must be for the others. `use` restricts it to steps of that use.
    """

    measurement: str | None
    reads: Reads = "failed"
    value: float | None = None
    by: float = 0.0
    on: On = "same"
    use: str | None = None
    trip: str | None = None


@dataclass(frozen=True, slots=True)
class DiagnosisRule:
    """It holds on the channels where every condition of `when`, one of `either` (where there are any) and none of
    `unless` holds; and only where these are as many as `channels` says. `weight` is 0 to 1; texts are by language."""

    id: str
    area: str
    weight: float
    text: Mapping[str, str]
    parts: Mapping[str, str]
    channels: HowMany = "any"
    when: tuple[Condition, ...] = ()
    either: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
