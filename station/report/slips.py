"""The slip that a verdict asks for: label on PASS, return slip on FAIL, retest slip on ERROR and ABORTED.

All are 50 x 30 mm: title, date and people, QR code with the run id, work order and serial number, then the device or
the reasons. What a simulated bench prints says so, and so does what is printed again, in white on black.
Where they stand is `label_layout`'s, the printer's language `zpl`'s and `tspl`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

from station.domain.clock import utc_text
from station.report.bitmap import Bitmap
from station.report.label_layout import Content, lay_out
from station.report.numbers import local_time
from station.report.record_view import Plain, cause_sentences, earns_label
from station.report.tspl import tspl
from station.report.words import Lang, Pair, label, pick
from station.report.zpl import zpl

Kind = Literal["label", "return", "retest"]
KINDS: tuple[Kind, ...] = ("label", "return", "retest")
FILE_NAMES: Mapping[Kind, str] = {"label": "label", "return": "return-slip", "retest": "retest-slip"}
LANGUAGES: Mapping[str, Callable[[Bitmap], bytes]] = {"zpl": zpl, "tspl": tspl}
"""Printer languages; the name is also the end of the file's name."""

WORDS: Mapping[str, Pair] = {
    "label": ("维修合格", "REPAIR PASSED"),
    "return": ("返修单", "RETURN SLIP"),
    "retest": ("重测单", "RETEST SLIP"),
    "simulated": ("模拟 SAMPLE", "模拟 SAMPLE"),
    "reprint": ("补打", "REPRINT"),
    "date": ("日期", "Date"),
    "engineer": ("工程师", "Eng."),
    "tester": ("检验", "Test"),
    "order": ("工单", "WO"),
    "serial": ("序列号", "SN"),
}


@dataclass(frozen=True, slots=True)
class Style:
    """How a slip is printed. `reprinted_at`: the UTC moment of a second print, which the paper then says."""

    language: str = "zpl"
    dpi: int = 203
    reprinted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slip:
    """A file's name, the job for the printer, its picture, and the texts in which a character could not be drawn."""

    name: str
    job: bytes
    bitmap: Bitmap
    undrawn: tuple[str, ...] = ()


def kind_for(record: Plain) -> Kind | None:
    """The slip of a plain record; None for a PASS that gets no label: another purpose, or its plan has none."""
    match record["verdict"]:
        case "PASS":
            return "label" if record["purpose"] == "outgoing" and earns_label(record) else None
        case "FAIL":
            return "return"
    return "retest"


def make_slip(kind: Kind, record: Plain, lang: Lang, zone: tzinfo = UTC, style: Style | None = None) -> Slip:
    """Draw and encode it. Raises `KeyError` for a language or a resolution that is not there."""
    style = style or Style()
    bitmap, undrawn = lay_out(_content(kind, record, lang, zone, style.reprinted_at), style.dpi)
    return Slip(f"{FILE_NAMES[kind]}.{style.language}", LANGUAGES[style.language](bitmap), bitmap, undrawn)


def _content(kind: Kind, record: Plain, lang: Lang, zone: tzinfo, reprinted_at: datetime | None) -> Content:
    def row(name: str, value: object) -> str:
        return f"{pick(WORDS[name], lang)} {value or '-'}"

    dut = record["dut"]
    groups: tuple[tuple[str, ...], ...] = (
        (row("date", local_time(record["ended_at"], zone)[:10]),),
        (row("engineer", record.get("repair_engineer")), row("tester", record.get("operator"))),
        (row("order", record.get("work_order")),),
        (row("serial", dut.get("serial_number")),),
    )
    reasons: tuple[str, ...] = ()
    if kind == "label":
        maker_and_model = f"{dut.get('maker') or ''} {dut.get('model') or ''}".strip()
        groups += ((maker_and_model or str(dut.get("product") or "-"),),)
    else:
        reasons = tuple(cause_sentences(record, lang)) or (label("no_cause", lang),)
    marks = [pick(WORDS["simulated"], lang)] if record.get("simulated") else []
    if reprinted_at is not None:
        marks.append(f"{pick(WORDS['reprint'], lang)} {local_time(utc_text(reprinted_at), zone)[:10]}")
    return Content(
        pick(WORDS[kind], lang), record["run_id"], groups, tuple(marks), reasons,
        spare=f"{record['station']} #{record['run_no']}",
    )  # fmt: skip
