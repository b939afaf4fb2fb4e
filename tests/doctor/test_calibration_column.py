"""The doctor's word on calibration: until when, how many days are left, and what makes no PASS is to be looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from drivers.ports import Identity
from station.assembly import make_devices
from station.doctor.examine import examine_told
from station.doctor.finding import Finding
from station.domain.calibration import Calibration, Correction, Revision
from tests.doctor.rig import settings_with

BOTH = dict.fromkeys(("insulation_mohm", "earth_bond_ohm"), Correction(relative=0.01))
KEPT = Revision(date(2026, 1, 10), date(2027, 1, 10), "lab", "box", "C", BOTH)


async def told(folder: Path, today: date | None, number: str | None, *, required: bool = False) -> dict[str, Finding]:
    """What the doctor says from memory of a bench whose tester said this number."""
    settings = replace(
        settings_with(folder), calibration_required=required,
        calibrations={"tester": Calibration("tester", "GES1", (KEPT,))},
    )  # fmt: skip
    devices: Any = make_devices(settings, lambda: today)
    if number is not None:
        devices.identities["tester"] = Identity("GPT-9804", number)
    try:
        return {one.role: one for one in await examine_told(devices, 0.0)}
    finally:
        await devices.close()


@pytest.mark.parametrize(
    ("today", "number", "column", "wrong"),
    [
        (date(2026, 6, 1), "GES1", "until 2027-01-10", ""),
        (date(2026, 12, 31), "GES1", "until 2027-01-10 (10 days left: have it calibrated)", ""),
        (date(2027, 1, 11), "GES1", "not in force (expired)", "its calibration ended on 2027-01-10"),
        (date(2026, 6, 1), "GES2", "not in force (other)", "says number GES2, and the calibration on file is of GES1"),
        (None, "GES1", "not in force (undated)", "the clock is not set"),
    ],
)
async def test_the_column_says_how_the_calibration_stands(
    tmp_path: Path, today: date | None, number: str, column: str, wrong: str
) -> None:
    tester = (await told(tmp_path, today, number))["tester"]

    assert tester.answers and tester.calibration == column
    assert wrong in tester.error and tester.clean is (not wrong)
    assert not wrong or "station calibrate tester" in tester.causes[-1]


async def test_of_a_silent_instrument_only_the_file_is_told(tmp_path: Path) -> None:
    tester = (await told(tmp_path, date(2027, 6, 1), None))["tester"]

    assert not tester.answers and tester.calibration == "of GES1 until 2027-01-10"
    assert "calibration" not in tester.error


async def test_what_has_no_file_says_so_and_what_measures_nothing_says_nothing(tmp_path: Path) -> None:
    found = await told(tmp_path, date(2026, 6, 1), "GES1")

    assert found["touch"].calibration == "none on file"
    assert found["audio"].calibration == "none on file; full scale 4 V out, 60 V in (station.toml)"
    assert {found[role].calibration for role in ("guard", "relays", "panel", "scanner")} == {"-"}
