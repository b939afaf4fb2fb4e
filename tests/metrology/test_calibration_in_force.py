"""What calibrations on file are worth: by the instrument that is there and the day that it is, never by a guess."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from drivers.ports import Identity
from station.domain.calibration import Calibration, Correction, Loopback, Revision, Standing
from station.domain.calibration_words import in_chinese
from station.metrology.heard import Heard
from station.metrology.in_force import NOTHING_ON_FILE, InForce
from station.metrology.roles import MEASURED_BY, MEASURED_IN, quantities_read, roles_needed, roles_of
from station.metrology.watch import LOOK_EVERY_S, CalibrationWatch
from station.run.wall import bench_day
from station.settings.calibrations import quantities_of
from station.settings.devices import PORT_OF_ROLE, READINGS_OF_ROLE
from station.steps.catalog import STEPS

MADE, DUE = date(2026, 1, 10), date(2027, 1, 10)
ROLES = ("audio", "dc", "tester", "touch")


def on_file(role: str = "tester", number: str = "GES1", *, declared: bool = False) -> dict[str, Calibration]:
    both = dict.fromkeys(("insulation_mohm", "earth_bond_ohm"), Correction(1.01, 0.0, 0.01))
    revision = Revision(MADE, DUE, "lab", "box 7", "C-1", both)
    return {role: Calibration(role, number, (revision,), declared)}


def bench(
    files: Mapping[str, Calibration], said: Mapping[str, str], today: date | None, *, required: bool = False
) -> InForce:
    return InForce(files, ROLES, said.get, lambda: today, required=required)


@pytest.mark.parametrize(
    ("said", "today", "declared", "standing"),
    [
        ("GES1", date(2026, 6, 1), False, Standing.VALID),
        ("GES1", MADE, False, Standing.VALID),
        ("GES1", date(2026, 12, 10), False, Standing.VALID),
        ("GES1", date(2026, 12, 11), False, Standing.DUE_SOON),
        ("GES1", DUE, False, Standing.DUE_SOON),
        ("GES1", date(2027, 1, 11), False, Standing.EXPIRED),
        ("GES1", date(2026, 1, 9), False, Standing.FUTURE),
        ("GES2", date(2026, 6, 1), False, Standing.OTHER),
        ("", date(2026, 6, 1), False, Standing.OTHER),
        ("", date(2026, 6, 1), True, Standing.VALID),
        ("GES2", date(2026, 6, 1), True, Standing.OTHER),
        (None, date(2026, 6, 1), True, Standing.UNKNOWN),
        ("GES1", None, False, Standing.UNDATED),
        ("GES2", None, False, Standing.OTHER),
    ],
)
def test_a_calibration_stands_by_number_and_day(
    said: str | None, today: date | None, declared: bool, standing: Standing
) -> None:
    here = bench(on_file(declared=declared), {} if said is None else {"tester": said}, today)

    assert here.standing("tester") is standing
    passes = standing in (Standing.VALID, Standing.DUE_SOON)
    assert (here.against("insulation_mohm", "insulation") is None) is passes
    assert ("tester" in here.refusals()) is not passes
    assert here.against("idle_power_w", "idle_power") is None, "another instrument's measurement"


@pytest.mark.parametrize(
    ("said", "today", "english", "chinese"),
    [
        ("GES1", date(2027, 2, 1), "tester: its calibration ended on 2027-01-10", "已于 2027-01-10 到期"),
        ("GES1", date(2026, 1, 1), "dated 2026-01-10 and today is 2026-01-01: the clock or", "晚于今天"),
        ("GES2", date(2026, 6, 1), "says number GES2, and the calibration on file is of GES1", "自报编号 GES2"),
        (None, date(2026, 6, 1), "it has not said who it is", "未应答"),
        ("GES1", None, "the clock is not set, so it cannot be shown", "时钟未同步"),
    ],
)  # fmt: skip
def test_each_refusal_is_said_in_both_languages(
    said: str | None, today: date | None, english: str, chinese: str
) -> None:
    words = bench(on_file(), {} if said is None else {"tester": said}, today).why_not("tester")

    assert words is not None and in_chinese(words["en"]) == words["zh"]
    assert in_chinese(f"{words['en']}; else") == f"{words['zh']}；else"
    assert english in words["en"] and chinese in words["zh"] and "安规测试仪" in words["zh"]


def test_without_a_file_a_role_passes_unless_one_is_demanded_and_its_lack_is_named() -> None:
    here = bench(on_file(), {"tester": "GES1"}, date(2026, 6, 1))
    assert here.standing("dc") is Standing.NONE and here.refusals() == {}
    assert here.without(("dc", "tester", "bias")) == ("dc",)
    assert here.until("dc") is None and here.until("tester") == "2027-01-10"

    strict = bench(on_file(), {"tester": "GES1"}, date(2026, 6, 1), required=True)
    assert sorted(strict.refusals()) == ["audio", "dc", "touch"]
    assert "station.toml demands one" in (strict.against("dc_offset_mv", "dc_offset") or "")


def partly(*, required: bool) -> InForce:
    """A tester that was compared in insulation alone, and an interface of which only a loopback was made."""
    revision = Revision(MADE, DUE, "lab", "box 7", "C-1", {"insulation_mohm": Correction(1.01, 0.0, 0.01)})
    own = Revision(MADE, DUE, "lab", "box 7", "C-1", {}, "", Loopback(-100.0, -100.0))
    files = {"tester": Calibration("tester", "GES1", (revision,)), "audio": Calibration("audio", "A1", (own,))}
    return bench(files, {"tester": "GES1", "audio": "A1"}, MADE, required=required)


def test_a_quantity_that_no_revision_names_is_not_calibrated_by_its_neighbour() -> None:
    here, plan = partly(required=True), (("insulation_mohm", "insulation"), ("earth_bond_ohm", "earth_bond"))
    words = here.against("earth_bond_ohm", "earth_bond") or ""

    assert "its calibration says nothing of earth_bond_ohm, and station.toml demands one" in words
    assert here.against("insulation_mohm", "insulation") is None
    assert "nothing of input_left_v, input_right_v," in (here.against("output_power_w", "power") or "")
    assert "output_right_v" in (here.against("gain_db", "gain") or "") and here.against("dropouts", "soak") is None
    (refused,) = here.refused(plan)
    assert refused["en"] == words and in_chinese(words) == refused["zh"] and "不含 earth_bond_ohm" in refused["zh"]
    assert here.remark("tester", "GES1") == ("until 2027-01-10, not of earth_bond_ohm", words)


def test_where_none_is_demanded_it_passes_and_is_named() -> None:
    here, plan = partly(required=False), (("earth_bond_ohm", "earth_bond"), ("gain_db", "gain"), ("colour_k", "x"))

    assert here.refused(plan[:2]) == () and here.against("earth_bond_ohm", "earth_bond") is None
    assert here.remark("tester", "GES1") == ("until 2027-01-10, not of earth_bond_ohm", "")
    assert here.uncovered(plan) == {
        "audio": ("input_left_v", "input_right_v", "output_left_v", "output_right_v"), "tester": ("earth_bond_ohm",),
    }  # fmt: skip


def test_what_must_be_calibrated_is_what_the_roles_read() -> None:
    besides = {"mains": ("current_a",), "temperature": ("ambient_degc",)}
    """What no bench must have and a step of a family reads; without it that step says so."""
    known = quantities_of({role: (*names, *besides.get(role, ())) for role, names in READINGS_OF_ROLE.items()})
    hanging = {(name, role) for name, roles in MEASURED_BY.items() for role in roles}

    for name, role in hanging:
        assert quantities_read(name, role) or name == "dropouts", (name, role)
        assert set(quantities_read(name, role)) <= set(known.get(role, quantities_read(name, role))), (name, role)


def test_an_instrument_that_was_swapped_in_a_run_proves_nothing_more_in_it_not_even_back_in_its_place() -> None:
    heard = Heard()
    heard["tester"] = Identity("GPT", "GES0")
    heard["tester"] = Identity("GPT", "GES1")
    here = InForce(on_file(), ROLES, lambda role: heard[role].serial_number, lambda: MADE, heard=heard)
    here.begin()
    assert here.standing("tester") is Standing.VALID and here.news() == (), "before the run"

    heard["tester"] = Identity("GPT", "GES7")
    assert here.standing("tester") is Standing.OTHER
    heard["tester"] = Identity("GPT", "GES1")

    words = here.why_not("tester")
    assert here.standing("tester") is Standing.CHANGED and words is not None
    assert "swapped in this run, it said numbers GES1, GES7, GES1, and" in words["en"]
    assert in_chinese(words["en"]) == words["zh"]
    swapped = "tester: the instrument was swapped: it said number"
    assert here.news() == (f"{swapped} GES1, and then GES7", f"{swapped} GES7, and then GES1")
    assert here.news() == (), "each is told once"
    here.begin()
    assert here.standing("tester") is Standing.VALID, "the next run is made with this one"


def test_before_everybody_was_asked_what_is_certain_is_foreseen() -> None:
    assert bench(on_file(), {}, MADE).foreseen() == {}
    assert list(bench(on_file(), {}, MADE).refusals()) == ["tester"]
    late = bench(on_file(), {}, date(2030, 1, 1))
    assert "ended on 2027-01-10" in late.foreseen()["tester"]["en"], "whoever it is"
    assert list(bench(on_file(), {"tester": "GES2"}, MADE).foreseen()) == ["tester"]


def test_another_instrument_is_corrected_by_nobodys_calibration_and_an_expired_one_still_by_its_own() -> None:
    assert bench(on_file(), {"tester": "GES2"}, MADE).revision("tester") is None
    assert bench(on_file(), {}, MADE).revision("tester") is None
    late = bench(on_file(), {"tester": "GES1"}, date(2030, 1, 1)).revision("tester")
    assert late is not None and late.certificate == "C-1"


def test_what_nobody_has_entered_proves_nothing() -> None:
    here = bench({}, {}, MADE)
    assert "nobody has entered what colour_k is measured by" in (here.against("colour_k", "paint") or "")
    assert here.against("looks_ok", "checklist") is None
    assert NOTHING_ON_FILE.against("colour_k", "paint") is None


def test_every_measurement_of_the_catalogue_says_which_instruments_it_hangs_on() -> None:
    measured = {(name, use) for use, spec in STEPS.items() for name in spec.measurements}
    roles = {role for name, use in measured for role in roles_of(name, use)}

    assert roles <= {"audio", "bias", "feed", "loadbank", "probe", *PORT_OF_ROLE, *READINGS_OF_ROLE}
    assert set(MEASURED_BY) == {name for name, _ in measured if not name.endswith("_ok")}, "none too many"
    assert {(use, name) for name, use in measured} >= set(MEASURED_IN)
    assert roles_needed((("bias_ma", "bias"), ("bias_ma", "node_voltages"), ("colour_k", "x"))) == ("bias", "probe")


def test_people_are_told_until_when_from_thirty_days_before_how_many_are_left_and_what_is_wrong() -> None:
    files = on_file()
    assert bench(files, {}, date(2026, 6, 1)).remark("tester", "GES1") == ("until 2027-01-10", "")
    assert bench(files, {}, date(2026, 12, 27)).remark("tester", "GES1") == (
        "until 2027-01-10 (14 days left: have it calibrated)", "",
    )  # fmt: skip
    words, wrong = bench(files, {}, date(2027, 2, 1)).remark("tester", "GES1")
    assert words == "not in force (expired)" and "ended on 2027-01-10" in wrong
    assert "number GES9" in bench(files, {}, MADE).remark("tester", "GES9")[1]
    assert bench(files, {}, MADE).remark("dc", "") == ("none on file", "")
    assert "demands one" in bench(files, {}, MADE, required=True).remark("dc", "")[1]
    assert bench(files, {}, MADE, required=True).remark("fan", "") == ("none on file", ""), "nothing hangs on it"


async def test_the_log_says_it_once_a_day(caplog: pytest.LogCaptureFixture) -> None:
    days = [date(2026, 12, 27), date(2026, 12, 27), date(2026, 12, 28)]
    slept: list[float] = []

    class Over(Exception):
        pass

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 1:
            days.pop(0)
        if not days:
            raise Over

    def remarks() -> tuple[str, ...]:
        return bench(on_file(), {"tester": "GES1"}, days[0]).remarks()

    with caplog.at_level(logging.WARNING), pytest.raises(Over):
        await CalibrationWatch(remarks, lambda: days[0], sleep).run()

    said = "calibration: insulation and bond tester: its calibration ends on 2027-01-10"
    assert [record.getMessage() for record in caplog.records] == [said, said]
    assert slept[1:] == [LOOK_EVERY_S] * 3


def test_a_bench_whose_clock_is_not_set_knows_no_day_unless_it_is_simulated() -> None:
    late = datetime(2026, 6, 1, 20, 0, tzinfo=UTC)
    zone = ZoneInfo("Asia/Shanghai")

    assert bench_day(lambda: (late, "synced"), zone, simulated=False)() == date(2026, 6, 2)
    assert bench_day(lambda: (late, "holdover"), zone, simulated=False)() == date(2026, 6, 2)
    assert bench_day(lambda: (late, "unsynced"), zone, simulated=False)() is None
    assert bench_day(lambda: (late, "unsynced"), zone, simulated=True)() == date(2026, 6, 2)
