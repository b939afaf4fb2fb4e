"""`verify --gauge FILE.csv`: a Gauge R&R study of readings that people made, printed as tables or JSON.

The file has a header and a line a reading: `part`, `appraiser` (or `operator`), `value` (or `reading`); other columns,
such as `trial`, are for people. Exit status 1 where the study says that the measurement is not fit for use.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from station.cli.terminal import Terminal
from station.domain.errors import SettingsError
from station.metrology.gauge import (
    FAIR_PERCENT,
    GOOD_PERCENT,
    LEAST_NDC,
    POOL_OVER_P,
    GaugeError,
    Source,
    Study,
    study,
)
from station.report.numbers import number

MOST_BYTES = 1_000_000
COLUMNS = {"part": ("part",), "appraiser": ("appraiser", "operator"), "value": ("value", "reading")}
TITLES = {
    "EV": "repeatability (EV)", "AV": "reproducibility, people (AV)", "INT": "interaction, people x parts",
    "GRR": "gauge R&R (GRR)", "PV": "parts (PV)", "TV": "total (TV)",
}  # fmt: skip


def show_study(file: Path, tolerance: float | None, *, as_json: bool) -> int:
    """Print the study of a file; the exit status. Raises `SettingsError` for what is none."""
    try:
        found = study(read_readings(file), tolerance)
    except GaugeError as error:
        raise SettingsError(f"{file}: {error}") from error
    if as_json:
        plain = asdict(found) | {"categories": found.categories, "grade": found.grade}
        print(json.dumps(plain, ensure_ascii=False))
    else:
        _print(found)
    print(sentence(found), file=sys.stderr if as_json else sys.stdout)
    return 1 if found.grade == "poor" else 0


def read_readings(file: Path) -> dict[tuple[str, str], list[float]]:
    """By (part, appraiser) their readings, in the order of the file. Raises `SettingsError` with file and line."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{file}: larger than {MOST_BYTES} bytes; a study has some hundred lines")
        lines = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read ({error}); name a CSV file of readings in UTF-8") from error
    except csv.Error as error:
        raise SettingsError(f"{file}: no CSV: {error}") from error
    names = [name.strip().lower() for name in lines[0]] if lines else []
    places = [next((names.index(one) for one in known if one in names), None) for known in COLUMNS.values()]
    part_at, appraiser_at, value_at = places
    if part_at is None or appraiser_at is None or value_at is None:
        raise SettingsError(f"{file}:1: the header is {', '.join(names) or 'empty'}; it needs part, appraiser, value")
    readings: dict[tuple[str, str], list[float]] = {}
    for at, row in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            part, appraiser, value = (row[place].strip() for place in (part_at, appraiser_at, value_at))
            if len(row) > len(names):
                raise ValueError(f"{len(row)} cells under {len(names)} names; a decimal comma? Write a point")
            readings.setdefault((part, appraiser), []).append(_number(value))
        except (IndexError, ValueError) as error:
            raise SettingsError(f"{file}:{at}: {','.join(row)[:60]!r} is no reading ({error})") from None
    return readings


def _number(text: str) -> float:
    """A plain decimal number. Raises `ValueError` with the remedy: `float` alone would take 1_0 for 10."""
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text, re.ASCII | re.IGNORECASE):
        return float(text)
    comma = "; a decimal comma: write a point" if "," in text else ""
    raise ValueError(f"{text[:30]!r} is no number such as 0.0291{comma}")


def sentence(found: Study) -> str:
    """What the study says to people, with the guide that it is read by."""
    grr = found.components["GRR"]
    against = f"{grr.percent_total:.1f} % of the total variation"
    if grr.percent_tolerance is not None:
        against += f" and {grr.percent_tolerance:.1f} % of the tolerance"
    words = {
        "good": f"good: GRR is {against} (up to {GOOD_PERCENT:g} %)",
        "fair": f"fit for some uses: GRR is {against} (over {GOOD_PERCENT:g}, up to {FAIR_PERCENT:g} %)",
        "poor": f"NOT FIT: GRR is {against} (over {FAIR_PERCENT:g} %)",
    }[found.grade]
    if found.ndc is not None:
        few = "" if found.ndc >= LEAST_NDC else f"; at least {LEAST_NDC} are asked for"
        words += f"; it tells {found.categories} categories of parts apart (ndc {found.ndc:.3f}{few})"
    return words


def _print(found: Study) -> None:
    console = Terminal(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(
        f"{found.parts} parts x {found.appraisers} appraisers x {found.trials} trials, mean {number(found.mean, 6)}"
    )
    console.print(_anova("analysis of variance, with interaction", found.table))
    if found.pooled:
        console.print(f"interaction: p above {POOL_OVER_P:g}, so it is none and goes into the repeatability")
        console.print(_anova("without interaction", found.reduced))
    console.print(_components(found))


def _anova(title: str, rows: tuple[Source, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title=title, title_justify="left")
    for name in ("source", "df", "sum of squares", "mean square", "F", "p"):
        table.add_column(name, justify="left" if name == "source" else "right")
    for row in rows:
        total = row.name == "total"
        table.add_row(
            row.name, str(row.degrees), f"{row.sum_of_squares:.6g}", "" if total else f"{row.mean_square:.6g}",
            "" if row.f is None else f"{row.f:.6g}", "" if row.p is None else f"{row.p:.3g}",
        )  # fmt: skip
    return table


def _components(found: Study) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title="components", title_justify="left")
    for name in ("component", "standard deviation", "% contribution", "% of total", "% of tolerance"):
        table.add_column(name, justify="left" if name == "component" else "right")
    for key, title in TITLES.items():
        its = found.components[key]
        if key == "INT" and found.pooled:
            continue
        tolerance = "" if its.percent_tolerance is None else f"{its.percent_tolerance:.2f}"
        table.add_row(
            title, f"{its.sd:.6g}", f"{its.percent_contribution:.2f}", f"{its.percent_total:.2f}", tolerance,
        )  # fmt: skip
    return table
