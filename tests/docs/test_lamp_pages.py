"""*When a lamp is red*: both pages say what the code's tables say, and there is advice for everything they can show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers.ports import Lamp
from station.domain.interlock import Interlock
from station.domain.session_state import State
from station.panel.patterns import PATTERNS, every_pattern
from station.run import lamp_advice, lamp_page
from station.run.lamp_page import PAGES, Lang, filled, shipped_interlocks
from station.safety.lamp_codes import BLINKS, OTHER, lamp_rows
from tests.docs.pages import ROOT

SHIPPED = shipped_interlocks(ROOT / "config")


def page(lang: Lang) -> str:
    return (ROOT / "docs" / PAGES[lang]).read_text(encoding="utf-8")


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("lang", PAGES)
def test_the_tables_on_the_page_are_those_of_the_code(lang: Lang) -> None:
    assert page(lang) == filled(page(lang), lang, SHIPPED), "out of date: python -m station.run.lamp_page"
    assert re.findall(r"<!-- printed: (\w+) -->", page(lang)) == ["lamps", "codes"]


def test_there_is_advice_for_every_code_and_for_none_that_does_not_exist() -> None:
    assert set(lamp_advice.CODES) == {*BLINKS, OTHER[0]}
    assert set(lamp_advice.INTERLOCKS) == {row.code for row in SHIPPED if row.reaction == "trip"}
    assert set(lamp_advice.STATES) == set(State) == set(PATTERNS)
    assert set(lamp_advice.BESIDE) == set(every_pattern()) - {state.value for state in State}
    assert set(lamp_advice.LAMPS) == {lamp.value for lamp in Lamp}


@pytest.mark.parametrize("lang", PAGES)
def test_every_number_that_the_lamp_can_blink_is_on_the_page(lang: Lang) -> None:
    shown = {
        int(number) for cells in rows(lamp_page.code_table(lang, SHIPPED)) for number in re.findall("[0-9]+", cells[0])
    }
    assert shown - {7, 8} == {row.blink for row in lamp_rows(SHIPPED)} | {OTHER[1]}


def test_both_pages_have_the_same_lines_and_no_cell_is_empty() -> None:
    for table in (lamp_page.lamp_table, lambda lang: lamp_page.code_table(lang, SHIPPED)):
        english, chinese = rows(table("en")), rows(table("zh"))
        assert len(english) == len(chinese)
        assert all(len(cells) == len(rows(table("en"))[0]) for cells in (*english, *chinese))
        assert all(cells[2] and cells[3] for cells in (*english, *chinese))


def test_the_chinese_page_is_chinese_and_the_english_one_english() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    assert not han.search(page("en").replace("[中文]", ""))
    sentences = [line for line in page("zh").splitlines() if re.match(r"[0-9]\. |\*\*", line)]
    assert len(sentences) >= 8 and all(han.search(line) for line in sentences)


def test_an_interlock_that_a_bench_has_added_has_a_row_of_its_own() -> None:
    added = Interlock("hum", "hum.db", 1.0, high=3.0, blames="station", code="STATION-HUM", blink=69)
    (row,) = (cells for cells in rows(lamp_page.code_table("en", [added])) if cells[1] == "STATION-HUM")
    assert row[0] == "69 / 89" and row[3] == "Find the cause, RESET."


def test_a_weld_and_the_service_latch_are_a_maintainers() -> None:
    table = rows(lamp_page.code_table("en", SHIPPED))
    assert {cells[4] for cells in table if cells[1] == "G07" or "service latch" in cells[2]} == {"**maintainer**"}


def test_the_pages_are_rewritten_in_place(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "interlocks.toml").write_bytes((ROOT / "config" / "interlocks.toml").read_bytes())
    for name in PAGES.values():
        (tmp_path / "docs" / name).write_text(
            "<!-- printed: codes -->\nold\n<!-- printed to here -->", encoding="utf-8"
        )
    lamp_page.main(tmp_path)
    assert "| G07 |" in (tmp_path / "docs" / PAGES["zh"]).read_text(encoding="utf-8")
