"""Slips: which one, what is on it, and that everything lies on the paper whole: read from the picture that a printer
would make of the job."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import combinations
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from station.contract.canonical import to_json
from station.contract.records import to_plain
from station.domain.record import Record
from station.domain.verdict import Verdict
from station.report import glyphs
from station.report.bitmap import Bitmap
from station.report.glyph_maker import vocabulary
from station.report.glyphs import Glyph, fit, line_bitmap, line_width, wrap
from station.report.label_layout import PAPERS, Content, lay_out
from station.report.record_view import plain_record
from station.report.slips import KINDS, LANGUAGES, WORDS, Kind, Slip, Style, kind_for, make_slip
from station.report.words import LANGS, Lang
from station.report.write import write_slips
from station.report.zpl import compressed, zpl
from station.store.store import mint_run_id
from tests.report.label_printer import decompress, printed

SHANGHAI = timezone(timedelta(hours=8))
LATER = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
SMALL = 24
LONGEST = "W8" * 24
"""48 characters: the most that the bench takes of any number (session_scans)."""


def slip(record: Record, lang: Lang = "zh", style: Style | None = None) -> Slip:
    plain = plain_record(record)
    kind = kind_for(plain)
    assert kind is not None
    return make_slip(kind, plain, lang, SHANGHAI, style)


def dots(picture: Image.Image) -> list[int]:
    """Rows of the picture, 1 is black, the most significant bit left."""
    width, row_bytes = picture.width, (picture.width + 7) // 8
    flat, white = picture.point([0] + [255] * 255, "1").tobytes(), (1 << width) - 1
    rows = [int.from_bytes(flat[at : at + row_bytes]) for at in range(0, len(flat), row_bytes)]
    return [(row >> 8 * row_bytes - width) ^ white for row in rows]


def shows(picture: Image.Image, text: str, size: int) -> bool:
    """Whether `text` stands somewhere in this size, black on white or white on black."""
    wanted, missing = line_bitmap(text, size)
    assert not missing
    rows, mask = dots(picture), (1 << wanted.width) - 1
    for invert in (0, (1 << picture.width) - 1):
        for top in range(picture.height - size + 1):
            cut = [row ^ invert for row in rows[top : top + size]]
            if any(_equal(cut, wanted, shift, mask) for shift in range(picture.width - wanted.width, -1, -1)):
                return True
    return False


def _equal(rows: list[int], wanted: Glyph, shift: int, mask: int) -> bool:
    return all((row >> shift) & mask == part for row, part in zip(rows, wanted.rows, strict=True))


def codes(picture: Image.Image) -> list[str]:
    """What a scanner reads off the paper."""
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def test_a_pass_of_purpose_outgoing_gets_a_label_with_date_people_order_device_and_code(passed: Record) -> None:
    made = slip(passed)
    paper = printed(made.job, "zpl")
    assert made.name == "label.zpl" and made.undrawn == () and paper.size == (400, 240)
    assert codes(paper) == [passed.run_id]
    assert shows(paper, "维修合格", 56)
    for text in ("日期 2026-11-22", "工程师 R12  检验 E07", "工单 WO-2026-1187", "序列号 A100-000451",
                 "Example A-100", "bench-07 #184"):  # fmt: skip
        assert shows(paper, text, SMALL), text
    assert not shows(paper, "模拟 SAMPLE", SMALL) and not shows(paper, "补打", SMALL)


def test_the_label_in_english(passed: Record) -> None:
    paper = printed(slip(passed, "en").job, "zpl")
    assert shows(paper, "REPAIR PASSED", 34) and shows(paper, "Eng. R12  Test E07", SMALL)


def test_the_date_is_that_of_the_configured_zone(passed: Record) -> None:
    late = replace(passed, ended_at="2026-11-22T16:30:00.000Z")
    assert shows(printed(slip(late).job, "zpl"), "日期 2026-11-23", SMALL)


@pytest.mark.parametrize("purpose", ["incoming", "engineering", "verify", "adjust"])
def test_no_label_for_a_pass_of_another_purpose(passed: Record, purpose: str) -> None:
    assert kind_for(plain_record(replace(passed, purpose=purpose))) is None  # type: ignore[arg-type]


def test_no_label_for_a_pass_of_a_plan_without_one(passed: Record, failed: Record) -> None:
    def part(record: Record) -> Record:
        return replace(record, plan=replace(record.plan, label=False))

    assert kind_for(plain_record(part(passed))) is None
    assert kind_for(plain_record(part(failed))) == "return"


def test_a_fail_gets_a_return_slip_with_its_first_cause_and_how_many_more(failed: Record) -> None:
    made = slip(failed)
    paper = printed(made.job, "zpl")
    assert made.name == "return-slip.zpl" and shows(paper, "返修单", 56) and codes(paper) == [failed.run_id]
    assert shows(paper, "左声道总谐波失真为 0.4127", 20) and shows(paper, "(+1)", 20)


def test_two_short_causes_both_stand_on_the_slip(failed: Record) -> None:
    causes = tuple(
        replace(cause, step=None, measurement=None, channel=None, text="no sound") for cause in failed.causes
    )
    paper = printed(slip(replace(failed, causes=causes), "en").job, "zpl")
    assert shows(paper, "no sound", 20) and not shows(paper, "(+1)", 20)


@pytest.mark.parametrize("verdict", [Verdict.ERROR, Verdict.ABORTED])
def test_error_and_aborted_get_a_retest_slip(errored: Record, verdict: Verdict) -> None:
    made = slip(replace(errored, verdict=verdict), "en")
    paper = printed(made.job, "zpl")
    assert made.name == "retest-slip.zpl"
    assert shows(paper, "RETEST SLIP", 34) and shows(paper, "Insulation: tester: no reply", 20)


@pytest.mark.parametrize("lang", LANGS)
def test_every_simulated_slip_says_so(passed: Record, failed: Record, errored: Record, lang: Lang) -> None:
    for record in (passed, failed, errored):
        assert shows(printed(slip(replace(record, simulated=True), lang).job, "zpl"), "模拟 SAMPLE", SMALL)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_second_print_says_so_and_when(passed: Record, language: str) -> None:
    paper = printed(slip(passed, "zh", Style(language, 203, LATER)).job, language)
    assert shows(paper, "补打 2026-11-24", SMALL), "17:00 UTC is the next day in Shanghai"
    assert codes(paper) == [passed.run_id]


def _many(passed: Record, failed: Record, errored: Record) -> Iterator[Record]:
    """Records as short, as long and as strange as the bench lets them be; every one with an id of its own."""
    dut = passed.dut
    for record in (passed, failed, errored, replace(errored, verdict=Verdict.ABORTED)):
        for simulated in (False, True):
            base = replace(record, simulated=simulated)
            long = replace(base, work_order=LONGEST, operator=LONGEST, repair_engineer=LONGEST,
                           dut=replace(dut, serial_number=LONGEST, maker="M" * 20, model="X" * 27))  # fmt: skip
            none = replace(base, work_order=None, operator=None, repair_engineer=None)
            odd = replace(base, work_order='^XA^FD~HS,!:"', dut=replace(dut, serial_number="1"))
            for one in (base, long, none, odd):
                yield replace(one, run_id=mint_run_id())


@pytest.mark.parametrize("dpi", PAPERS)
@pytest.mark.parametrize("lang", LANGS)
def test_on_every_paper_nothing_is_cut_off_and_nothing_overlaps_and_the_code_is_read_back(
    passed: Record, failed: Record, errored: Record, lang: Lang, dpi: int
) -> None:
    read, made = 0, 0
    for record in _many(passed, failed, errored):
        plain = plain_record(record)
        kind = kind_for(plain)
        assert kind is not None
        for again in (None, LATER):
            pictures = []
            for language in LANGUAGES:
                one = make_slip(kind, plain, lang, SHANGHAI, Style(language, dpi, again))
                pictures.append(printed(one.job, language))
                assert dots(pictures[-1]) == one.bitmap.rows, "the printer's picture is ours, dot by dot"
                made += 1
            assert len({picture.tobytes() for picture in pictures}) == 1
            read += codes(pictures[0]) == [record.run_id]  # and so on the others, which are the same
            _check_boxes(one.bitmap, PAPERS[dpi].quiet)
            _check_texts(one.bitmap, record)
    assert (read, made) == (64, 128)


def _check_boxes(bitmap: Bitmap, quiet: int) -> None:
    code = dict(bitmap.boxes)["qr"]
    white = code._replace(
        x=code.x - quiet, y=code.y - quiet, width=code.width + 2 * quiet, height=code.height + 2 * quiet
    )
    assert white.x >= 0 and white.y >= 0 and white.right <= bitmap.width and white.bottom <= bitmap.height
    for name, box in bitmap.boxes:
        assert box.x >= 0 and box.right <= bitmap.width and box.y >= 0 and box.bottom <= bitmap.height, name
        assert name == "qr" or not box.overlaps(white), f"{name} stands in the quiet zone of the code"
    for (one, first), (other, second) in combinations(bitmap.boxes, 2):
        assert not first.overlaps(second), (one, other)


def _check_texts(bitmap: Bitmap, record: Record) -> None:
    """The rows joined again hold every number whole."""
    said = "".join(name for name, _ in bitmap.boxes)
    for value in (record.work_order, record.operator, record.repair_engineer, record.dut.serial_number):
        assert value is None or value in said, value


def test_a_text_longer_than_the_bench_takes_stays_on_the_paper(failed: Record) -> None:
    long = replace(failed, work_order="W" * 200, dut=replace(failed.dut, serial_number="维" * 200))
    _check_boxes(slip(long, "en").bitmap, PAPERS[203].quiet)


def test_what_does_not_lie_on_the_paper_is_refused() -> None:
    with pytest.raises(ValueError, match="does not lie on a paper of 8 x 8 dots"):
        Bitmap(8, 8).put("x", 1, 0, Glyph(8, (255,)))


@pytest.mark.parametrize("dpi", PAPERS)
def test_every_word_of_the_slips_is_drawn_beforehand(dpi: int) -> None:
    for size, characters in vocabulary(dpi).items():
        missing = [char for char in characters if (size, char) not in glyphs.drawn()]
        assert not missing, f"run python -m station.report.glyph_maker FONT BOLD: {''.join(missing)} at {size}"
        one = glyphs.drawn()[size, characters[-1]]
        assert len(one.rows) == size and any(one.rows)
    assert set(WORDS["simulated"]) == {"模拟 SAMPLE"}


def test_a_character_that_no_font_here_has_is_an_empty_box_and_said(
    passed: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glyphs, "system_font", lambda: None)
    made = slip(replace(passed, dut=replace(passed.dut, maker="星海", model="A-1")))
    assert made.undrawn == ("星海 A-1",)
    assert shows(printed(made.job, "zpl"), " A-1", SMALL)
    box = dict(made.bitmap.boxes)["星海 A-1"]
    assert box.width == 2 * SMALL + 4 * SMALL // 2, "each box is as wide as what it stands for"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, (1 << 37) - 1), min_size=1, max_size=12))
def test_any_picture_comes_back_out_of_the_compression(rows: list[int]) -> None:
    bitmap = Bitmap(37, len(rows), rows)
    assert decompress(compressed(bitmap), bitmap.row_bytes) == b"".join(bitmap.packed())


@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 39, 40, 399, 400, 401, 419, 420, 801])
def test_runs_of_every_length_come_back(count: int) -> None:
    digits = "5" * count + "0" * (count % 2) + "A"
    digits += "1" * (len(digits) % 2)
    bitmap = Bitmap(len(digits) * 4, 1, [int(digits, 16)])
    assert decompress(compressed(bitmap), bitmap.row_bytes).hex().upper() == digits
    assert len(compressed(bitmap)) <= len(digits)


def test_a_label_in_zpl_is_about_a_third_of_its_hex(passed: Record) -> None:
    assert len(slip(passed).job) < 12_000 and len(zpl(Bitmap(400, 240))) < 400


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_no_text_can_become_a_command(text: str) -> None:
    bitmap, _ = lay_out(Content("维修合格", "1", ((f"工单 {text or '-'}",),)), 203)
    assert dots(printed(zpl(bitmap), "zpl")) == bitmap.rows


def test_the_process_that_the_daemon_starts_gives_the_same_job(passed: Record) -> None:
    text = to_json(to_plain(passed, Record))
    command = [sys.executable, "-m", "station.report.paper", "--kind", "label", "--language", "tspl", "--dpi", "300",
               "--timezone", "Asia/Shanghai", "--reprinted-at", LATER.isoformat()]  # fmt: skip
    made = subprocess.run(command, input=text, capture_output=True, check=True)
    assert made.stdout == slip(passed, "zh", Style("tspl", 300, LATER)).job and made.stderr == b""


@pytest.mark.parametrize(("kind", "text"), [("label", b"{}"), ("label", b"no JSON"), ("return", None)])
def test_what_has_no_such_slip_is_refused_in_one_line(passed: Record, kind: Kind, text: bytes | None) -> None:
    given_text = to_json(to_plain(passed, Record)) if text is None else text
    command = [sys.executable, "-m", "station.report.paper", "--kind", kind]
    made = subprocess.run(command, input=given_text, capture_output=True, check=False)
    assert made.returncode == 2 and made.stdout == b"" and made.stderr.count(b"\n") == 1
    assert kind in KINDS


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
