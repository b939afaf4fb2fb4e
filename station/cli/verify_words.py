"""What `verify` says of the golden unit's charts: a line for each, then in words what drifts, since when, and what it
hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TextIO

from rich.markup import escape
from rich.table import Table

from station.cli.terminal import Terminal
from station.domain.verdict import Verdict
from station.metrology.charts import RUN, Signal
from station.metrology.golden import Chart, Check, Frozen, State, changes_of, lost_of
from station.report.numbers import local_time, number
from station.report.words import unit_title

STATES = {
    "collecting": ("dim", "collecting"), "in_control": ("green", "in control"), "marked": ("yellow", "marked"),
    "out_of_control": ("red", "OUT"), "not_known": ("red", "not known"),
}  # fmt: skip
MEAN_RULES = {
    1: "a mean beyond 3 sigma (rule 1)",
    2: "two of three means beyond 2 sigma (rule 2)",
    3: "four of five means beyond 1 sigma (rule 3)",
    4: f"{RUN} means in a row on one side (rule 4)",
}
RANGES = {
    "above": "its scatter has grown (range above its limit)",
    "below": "its scatter is gone (range under its limit)",
}


@dataclass(frozen=True, slots=True)
class View:
    """All that is told of one unit. `size`: checks in a subgroup. `first`: subgroups that make the limits where none
    are kept. `family`: the chance over all charts above which a rule only marks, where one was stated."""

    serial: str
    simulated: bool
    checks: Sequence[Check]
    charts: Sequence[Chart]
    frozen: Frozen | None
    size: int
    first: int
    zone: tzinfo
    zone_name: str
    family: float | None = None


def state_of(view: View) -> State:
    """How the bench stands. Not known: the last check judged nothing, or a chart has no value of late."""
    states = {chart.state for chart in view.charts}
    last = view.checks[-1].verdict
    if last is Verdict.FAIL or "out_of_control" in states:
        return "out_of_control"
    if last is not Verdict.PASS or "not_known" in states or lost_of(view.charts, view.frozen):
        return "not_known"
    if "marked" in states:
        return "marked"
    return "collecting" if "collecting" in states or not view.charts else "in_control"


def headline(view: View) -> str:
    """How the bench stands, in one sentence."""
    last = view.checks[-1]
    state = state_of(view)
    out, marked = _those(view, "out_of_control"), _those(view, "marked")
    missing = _those(view, "collecting")
    if out:
        return f"OUT OF CONTROL: {len(out)} of {len(view.charts)} charts: {_names(out)}"
    if state == "out_of_control":
        return f"OUT OF LIMITS: the last check, run {last.run_no}, is a FAIL by the plan's own limits"
    if last.verdict is not Verdict.PASS:
        return (
            f"NOT KNOWN: the last check, run {last.run_no}, is {last.verdict.value} and judged nothing; make it again"
        )
    if state == "not_known":
        names = ", ".join(dict.fromkeys([chart.name for chart in _those(view, "not_known")] + _lost(view)))
        return f"NOT KNOWN: no value of late of {names}"
    if marked:
        more = f"marked, and not out only by --family {view.family:g}"
        return f"{len(marked)} of {len(view.charts)} charts {more}: {_names(marked)}"
    if state == "collecting":
        have = min((len(chart.values) for chart in missing), default=0)
        wanted = view.first * view.size
        if view.frozen:
            return f"no limits are kept for {_names(missing)}: freeze them anew; all others are in control"
        return f"collecting: {have} of the {wanted} checks that make the limits; until then the plan's limits judge"
    when = f"{local_time(last.at, view.zone)} {view.zone_name}"
    return f"in control: {len(view.charts)} charts of {len(view.checks)} checks, the latest of {when}"


def words_of(view: View) -> list[str]:
    """What drifts, since when, on what it hangs, what changed then; what is not known; what was and is back."""
    out = _those(view, "out_of_control")
    words = [_drift(view, chart) for chart in out]
    words += _instruments(view.charts, out)
    since = {chart.since_run for chart in out if chart.since_run is not None}
    runs = [check.run_no for check in view.checks]
    for change in changes_of(view.checks):
        near = [run for run in since if abs(runs.index(run) - runs.index(change.run_no)) <= view.size]
        if near:
            words.append(f"changed with run {change.run_no}: {change.what}, from {change.before} to {change.after}")
    last = view.checks[-1]
    if out and last.verdict not in (Verdict.PASS, Verdict.FAIL):
        words.append(f"the last check, run {last.run_no}, is {last.verdict.value}: it judged nothing; make it again")
    words += [_silent(chart) for chart in _those(view, "not_known")]
    words += [f"{text}: limits are kept for it, and no check since has a value of it" for text in _lost(view)]
    words += [_marked(chart) for chart in _those(view, "marked")]
    for chart in view.charts:
        if chart.state == "in_control" and chart.signals:
            signal = chart.signals[-1]
            first, end = _runs(chart, signal)
            words.append(f"{_name(chart)} was marked in runs {first} to {end} ({_rule(signal)}), and is back")
    return words


def told(view: View, out: TextIO) -> None:
    """The table and the words."""
    console = Terminal(file=out, width=None if out.isatty() else 140, highlight=False)
    kept = f"kept, of runs {view.frozen.from_run} to {view.frozen.to_run}" if view.frozen else "of the first"
    kept += "" if view.frozen else f" {view.first} subgroups"
    console.print(
        escape(f"golden unit {view.serial}{', SIMULATED' * view.simulated}: {len(view.checks)} checks, runs ")
        + f"{view.checks[0].run_no} to {view.checks[-1].run_no}, "
        f"in subgroups of {view.size}; limits {kept}"
    )
    if any(chart.values for chart in view.charts):
        console.print(_table(view.charts))
    bad = state_of(view) in ("out_of_control", "not_known")
    console.print(f"[{'bold red' if bad else 'bold'}]{escape(headline(view))}[/]")
    if view.family is not None:
        console.print(
            f"--family {view.family:g}: a rule counts only where a bench in order shows as much, among all "
            f"{len(view.charts)} charts, at no more than that share of its looks"
        )
    for line in words_of(view):
        console.print(f"- {escape(line)}")


def _table(charts: Sequence[Chart]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("measurement", "channel", "unit", "last mean", "centre", "limits of the mean", "off", "state"):
        right = name in ("last mean", "centre", "limits of the mean", "off")
        table.add_column(name, justify="right" if right else "left")
    for chart in charts:
        group, base = chart.groups[-1], chart.baseline
        style, word = STATES[chart.state]
        limits = off = ""
        if base is not None:
            low, high = base.mean_limits(group.size)
            limits, off = f"{number(low, 5)} to {number(high, 5)}", f"{base.score(group):+.1f} sigma"
        table.add_row(
            chart.name, chart.channel or "", unit_title(chart.unit), number(group.mean, 5),
            number(base.centre, 5) if base else f"{len(chart.values)} checks", limits, off, f"[{style}]{word}[/]",
        )  # fmt: skip
    return table


def _drift(view: View, chart: Chart) -> str:
    assert chart.baseline is not None and chart.since_run is not None and chart.level is not None
    centre, unit = chart.baseline.centre, unit_title(chart.unit)
    at = next(check.at for check in view.checks if check.run_no == chart.since_run)
    when = f"since run {chart.since_run} ({local_time(at, view.zone)} {view.zone_name})"
    rules = "; ".join(dict.fromkeys(map(_rule, chart.open)))
    if all(signal.on == "range" for signal in chart.open):
        return f"{_name(chart)}: {rules}, {when}; {_often(chart)}"
    moved = chart.level - centre
    share = f", {100.0 * moved / centre:+.2g} %" if centre and "db" not in chart.name.split("_") else ""
    stands = f"{_name(chart)} stands at {number(chart.level, 5)} {unit}".rstrip()
    by = f"{moved:+.2g}{share}{_room(view, chart, moved)}"
    return f"{stands} instead of {number(centre, 5)} ({by}), most likely {when}: {rules}; {_often(chart)}"


def _marked(chart: Chart) -> str:
    rules = "; ".join(dict.fromkeys(map(_rule, chart.open)))
    return f"{_name(chart)} is marked: {rules}; {_often(chart)}: watch it"


def _often(chart: Chart) -> str:
    """How often a bench in order shows as much: a bound."""
    assert chart.chance is not None
    whose = f"among {chart.among} charts of a bench in order" if chart.among > 1 else "on the chart of a bench in order"
    if chart.chance > 0.5:
        return f"{whose} chance alone may do as much"
    if chart.chance < 1e-6:
        return f"{whose} chance does as much at less than one look in a million"
    return f"{whose} chance does as much at no more than one look in {int(1.0 / chart.chance):,}"


def _silent(chart: Chart) -> str:
    latest = f"since run {chart.runs[-1]}: the last {chart.silent} checks made none"
    return f"{_name(chart)} has no value {latest}; where the plan has it no more, leave older checks out (--from RUN)"


def _those(view: View, state: State) -> list[Chart]:
    """The charts in a state, what chance would hardly make first."""
    return sorted((chart for chart in view.charts if chart.state == state), key=lambda chart: chart.bound)


def _names(charts: Sequence[Chart]) -> str:
    return ", ".join(dict.fromkeys(chart.name for chart in charts))


def _lost(view: View) -> list[str]:
    return lost_of(view.charts, view.frozen)


def _room(view: View, chart: Chart, moved: float) -> str:
    """How much of the way to the plan's own limit on that side is used up."""
    assert chart.baseline is not None
    limits = next(check.limits for check in reversed(view.checks) if (chart.name, chart.channel) in check.limits)
    limit = limits[chart.name, chart.channel][1 if moved > 0.0 else 0]
    if limit is None or (limit - chart.baseline.centre) * moved <= 0.0:
        return ""
    return f", {100.0 * moved / (limit - chart.baseline.centre):.0f} % of the way to the plan's limit {number(limit)}"


def _instruments(charts: Sequence[Chart], out: Sequence[Chart]) -> list[str]:
    """For each instrument how many of its charts are out, the most suspect first."""
    roles = dict.fromkeys(role for chart in out for role in chart.roles)
    count = {
        role: (sum(role in chart.roles for chart in out), sum(role in chart.roles for chart in charts))
        for role in roles
    }  # fmt: skip
    suspect = sorted(roles, key=lambda role: -count[role][0] / count[role][1])
    return [f"{role}: {count[role][0]} of the {count[role][1]} charts that hang on it are out" for role in suspect]


def _name(chart: Chart) -> str:
    return f"{chart.name} ({chart.channel})" if chart.channel else chart.name


def _rule(signal: Signal) -> str:
    return RANGES[signal.side] if signal.on == "range" else f"{MEAN_RULES[signal.rule]}, {signal.side} the centre"


def _runs(chart: Chart, signal: Signal) -> tuple[int, int]:
    return chart.runs[chart.groups[signal.first].first], chart.runs[chart.groups[signal.last].last]
