"""`stats` on a terminal: one table a question, every share with its interval and what it is of."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from station.cli.stats_words import NO_RUN, SAMPLE
from station.cli.terminal import Terminal
from station.cli.trend import sparks
from station.cli.verify_words import STATES
from station.report.numbers import limits, number
from station.report.statistics_page import one_in
from station.report.words import unit_title
from station.statistics.results import Capability, Duration, GoldenUnit, ParetoRow, Person, Rework, Share, Told, Yield

MOST_ROWS = 30
"""Of a table; the rest is in --json and said."""
PARETO_ROWS = 12
COURSE = 16
"""Characters of a golden unit's course."""
Cells = Sequence[str]


def show(told: Told) -> None:
    """Print everything."""
    console = Terminal(width=None if sys.stdout.isatty() else 140, highlight=False)
    counts, found = told.statistics.counts, told.statistics
    mark = f"[bold magenta]{SAMPLE}[/]  " if told.sample else ""
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.by_verdict.items())
    console.print(f"{mark}{escape(told.source)}{escape(_asked(told))}")
    console.print(f"{counts.runs} runs counted" + f" ({verdicts})" * bool(verdicts) if counts.runs else NO_RUN)
    tables = (
        _yields("yield by product (units: serial number and work order)", "product", found.yields),
        _yields("yield by month of the first judged outgoing run (UTC)", "month", found.months[-MOST_ROWS:]),
        _areas(found.areas, counts.found_faulty, counts.no_fault_found), _causes(found.causes),
        _capabilities(found.capabilities), *map(_golden, told.golden),
        _durations("time of a step (test time, s)", found.durations),
        _durations("time of a run (wall time, s)", found.walls), _rework(found.rework),
        _people("by repair engineer", found.engineers), _people("by operator", found.operators),
    )  # fmt: skip
    for table in tables:
        if table is not None:
            console.print()
            console.print(table)
    console.print()
    for line in told.words:
        console.print(f"- {escape(line)}")


def share_text(one: Share) -> tuple[str, str, str]:
    """`37/40`, `92.5 %`, `80 to 97 %`."""
    if one.percent is None or one.low_percent is None or one.high_percent is None:
        return f"{one.hits}/{one.of}", "-", "-"
    return f"{one.hits}/{one.of}", f"{one.percent:.1f} %", f"{one.low_percent:.1f} to {one.high_percent:.1f} %"


def _asked(told: Told) -> str:
    """What was asked for, where it is not everything."""
    asked = ", ".join(f"{name} {value}" for name, value in told.selection.items() if value is not None)
    return f" · {asked}" + f" (days of {told.zone})" * ("since" in asked or "until" in asked) if asked else ""


def _table(title: str, names: Cells, rows: Iterable[Cells], left: int = 1, most: int = MOST_ROWS) -> Group | None:
    """The first `left` columns are words. What is more than `most` is said under the table."""
    held = list(rows)
    if not held:
        return None
    table = Table(box=None, pad_edge=False, header_style="dim")
    for at, name in enumerate(names):
        table.add_column(name, justify="left" if at < left else "right", no_wrap=at >= left)
    for row in held[:most]:
        table.add_row(*row)
    parts: list[Text | Table] = [Text(title, style="bold"), table]
    if len(held) > most:
        parts.append(Text(f"{len(held) - most} more rows: --json", style="dim"))
    return Group(*parts)


def _yields(title: str, name: str, rows: Sequence[Yield]) -> Group | None:
    head = (name, "first pass", "", "95 %", "final", "", "95 %", "not judged")
    return _table(
        title, head,
        ((escape(one.name), *share_text(one.first_pass), *share_text(one.final), str(one.not_judged)) for one in rows),
        most=1000,
    )  # fmt: skip


def _areas(rows: Sequence[ParetoRow], faulty: int, fine: int) -> Group | None:
    title = f"likely area as found ({faulty} units faulty, {fine} with no fault found)"
    head = ("product", "area", "units", "share", "together", "named at all")
    return _table(title, head, ((escape(one.product), *_pareto(one)) for one in _first(rows)), 2)


def _causes(rows: Sequence[ParetoRow]) -> Group | None:
    title = "first cause of a FAIL, by measurement (FAIL runs)"
    head = ("product", "purpose", "measurement", "runs", "share", "together", "units")
    return _table(title, head, ((escape(one.product), one.purpose, *_pareto(one)) for one in _first(rows)), 3)


