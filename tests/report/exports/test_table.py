"""CSV: read back by Python's own reader it is what was measured, and a spreadsheet finds no formula in it."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.record import Record
from station.report.exports.table import COLUMNS, header, rows
from tests.report.exports.records import all_records, make_rich

EPOCH = "9f31c2aa"


def read_back(record: Record) -> list[dict[str, str]]:
    text = (header() + rows(record, EPOCH)).decode()
    assert text.count("\r\n") == text.count("\n") or '"' in text
    return list(csv.DictReader(io.StringIO(text, newline="")))


def with_serial(serial: str) -> Record:
    rich = make_rich()
    step = next(step for step in rich.steps if step.measurements)
    return replace(rich, dut=replace(rich.dut, serial_number=serial), steps=(step,))


def test_every_number_is_read_back_as_the_same_double_and_null_as_empty() -> None:
    for record in all_records().values():
        made = [m for step in record.steps for m in step.measurements]
        told = read_back(record)
        assert len(told) == len(made)
        for row, one in zip(told, made, strict=True):
            for name in ("value", "low", "high", "uncertainty"):
                value = getattr(one, name)
                assert (row[name] == "") == (value is None)
                if value is not None:
                    back = float(row[name])
                    assert back == value and math.copysign(1, back) == math.copysign(1, value)
            assert row["store_epoch"] == EPOCH and int(row["run_no"]) == record.run_no


def test_the_header_names_every_column_once_and_there_is_no_byte_order_mark() -> None:
    assert header() == (",".join(COLUMNS) + "\r\n").encode()
    assert len(set(COLUMNS)) == len(COLUMNS)


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_text_that_a_spreadsheet_would_compute_begins_with_an_apostrophe(begin: str) -> None:
    row = read_back(with_serial(f"{begin}1+1"))[0]
    assert row["serial_number"] == f"'{begin}1+1"


def test_a_negative_number_is_never_touched() -> None:
    values = {row["measurement"]: row for row in read_back(make_rich())}
    assert values["channel_balance_db"]["value"] == "-1e-07"
    assert values["dc_offset_mv"]["low"] == "-50.0"


@given(st.text(max_size=20))
def test_one_apostrophe_taken_off_gives_the_text_back(serial: str) -> None:
    told = read_back(with_serial(serial))[0]["serial_number"]
    assert (told[1:] if told.startswith("'") else told) == serial
    assert not told.startswith(("=", "+", "-", "@"))
