"""`verify`: the golden unit's charts from the store's records, in words, as JSON or as a page.

Reads beside a running daemon. `--freeze` keeps the limits in `golden/SERIAL.json` beside the store, because what they
were read from may be purged, and limits that were read from what is left would follow the drift.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from station.cli.results import Bench, bench_of, find_record, open_history
from station.cli.verify_words import View, headline, state_of, told, words_of
from station.domain.errors import SettingsError
from station.metrology.charts import CONSTANTS, Baseline
from station.metrology.golden import Chart, Frozen, changes_of, charts_of, check_of, freeze
from station.report.numbers import zone_of
from station.store.history import History, RunRow

MOST_RUNS = 100_000


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for. Raises `SettingsError` for what cannot be, before anybody works for it."""

    config: Path
    serial: str | None
    size: int
    first: int
    from_run: int | None
    freeze: bool
    baseline: Path | None
    plot: Path | None
    family: float | None = None
    """The chance over all charts above which a rule only marks; None: each rule counts."""

    def __post_init__(self) -> None:
        if self.family is not None and not 0.0 < self.family < 1.0:
            raise SettingsError(f"--family {self.family:g}: a share of the looks, above 0 and below 1, such as 0.05")


def checks_in(history: History, serial: str | None) -> list[RunRow]:
    """The finished golden-unit checks of one unit, the oldest first: of `serial`, else of the latest check's unit.

    Simulated checks and real ones are never mixed: those that are like the latest one count.
    """
    rows = [row for row in history.runs(MOST_RUNS, serial_number=serial) if row.purpose == "verify" and row.verdict]
    if not rows:
        return []
    latest = rows[0]
    same = [row for row in rows if (row.serial_number, row.simulated) == (latest.serial_number, latest.simulated)]
    return same[::-1]


def show_charts(choice: Choice, *, as_json: bool, run: Mapping[str, object] | None = None) -> int:
    """Print what the charts say; the exit status. Raises `SettingsError` for what cannot be read, kept or frozen.

    `run`: the run that was just made for it, to stand in the document.
    """
    bench = bench_of(choice.config)
    with open_history(bench) as history:
        rows = checks_in(history, choice.serial)
        if not rows:
            whose = f" of {choice.serial}" if choice.serial else ""
            raise SettingsError(f"no golden-unit check{whose} in the store; make one: station verify --run")
        checks = [check_of(find_record(history, str(row.run_no))) for row in rows]
    if choice.from_run is not None:
        checks = [check for check in checks if check.run_no >= choice.from_run]
    serial = rows[-1].serial_number
    if not checks:
        raise SettingsError(f"no check of {serial} from run {choice.from_run} on; the latest is run {rows[-1].run_no}")
    frozen = None if choice.freeze else frozen_for(choice, bench, serial)
    size = frozen.size if frozen else choice.size
    charts = charts_of(checks, size, choice.first, frozen, choice.family)
    out = sys.stderr if as_json else sys.stdout
    if choice.freeze:
        print(f"limits kept in {_keep(choice, bench, charts, serial)}", file=out)
    zone, zone_name = zone_of(bench.timezone)
    view = View(serial, rows[-1].simulated, checks, charts, frozen, size, choice.first, zone, zone_name, choice.family)
    if as_json:
        print(json.dumps(({} if run is None else {"run": run}) | plain(view), ensure_ascii=False))
    told(view, out)
    if choice.plot is not None:
        _draw(choice.plot, view)
        print(f"charts: {choice.plot}", file=out)
    return 1 if state_of(view) in ("out_of_control", "not_known") else 0


def plain(view: View) -> dict[str, Any]:
    """Everything as JSON: numbers in the unit of the measurement's name, runs by their numbers."""
    last = view.checks[-1]
    return {
        "serial_number": view.serial, "simulated": view.simulated, "state": state_of(view),
        "checks": len(view.checks), "subgroup": view.size, "family": view.family,
        "latest": {"run_no": last.run_no, "ended_at": last.at, "verdict": last.verdict.value},
        "baseline": _baseline_told(view), "words": [headline(view), *words_of(view)],
        "charts": [_chart(chart) for chart in view.charts],
        "changes": [
            {"run_no": one.run_no, "what": one.what, "before": one.before, "after": one.after}
            for one in changes_of(view.checks)
        ],
    }  # fmt: skip


