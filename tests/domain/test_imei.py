"""A phone's number: check digits of IMEI and MEID, and what is said of a wrong one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.imei import Fault, check_digit, is_bare, read_imei

IMEI = "490154203237518"  # a printed example of Luhn over an IMEI


@pytest.mark.parametrize(
    ("scanned", "kept"),
    [
        (IMEI, IMEI),
        ("49-015420-323751-8", IMEI),
        ("AF0123450ABCDE", "AF0123450ABCDE"),
        ("af0123450abcdec", "AF0123450ABCDE"),
        ("99000085238900", "99000085238900"),
    ],
)
def test_a_number_goes_on_record_as_its_standard_writes_it(scanned: str, kept: str) -> None:
    assert read_imei(scanned) == kept


@pytest.mark.parametrize(
    ("scanned", "fault"),
    [
        ("490154203237519", Fault("imei_check", 15, "9", "8")),
        ("49015420323751", Fault("imei_length", 14)),
        ("4901542032375181", Fault("imei_length", 16)),
        ("AF0123450ABCDEF", Fault("imei_check", 15, "F", "C")),
        ("AF0123450ABC", Fault("meid_length", 12)),
        ("4901542O3237518", Fault("imei_digits")),
        ("3A0123450ABCDE", Fault("imei_digits", 14)),
        ("-", Fault("imei_digits")),
        ("000000000000000", Fault("imei_zero")),
    ],
)
def test_what_is_wrong_with_a_number_is_named(scanned: str, fault: Fault) -> None:
    assert read_imei(scanned) == fault


def test_a_line_without_a_prefix_is_a_number_only_where_it_can_be_nothing_else() -> None:
    assert is_bare(IMEI) and is_bare("AF0123450ABCDE")
    assert not any(is_bare(text) for text in ("4006381333931", "99000085238900", f"SN:{IMEI}", "１" * 15, ""))


@given(st.text("0123456789", min_size=14, max_size=14), st.integers(0, 14), st.integers(1, 9))
def test_one_digit_misread_is_always_found(body: str, place: int, off: int) -> None:
    whole = body + check_digit(body)
    wrong = whole[:place] + str((int(whole[place]) + off) % 10) + whole[place + 1 :]
    assert isinstance(read_imei(wrong), Fault)


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_a_fault(text: str) -> None:
    read = read_imei(text)
    assert isinstance(read, Fault) or len(read) in (14, 15)
