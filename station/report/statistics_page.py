"""The figures of `stats` as one page: every share with its interval, every chart with what it is of. No script, nothing
fetched. A chart without a row says why it is empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from markupsafe import escape

from station.report.chart import Chart, Line, draw
from station.report.numbers import duration, number
from station.report.row_chart import RowChart, RowFigure, draw_rows
from station.report.words import area_title, measurement_title, unit_title
from station.statistics.results import (
    FEW,
    Capability,
    Duration,
    GoldenChart,
    GoldenUnit,
    ParetoRow,
    Person,
    Rework,
    Share,
    Told,
    Yield,
)

CSS = Path(__file__).with_name("report.css")
STYLE = """
.rows .label { font-size: 12.5px; fill: var(--ink); } .rows .guide { stroke: var(--quiet); stroke-dasharray: 4 4; }
.rows rect.plain { fill: #9dbbd9; } .rows circle.plain { fill: var(--left); } .rows circle.good { fill: var(--good); }
.rows circle.second { fill: var(--right); }
.rows circle.hold { fill: var(--hold); } .rows circle.bad { fill: var(--bad); }
.rows circle.hollow { fill: #fff; stroke: var(--ink); stroke-width: 1.6; }
.rows .span { fill: none; stroke-width: 1.6; stroke: var(--quiet); }
.rows path.sofar { fill: none; stroke: var(--right); stroke-width: 1.6; } .rows circle.sofar { fill: var(--right); }
.empty { color: var(--quiet); margin: 4px 0 14px; } .asked { color: var(--quiet); margin: 0 0 10px; }
.notes { margin: 0 0 8px; padding: 10px 14px 10px 30px; background: var(--soft); } .notes li { margin: 2px 0; }
"""
MOST = 24
"""Rows of a chart; what is more is said under it."""
PARETO = 12
GOLDEN_CHARTS = 4
GOLDEN_UNITS = 12
MONTHS = 36
PPK = "Ppk (no unit), 95 % interval; hollow: fewer than 25 values; beyond the scale: at its end"
TIMES = "s, logarithmic; bar: median, whisker: 95 % took no longer"


def statistics_page(told: Told) -> str:
    """The page."""
    title = f"Statistics: {told.statistics.counts.runs} runs"
    sample = (
        '<p class="sample"><b>模拟 SAMPLE</b>Made of simulated runs alone: nothing here was measured on a device.</p>'
        if told.sample else ""
    )  # fmt: skip
    notes = "".join(f"<li>{escape(line)}</li>" for line in told.words)
    asked = ", ".join(f"{name} {value}" for name, value in told.selection.items() if value is not None) or "everything"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{CSS.read_text(encoding='utf-8')}{STYLE}</style></head><body><main>"
        f"{sample}<header><div><h1>{escape(title)}</h1>"
        f'<p class="sub">{escape(told.source)}</p></div></header>'
        f'<p class="asked">Asked for: {escape(asked)}. Days are those of {escape(told.zone)}.</p>'
        f'<ul class="notes">{notes}</ul>{"".join(_sections(told))}'
        '<p class="fine">Whiskers: 95 % intervals (Wilson for shares, Bissell for Ppk). A unit is a serial number in a '
        "work order; its first judged outgoing run decides first pass, its last one the final yield. Ppk is of the "
        "first value that each unit gave, by the scatter of all of them.</p></main></body></html>\n"
    )


def _sections(told: Told) -> Iterator[str]:
    found = told.statistics
    yield _section("Yield", _yields("by product", found.yields), _yields("by month (UTC)", found.months[-MONTHS:]))
    yield _section("What fails", *_paretos(found.areas, areas=True), *_paretos(found.causes, areas=False))
    yield _section("Capability of outgoing tests", *_capabilities(found.capabilities))
    yield _section("Golden units", *(_golden(unit) for unit in told.golden[:GOLDEN_UNITS]),
                   _more(len(told.golden) - GOLDEN_UNITS, "golden units"))  # fmt: skip
    yield _section("Time", *_durations(found.durations), *_durations(found.walls, wall=True))
    yield _section("Rework within 30 days", _rework(found.rework))
    not_for = (
        '<p class="fine">Not for judging a person: numbers are small, hard repairs go to the best, and the intervals '
        "overlap (docs/statistics.md).</p>"
    )
    yield _section("People", _people("repair engineer", found.engineers), _people("operator", found.operators),
                   not_for if found.engineers else "")  # fmt: skip


def _section(title: str, *charts: str) -> str:
    drawn = "".join(f"<figure>{one}</figure>" if one.startswith("<svg") else one for one in charts)
    return f"<h2>{escape(title)}</h2>" + (drawn or '<p class="empty">Nothing to show: no run of this kind.</p>')


def _more(count: int, what: str) -> str:
    return f'<p class="fine">{count} more {escape(what)}: station stats --json</p>' if count > 0 else ""


def _share(label: str, one: Share, kind: str = "plain") -> RowFigure:
    text = f"{one.hits} of {one.of}"
    if one.percent is None or one.low_percent is None:
        return RowFigure(label, None, text)
    return RowFigure(label, one.percent, f"{one.percent:.1f} % ({text})", one.low_percent, one.high_percent,
                     kind=kind, hollow=one.of < FEW)  # fmt: skip


def _yields(by: str, rows: Sequence[Yield]) -> str:
    shown = [row for one in rows[:MOST * 2] for row in (
        _share(f"{one.name}, first pass", one.first_pass), _share(f"{one.name}, final", one.final, "second")
    )]  # fmt: skip
    chart = RowChart(
        f"Yield {by}, units", "% of judged units, 95 % interval; hollow: fewer than 25", tuple(shown), high=100.0
    )
    return draw_rows(chart) + _more(len(rows) - MOST * 2, "rows")


def _paretos(rows: Sequence[ParetoRow], *, areas: bool) -> Iterator[str]:
    for (product, purpose), group in groupby(rows, lambda one: (one.product, one.purpose)):
        held = [one for one in group if one.count]
        if not held:
            continue
        met = "named in" if areas else "units"
        shown = tuple(
            RowFigure(
                _named(one.name), one.percent, f"{one.count} ({one.percent:.1f} %), {met} {one.units}",
                sofar=one.cumulative_percent,
            ) for one in held[:PARETO]
        )  # fmt: skip
        title = (
            f"Likely area as found, {product}: units by their strongest finding" if areas
            else f"First cause of a FAIL, {product}, {purpose} tests: FAIL runs"
        )  # fmt: skip
        axis = f"% of {sum(one.count for one in held)} {'units' if areas else 'runs'}; line: together so far"
        yield draw_rows(RowChart(title, axis, shown, high=100.0, bars=True))
        yield _more(len(held) - PARETO, "causes")


def _named(name: str) -> str:
    area = area_title(name, "en")
    return area if area != name else measurement_title(name, "en") if "_" in name else name


def _capabilities(rows: Sequence[Capability]) -> Iterator[str]:
    """By product, the least capable first; the index drawn up to 4."""
    ordered = sorted(rows, key=lambda one: one.product)
    for product, group in groupby(ordered, lambda one: one.product):
        held = [one for one in group if one.ppk is not None]
        shown = tuple(map(_capability, held[:MOST]))
        guides = ((1.0, "1.00"), (1.33, "1.33"))
        high = min(4.0, max((row.high or 0.0 for row in shown), default=4.0))
        title = f"Ppk, {product}: outgoing tests, first value of each unit, the least first"
        yield draw_rows(RowChart(title, PPK, shown, high=max(2.0, high), guides=guides))
        yield _more(len(held) - MOST, "measurements")


def _capability(one: Capability) -> RowFigure:
    index = one.ppk or 0.0
    kind = "bad" if index < 1.0 else "hold" if index < 1.33 else "good"
    name = f"{measurement_title(one.measurement, 'en')}{f' ({one.channel})' if one.channel else ''}"
    bounds = f", {one.bounds} bounds out" if one.bounds else ""
    text = f"{index:.2f}, n {one.n}, {one.outside} outside{bounds}"
    return RowFigure(name, index, text, one.ppk_low, one.ppk_high, kind=kind, hollow=one.few)


def _golden(unit: GoldenUnit) -> str:
    drawn = [_course(one) for one in unit.charts if one.centre is not None and len(one.means) > 1][:GOLDEN_CHARTS]
    where = f", {unit.station}" if unit.station else ""
    pairs = "".join(f"<figure>{svg}</figure>" for svg in drawn if svg)
    name = f"<h3>{escape(unit.serial_number)}{escape(where)}: {unit.checks} checks</h3>"
    return f'<div>{name}<p class="empty">{escape(unit.headline)}</p><div class="grid2">{pairs}</div></div>'


def one_in(chance: float) -> str:
    """How often, of its looks, a bench in order shows as much by chance: `likely`, `1 in 40` (a bound)."""
    return "likely" if chance > 0.5 else f"1 in {min(int(1.0 / max(chance, 1e-9)), 1_000_000):,}"


def _course(one: GoldenChart) -> str:
    places = [float(at) for at in range(1, len(one.means) + 1)]
    lines = [Line("", places, one.means, slot=0)]
    for limit in (one.low, one.high):
        if limit is not None:
            lines.append(Line("", places, [limit] * len(places), limit=True))
    if one.centre is not None:
        lines.append(Line("", places, [one.centre] * len(places), slot=2, ghost=True))
    channel = f" ({one.channel})" if one.channel else ""
    off = f": {one.off_sigma:+.1f} sigma" if one.off_sigma is not None else ""
    state = one.state.replace("_", " ")
    chance = f", by chance {one_in(one.chance)}" if one.chance is not None else ""
    title = f"{measurement_title(one.measurement, 'en')}{channel}, {state}{off}{chance}"
    return draw(Chart(title, "subgroup, oldest first", unit_title(one.unit) or "1", tuple(lines), height=200))


def _durations(rows: Sequence[Duration], *, wall: bool = False) -> Iterator[str]:
    if wall:
        shown = tuple(_duration(f"{one.plan} {one.step}", one) for one in rows[:MOST])
        title = "Time of a run, from start to record: wall time"
        yield draw_rows(RowChart(title, TIMES, shown, log=True, bars=True))
        return
    for plan, group in groupby(rows, lambda one: one.plan):
        shown = tuple(_duration(one.step, one) for one in group if one.median_s > 0.0)
        yield draw_rows(RowChart(f"Time of a step, {plan}: test time", TIMES, shown, log=True, bars=True))


def _duration(label: str, one: Duration) -> RowFigure:
    text = f"{_time(one.median_s)}, 95 % {_time(one.p95_s)}, n {one.n}"
    return RowFigure(label, one.median_s, text, one.median_s, one.p95_s)


def _time(seconds: float) -> str:
    return duration(seconds) if seconds >= 100.0 else f"{number(seconds, 3)} s"


def _rework(rows: Sequence[Rework]) -> str:
    shown = tuple(_share(one.name, one.returned) for one in rows[:MOST])
    axis = "% of repairs that are 30 days old, 95 % interval; hollow: fewer than 25"
    title = "Back in another work order within 30 days after an outgoing PASS"
    return draw_rows(RowChart(title, axis, shown)) + _more(len(rows) - MOST, "products")


def _people(what: str, rows: Sequence[Person]) -> str:
    shown = tuple(
        figure for one in rows[:MOST] for figure in (
            _share(f"{one.badge}, first pass", one.first_pass),
            _share(f"{one.badge}, back", one.rework.returned, "second"),
        )
    )  # fmt: skip
    chart = RowChart(f"By {what}: first pass, and repairs that came back", "%, 95 % interval; hollow: fewer than 25",
                     shown, high=100.0)  # fmt: skip
    return draw_rows(chart) + _more(len(rows) - MOST, "people")