def _baseline_told(view: View) -> dict[str, Any]:
    if view.frozen is None:
        return {"kept": False, "subgroups": view.first}
    return {"kept": True, "from_run": view.frozen.from_run, "to_run": view.frozen.to_run}


def _chart(chart: Chart) -> dict[str, Any]:
    base = chart.baseline
    low, high = base.mean_limits(chart.size) if base else (None, None)
    range_low, range_high = base.range_limits() if base else (None, None)
    return {
        "measurement": chart.name, "channel": chart.channel, "unit": chart.unit, "state": chart.state,
        "centre": base.centre if base else None, "sigma": base.sigma if base else None,
        "mean_low": low, "mean_high": high, "range_low": range_low, "range_high": range_high,
        "range_centre": base.sigma * CONSTANTS[base.size][0] if base else None,
        "level": chart.level, "since_run": chart.since_run, "chance": chart.chance,
        "checks_without_value": chart.silent, "roles": list(chart.roles),
        "subgroups": [
            {"first_run": chart.runs[g.first], "last_run": chart.runs[g.last], "size": g.size, "mean": g.mean,
             "range": g.range}
            for g in chart.groups
        ],
        "signals": [
            {"on": s.on, "rule": s.rule, "side": s.side, "from_run": chart.runs[chart.groups[s.first].first],
             "to_run": chart.runs[chart.groups[s.last].last], "open": s in chart.open}
            for s in chart.signals
        ],
    }  # fmt: skip


# ---- limits that are kept --------------------------------------------------------------------------------------
def kept_in(bench: Bench, serial: str) -> Path:
    """Where the limits of a unit are kept."""
    return bench.store.parent / "golden" / f"{quote(serial, safe='')}.json"


def frozen_for(choice: Choice, bench: Bench, serial: str) -> Frozen | None:
    """The limits that are kept of a unit, None where there are none. Raises `SettingsError` for a file of another."""
    file = choice.baseline or kept_in(bench, serial)
    if choice.baseline is None and (choice.from_run is not None or not file.exists()):
        return None
    frozen = read_frozen(file)
    if frozen.serial_number != serial:
        raise SettingsError(
            f"{file}: limits of {frozen.serial_number}, and the unit is {serial}; name the file of this unit"
        )
    return frozen


def read_frozen(file: Path) -> Frozen:
    """Limits that were kept. Raises `SettingsError` for a file that holds none."""
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        size = int(held["subgroup"])
        limits = {
            str(k): Baseline(float(v["centre"]), float(v["sigma"]), size, int(v["values"]))
            for k, v in held["limits"].items()
        }
        frozen = Frozen(str(held["serial_number"]), size, int(held["from_run"]), int(held["to_run"]), limits)
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}; freeze limits with --freeze") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{file}: holds no frozen limits ({error!r}); freeze them anew with --freeze") from error
    sound = all(math.isfinite(b.centre) and math.isfinite(b.sigma) and b.sigma >= 0.0 for b in limits.values())
    if size not in CONSTANTS or not limits or not sound:
        raise SettingsError(f"{file}: limits that are no numbers, or subgroups of {size}; freeze anew with --freeze")
    return frozen


def _keep(choice: Choice, bench: Bench, charts: Sequence[Chart], serial: str) -> Path:
    """Freeze, the former limits kept beside under the run that they began with."""
    file = choice.baseline or kept_in(bench, serial)
    try:
        frozen = freeze(charts, serial, choice.first)
    except ValueError as error:
        raise SettingsError(f"nothing is frozen: {error}") from error
    limits = {
        key: {"centre": b.centre, "sigma": b.sigma, "values": b.made_of} for key, b in frozen.limits.items()
    }  # fmt: skip
    held = {
        "serial_number": serial, "subgroup": frozen.size, "from_run": frozen.from_run, "to_run": frozen.to_run,
        "limits": limits,
    }  # fmt: skip
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            file.replace(file.with_name(f"{file.stem}.until-run-{frozen.from_run}.json"))
        part = file.with_name(file.name + ".part")
        part.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}; run it as a user who may write there") from error
    return file


def _draw(file: Path, view: View) -> None:
    from station.report.control_page import control_page, control_svg

    title = f"{view.serial}{' (模拟 SAMPLE)' * view.simulated}"
    changes = changes_of(view.checks)
    lines = [headline(view), *words_of(view)]
    svg = file.suffix.lower() == ".svg"
    text = control_svg(view.charts, changes) if svg else control_page(title, lines, view.charts, changes)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--plot {file}: {error.strerror}; name a file that you may write") from error
