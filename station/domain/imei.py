"""A phone's number, IMEI or MEID: read from a scan, check digit and all. Pure; who is asked for one: the session.

IMEI: 15 decimal digits, the last of them Luhn's check digit over the other 14 (3GPP TS 23.003, 6.2.1 and annex B).
MEID: 14 hexadecimal digits that begin with A to F, or 14 decimal ones that begin with 99; its check digit, where one is
printed behind it, is Luhn's in base 16 or 10 (3GPP2 S.R0048) and no part of the number. A phone with two SIM slots has
two IMEIs; the first one is the device's name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

IMEI_DIGITS, MEID_DIGITS = 15, 14
_BARE = re.compile(r"[0-9]{15}|[A-Fa-f][0-9A-Fa-f]{13}")
_DIGITS = re.compile(r"[0-9A-F]+")


class Fault(NamedTuple):
    """What is wrong with a scanned number: a code of the session's texts, and the figures in its words."""

    code: str
    digits: int = 0
    said: str = ""
    wanted: str = ""


def is_bare(text: str) -> bool:
    """Whether a line without a prefix can only be a phone's number: 15 decimal digits, or 14 that begin with A to F."""
    return _BARE.fullmatch(text) is not None


def read_imei(text: str) -> str | Fault:
    """The number as it goes on record: an IMEI with its check digit, a MEID in capitals without; no hyphens."""
    number = text.strip().replace("-", "").upper()
    if not _DIGITS.fullmatch(number):
        return Fault("imei_digits")
    if not number.strip("0"):
        return Fault("imei_zero")
    is_meid = number[0] in "ABCDEF"
    if (number.isdecimal() and len(number) == IMEI_DIGITS) or (is_meid and len(number) == MEID_DIGITS + 1):
        body, said = number[:-1], number[-1]
        wanted = check_digit(body)
        if said != wanted:
            return Fault("imei_check", len(number), said, wanted)
        return body if is_meid else number
    if len(number) == MEID_DIGITS and (is_meid or (number.isdecimal() and number.startswith("99"))):
        return number
    if is_meid or not number.isdecimal():
        return Fault("meid_length" if is_meid else "imei_digits", len(number))
    return Fault("imei_length", len(number))


def check_digit(body: str) -> str:
    """Luhn's check digit of 14 digits: in base 10, or in base 16 where one of them is a letter."""
    base = 10 if body.isdecimal() else 16
    total = 0
    for place, letter in enumerate(reversed(body)):
        value = int(letter, 16) * (2 if place % 2 == 0 else 1)
        total += value // base + value % base
    return f"{-total % base:X}"
