"""The report as one self-contained HTML page: no script, nothing fetched, A4 when printed. Escaped throughout."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from station.report import figures, record_view
from station.report.bars import limit_bar
from station.report.numbers import local_time
from station.report.record_view import MeasurementRow, Plain
from station.report.words import SYMBOLS, Lang, channel_title, label, measurement_title

_HERE = Path(__file__).parent


@cache
def _template() -> Template:
    loader = FileSystemLoader(_HERE)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html.j2")


def render(record: Plain, lang: Lang, zone: tzinfo = UTC, zone_name: str = "UTC") -> str:
    """The whole page for a plain record (see `record_view.plain_record`)."""
    return _template().render(
        lang=lang,
        r=record,
        label=lambda name, **values: label(name, lang, **values),
        style=Markup((_HERE / "report.css").read_text(encoding="utf-8")),
        verdict=record_view.verdict_title(record["verdict"], lang),
        symbol=SYMBOLS[record["verdict"]],
        headline=record_view.headline(record, lang),
        causes=record_view.cause_sentences(record, lang),
        dut=record_view.dut_facts(record, lang, zone),
        test=record_view.test_facts(record, lang, zone, zone_name),
        steps=record_view.step_blocks(record, lang),
        passed=record_view.count_of(record, "PASS"),
        planned=record_view.count_of(record),
        wide=[Markup(svg) for svg in figures.wide_figures(record, lang)],
        over_time=[Markup(svg) for svg in figures.time_figures(record, lang)],
        trips=record_view.trip_rows(record, lang),
        instruments=record_view.instrument_rows(record, lang),
        sources=[
            (source, [measurement_title(name, lang) for name in names])
            for source, names in record_view.limit_sources(record)
        ],
        bar=_bar,
        because=lambda reference: _because(reference, lang),
        ended=local_time(record["ended_at"], zone),
        zone_name=zone_name,
    )


def _bar(row: MeasurementRow) -> Markup:
    return Markup(limit_bar(row.number, row.low, row.high, row.uncertainty, row.verdict_code, row.unit))


def _because(reference: str, lang: Lang) -> str:
    """`thd_percent.left` in words."""
    name, _, channel = reference.partition(".")
    return f"{measurement_title(name, lang)} {channel_title(channel, lang)}".strip()
