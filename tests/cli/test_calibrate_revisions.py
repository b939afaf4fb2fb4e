"""What a revision takes over, and what it is refused for: days, uncertainties, a file that changed, who is declared."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from drivers.ports import Identity
from station.cli.calibrate_ask import ask_serial
from station.cli.calibrate_file import change_of, on_record, read_points, text_of, write
from station.cli.calibrate_instrument import Instrument
from station.cli.calibrate_work import Basis, Outcome, Quantity, Work, compared_on, revise
from station.domain.calibration import Calibration, Loopback
from station.domain.errors import SettingsError
from station.metrology.fitting import Beside, Comparison, Contribution
from station.settings.problem import InvalidTree

TODAY = date(2026, 11, 23)
BESIDE = Beside(Contribution("reference", 0.001), 0.0, 0.005)
INSULATION = Quantity("insulation_mohm", (Comparison(5.0, (5.0,)), Comparison(500.0, (500.0,))), BESIDE)
BOND = Quantity("earth_bond_ohm", (Comparison(0.1, (0.1,)), Comparison(0.3, (0.3,))), BESIDE)
POINTS = """
role = "tester"
serial_number = "GES1"
by = "Lab"
reference = "decade"
certificate = ""
date = 2026-11-01
due = 2027-11-01
[quantity.insulation_mohm]
points = [[5.0, 5.05]]
reference_relative = 0.001
drift_relative = 0.005
"""


def work(day: str, *quantities: Quantity, due: str = "2027-11-20", declared: bool = False) -> Work:
    basis = Basis(date.fromisoformat(day), date.fromisoformat(due), "Lab", "decade", "")
    return Work("GES1", declared, basis, quantities)


def written(config: Path, outcome: Outcome, role: str = "tester") -> Calibration:
    write(change_of(config, outcome.calibration, on_record(config, role, None), text_of(config, role), None))
    kept = on_record(config, role, None)
    assert kept is not None
    return kept


def test_what_is_believed_of_a_quantity_was_found_when_it_was_compared_and_not_when_it_was_carried(
    tmp_path: Path,
) -> None:
    """By the file as it is read again, its figures rounded."""
    odd = replace(INSULATION, points=(Comparison(5.0, (5.0123456789,)), Comparison(500.0, (501.0 / 0.9999877,))))
    kept = written(tmp_path, revise(None, "tester", work("2026-01-10", odd, BOND, due="2027-01-10"), TODAY))
    second = revise(kept, "tester", work("2026-10-01", BOND), TODAY)
    assert "insulation_mohm: not compared now, carried over as of 2026-01-10" in second.remarks[0]
    third = written(tmp_path, revise(written(tmp_path, second), "tester", work("2026-11-01", BOND), TODAY))
    assert compared_on(third, "insulation_mohm") == date(2026, 1, 10)
    bond = replace(BOND, points=(Comparison(0.1, (0.101,)), Comparison(0.3, (0.3,))))
    fourth = written(tmp_path, revise(third, "tester", work("2026-11-10", bond), TODAY))
    assert compared_on(fourth, "earth_bond_ohm") == date(2026, 11, 10)


def test_what_is_over_is_renewed_by_comparing_all_of_it() -> None:
    old = revise(None, "tester", work("2025-01-10", INSULATION, BOND, due="2026-01-10"), TODAY).calibration
    with pytest.raises(SettingsError, match=r"insulation_mohm.* was due on 2026-01-10 .* compare all of it"):
        revise(old, "tester", work("2026-11-20", BOND), TODAY)


def test_a_revision_that_somebody_else_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    begun = change_of(tmp_path, revise(None, "tester", work("2026-01-10", BOND), TODAY).calibration, None, None, None)
    kept = written(tmp_path, revise(None, "tester", work("2026-01-11", INSULATION), TODAY))
    with pytest.raises(SettingsError, match="it was changed meanwhile"):
        write(begun)
    assert on_record(tmp_path, "tester", None) == kept


def test_a_file_with_the_line_ends_of_another_system_keeps_them(tmp_path: Path) -> None:
    kept = written(tmp_path, revise(None, "tester", work("2026-01-10", INSULATION), TODAY))
    file = tmp_path / "calibration" / "tester.toml"
    before = file.read_bytes().replace(b"\n", b"\r\n") + b"# mine"
    file.write_bytes(before)
    assert len(written(tmp_path, revise(kept, "tester", work("2026-10-01", BOND), TODAY)).revisions) == 2
    after = file.read_bytes()
    assert after.startswith(before) and after.count(b"\n") == after.count(b"\r\n")


def test_a_loopback_says_its_own_day_and_person_and_that_it_is_carried(tmp_path: Path) -> None:
    voltage = Quantity("input_left_v", (Comparison(10.0, (10.01,)),), BESIDE)
    first = revise(None, "audio", work("2026-01-10", voltage), TODAY).calibration
    loop = Loopback(-108.0, -112.0, made=date(2026, 3, 2), by="Wang")
    kept = written(tmp_path, revise(first, "audio", work("2026-01-10"), TODAY, loop), "audio")
    assert kept.current.loopback == loop
    later = revise(kept, "audio", work("2026-10-01", voltage), TODAY)
    assert later.calibration.current.loopback == loop
    assert "loopback of 2026-03-02 by Wang: not looked at now" in later.remarks[-1]
    silent = replace(kept, revisions=tuple(replace(one, loopback=Loopback(-108.0, -112.0)) for one in kept.revisions))
    assert "loopback of 2026-01-10 by Lab" in revise(silent, "audio", work("2026-10-01", voltage), TODAY).remarks[-1]


def test_who_says_the_serial_number_is_not_changed_in_silence() -> None:
    said = revise(None, "tester", work("2026-01-10", INSULATION), TODAY).calibration
    with pytest.raises(SettingsError, match="declared = false"):
        revise(said, "tester", work("2026-10-01", INSULATION, declared=True), TODAY)
    plate = replace(said, declared=True)
    assert revise(plate, "tester", work("2026-10-01", INSULATION), TODAY).calibration.declared, "as the file goes on"


def test_the_number_on_file_is_offered_for_a_plate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert ask_serial(Instrument("dc", "x", Identity(), (), None, 0.0), "PLATE-1") == ("PLATE-1", True)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("date = 2026-11-01", "date = 2027-03-01", "2027-03-01 is after today, 2026-11-23"),
        ("due = 2027-11-01", "due = 2026-11-23", "2026-11-23 is over"),
        ("reference_relative = 0.001", "", "the reference's uncertainty is missing"),
        ("reference_relative = 0.001", "reference_relative = -0.5", "-0.5"),
        ("reference_relative = 0.001", "reference_absolute = inf", "Infinity"),
        ("drift_relative = 0.005", "", "how far the instrument drifts is missing"),
        ("drift_relative = 0.005", "drift_relative = -1", "-1"),
        ("drift_relative = 0.005", "drift_relative = 0.0\nresolution = -3", "-3"),
    ],
)
def test_a_certificate_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "points.toml"
    file.write_text(POINTS, encoding="utf-8")
    assert read_points(file, TODAY)[0] == "tester"
    file.write_text(POINTS.replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidTree) as refused:
        read_points(file, TODAY)
    assert len(refused.value.problems) == 1 and words in str(refused.value)
