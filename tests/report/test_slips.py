"""Slips: which one, what is on it, and that everything lies on the paper. The ZPL is read back by a small reader."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from station.domain.record import Record
from station.domain.verdict import Verdict
from station.report import glyphs
from station.report.glyph_maker import vocabulary
from station.report.glyphs import SMALL, TITLE, Glyph, fit, line_bitmap, line_width, wrap
from station.report.record_view import plain_record
from station.report.slips import WORDS, Slip, slip_for
from station.report.words import LANGS, Lang
from station.report.write import write_slips
from station.report.zpl import HEIGHT, WIDTH, Label

SHANGHAI = timezone(timedelta(hours=8))
GRAPHIC = re.compile(r"\^FO(\d+),(\d+)\^GFA,(\d+),(\d+),(\d+),([0-9A-F]+)\^FS")
QR = re.compile(r"\^FO(\d+),(\d+)\^BQN,2,(\d+)\^FDMA,([0-9A-Za-z-]+)\^FS")
TEXT = re.compile(r"\^FO(\d+),(\d+)\^A0N,(\d+),(\d+)\^FH_\^FD((?:[0-9A-Za-z]|_[0-9A-F]{2})*)\^FS")


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: Box) -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass
class Paper:
    """What a printer would make of the ZPL."""

    graphics: list[tuple[Box, list[int]]]
    codes: list[tuple[Box, str]]
    texts: list[str]

    def shows(self, text: str, size: int = SMALL) -> bool:
        """A line that begins with `text` as a bitmap (or holds it)."""
        wanted = line_bitmap(text, size)
        assert wanted is not None
        return any(_holds(box, rows, wanted) for box, rows in self.graphics)


def _holds(box: Box, rows: list[int], wanted: Glyph) -> bool:
    if len(rows) < len(wanted.rows) or box.width < wanted.width:
        return False
    mask = (1 << wanted.width) - 1
    for invert in (0, (1 << box.width) - 1):
        for top in range(len(rows) - len(wanted.rows) + 1):
            cut = [row ^ invert for row in rows[top : top + len(wanted.rows)]]
            if any(
                all((row >> shift) & mask == part for row, part in zip(cut, wanted.rows, strict=True))
                for shift in range(box.width - wanted.width, -1, -1)
            ):
                return True
    return False


def read(zpl: str) -> Paper:
    lines = zpl.splitlines()
    assert lines[0] == "^XA" and lines[-1] == "^XZ" and lines[-2] == "^PQ1"
    assert lines[1:5] == ["^CI28", f"^PW{WIDTH}", f"^LL{HEIGHT}", "^LH0,0"]
    paper = Paper([], [], [])
    for line in lines[5:-2]:
        if found := GRAPHIC.fullmatch(line):
            x, y, sent, total, row_bytes = (int(found[n]) for n in range(1, 6))
            assert sent == total == len(found[6]) // 2 and total % row_bytes == 0
            digits = row_bytes * 2
            rows = [int(found[6][at : at + digits], 16) for at in range(0, len(found[6]), digits)]
            paper.graphics.append((Box(x, y, row_bytes * 8, len(rows)), rows))
        elif found := QR.fullmatch(line):
            side = segno.make(found[4], error="m", mode="byte", boost_error=False).symbol_size(border=0)[0]
            dots = side * int(found[3])
            paper.codes.append((Box(int(found[1]), int(found[2]), dots, dots), found[4]))
        elif found := TEXT.fullmatch(line):
            paper.texts.append(
                bytes.fromhex("".join(p[1:] if p[0] == "_" else f"{ord(p):02X}" for p in
                re.findall(r"_[0-9A-F]{2}|.", found[5]))).decode()
            )  # fmt: skip
        else:
            pytest.fail(f"a line that no printer should see: {line[:60]}")
    return paper


def slip(record: Record, lang: Lang = "zh") -> Slip:
    made = slip_for(plain_record(record), lang, SHANGHAI)
    assert made is not None
    return made


def test_a_pass_of_purpose_outgoing_gets_a_label_with_date_people_order_and_qr_code(passed: Record) -> None:
    made = slip(passed)
    paper = read(made.zpl)
    assert made.name == "label.zpl" and made.undrawn == ()
    assert [data for _, data in paper.codes] == [passed.run_id]
    assert paper.shows("维修合格", TITLE)
    for text in (
        "日期 2026-11-22",
        "工程师 R12",
        "检验 E07",
        "工单 WO-2026-1187",
        "序列号 A100-000451",
        "Example A-100",
    ):
        assert paper.shows(text), text
    assert not paper.shows("模拟 SAMPLE")


@pytest.mark.parametrize("purpose", ["incoming", "engineering", "verify", "adjust"])
def test_no_label_for_a_pass_of_another_purpose(passed: Record, purpose: str) -> None:
    assert slip_for(plain_record(replace(passed, purpose=purpose)), "zh") is None  # type: ignore[arg-type]


def test_a_fail_gets_a_return_slip_with_its_first_cause(failed: Record) -> None:
    made = slip(failed)
    paper = read(made.zpl)
    assert made.name == "return-slip.zpl"
    assert paper.shows("返修单", TITLE)
    assert paper.shows("左声道总谐波失真为 0.4127") and paper.shows("(+1)")


@pytest.mark.parametrize("verdict", [Verdict.ERROR, Verdict.ABORTED])
def test_error_and_aborted_get_a_retest_slip(errored: Record, verdict: Verdict) -> None:
    made = slip(replace(errored, verdict=verdict), "en")
    paper = read(made.zpl)
    assert made.name == "retest-slip.zpl"
    assert paper.shows("RETEST SLIP", TITLE) and paper.shows("Insulation: tester: no reply")


@pytest.mark.parametrize("lang", LANGS)
def test_every_simulated_slip_says_so(passed: Record, failed: Record, errored: Record, lang: Lang) -> None:
    for record in (passed, failed, errored):
        paper = read(slip(replace(record, simulated=True), lang).zpl)
        assert paper.shows("模拟 SAMPLE")


@pytest.mark.parametrize("lang", LANGS)
def test_everything_lies_on_the_paper_and_nothing_overlaps(
    passed: Record, failed: Record, errored: Record, lang: Lang
) -> None:
    long = replace(
        failed, work_order="WO-" + "9" * 60, operator="E" * 40, dut=replace(failed.dut, serial_number="S" * 90)
    )
    for record in (passed, failed, errored, replace(passed, simulated=True), long):
        paper = read(slip(record, lang).zpl)
        boxes = [box for box, _ in (*paper.graphics, *paper.codes)]
        for box in boxes:
            assert box.x >= 0 and box.x + box.width <= WIDTH and box.y >= 0 and box.y + box.height <= HEIGHT, box
        for index, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[index + 1 :]), (lang, box)


def test_every_word_of_the_slips_is_drawn_beforehand() -> None:
    for size, characters in vocabulary().items():
        missing = [char for char in characters if (size, char) not in glyphs.drawn()]
        assert not missing, f"run python -m station.report.glyph_maker FONT: {''.join(missing)} at {size}"
    for size, height in ((SMALL, 24), (TITLE, 40)):
        one = glyphs.drawn()[size, "模"]
        assert one.width == len(one.rows) == height and any(one.rows)
    assert set(WORDS["simulated"]) == {"模拟 SAMPLE"}


def test_a_character_that_no_font_here_has_is_left_to_the_printer_and_said(
    passed: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glyphs, "system_font", lambda: None)
    made = slip(replace(passed, dut=replace(passed.dut, maker="星海", model="^XZ~")))
    assert made.undrawn == ("星海 ^XZ~",)
    assert read(made.zpl).texts == ["星海 ^XZ~"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_no_text_can_become_a_command(text: str) -> None:
    label = Label()
    label.line(0, 0, text)
    body = label.zpl().splitlines()[5:-2]
    assert all(not line or GRAPHIC.fullmatch(line) or TEXT.fullmatch(line) for line in body)


def test_a_qr_code_takes_nothing_but_an_id() -> None:
    with pytest.raises(ValueError, match="QR code"):
        Label().qr(0, 0, "a^FS^XZ", 4)


@given(st.text(st.sampled_from("ab 1.总谐波，失真"), max_size=80), st.integers(60, 400), st.integers(1, 4))
def test_wrapped_lines_fit_and_lose_nothing_unless_cut(text: str, width: int, lines: int) -> None:
    made = wrap(text, SMALL, width, lines)
    assert len(made) <= lines and all(line_width(line, SMALL) <= width for line in made)
    if not made or not made[-1].endswith("…"):
        assert "".join(made).replace(" ", "") == text.replace(" ", "")


def test_what_fits_is_not_cut() -> None:
    assert fit("abc", SMALL, 36) == "abc"
    assert fit("abcd", SMALL, 36) in ("ab…", "a…")


def test_the_slip_of_an_earlier_verdict_does_not_stay(tmp_path: Path, passed: Record, failed: Record) -> None:
    assert [path.name for path in write_slips(failed, tmp_path, "zh")] == ["return-slip.zpl"]
    assert [path.name for path in write_slips(passed, tmp_path, "zh")] == ["label.zpl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["label.zpl"]
    assert write_slips(replace(passed, purpose="engineering"), tmp_path, "zh") == []
    assert list(tmp_path.iterdir()) == []
