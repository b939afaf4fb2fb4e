"""JSON of the contract: what it refuses, and one form for signatures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.contract.canonical import MAX_MESSAGE_BYTES, _parse_slowly, canonical, parse_json, parse_object, to_json
from station.domain.errors import MessageError


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_refused_with_its_place(number: float) -> None:
    with pytest.raises(MessageError, match=r"steps\[1\]\.value is -?(nan|inf): .*not be measured is null"):
        to_json({"steps": [{"value": 1.0}, {"value": number}]})


def test_a_broken_character_is_refused_with_its_place() -> None:
    with pytest.raises(MessageError, match=r"notes\[0\] holds a broken character"):
        to_json({"notes": ["\ud800"]})


@pytest.mark.parametrize(
    "payload",
    [b"", b"[1]", b"NaN", b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":1e999}', b'{"a":', b"\xff{}", b'{"a":"\\ud800"}',
     b"\xef\xbb\xbf{}", b'{"a":' + b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}",
     b'{"a":"' + b"x" * MAX_MESSAGE_BYTES + b'"}'],
    ids=lambda payload: payload[:16].hex(),
)  # fmt: skip
def test_what_is_not_strict_json_of_allowed_size_is_refused(payload: bytes) -> None:
    with pytest.raises(MessageError):
        parse_object(payload)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_message_error(payload: bytes) -> None:
    try:
        value = parse_object(payload)
    except MessageError:
        return
    assert isinstance(value, dict)


def judge(parse: Callable[[str], Any], text: str) -> str:
    """What it makes of the text, with the types of all that is in it (`repr` tells 1 from 1.0 and -0.0 from 0.0)."""
    try:
        return repr(parse(text))
    except MessageError:
        return "refused"


RARE = [
    "1e999", "-1e999", "[1e400]", "1E+0400", '{"a": 1e308, "b": 1.8e308 }', "1e308", "1.7976931348623159e308", "1e-999",
    "4.9e-324", "0e999", "-0", "-0.0", "01", "1.", ".5", "+1", "1_0", "0x10", "9" * 199, "9" * 200, "9" * 309 + ".5",
    "9" * 4300, "9" * 4301, "18446744073709551616", "-9223372036854775809", '{"a":1,"a":2}', '{"a":1,"b":3,"a":2}',
    "[1,]", "[1]x", "\ufeff{}", "NaN", "[-Infinity]", "{'a':1}", '"\\ud83d\\ude00"', '"\\ud83d"', '"\\udc00\\ud800"',
    '"\\uD83d\\u0041"', '"\\u+123"', '"\\x"', '"\x01"', '"\x7f"', '"\\u0000"', '"\ud800"', "\x0b[]", "\xa0[]", "", " ",
    "[" * 190 + "]" * 190, "[" * 400 + "]" * 400, "[" * 100_000, '"deadbe123", "0e123"', '["0e123"]',
]  # fmt: skip


@pytest.mark.parametrize("text", RARE, ids=lambda text: ascii(text[:24]))
def test_the_fast_parser_judges_what_is_rare_as_the_strict_one(text: str) -> None:
    assert judge(parse_json, text) == judge(_parse_slowly, text)


digits = st.text("0123456789", min_size=1, max_size=40)
numbers = st.builds("".join, st.tuples(
    st.sampled_from(["", "-"]), digits, st.just(".") | st.just(""), digits, st.sampled_from(["", "e", "E+", "e-"]),
    st.integers(0, 420).map(str),
)) | st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str)  # fmt: skip
pieces = st.lists(st.sampled_from([
    "{", "}", "[", "]", ",", ":", '"', '"a"', '{"a":', "\\", "\\ud83d", "\\ude00", "\\u00e9", "u", "1", "0", "-", "e",
    "E", ".", "true", "null", "NaN", " ", "\n", "\0", "\ufeff", "é",
]), max_size=14).map("".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(numbers, max_size=4).map(lambda listed: f"[{','.join(listed)}]") | pieces | st.text(max_size=20))
def test_the_fast_parser_judges_any_text_as_the_strict_one(text: str) -> None:
    assert judge(parse_json, text) == judge(_parse_slowly, text)


texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(texts, values, max_size=5))
def test_what_is_written_is_read_back_and_has_one_canonical_form(value: dict[str, object]) -> None:
    read = parse_object(to_json(value))
    assert read == value
    shuffled = dict(reversed(list(read.items())))
    assert canonical(shuffled) == canonical(value)
    assert json.loads(canonical(value)) == value


def test_the_canonical_form_is_that_of_rfc_8785() -> None:
    example = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "literals": [None, True],
    }
    assert canonical(example) == b'{"literals":[null,true],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}'