def _first(rows: Sequence[ParetoRow]) -> list[ParetoRow]:
    """The most frequent of each product and purpose."""
    seen: dict[tuple[str, str], int] = {}
    kept = []
    for one in rows:
        key = one.product, one.purpose
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= PARETO_ROWS:
            kept.append(one)
    return kept


def _pareto(one: ParetoRow) -> Cells:
    return (
        escape(one.name), str(one.count), f"{one.percent:.1f} %", f"{one.cumulative_percent:.1f} %", str(one.units),
    )  # fmt: skip


def _capabilities(rows: Sequence[Capability]) -> Group | None:
    head = ("product", "measurement", "channel", "limits", "n", "mean", "s", "outside", "Ppk", "95 %", "left out")
    return _table("capability of outgoing tests, the least first", head, map(_capability, rows), 3)


def _capability(one: Capability) -> Cells:
    unit = unit_title(one.unit)
    asked = limits(one.low, one.high, unit, "to")
    aside = [f"{one.bounds} bounds"] * bool(one.bounds) + [f"{one.no_value} without"] * bool(one.no_value)
    values = "-" if one.mean is None else number(one.mean), "-" if one.deviation is None else number(one.deviation, 2)
    index, span = "-", "no scatter" if one.n > 1 else "-"
    if one.ppk is not None and one.ppk_low is not None and one.ppk_high is not None:
        style = "red" if one.ppk < 1.0 else "yellow" if one.ppk < 1.33 else "green"
        index, span = f"[{style}]{one.ppk:.2f}[/]", f"{one.ppk_low:.2f} to {one.ppk_high:.2f}"
    few = "[yellow]few[/] " if one.few else ""
    return (
        escape(one.product), escape(one.measurement), one.channel or "", asked, f"{few}{one.n}", *values,
        str(one.outside), index, span, ", ".join(aside),
    )  # fmt: skip


def _golden(unit: GoldenUnit) -> Group | None:
    """What is not in control, and how many are."""
    where = f" at {unit.station}" if unit.station else ""
    told = [one for one in unit.charts if one.state != "in_control"]
    kept = "kept limits" if unit.kept else "limits of its first checks"
    title = f"golden unit {unit.serial_number}{where}, {unit.checks} checks, {kept}: {unit.headline}"
    head = (
        "measurement",
        "channel",
        "course",
        "now",
        "centre",
        "off",
        "way to limit",
        "by chance",
        "since run",
        "state",
    )
    rows = [
        (
            escape(one.measurement), one.channel or "", sparks(one.means, COURSE), _figure(one.level, one.unit),
            _figure(one.centre, one.unit), "-" if one.off_sigma is None else f"{one.off_sigma:+.1f} sigma",
            "-" if one.percent_to_limit is None else f"{one.percent_to_limit:.0f} %",
            "-" if one.chance is None else one_in(one.chance), str(one.since_run or "-"),
            "[{}]{}[/]".format(*STATES[one.state]),
        ) for one in told
    ]  # fmt: skip
    return _table(title, head, rows or [("all charts", "", "", "", "", "", "", "", "", "[green]in control[/]")], 3)


def _figure(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{number(value, 5)} {unit_title(unit)}".rstrip()


def _durations(title: str, rows: Sequence[Duration]) -> Group | None:
    made = (
        (escape(one.plan), escape(one.step), str(one.n), f"{one.median_s:,.1f}", f"{one.p95_s:,.1f}") for one in rows
    )
    return _table(title, ("plan", "step", "n", "median", "95 % within"), made, 2, 200)


def _rework(rows: Sequence[Rework]) -> Group | None:
    head = ("product", "back", "", "95 %", "same fault", "not yet 30 days old", "of them back")
    title = "rework: back in another work order within 30 days after an outgoing PASS"
    made = (
        (escape(one.name), *share_text(one.returned), str(one.same_fault), str(one.young), str(one.young_returned))
        for one in rows
    )
    return _table(title, head, made)


def _people(title: str, rows: Sequence[Person]) -> Group | None:
    head = ("badge", "first pass", "", "95 %", "final", "", "95 %", "back in 30 days", "", "95 %")
    made = (
        (escape(one.badge), *share_text(one.first_pass), *share_text(one.final), *share_text(one.rework.returned))
        for one in rows
    )
    return _table(title, head, made)
