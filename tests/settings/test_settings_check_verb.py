"""`station check`: what it prints where, and its exit status."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from settings_tree import TreeCopy

from station.cli.check import check_tree


def test_a_clean_tree_is_said_to_be_clean(tree: TreeCopy, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_tree(tree.directory) == 0
    out = capsys.readouterr().out
    plans, products = (len(list((tree.directory / sort).glob("*.toml"))) for sort in ("plans", "products"))
    assert out == f"OK: {tree.directory} is clean ({plans} plans, {products} products)\n"


def test_errors_are_printed_a_line_each_and_exit_1(tree: TreeCopy, capsys: pytest.CaptureFixture[str]) -> None:
    tree.spoil("station.toml", "address = 2", "address = 1")
    tree.spoil("products/example-a-100.toml", "load_ohm = 8.0", "load_ohm = nan")
    assert check_tree(tree.directory) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == [str(problem) for problem in tree.problems()]
    assert lines[-1].startswith("2 errors")


def test_json_is_one_document_alone_on_standard_output(tree: TreeCopy, capsys: pytest.CaptureFixture[str]) -> None:
    line = tree.spoil("station.toml", "address = 2", "address = 1")
    assert check_tree(tree.directory, as_json=True) == 1
    captured = capsys.readouterr()
    (problem,) = json.loads(captured.out)
    assert problem["file"] == str(tree.directory / "station.toml")
    assert (problem["line"], problem["key"]) == (line, "devices.mains.address")
    assert captured.err.startswith("1 error")


def test_json_of_a_clean_tree_is_an_empty_list(tree: TreeCopy, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_tree(tree.directory, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_first_errors_are_told_with_their_number_and_no_longer_than_a_reader_takes(
    tree: TreeCopy, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree.directory / "diagnosis.toml").write_text("".join(f"{'k' * 5000}{n} = 1\n" for n in range(9)))
    assert check_tree(tree.directory, as_json=True, most=2) == 1
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["count"], len(told["problems"])) == (9, 2) and len(captured.out) < 2000
    assert set(told["problems"][0]) == {"file", "line", "key", "wrong", "remedy"}
    assert check_tree(tree.directory, most=2) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[-1].startswith("9 errors")


def test_a_directory_that_is_not_there_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_tree(tmp_path / "nowhere") == 2
    captured = capsys.readouterr()
    assert (captured.out, len(captured.err.splitlines())) == ("", 1)


def test_what_has_ended_ends_soon_or_has_not_begun_is_noted_and_no_error(
    tree: TreeCopy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree.directory / "calibration").mkdir()
    days = {"dc": ("2025-01-10", "2026-01-10"), "bias": ("2026-12-01", "2027-12-01")}
    days |= {"probe": ("2025-12-01", "2026-12-01"), "mains": ("2026-01-10", "2027-01-10")}
    quantities = {"dc": "left_plus_v", "bias": "left_mv", "probe": "volts_v", "mains": "power_w"}
    for role, (made, due) in days.items():
        (tree.directory / "calibration" / f"{role}.toml").write_text(
            f'role = "{role}"\nserial_number = "1"\ndeclared = true\n[[revision]]\ndate = {made}\ndue = {due}\n'
            f'by = "x"\nreference = "y"\ncertificate = ""\n[revision.quantity.{quantities[role]}]\nrelative = 0.01\n'
        )
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    monkeypatch.setattr("station.uplink.clock.ClockReader.read_now", lambda _: (now, "synced"))

    assert check_tree(tree.directory) == 0

    told = [line for line in capsys.readouterr().err.splitlines() if "calibration of" in line]
    assert [line.partition(";")[0] for line in told] == [
        "note: calibration of bias: made on 2026-12-01, today is 2026-11-23",
        "note: calibration of dc: expired, it was due on 2026-01-10",
        "note: calibration of probe: due on 2026-12-01, in 8 days",
    ]
    monkeypatch.setattr("station.uplink.clock.ClockReader.read_now", lambda _: (now, "unsynced"))
    assert check_tree(tree.directory) == 0
    assert "note: the clock is not set" in capsys.readouterr().err
