"""The table of blink codes: every trip that this bench can have is in it, once, and in the family that it claims."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.catalog import CATALOG
from drivers.gpio.blink_code import flashes, is_code, is_lit
from station.domain.interlock import Interlock, Reading, Trip
from station.safety.causes import guard_trip, station_trip, trip_text
from station.safety.interlocks import find_fault, trip_of
from station.safety.lamp_codes import CODES, OTHER, lamp_rows
from station.settings.loading import load
from station.steps.catalog import STEPS

SHIPPED = load(Path(__file__).resolve().parents[2] / "config", STEPS, CATALOG).interlocks
SINK = Interlock("heatsink", "t.degc", 2.0, high=100.0, measurement="heatsink_degc", code="HOT", blink=51,
                 text=(("zh", "热"), ("en", "too hot")))  # fmt: skip


def trip_at(reading: Reading | None) -> Trip:
    fault = find_fault(SINK, reading, 10.0, None)
    assert fault is not None
    return trip_of(SINK, fault, 10.0)


def test_every_number_and_every_code_is_there_once_and_can_be_blinked() -> None:
    rows = lamp_rows(SHIPPED)
    assert len({row.blink for row in rows}) == len({row.code for row in rows}) == len(rows)
    assert all(is_code(row.blink) for row in rows) and OTHER[1] not in {row.blink for row in rows}
    assert [row.blink for row in rows] == sorted(row.blink for row in rows)
    assert all(row.zh and row.en and row.zh != row.en for row in rows)


def test_the_first_digit_tells_whose_doing_it_is() -> None:
    for row in lamp_rows(SHIPPED):
        assert row.doing == {1: "person", 5: "dut"}.get(row.blink // 10, "station"), row


def test_an_interlock_that_only_refuses_trips_never_and_has_no_row() -> None:
    refusing = {row.code for row in SHIPPED if row.reaction == "refuse"}
    assert refusing and not refusing & {row.code for row in lamp_rows(SHIPPED)}


def test_trips_carry_the_number_of_the_table() -> None:
    assert guard_trip("ESTOP", 0.0).blink == CODES["guard", "ESTOP"][1]
    assert guard_trip("NEWS", 0.0).blink == CODES["guard", "UNKNOWN"][1]
    assert station_trip("relays", "MISMATCH load_left", 0.0).blink == CODES["relays", "MISMATCH"][1]
    assert (station_trip("relays", "SPARKS", 0.0).code, station_trip("relays", "SPARKS", 0.0).blink) == OTHER


def test_a_sensor_that_proves_nothing_has_a_number_and_words_of_its_own() -> None:
    hot, mute = trip_at(Reading(101.0, 10.0)), trip_at(Reading(None, 10.0))
    assert (hot.code, hot.blink, hot.blames) == ("HOT", 51, "dut")
    assert (mute.code, mute.blink, mute.blames) == ("HOT-SENSOR", 71, "station")
    assert trip_text(hot, [SINK])["en"] == "too hot"
    assert trip_text(mute, [SINK])["en"] == "heatsink temperature: reading failed"


@pytest.mark.parametrize("code", [11, 29, 57, 89])
def test_a_code_is_as_many_long_flashes_as_tens_and_short_ones_as_units(code: int) -> None:
    lit = [on_s for on_s, _ in flashes(code)]
    assert (sum(on_s > 0.5 for on_s in lit), sum(on_s < 0.5 for on_s in lit)) == divmod(code, 10)
    edges, at_s, whole_s = 0, 0.0, sum(on_s + off_s for on_s, off_s in flashes(code))
    before = False
    while at_s < whole_s:
        now, left_s = is_lit(code, at_s)
        edges += now and not before
        before, at_s = now, at_s + max(left_s, 0.01)
    assert edges == code // 10 + code % 10


@pytest.mark.parametrize("code", [0, 5, 10, 20, 100, -11])
def test_what_cannot_be_counted_is_no_code(code: int) -> None:
    assert not is_code(code)
    with pytest.raises(ValueError, match="two digits"):
        flashes(code)
