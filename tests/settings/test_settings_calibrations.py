"""calibration/ROLE.toml: read with the tree, every error by file, line and key, and no correction beyond its bounds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from settings_tree import TreeCopy

from station.domain.calibration import Loopback, Point
from station.settings import Problem
from station.settings.calibrations import load_calibrations
from station.settings.loading import InvalidTree
from station.settings.mislaid import mislaid

TESTER = """\
role = "tester"
serial_number = "GES123456"
declared = false

[[revision]]
date = 2025-01-12
due = 2026-01-12
by = "A. Lab"
reference = "decade box R1, serial number 77"
certificate = "C-100"
note = "first"
[revision.quantity.insulation_mohm]
factor = 1.01
relative = 0.01

[[revision]]
date = 2026-01-10
due = 2027-01-10
by = "A. Lab"
reference = "decade box R1, serial number 77"
certificate = "C-200"
[revision.quantity.insulation_mohm]
factor = 1.002
offset = 0.0
relative = 0.004
as_found = [[10.0, 10.1], [100.0, 100.6]]
[revision.quantity.earth_bond_ohm]
offset = -0.001
relative = 0.01
absolute = 0.0002
"""
AUDIO = """\
role = "audio"
serial_number = "U1"
declared = true
[[revision]]
date = 2026-01-10
due = 2027-01-10
by = "house"
reference = "multimeter M2, serial number 4"
certificate = ""
[revision.quantity.input_left_v]
factor = 1.004
relative = 0.001
[revision.loopback]
thd_db = -108.0
noise_db = -112.0
response_db = 0.1
"""
HEATSINK = """\
role = "temperature"
serial_number = "T1"
declared = true
[[revision]]
date = 2026-01-10
due = 2027-01-10
by = "house"
reference = "dry block"
certificate = ""
[revision.quantity.heatsink_degc]
factor = 1.0
offset = 0.0
absolute = 0.3
"""
DC = HEATSINK.replace("temperature", "dc").replace("heatsink_degc", "left_plus_v")
DC = DC.replace("factor = 1.0", "factor = 0.98").replace("offset = 0.0", "offset = -0.02")
BIAS = DC.replace('"dc"', '"bias"').replace("left_plus_v", "left_mv").replace("offset = -0.02", "offset = 0.005")


def put(tree: TreeCopy, role: str, text: str) -> None:
    (tree.directory / "calibration").mkdir(exist_ok=True)
    (tree.directory / "calibration" / f"{role}.toml").write_text(text, encoding="utf-8")


def test_the_last_revision_is_the_one_that_counts_and_the_ones_before_are_kept(tree: TreeCopy) -> None:
    put(tree, "tester", TESTER)
    put(tree, "audio", AUDIO)

    on_file = tree.load().station.calibrations

    tester = on_file["tester"]
    assert [one.certificate for one in tester.revisions] == ["C-100", "C-200"]
    assert (tester.serial_number, tester.current.due) == ("GES123456", date(2027, 1, 10))
    assert tester.current.corrections["insulation_mohm"].as_found == (Point(10.0, 10.1), Point(100.0, 100.6))
    assert tester.current.corrections["earth_bond_ohm"].offset == -0.001
    assert on_file["audio"].declared and on_file["audio"].current.loopback == Loopback(-108.0, -112.0, 0.1)


def test_a_calibration_is_part_of_what_the_sha_of_the_configuration_stands_for(tree: TreeCopy) -> None:
    before = tree.load().sha256
    put(tree, "tester", TESTER)

    assert tree.load().sha256 != before


def test_without_the_table_no_calibration_is_demanded_and_true_demands_one(tree: TreeCopy) -> None:
    assert tree.load().station.calibration_required is False
    tree.spoil("station.toml", "required = false", "required = true")
    assert tree.load().station.calibration_required is True
    tree.spoil("station.toml", "[calibration]\nrequired = true", "")
    assert tree.load().station.calibration_required is False


@pytest.mark.parametrize(
    ("role", "text", "old", "new", "key", "wrong"),
    [
        ("tester", TESTER, 'role = "tester"', 'role = "teser"', "role", "this bench has nothing in the role 'teser'"),
        ("touch", TESTER, "declared", "declared", "role", "'tester' in a file that is called touch.toml"),
        ("tester", TESTER, "serial_number = ", "serial_no = ", "serial_no", "unknown key"),
        ("tester", TESTER, '"GES123456"', '""', "serial_number", '"" is out of bounds'),
        ("tester", TESTER, "date = 2026-01-10", 'date = "soon"', "revision[2].date", '"soon" is out of bounds'),
        ("tester", TESTER, "due = 2027-01-10", "due = 2026-01-10", "revision[2].due", "and it was made on"),
        ("tester", TESTER, "due = 2027-01-10", "due = 2072-01-10", "revision[2].due", "days after it was made"),
        ("tester", TESTER, "date = 2026-01-10", "date = 2024-06-01", "revision[2].date", "stands behind 2025-01-12"),
        ("tester", TESTER, 'by = "A. Lab"', "", "revision[1].by", "is missing"),
        ("tester", TESTER, ".insulation_mohm]", ".insulation_kohm]", "revision[1].quantity.insulation_kohm",
         "the instrument of this role does not read it"),
        ("tester", TESTER, "factor = 1.002", "factor = 1.2", "revision[2].quantity.insulation_mohm.factor",
         "1.2 is outside of 0.9 to 1.1"),
        ("tester", TESTER, "offset = -0.001", "offset = -0.1", "revision[2].quantity.earth_bond_ohm.offset",
         "-0.1 is outside of -0.05 to 0.05 ohm"),
        ("tester", TESTER, "relative = 0.004", "", "revision[2].quantity.insulation_mohm", "has no uncertainty"),
        ("tester", TESTER, "relative = 0.004", "relative = -0.004", "revision[2].quantity.insulation_mohm.relative",
         "-0.004 is out of bounds"),
        ("tester", TESTER, "factor = 1.002", "factor = nan", "revision[2].quantity.insulation_mohm.factor",
         "nan is no number to judge by"),
        ("tester", TESTER, "date = 2026-01-10", "date = 2026-01-10T08:00:00", "revision[2].date", "a date or time"),
        ("audio", AUDIO, "factor = 1.004", "offset = 0.004", "revision[1].quantity.input_left_v.offset",
         "0.004 is outside of 0, the only offset"),
        ("audio", AUDIO, "relative = 0.001", "absolute = 0.1", "revision[1].quantity.input_left_v.absolute",
         "has a relative uncertainty only"),
        ("temperature", HEATSINK, "factor = 1.0\n", "factor = 0.9\n", "revision[1].quantity.heatsink_degc.factor",
         "0.9 is outside of 0.98 to 1.02"),
        ("temperature", HEATSINK, "offset = 0.0", "offset = -10.0", "revision[1].quantity.heatsink_degc.offset",
         "-10 is outside of -2 to 2 degc"),
        ("dc", DC, "factor = 0.98", "factor = 0.97", "revision[1].quantity.left_plus_v.factor",
         "0.97 is outside of 0.98 to 1.02"),
        ("dc", DC, "offset = -0.02", "offset = -0.1", "revision[1].quantity.left_plus_v.offset",
         "-0.1 is outside of -0.02 to 0.02 v"),
        ("bias", BIAS, "offset = 0.005", "offset = 0.05", "revision[1].quantity.left_mv.offset",
         "0.05 is outside of -0.005 to 0.005 mv"),
        ("temperature", HEATSINK, "[revision.quantity.heatsink_degc]", "[revision.loopback]\nthd_db = -100.0\n"
         "noise_db = -100.0\n[revision.quantity.heatsink_degc]", "revision[1].loopback", "only the audio interface"),
    ],
)  # fmt: skip
def test_every_error_is_named_by_file_line_and_key(
    tree: TreeCopy, role: str, text: str, old: str, new: str, key: str, wrong: str
) -> None:
    put(tree, role, text)
    file = f"calibration/{role}.toml"
    line = tree.spoil(file, old, new or "# gone")

    problems = tree.problems()

    found = [(one.file, one.key) for one in problems]
    assert found == [(str(tree.directory / file), key)], problems
    assert wrong in problems[0].wrong
    assert 0 <= line - problems[0].line <= 3, "at the key, or at the table where it is missing"


def test_a_fan_s_proof_contact_has_nothing_to_calibrate(tree: TreeCopy) -> None:
    text = HEATSINK.replace("temperature", "loadbank").replace("heatsink_degc", "fan_ok")
    put(tree, "loadbank", text)

    assert [one.key for one in tree.problems()] == ["revision[1].quantity.fan_ok"]


@pytest.mark.parametrize(("role", "quantity"), [("discharge", "l_n_v"), ("fan", "rpm")])
def test_what_only_proves_is_never_corrected(tree: TreeCopy, role: str, quantity: str) -> None:
    put(tree, role, HEATSINK.replace("temperature", role).replace("heatsink_degc", quantity))

    (problem,) = tree.problems()

    assert problem.key == "role" and "a proof is never corrected" in problem.wrong


def test_whatever_a_file_says_a_proof_s_limit_holds_within_a_few_per_cent(tree: TreeCopy) -> None:
    heat = HEATSINK.replace("factor = 1.0", "factor = 0.98").replace("offset = 0.0", "offset = -2.0")
    for role, text in (("dc", DC), ("bias", BIAS.replace("0.005", "-0.005")), ("temperature", heat)):
        put(tree, role, text)

    on_file = tree.load().station.calibrations

    for role, name, limit, most in (
        ("dc", "left_plus_v", 1.0, 1.041),
        ("bias", "left_mv", 0.15, 0.159),
        ("temperature", "heatsink_degc", 100.0, 104.1),
    ):
        assert on_file[role].current.corrections[name].correct(most) >= limit, role


@pytest.mark.parametrize(
    "name",
    ["calibrations/tester.toml", "Calibration/tester.toml", "tester.toml", "calibration/tester.toml.bak",
     "calibration/tester.TOML", "calibration/tester.toml~", "calibration/tester.old", "calibration/tester"],
)  # fmt: skip
def test_a_calibration_that_was_put_aside_is_not_taken_for_none(tmp_path: Path, name: str) -> None:
    tree = TreeCopy(tmp_path)
    put(tree, "tester", TESTER)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    (tmp_path / "calibration" / "tester.toml").rename(path)

    found = [one.file for one in mislaid(tmp_path)]

    assert found == [str(path if path.parent.name == "calibration" or path.name == name else path.parent)]


def test_a_calibration_that_was_put_aside_is_an_error_of_the_tree(tree: TreeCopy) -> None:
    (tree.directory / "tester.toml").write_text(TESTER)

    (problem,) = tree.problems()

    assert problem.remedy == "move it to calibration/ROLE.toml"


def test_what_is_no_calibration_may_lie_beside_them(tmp_path: Path) -> None:
    put(TreeCopy(tmp_path), "tester", TESTER)
    folder = tmp_path / "calibration"
    (folder / "earlier").mkdir()
    (folder / "earlier" / "tester-GES1.toml").write_text(TESTER)
    for name in ("C-100.pdf", ".tester.toml.k3x", "README.md"):
        (folder / name).write_text("")

    assert mislaid(tmp_path) == []


def test_a_folder_of_calibrations_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "calibration").write_text("")

    assert [one.key for one in mislaid(tmp_path)] == ["(folder)"]


def test_whoever_writes_a_file_reads_it_back_without_the_rest_of_the_tree(tmp_path: Path) -> None:
    tree = TreeCopy(tmp_path)
    put(tree, "tester", TESTER)
    put(tree, "touch", "role = 1")
    problems: list[Problem] = []

    assert list(load_calibrations(tmp_path, problems)) == ["tester"]
    assert {one.key for one in problems} >= {"role", "serial_number", "revision"}


def test_a_tree_with_a_broken_calibration_is_not_loaded(tree: TreeCopy) -> None:
    put(tree, "tester", TESTER.replace("due = 2027-01-10", "due = 2025-01-10"))

    with pytest.raises(InvalidTree, match=r"calibration/tester.toml:\d+: revision\[2\].due: due on 2025-01-10"):
        tree.load()
