"""What the paper says of the bench itself: instruments and trips in the reader's language, unknown ones by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.domain.record import Cause, Instrument, Record, TripRecord
from station.domain.role_words import ROLES
from station.report.bench_words import CAUSES, INTERLOCKS
from station.report.html import render
from station.report.record_view import cause_sentences, instrument_rows, plain_record, trip_rows
from station.report.words import Lang
from station.safety.lamp_codes import CODES
from station.settings.devices import PORT_OF_ROLE, READINGS_OF_ROLE


@pytest.mark.parametrize(("lang", "role"), [("zh", "音频接口"), ("en", "audio interface")])
def test_instruments_are_named_by_what_they_are_for(passed: Record, lang: Lang, role: str) -> None:
    instruments = (
        Instrument("audio", "audio-twin", None, None, None), Instrument("oven", "o-1", "O", "7", "2027-01-01")
    )  # fmt: skip
    plain = plain_record(replace(passed, instruments=instruments))
    audio, oven = instrument_rows(plain, lang)
    assert audio[:3] == (role, "audio-twin", "—") and oven == ("oven", "O", "7", "2027-01-01")
    assert role in render(plain, lang) and "None" not in render(plain, lang)


TRIPS = (
    TripRecord("scan", "LATE", 0.123, 0.05, "station", 3.0),
    TripRecord("guard", "ESTOP", None, None, "station", 4.0),
    TripRecord("relays", "MISMATCH load_left", None, None, "station", 5.0),
    TripRecord("smoke", "SMOULDERING", None, None, "dut", 6.0),
)


def test_trips_are_in_the_readers_language_and_name_a_person_where_it_was_one(errored: Record) -> None:
    plain = plain_record(replace(errored, trips=TRIPS))
    assert [tuple(row[1:]) for row in trip_rows(plain, "zh")] == [
        ("安全扫描", "超时", "0.123", "0.05", "测试台"),
        ("安全控制器", "急停已按下", "—", "—", "人员操作"),
        ("继电器", "位置不符 (load_left)", "—", "—", "测试台"),
        ("smoke", "SMOULDERING", "—", "—", "受检机器"),
    ]
    assert [row[1:3] for row in trip_rows(plain, "en")][:2] == [
        ("safety scan", "late"), ("guard", "emergency stop pressed"),
    ]  # fmt: skip


def test_a_cause_that_is_a_trip_is_said_in_words(errored: Record) -> None:
    causes = (
        Cause(None, None, None, "trip: scan, LATE at 0.123 (limit 0.05); blames the station"),
        Cause(None, None, None, "trip: guard, ESTOP; by a person's act"),
        Cause(None, None, None, "trip: guard, WELD; blames the station"),
    )
    plain = plain_record(replace(errored, trips=TRIPS, causes=causes))
    assert cause_sentences(plain, "zh") == [
        "跳闸：安全扫描，超时, 0.123, 限值 0.05（归因：测试台）",
        "跳闸：安全控制器，急停已按下（归因：人员操作）",
        "trip: guard, WELD; blames the station",
    ]
    assert cause_sentences(plain, "en")[1] == "trip: guard, emergency stop pressed (due to a person)"


def test_there_are_words_for_every_role_interlock_and_cause_of_the_station() -> None:
    assert {*PORT_OF_ROLE, *READINGS_OF_ROLE, "audio"} <= set(ROLES)
    assert {cause for _, cause in CODES} <= set(CAUSES)
    assert {interlock for interlock, _ in CODES} <= set(INTERLOCKS)
