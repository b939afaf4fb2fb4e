"""The paper as self-contained HTML pages: no script, nothing fetched, A4 when printed. Escaped throughout.

Three kinds, each from the record (and the run as found, where one is known): the report of any run, the certificate
of an outgoing PASS, the fault report of an incoming run.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from station.report import certificate, fault_report, record_view, signature
from station.report.bars import limit_bar
from station.report.comparison import compare
from station.report.figures import figures
from station.report.numbers import local_time
from station.report.record_view import MeasurementRow, Plain
from station.report.words import SYMBOLS, Lang, label, measurement_title

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: `sign` returns canonical JSON of what it is given with `key_id` and `sig`."""

    key_id: str
    sign: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a page is for: language, and the zone of its times."""

    lang: Lang
    zone: tzinfo = UTC
    zone_name: str = "UTC"


@cache
def _template(name: str) -> Template:
    loader = FileSystemLoader(_HERE)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


def render(record: Plain, lang: Lang, zone: tzinfo = UTC, zone_name: str = "UTC", found: Plain | None = None) -> str:
    """The report of a plain record (see `record_view.plain_record`); `found` is the run as found."""
    reader = Reader(lang, zone, zone_name)
    comparison = compare(record, found, lang, zone) if record["purpose"] == "outgoing" else None
    return _template("report.html.j2").render(
        **_common(record, reader, found if comparison else None),
        headline=record_view.headline(record, lang),
        comparison=comparison,
        cards=fault_report.finding_cards(record, lang),
    )


def render_fault_report(record: Plain, reader: Reader) -> str:
    """The fault report of an incoming run. Raises `ReportError` for any other."""
    fault_report.require_incoming(record)
    return _template("fault-report.html.j2").render(
        **_common(record, reader, None),
        headline=fault_report.fault_headline(record, reader.lang),
        cards=fault_report.finding_cards(record, reader.lang),
    )


def render_certificate(record: Plain, reader: Reader, found: Plain | None = None, signer: Signer | None = None) -> str:
    """The certificate of an outgoing PASS, signed where there is a key. Raises `ReportError` for any other run."""
    certificate.require_certifiable(record)
    lang, zone = reader.lang, reader.zone
    shown: dict[str, str] = {}

    def show(field: str, text: object) -> Markup:
        """A text of the page that is signed under a name of its own."""
        assert field not in shown, field
        shown[field] = str(text)
        return Markup(f'<span data-field="{escape(field)}">{escape(str(text))}</span>')

    page = _template("certificate.html.j2").render(
        **_common(record, reader, None),
        show=show,
        device=certificate.device_items(record, lang),
        tested=certificate.test_items(record, lang, zone, reader.zone_name),
        data=certificate.data_rows(record, found, lang),
        comparison=compare(record, found, lang, zone),
        faults=certificate.faults_found(found, lang),
        found=found,
        key_id=signer.key_id if signer else None,
        qr=_qr(record["run_id"]),
        signed=Markup(signature.EMPTY),
    )
    if signer is None:
        return page
    return signature.embed(page, signer.sign(signature.to_sign(page, certificate.key_data(record, zone), shown)))


def _common(record: Plain, reader: Reader, found: Plain | None) -> dict[str, Any]:
    """What every page may show."""
    lang = reader.lang
    return {
        "lang": lang,
        "r": record,
        "label": lambda name, **values: label(name, lang, **values),
        "style": Markup((_HERE / "report.css").read_text(encoding="utf-8")),
        "verdict": record_view.verdict_title(record["verdict"], lang),
        "symbol": SYMBOLS[record["verdict"]],
        "causes": record_view.cause_sentences(record, lang),
        "dut": record_view.dut_facts(record, lang, reader.zone),
        "test": record_view.test_facts(record, lang, reader.zone, reader.zone_name),
        "rework": record_view.rework_note(record, lang),
        "steps": record_view.step_blocks(record, lang),
        "passed": record_view.count_of(record, "PASS"),
        "planned": record_view.count_of(record),
        "charts": figures(record, lang, found),
        "svg": Markup,
        "trips": record_view.trip_rows(record, lang),
        "captures": record_view.capture_rows(record),
        "instruments": record_view.instrument_rows(record, lang),
        "sources": [
            (source, [measurement_title(name, lang) for name in names])
            for source, names in record_view.limit_sources(record)
        ],
        "bar": _bar,
        "ended": local_time(record["ended_at"], reader.zone),
        "zone_name": reader.zone_name,
        "comma": "、" if lang == "zh" else ", ",
    }


def _bar(row: MeasurementRow) -> Markup:
    return Markup(limit_bar(row.number, row.low, row.high, row.uncertainty, row.verdict_code, row.unit))


def _qr(text: str) -> Markup:
    """The run's id as a QR code in SVG, black on white."""
    out = io.BytesIO()
    segno.make(text, error="m").save(
        out, kind="svg", xmldecl=False, svgns=False, border=2, omitsize=True, svgclass="qr"
    )
    return Markup(out.getvalue().decode().strip())
