"""Readings that need START come out of a run's record: what the instrument said, before the correction of that day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from drivers.ports import Identity
from station.cli.calibrate_ask import HOW
from station.cli.calibrate_instrument import Instrument, reading_of_run
from station.contract.records import RecordCodec
from station.domain.calibration import Calibration, Correction, Revision
from station.domain.errors import SettingsError
from station.domain.record import Instrument as Took
from station.store.store import Store
from tests.cli.test_results import draft_of
from tests.report.conftest import make_pass

TESTER = Instrument("tester", "gpt-9800", Identity("GPT-9804", "GES1"), ("insulation_mohm",), None, 0.0)
DUE = "2027-01-01"
AUDIO = Instrument("audio", "portaudio", Identity("Card", "C1"), ("input_left_v", "output_left_v"), None, 0.0)


def revision(day: str, factor: float, *names: str, due: str = "2029-01-01") -> Revision:
    corrections = {name: Correction(factor, 0.0, 0.001) for name in names}
    return Revision(date.fromisoformat(day), date.fromisoformat(due), "Li", "decade", "", corrections)


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    """A store with two runs of 2026-05-01: the tester's readings were corrected in the second alone."""
    store = tmp_path / "station.sqlite"
    (tmp_path / "station.toml").write_text(
        f'[station]\nname = "bench-07"\ntimezone = "Asia/Shanghai"\n[store]\npath = "{store}"\n', encoding="utf-8"
    )
    took = (
        Took("tester", "gpt-9800", "GPT-9804", "GES1", None),
        Took("audio", "portaudio", "Card", "C1", None),
        Took("dc", "modbus-registers", None, None, None),
    )
    steps = tuple(
        replace(step, measurements=tuple(replace(one, conditions={"source_v": 0.5}) for one in step.measurements))
        for step in make_pass().steps
    )
    record = replace(make_pass(), ended_at="2026-05-01T10:00:00.000Z", instruments=took, steps=steps)
    opened = await Store.open(store, RecordCodec(), "bench-07")
    await opened.finish_run(replace(record, run_no=await opened.begin_run(draft_of(record))))
    took = tuple(replace(one, calibrated_until=DUE) if one.role == "tester" else one for one in took)
    record = replace(record, run_id=f"{record.run_id[:-1]}f", instruments=took)
    await opened.finish_run(replace(record, run_no=await opened.begin_run(draft_of(record))))
    await opened.close()
    return tmp_path


def shown(name: str, channel: str | None = None) -> float:
    (value,) = (
        one.value for step in make_pass().steps for one in step.measurements
        if one.name == name and one.channel == channel
    )  # fmt: skip
    assert value is not None
    return value


def test_a_runs_value_is_taken_back_to_what_the_instrument_said(config: Path) -> None:
    name = "insulation_mohm"
    told = shown(name)
    assert reading_of_run(config, "1", TESTER, name, None) == pytest.approx(told, rel=1e-5)
    old, new = revision("2026-01-01", 0.9, name, due=DUE), revision("2026-05-01", 1.1, name)
    before = Calibration("tester", "GES1", (old, new))
    assert reading_of_run(config, "2", TESTER, name, before) == pytest.approx(told / 0.9, rel=1e-5)
    assert reading_of_run(config, "1", TESTER, name, before) == pytest.approx(told, rel=1e-5)
    later = Calibration("tester", "GES1", (new,))
    assert reading_of_run(config, "1", TESTER, name, later) == pytest.approx(told, rel=1e-5)
    another = Calibration("tester", "GES9", (old,))
    assert reading_of_run(config, "1", TESTER, name, another) == pytest.approx(told, rel=1e-5)


def test_a_run_whose_correction_is_not_known_is_refused(config: Path) -> None:
    name = "insulation_mohm"
    old, new = revision("2026-01-01", 0.9, name, due=DUE), revision("2026-04-01", 1.1, name, due=DUE)
    for on_record, how in (
        (None, "not on file"),
        (Calibration("tester", "GES9", (old,)), "not on file"),
        (Calibration("tester", "GES1", (old, new)), "more than one correction"),
    ):
        with pytest.raises(SettingsError, match=f"until {DUE}, which is .*{how}; type what the display showed"):
            reading_of_run(config, "2", TESTER, name, on_record)


def test_a_gain_tells_both_voltages_of_the_interface(config: Path) -> None:
    gain_db = shown("gain_db", "left")
    source = 0.5
    assert source == reading_of_run(config, "1", AUDIO, "output_left_v", None)
    heard = reading_of_run(config, "1", AUDIO, "input_left_v", None)
    assert heard / source == pytest.approx(10.0 ** (gain_db / 20.0), rel=1e-4)


def test_a_run_of_another_instrument_or_without_the_value_is_refused(config: Path) -> None:
    with pytest.raises(SettingsError, match="was made with tester GES1, not with GES2"):
        reading_of_run(config, "1", replace(TESTER, identity=Identity("GPT", "GES2")), "insulation_mohm", None)
    with pytest.raises(SettingsError, match="no value of ripple_mv"):
        reading_of_run(config, "1", TESTER, "ripple_mv", None)
    with pytest.raises(SettingsError, match="no run is called 9"):
        reading_of_run(config, "9", TESTER, "insulation_mohm", None)


@pytest.mark.parametrize("role", ["tester", "touch", "audio", "mains"])
def test_what_needs_power_names_start_as_the_only_way(role: str) -> None:
    assert "START" in HOW[role]
