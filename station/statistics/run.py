"""A run as statistics see it: what of the record they count, and nothing else of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

JUDGED = frozenset({"PASS", "FAIL"})
"""Verdicts about the device. ABORTED is a person's wish and ERROR the station's fault: they judge nothing."""


class Value(NamedTuple):
    """A measurement, as contracts/record.md has it; a tuple because there are forty of them in a run."""

    step: str
    name: str
    channel: str | None
    value: float | None
    unit: str
    low: float | None
    high: float | None
    bound: str | None
    verdict: str


class Lap(NamedTuple):
    """A step as it was made. `attempt` 0: it was not."""

    step: str
    attempt: int
    verdict: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """`cause`: the measurement of the first cause, else its step. `areas`: of the findings, the strongest first.

    `epoch` and `run_no` order the runs of one store. `rework`: the record says that the device is back with the same
    fault. `values` are needed of outgoing runs alone.
    """

    station: str
    epoch: str
    run_no: int
    product: str
    plan: str
    purpose: str
    verdict: str
    serial_number: str
    work_order: str | None
    operator: str | None
    repair_engineer: str | None
    started_at: str
    ended_at: str
    cause: str | None = None
    areas: tuple[str, ...] = ()
    rework: bool = False
    values: tuple[Value, ...] = ()
    steps: tuple[Lap, ...] = ()

    @property
    def judged(self) -> bool:
        """Whether it says something about the device."""
        return self.verdict in JUDGED


def cause_of(step: str | None, measurement: str | None) -> str | None:
    """What a first cause is counted by: the measurement, else the step that it came from."""
    return measurement or (f"step {step}" if step else None)
