"""`results recall`: the runs of an instrument by its serial number, also of one that cannot say it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from station.cli.main import main
from station.contract.records import RecordCodec
from station.domain.record import Instrument, Record
from station.store.store import Store
from tests.cli.test_results import draft_of
from tests.report.conftest import make_pass

Say = Callable[..., tuple[int, str, str]]
CALIBRATION = """
role = "dc"
serial_number = "{serial}"
declared = true
[[revision]]
date = {made}
due = 2028-01-01
by = "Li"
reference = "34461A"
certificate = ""
[revision.quantity.left_plus_v]
relative = 0.001
"""
TESTER = Instrument("tester", "gpt-9800", "GPT-9804", "GES1", "2026-12-01")
OTHER = Instrument("tester", "gpt-9800", "GPT-9804", "GES2", None)
DC = Instrument("dc", "modbus-registers", None, None, "2028-01-01")


def run_of(number: int, ended_at: str, *instruments: Instrument) -> Record:
    run_id = f"019a0000-0000-7000-8000-{number:012d}"
    return replace(make_pass(), run_id=run_id, ended_at=ended_at, instruments=instruments)


@pytest.fixture
async def say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Three runs: both meters, the tester's successor, both again."""
    (tmp_path / "calibration").mkdir()
    store = tmp_path / "station.sqlite"
    (tmp_path / "station.toml").write_text(
        f'[station]\nname = "bench-07"\ntimezone = "Asia/Shanghai"\n[store]\npath = "{store}"\n', encoding="utf-8"
    )
    opened = await Store.open(store, RecordCodec(), "bench-07")
    for record in (
        run_of(1, "2026-05-01T10:00:00.000Z", TESTER, DC),
        run_of(2, "2026-06-01T10:00:00.000Z", OTHER, DC),
        run_of(3, "2026-06-30T17:00:00.000Z", TESTER, DC),  # July at the bench
    ):
        await opened.finish_run(replace(record, run_no=await opened.begin_run(draft_of(record))))
    await opened.close()

    def through_the_door(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["station", "results", "recall", *arguments, "--config", str(tmp_path)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return through_the_door


def numbers(say: Say, *arguments: str) -> list[int]:
    status, out, _ = say(*arguments, "--json")
    assert status == 0
    return [row["run_no"] for row in json.loads(out)]


def test_the_runs_of_a_serial_number_and_what_hangs_on_it(say: Say) -> None:
    status, out, _ = say("GES1", "--json")
    rows = json.loads(out)
    assert status == 0 and [row["run_no"] for row in rows] == [1, 3]
    assert rows[0]["role"] == "tester" and rows[0]["calibrated_until"] == "2026-12-01" and not rows[0]["declared"]
    assert "insulation_mohm" in rows[0]["measurements"] and "thd_percent" not in rows[0]["measurements"]
    status, out, told = say("GES1")
    assert status == 0 and "insulation_mohm" in out and told == "GES1: 2 runs\n"


@pytest.mark.parametrize(("serial", "remedy"), [("GSE2", "did you mean `GES2`?"), ("", "known here: GES1, GES2")])
def test_a_slip_in_the_number_is_no_clean_recall(say: Say, serial: str, remedy: str) -> None:
    status, out, told = say(serial, "--json")
    assert (status, out) == (2, "") and "no run and no calibration of this bench names it" in told and remedy in told


def test_since_is_a_day_at_the_bench(say: Say) -> None:
    assert numbers(say, "GES1", "--since", "2026-07-01") == [3]
    assert numbers(say, "GES1", "--since", "2026-07-02") == []
    status, _, told = say("GES1", "--since", "yesterday")
    assert status == 2 and "no day; write it as" in told


def test_one_that_cannot_say_its_number_is_known_by_the_calibrations(say: Say, tmp_path: Path) -> None:
    assert say("PLATE-1", "--json")[0] == 2, "not on record yet"
    file = tmp_path / "calibration" / "dc.toml"
    file.write_text(CALIBRATION.format(serial="PLATE-1", made="2026-05-15"), encoding="utf-8")
    assert numbers(say, "PLATE-1") == [2, 3]
    earlier = tmp_path / "calibration" / "earlier"
    earlier.mkdir()
    file.rename(earlier / "dc-PLATE-1.toml")
    file.write_text(CALIBRATION.format(serial="PLATE-2", made="2026-06-15"), encoding="utf-8")
    assert numbers(say, "PLATE-1") == [2], "until its successor was calibrated"
    assert numbers(say, "PLATE-2") == [3]
    assert say("PLATE-2")[1].count("(declared)") == 1
