"""What `status` and `watch` show in a terminal of 80 columns: said once, in the reader's language, in line."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from station.cli.remote_view import status_table
from station.run.session_texts import say_missing

MISSING = ("operator", "work_order", "serial_number", "product")


def lines(drawn: Any) -> list[str]:
    console = Console(width=80, force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(drawn)
    return captured.get().splitlines()


def session(state: str, **other: Any) -> dict[str, Any]:
    return {"state": state, "missing": list(MISSING), "missing_text": say_missing(MISSING), **other}


@pytest.mark.parametrize(("lang", "label"), [("zh", "还缺"), ("en", "missing:")])
def test_what_is_missing_is_said_once_and_only_while_scans_are_wanted(lang: str, label: str) -> None:
    for state in ("waiting", "scan_missing"):
        assert "\n".join(lines(status_table(session(state), lang))).count(label) == 1
    for state in ("energised", "tripped", "pass"):
        assert label not in "\n".join(lines(status_table(session(state), lang)))


@pytest.mark.parametrize("orders", [1, 30])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_second_column_begins_at_one_place_whatever_stands_in_it(lang: str, orders: int) -> None:
    trip = {"code": "G01", "text": {"zh": "已上电", "en": "powered up"}}
    drawn = lines(status_table(session("tripped", trip=trip, assigned=["WO-1"] * orders), lang))
    starts = {cell_len(line[: line.index(mark)]) for line in drawn for mark in ("G01", "WO-1") if mark in line}
    assert starts == {14} and all(cell_len(line) <= 80 for line in drawn)


def test_verdicts_are_in_the_readers_language() -> None:
    said = {lang: "\n".join(lines(status_table(session("fail", verdict="FAIL"), lang))) for lang in ("zh", "en")}
    assert "不合格" in said["zh"] and "FAIL" not in said["zh"] and "FAIL" in said["en"]


@pytest.mark.parametrize(("lang", "said"), [("zh", "待打印      2  打印机缺纸"), ("en", "paper       2  out of paper")])
def test_paper_that_waits_is_shown_with_its_reason(lang: str, said: str) -> None:
    paper = {"pending": 2, "reason": {"zh": "打印机缺纸", "en": "out of paper"}}
    drawn = lines(status_table({"session": session("pass"), "paper": paper}, lang))
    assert len(drawn) == 2 and drawn[1].split() == said.split()


def test_a_maintainer_sees_alarms_the_outbox_and_which_configuration_is_in_use() -> None:
    drawn = lines(
        status_table(
            {
                "session": session("waiting"), "uplink": {"connected": False, "error": "refused: not authorised"},
                "outbox": {"waiting": 7, "quarantined": 1}, "alarms": [{"code": "G12", "cause": "thermostat open"}],
                "configuration": {
                    "revision": "0123456789", "on_trial": True, "wanted": None, "last_apply_error": "plans/x.toml: no",
                },
            },
            "en",
        )
    )  # fmt: skip
    said = "\n".join(drawn)
    assert "G12  thermostat open" in said and "01234567 (on trial)" in said and "plans/x.toml: no" in said
    assert "offline  waiting 7  rejected 1  refused: not authorised" in said
