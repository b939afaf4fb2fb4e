"""The slip that a verdict asks for: label on PASS, return slip on FAIL, retest slip on ERROR and ABORTED.

All are 50 x 30 mm and laid out alike: title, date and people left, QR code with the run id right, work order and
serial number below, then the device or the reason. What a simulated bench prints says so in white on black.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo

from station.report.glyphs import SMALL, TITLE, wrap
from station.report.numbers import local_time
from station.report.record_view import Plain, cause_sentences
from station.report.words import Lang, Pair, label, pick
from station.report.zpl import WIDTH, Label

MARGIN = 10
ROW = 26
QR_X, QR_Y, QR_DOTS = 276, 10, 4
LEFT_WIDTH, FULL_WIDTH = QR_X - MARGIN - 6, WIDTH - 2 * MARGIN
LEFT_Y, BELOW_Y = 56, 136

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
class Slip:
    """A file's name, its ZPL, and the lines that had to be left to the printer's own font."""

    name: str
    zpl: str
    undrawn: tuple[str, ...] = ()


def slip_for(record: Plain, lang: Lang, zone: tzinfo = UTC) -> Slip | None:
    """The slip of a plain record; None for a PASS whose purpose is not outgoing."""
    verdict = record["verdict"]
    if verdict == "PASS":
        return _pass_label(record, lang, zone) if record["purpose"] == "outgoing" else None
    if verdict == "FAIL":
        return _reason_slip("return-slip.zpl", "return", record, lang, zone)
    return _reason_slip("retest-slip.zpl", "retest", record, lang, zone)


def _pass_label(record: Plain, lang: Lang, zone: tzinfo) -> Slip:
    paper = _common("label", record, lang, zone)
    dut = record["dut"]
    device = f"{dut.get('maker') or ''} {dut.get('model') or ''}".strip() or str(dut.get("product") or "")
    paper.line(MARGIN, BELOW_Y + 2 * ROW, device, width=FULL_WIDTH)
    paper.line(MARGIN, BELOW_Y + 3 * ROW, f"{record['station']} #{record['run_no']}", width=FULL_WIDTH)
    return Slip("label.zpl", paper.zpl(), tuple(paper.undrawn))


def _reason_slip(name: str, title: str, record: Plain, lang: Lang, zone: tzinfo) -> Slip:
    paper = _common(title, record, lang, zone)
    causes = cause_sentences(record, lang) or [label("no_cause", lang)]
    more = f" (+{len(causes) - 1})" if len(causes) > 1 else ""
    for index, line in enumerate(wrap(causes[0] + more, SMALL, FULL_WIDTH, 2)):
        paper.line(MARGIN, BELOW_Y + (2 + index) * ROW, line, width=FULL_WIDTH)
    return Slip(name, paper.zpl(), tuple(paper.undrawn))


def _common(title: str, record: Plain, lang: Lang, zone: tzinfo) -> Label:
    """Title, date, people, QR code, work order and serial number; the mark of a simulation."""

    def row(name: str, value: object) -> str:
        return f"{pick(WORDS[name], lang)} {value or '-'}"

    paper = Label()
    paper.line(MARGIN, 10, pick(WORDS[title], lang), TITLE, LEFT_WIDTH)
    paper.line(MARGIN, LEFT_Y, row("date", local_time(record["ended_at"], zone)[:10]), width=LEFT_WIDTH)
    people = f"{row('engineer', record.get('repair_engineer'))} {row('tester', record.get('operator'))}"
    paper.line(MARGIN, LEFT_Y + ROW, people, width=LEFT_WIDTH)
    if record.get("simulated"):
        paper.band(MARGIN, LEFT_Y + 2 * ROW - 1, pick(WORDS["simulated"], lang), SMALL, LEFT_WIDTH, margin=2)
    paper.qr(QR_X, QR_Y, record["run_id"], QR_DOTS)
    paper.line(MARGIN, BELOW_Y, row("order", record.get("work_order")), width=FULL_WIDTH)
    paper.line(MARGIN, BELOW_Y + ROW, row("serial", record["dut"].get("serial_number")), width=FULL_WIDTH)
    return paper
