"""Adds runs up as they come, one device after the other, so that memory grows with what is told and not with the runs.

Give every run of a device in a row, oldest first, also those that are not asked about: which run was the first, and
whether the device came back, hangs on all of them. A run, a unit and a repair then count where they belong: a run by
itself, a unit by its first judged run, a repair by its PASS.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

from station.domain.earlier import moment
from station.statistics.device import Repair, as_found, judge, outgoing_of, repairs_of, units_of
from station.statistics.intervals import wilson
from station.statistics.quantiles import Quantiles
from station.statistics.results import (
    Counts,
    Duration,
    ParetoRow,
    Person,
    Rework,
    Share,
    Statistics,
    Yield,
)
from station.statistics.run import JUDGED, Run
from station.statistics.selection import COUNTED, Selection
from station.statistics.values import ValueTally

LONGEST_S = 7 * 86400.0
"""A run that took longer by its stamps was made while a clock was set."""
NONE_NAMED = "(no finding)"
NO_CAUSE = "(no cause on record)"
NOBODY = "(not on record)"


def share(hits: int, of: int) -> Share:
    """In percent, with its interval."""
    bounds = wilson(hits, of)
    if bounds is None:
        return Share(hits, of, None, None, None)
    return Share(hits, of, 100.0 * hits / of, 100.0 * bounds[0], 100.0 * bounds[1])


@dataclass(slots=True)
class _Units:
    of: int = 0
    first: int = 0
    final: int = 0
    not_judged: int = 0

    def told(self, name: str) -> Yield:
        return Yield(name, share(self.first, self.of), share(self.final, self.of), self.not_judged)


@dataclass(slots=True)
class _Returns:
    of: int = 0
    returned: int = 0
    same_fault: int = 0
    young: int = 0
    young_returned: int = 0

    def add(self, repair: Repair) -> None:
        if repair.old:
            self.of += 1
            self.returned += repair.returned
            self.same_fault += repair.same_fault
        else:
            self.young += 1
            self.young_returned += repair.returned

    def told(self, name: str) -> Rework:
        return Rework(name, share(self.returned, self.of), self.same_fault, self.young, self.young_returned)


@dataclass(slots=True)
class _Group:
    """Units and their returns by what they have in common: a product, a month, a badge."""

    units: dict[str, _Units] = field(default_factory=dict)
    returns: dict[str, _Returns] = field(default_factory=dict)

    def unit(self, name: str) -> _Units:
        return self.units.setdefault(name, _Units())

    def back(self, name: str) -> _Returns:
        return self.returns.setdefault(name, _Returns())


class Tally:
    """`add` runs, then `finish`. `now`: repairs younger than 30 days are told apart."""

    def __init__(self, selection: Selection, now: datetime) -> None:
        self._selection, self._now = selection, now
        self._device: list[Run] = []
        self._values = ValueTally()
        self._products, self._months = _Group(), _Group()
        self._engineers, self._operators = _Group(), _Group()
        self._purposes: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._said: Counter[str] = Counter()
        self._areas: Counter[tuple[str, str]] = Counter()
        self._named: Counter[tuple[str, str]] = Counter()
        self._causes: Counter[tuple[str, str, str]] = Counter()
        self._cause_units: Counter[tuple[str, str, str]] = Counter()
        self._laps: dict[tuple[str, str], Quantiles] = {}
        self._walls: dict[tuple[str, str], Quantiles] = {}

    def add(self, run: Run) -> None:
        """One more run; a purpose that never counts is passed over."""
        if run.purpose not in COUNTED:
            return
        if self._device and self._device[-1].serial_number != run.serial_number:
            self._close_device()
        counts = self._selection.holds(run)
        if counts:
            self._count(run)
        if run.purpose == "outgoing" and self._selection.plan in (None, run.plan):
            self._values.add(run, counts=counts)
        self._device.append(replace(run, values=(), steps=()))

    def finish(self) -> Statistics:
        """The figures of all that was added."""
        self._close_device()
        return Statistics(
            self._counts(),
            tuple(units.told(name) for name, units in sorted(self._products.units.items())),
            tuple(units.told(name) for name, units in sorted(self._months.units.items())),
            self._area_rows(), self._cause_rows(), self._values.capabilities(),
            _durations(self._laps), _durations(self._walls),
            tuple(returns.told(name) for name, returns in sorted(self._products.returns.items())),
            _people(self._engineers), _people(self._operators),
        )  # fmt: skip

    # --- a run ---------------------------------------------------------------------------------------------------

    def _count(self, run: Run) -> None:
        self._purposes[run.purpose] += 1
        self._verdicts[run.verdict] += 1
        self._said["without_work_order"] += run.work_order is None
        if run.purpose == "outgoing" and not run.judged:
            self._said["not_judged"] += 1
            failed = any(one.verdict == "FAIL" for one in run.values) or any(one.verdict == "FAIL" for one in run.steps)
            self._said["not_judged_after_a_failed_value"] += failed
        for lap in run.steps:
            if lap.attempt > 0 and lap.verdict in JUDGED:
                laps = self._laps.get((run.plan, lap.step))
                if laps is None:
                    laps = self._laps[run.plan, lap.step] = Quantiles()
                laps.add(max(0.0, lap.duration_s))
        if run.judged:
            self._add_wall(run)

    def _add_wall(self, run: Run) -> None:
        began, ended = moment(run.started_at), moment(run.ended_at)
        took_s = (ended - began).total_seconds() if began and ended else -1.0
        if 0.0 <= took_s <= LONGEST_S:
            self._walls.setdefault((run.plan, f"({run.verdict})"), Quantiles()).add(took_s)
        else:
            self._said["impossible_wall_time"] += 1

    # --- a device ------------------------------------------------------------------------------------------------

    def _close_device(self) -> None:
        runs, self._device = self._device, []
        self._values.next_device()
        for before, after in pairwise(runs):
            same = (before.station, before.epoch) == (after.station, after.epoch)
            against = (after.run_no < before.run_no) is not (after.started_at < before.started_at)
            self._said["stamps_against_run_numbers"] += same and against
        for unit in units_of(runs):
            self._count_unit(unit)
        for repair in repairs_of(runs, self._now):
            if self._selection.holds(repair.done):
                self._products.back(repair.done.product).add(repair)
                self._engineers.back(repair.done.repair_engineer or NOBODY).add(repair)
                self._operators.back(repair.done.operator or NOBODY).add(repair)

    def _count_unit(self, unit: list[Run]) -> None:
        holds = self._selection.holds
        found = as_found(unit)
        if found is not None and holds(found):
            self._count_found(found)
        failed = [run for run in unit if run.verdict == "FAIL" and run.purpose != "adjust" and holds(run)]
        causes = [(run.product, run.purpose, run.cause or NO_CAUSE) for run in failed]
        self._causes.update(causes)
        self._cause_units.update(set(causes))
        outgoing = outgoing_of(unit, self._selection.plan)
        said = judge(outgoing)
        if said is None:
            met = next(filter(holds, outgoing), None)
            if met is not None:
                self._products.unit(met.product).not_judged += 1
                self._months.unit(met.ended_at[:7]).not_judged += 1
        elif holds(said.first):
            first = said.first
            for units in (
                self._products.unit(first.product), self._months.unit(first.ended_at[:7]),
                self._engineers.unit(first.repair_engineer or NOBODY), self._operators.unit(first.operator or NOBODY),
            ):  # fmt: skip
                units.of += 1
                units.first += said.first_pass
                units.final += said.final

    def _count_found(self, found: Run) -> None:
        if found.verdict == "PASS":
            self._said["no_fault_found"] += 1
            return
        self._said["found_faulty"] += 1
        areas = found.areas or (NONE_NAMED,)
        self._areas[found.product, areas[0]] += 1
        self._named.update((found.product, area) for area in set(areas))

    # --- told ----------------------------------------------------------------------------------------------------

    def _counts(self) -> Counts:
        said = self._said
        return Counts(
            self._verdicts.total(), dict(sorted(self._purposes.items())), dict(sorted(self._verdicts.items())),
            said["not_judged"], said["not_judged_after_a_failed_value"], said["without_work_order"],
            said["no_fault_found"], said["found_faulty"], self._values.without_limits, self._values.one_allowed,
            said["impossible_wall_time"], said["stamps_against_run_numbers"],
        )  # fmt: skip

    def _area_rows(self) -> tuple[ParetoRow, ...]:
        counted = Counter({(product, "incoming", area): count for (product, area), count in self._areas.items()})
        for product, area in self._named:
            counted.setdefault((product, "incoming", area), 0)
        return _pareto(counted, {(p, "incoming", area): units for (p, area), units in self._named.items()})

    def _cause_rows(self) -> tuple[ParetoRow, ...]:
        return _pareto(self._causes, self._cause_units)


def _pareto(
    counted: Counter[tuple[str, str, str]], units: dict[tuple[str, str, str], int]
) -> tuple[ParetoRow, ...]:  # fmt: skip
    """By product and purpose, the most frequent first, with what they make together so far."""
    totals: Counter[tuple[str, str]] = Counter()
    for (product, purpose, _), count in counted.items():
        totals[product, purpose] += count
    rows, sofar = [], Counter[tuple[str, str]]()
    for key in sorted(counted, key=lambda key: (key[0], key[1], -counted[key], key[2])):
        product, purpose, name = key
        total = totals[product, purpose]
        sofar[product, purpose] += counted[key]
        percent, together = (100.0 * n / total if total else 0.0 for n in (counted[key], sofar[product, purpose]))
        rows.append(ParetoRow(product, purpose, name, counted[key], percent, together, units[key]))
    return tuple(rows)


def _durations(held: dict[tuple[str, str], Quantiles]) -> tuple[Duration, ...]:
    """By plan, its steps in the order in which they were met."""
    ordered = sorted(held.items(), key=lambda item: item[0][0])
    return tuple(Duration(plan, step, q.count, q.at(0.5), q.at(0.95)) for (plan, step), q in ordered)


def _people(group: _Group) -> tuple[Person, ...]:
    """By badge, not by figure: a ranking is what this is not for (docs/statistics.md)."""
    people = []
    for badge in sorted({*group.units, *group.returns}):
        told, back = group.unit(badge).told(badge), group.back(badge).told(badge)
        people.append(Person(badge, told.first_pass, told.final, back))
    return tuple(people)
