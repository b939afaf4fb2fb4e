"""JSON of the contract: what it refuses, and one form for signatures."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.contract.canonical import MAX_MESSAGE_BYTES, canonical, parse_object, to_json
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
