"""The golden unit over time: what each check read, charted, and in words what drifts, since when, and on what it hangs.

Takes finished records of purpose `verify` of one unit; knows no store and draws nothing. One chart is one measurement
of one channel. A chart is *collecting* until there is a baseline, and *not known* while the last checks, a subgroup's
worth, made no value of it. A rule speaks now if the last whole subgroup or what came after it completes it, so that one
whole subgroup without a signal brings a chart back. A chart is *out of control* while a rule speaks. The rules were
made for one chart: among the 24 of a bench in order, some rule speaks at most looks (docs/golden-unit.md). Who will
not have that states the share of looks that may be wrong, over all charts (`family`): a rule that chance makes more
often than this is then only *marked*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from station.domain.measurement import Channel
from station.domain.record import Record
from station.domain.verdict import Verdict
from station.metrology.charts import (
    Baseline,
    Group,
    Signal,
    baseline_of,
    change_point,
    groups_of,
    range_chance,
    signals_of,
    step_chance,
)
from station.metrology.roles import MEASURED_BY

Key = tuple[str, Channel | None]
State = Literal["collecting", "in_control", "marked", "out_of_control", "not_known"]
SUBGROUP = 3
FIRST = 8
"""Subgroups that make the baseline: 24 checks leave the sigma to about 18 %."""


@dataclass(frozen=True, slots=True)
class Check:
    """One run of the golden unit: what it read, and what the bench was made of.

    `limits`: low and high of the plan. `bench`: by role the instrument's serial number and its calibration's end, and
    `software`.
    """

    run_no: int
    at: str
    verdict: Verdict
    values: Mapping[Key, float]
    units: Mapping[Key, str]
    limits: Mapping[Key, tuple[float | None, float | None]]
    bench: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Chart:
    """One measurement of one channel over all checks that made it. `runs`: the run number of each value."""

    name: str
    channel: Channel | None
    unit: str
    runs: tuple[int, ...]
    values: tuple[float, ...]
    groups: tuple[Group, ...]
    baseline: Baseline | None
    signals: tuple[Signal, ...]
    size: int
    among: int
    """Charts that are looked at together."""
    silent: int = 0
    """The latest checks that made no value of it."""
    family: float | None = None
    """The stated chance over all charts above which a rule only marks; None: each rule counts."""

    @property
    def open(self) -> tuple[Signal, ...]:
        """The signals that still hold: completed by the last whole subgroup or what came after it."""
        whole = sum(group.size == self.size for group in self.groups)
        return tuple(signal for signal in self.signals if signal.last >= whole - 1)

    @property
    def state(self) -> State:
        """How it stands now."""
        chance = self.chance
        if chance is not None and (self.family is None or chance <= self.family):
            return "out_of_control"
        if self.silent >= self.size:
            return "not_known"
        if self.baseline is None:
            return "collecting"
        return "in_control" if chance is None else "marked"

    @property
    def chance(self) -> float | None:
        """At most how often, of its looks, a bench in order shows as much somewhere among all charts; None: no rule.

        A bound (Bonferroni): the step was looked for from each subgroup on, in means and in ranges, on every chart.
        """
        return None if self.baseline is None or not self.open else min(1.0, self.bound)

    @property
    def bound(self) -> float:
        """`chance` before it is cut to 1, to put charts in order by; endless where no rule speaks."""
        if self.baseline is None or not self.open:
            return math.inf
        found = [range_chance(self.groups[one.last], self.baseline) for one in self.open if one.on == "range"]
        if any(one.on == "mean" for one in self.open):
            since = change_point(self.groups, self.baseline)
            found.append(len(self.groups) * step_chance(self.groups, self.baseline, since))
        return 2.0 * self.among * min(found)

    @property
    def since_run(self) -> int | None:
        """The run from which on it most likely stands elsewhere; None while no rule speaks.

        Of the range: the first run of the first subgroup that scattered too much.
        """
        if self.baseline is None or not self.open:
            return None
        if all(signal.on == "range" for signal in self.open):
            return self.runs[self.groups[min(signal.first for signal in self.open)].first]
        return self.runs[self.groups[change_point(self.groups, self.baseline)].first]

    @property
    def level(self) -> float | None:
        """Where it stands: the mean since `since_run`, else of the last subgroup; None without a value."""
        if not self.values:
            return None
        since = self.since_run
        if since is None:
            return self.groups[-1].mean
        now = [value for run, value in zip(self.runs, self.values, strict=True) if run >= since]
        return math.fsum(now) / len(now)

    @property
    def roles(self) -> tuple[str, ...]:
        """The instruments that it hangs on."""
        return MEASURED_BY.get(self.name, ())


@dataclass(frozen=True, slots=True)
class Change:
    """Something of the bench that was another one from this run on."""

    run_no: int
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """A stated baseline: limits per chart, read off checks from `from_run` to `to_run` of one unit."""

    serial_number: str
    size: int
    from_run: int
    to_run: int
    limits: Mapping[str, Baseline] = field(default_factory=dict)


def check_of(record: Record) -> Check:
    """What a golden-unit run says. A bound, what was not made and what the station got wrong are no values."""
    values: dict[Key, float] = {}
    units: dict[Key, str] = {}
    limits: dict[Key, tuple[float | None, float | None]] = {}
    for step in record.steps:
        for m in step.measurements:
            if m.value is not None and m.bound is None and m.verdict in (Verdict.PASS, Verdict.FAIL):
                if m.name.endswith("_ok"):
                    continue
                key = m.name, m.channel
                values[key], units[key], limits[key] = m.value, m.unit, (m.low, m.high)
    bench = {"software": record.software}
    for one in record.instruments:
        bench[one.role] = f"{one.serial_number or 'no serial number'}, calibrated until {one.calibrated_until or '-'}"
    return Check(record.run_no, record.ended_at, record.verdict, values, units, limits, bench)


def key_text(name: str, channel: Channel | None) -> str:
    """`thd_percent/left`, `insulation_mohm`."""
    return f"{name}/{channel}" if channel else name


def charts_of(
    checks: Sequence[Check], size: int = SUBGROUP, first: int = FIRST, frozen: Frozen | None = None,
    family: float | None = None,
) -> list[Chart]:  # fmt: skip
    """A chart for each measurement of the checks, oldest check first, in the order in which they were made.

    Limits are those of `frozen`, whose own subgroup size then holds, else of the first `first` whole subgroups.
    `family`: the chance over all charts above which a rule only marks.
    """
    size = frozen.size if frozen else size
    if frozen:
        checks = [check for check in checks if check.run_no >= frozen.from_run]
    keys = dict.fromkeys(key for check in checks for key in check.values)
    return [replace(_chart(key, checks, size, first, frozen, len(keys)), family=family) for key in keys]


def lost_of(charts: Sequence[Chart], frozen: Frozen | None) -> list[str]:
    """What has kept limits and no value in any check: it has no chart."""
    there = {key_text(chart.name, chart.channel) for chart in charts}
    return [text for text in frozen.limits if text not in there] if frozen else []


def _chart(key: Key, checks: Sequence[Check], size: int, first: int, frozen: Frozen | None, among: int) -> Chart:
    made = [check for check in checks if key in check.values]
    values = tuple(check.values[key] for check in made)
    groups = groups_of(values, size)
    if frozen:
        baseline = frozen.limits.get(key_text(*key))
    else:
        baseline = baseline_of(values[: first * size], size) if len(values) >= first * size else None
    signals = tuple(signals_of(groups, baseline)) if baseline else ()
    runs = tuple(check.run_no for check in made)
    silent = sum(check.run_no > runs[-1] for check in checks)
    return Chart(*key, made[-1].units[key], runs, values, tuple(groups), baseline, signals, size, among, silent)


def freeze(charts: Sequence[Chart], serial_number: str, first: int) -> Frozen:
    """The baseline of charts that were read off their first subgroups, so that it can be kept.

    Raises `ValueError` where a chart has none yet, or is not in control within its own baseline.
    """
    if not charts:
        raise ValueError("there is no check to freeze limits from")
    limits: dict[str, Baseline] = {}
    for chart in charts:
        text = key_text(chart.name, chart.channel)
        if chart.baseline is None:
            raise ValueError(
                f"{text}: {len(chart.values)} checks; limits are frozen from the first {first * chart.size}"
            )
        if any(signal.last < first for signal in chart.signals):
            raise ValueError(
                f"{text}: its first {first * chart.size} checks are not in control themselves; find out why, and take"
                " the limits from checks after it was put right (--from RUN)"
            )
        limits[text] = chart.baseline
    runs = [run for chart in charts for run in chart.runs[: first * chart.size]]
    return Frozen(serial_number, charts[0].size, min(runs), max(runs), limits)


def changes_of(checks: Sequence[Check]) -> list[Change]:
    """What of the bench changed between two checks: an instrument, its calibration, the software."""
    found = []
    for before, after in pairwise(checks):
        for what in dict.fromkeys((*before.bench, *after.bench)):
            old, new = before.bench.get(what, "none"), after.bench.get(what, "none")
            if old != new:
                found.append(Change(after.run_no, what, old, new))
    return found
