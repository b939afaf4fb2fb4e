"""All runs of one device, oldest first: the units that they make, the first and the last judgement, returns."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from station.domain.earlier import moment
from station.statistics.run import Run

REWORK = timedelta(days=30)
"""service-flow: the same fault within 30 days is free."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the outgoing tests said of a unit. `first`: its first judged run, which decides where the unit counts.

    `first_pass`: the first judged run of every outgoing plan that it met was a PASS (a bench that splits the test makes
    two of them). `final`: whether the last judged run was one.
    """

    first: Run
    first_pass: bool
    final: bool


@dataclass(frozen=True, slots=True)
class Repair:
    """A work order that ended in an outgoing PASS, `done`."""

    done: Run
    returned: bool
    same_fault: bool
    old: bool
    """Whether its 30 days are over."""


def units_of(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of a device by product and work order; those without a work order are one unit."""
    found: dict[tuple[str, str | None], list[Run]] = {}
    for run in runs:
        found.setdefault((run.product, run.work_order), []).append(run)
    return list(found.values())


def outgoing_of(unit: Sequence[Run], plan: str | None) -> list[Run]:
    """Its outgoing tests, of one plan where that is asked about."""
    return [run for run in unit if run.purpose == "outgoing" and (plan is None or run.plan == plan)]


def judge(outgoing: Sequence[Run]) -> Judgement | None:
    """None where no run judged it. ABORTED and ERROR are passed over, as if they had not been."""
    judged = [run for run in outgoing if run.judged]
    if not judged:
        return None
    first = {run.plan: run.verdict for run in reversed(judged)}
    return Judgement(judged[0], all(verdict == "PASS" for verdict in first.values()), judged[-1].verdict == "PASS")


def as_found(unit: Sequence[Run]) -> Run | None:
    """The first incoming run that judged it."""
    return next((run for run in unit if run.purpose == "incoming" and run.judged), None)


def repairs_of(runs: Sequence[Run], now: datetime) -> list[Repair]:
    """The repairs of a device and whether each was followed by another work order within 30 days.

    A work order that was begun before the PASS is no return. Runs without a work order, or with a stamp that is none,
    cannot say.
    """
    orders: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        if run.work_order is not None and run.purpose in ("incoming", "outgoing") and moment(run.started_at):
            orders.setdefault((run.product, run.work_order), []).append(run)
    begun: dict[str, list[tuple[datetime, str]]] = {}
    for (product, order), own in orders.items():
        began = min(at for run in own if (at := moment(run.started_at)) is not None)
        insort(begun.setdefault(product, []), (began, order))
    found = []
    for (product, order), own in orders.items():
        done = next((run for run in reversed(own) if run.purpose == "outgoing" and run.judged), None)
        ended = moment(done.ended_at) if done else None
        if done is not None and done.verdict == "PASS" and ended is not None:
            place = bisect_right(begun[product], ended, key=_at)
            later = begun[product][place : place + 2]
            back = next((one for one in later if one[1] != order), None)
            returned = back is not None and back[0] - ended <= REWORK
            same = returned and back is not None and any(run.rework for run in orders[product, back[1]])
            found.append(Repair(done, returned, same, now - ended >= REWORK))
    return found


def _at(begun: tuple[datetime, str]) -> datetime:
    return begun[0]
