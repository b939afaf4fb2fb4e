"""Whatever is in a command: it is read as the contract says or refused in one line, and never anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.contract.canonical import parse_object, why_too_much
from station.contract.commands import (
    AssignArgs,
    EarlierRunArgs,
    make_command,
    read_assign,
    read_command,
    read_number,
    read_run_id,
)
from station.contract.keys import new_key
from station.contract.records import RecordCodec
from station.domain.errors import MessageError
from tests.uplink.rig import STATION

KEY = new_key()
KEYS = {KEY.key_id: KEY.public}
junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
runs = st.dictionaries(st.sampled_from(["id", "date", *EarlierRunArgs.model_fields]), junk, max_size=8)
RUN = {"id": "r1", "purpose": "incoming", "verdict": "FAIL", "date": "2026-11-20"}
CURVE = {"name": "response", "x_name": "f", "x_unit": "Hz", "y_name": "l", "y_unit": "dB", "x": [1.0], "y": [0.0]}


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*AssignArgs.model_fields, "other"]), junk, max_size=10),
    st.lists(runs | st.just(RUN) | junk, max_size=2),
)
def test_any_arguments_are_an_order_or_a_refusal_in_one_line(args: dict[str, Any], history: list[Any]) -> None:
    for read in (read_assign, lambda given: read_number("withdraw", given), read_run_id):
        try:
            order = read({"work_order": "W1", **args, "history": history})
        except MessageError as error:
            assert str(error) and "\n" not in str(error)
        else:
            if not isinstance(order, str):
                assert RecordCodec().order_from_json(RecordCodec().order_to_json(order)) == order


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=100),
        st.dictionaries(
            st.sampled_from(["cmd_id", "station", "verb", "args", "issued_at", "expires_at", "key_id", "sig"]), junk
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_bytes_are_no_command_of_ours(payload: bytes) -> None:
    with pytest.raises(MessageError):
        read_command(parse_object(payload), STATION, KEYS)


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0, max_value=400), st.integers(min_value=1, max_value=255))
def test_a_signed_command_with_one_byte_changed_is_none(place: int, change: int) -> None:
    how = {"cmd_id": "c1", "issued_at": "2026-11-22T03:51:10Z", "expires_at": "2026-11-22T03:53:10Z"}
    payload = bytearray(make_command(KEY, STATION, "assign", {"work_order": "W1", "priority": 1}, **how))
    assert read_command(parse_object(bytes(payload)), STATION, KEYS).verb == "assign"
    place %= len(payload)
    payload[place] ^= change
    try:
        read = read_command(parse_object(bytes(payload)), STATION, KEYS)
    except MessageError:
        return
    assert read.args == {"work_order": "W1", "priority": 1} and read.verb == "assign", "only the padding of base64"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"work_order": "W" * 49}, "work_order"),
        ({"work_order": "工单"}, "work_order"),
        ({"work_order": "W1", "fault_code": "the customer Mr Li says that it hums"}, "fault_code"),
        ({"work_order": "W1", "history": [RUN] * 21}, "history"),
        ({"work_order": "W1", "parts": [{"name": "x", "quantity": 0}]}, "parts.0.quantity"),
        ({"work_order": "W1", "parts": [{"name": "x"}] * 51}, "parts"),
        ({"work_order": "W1", "history": [{**RUN, "curves": [{**CURVE, "y": [1.0, 2.0]}]}]}, "1 x, 2 y"),
        ({"work_order": "W1", "history": [{**RUN, "curves": [{**CURVE, "mask": [1.0, 2.0]}]}]}, "2 mask points"),
        ({"work_order": "W1", "history": [{**RUN, "measurements": {"thd_percent": "high"}}]}, "measurements"),
        ({"work_order": "W1", "history": [{**RUN, "date": "2026-02-30"}]}, "ended_at '2026-02-30'"),
        ({"work_order": "W1", "history": [{**RUN, "date": "9999-12-31T23:59:59Z"}]}, "must be 2000 to 2100"),
        ({"work_order": "W1", "history": [{**RUN, "causes": ["x"] * 101}]}, "history.0.causes"),
        ({"work_order": "W1", "history": [{**RUN, "measurements": {f"n{n}": 1.0 for n in range(201)}}]}, "201 figures"),
        ({"work_order": "W1", "parts": [{"name": "x", "number": "A\nB"}]}, "parts.0.number"),
        ({"work_order": "W1", "parts": [{"name": "x", "source": "LCSC\u202ehtml"}]}, "parts.0.source"),
        ({"work_order": "W1", "parts": [{"name": "x\u2028y"}]}, "parts.0.name"),
        ({"work_order": "W1", "data_consent": "yes"}, "data_consent"),
    ],
)
def test_what_a_bench_cannot_use_is_named(args: dict[str, Any], says: str) -> None:
    with pytest.raises(MessageError, match=r"^(assign|history)") as caught:
        read_assign(args)
    assert says in str(caught.value)


def test_null_is_not_given_and_what_a_later_version_adds_is_ignored() -> None:
    order = read_assign({"work_order": "W1", "purpose": None, "parts": None, "history": None, "colour": "red"})
    assert (order.purpose, order.parts, order.history, order.assigned) == (None, (), (), True)


def test_causes_and_figures_may_come_as_a_record_has_them() -> None:
    causes = [{"step": "thd", "measurement": "thd_percent", "channel": "left", "text": "too high"}, "and by hand"]
    figures = [{"name": "thd_percent", "channel": "left", "value": 2}, {"name": "snr_db", "value": None}]
    (run,) = read_assign({"work_order": "W1", "history": [{**RUN, "causes": causes, "measurements": figures}]}).history
    assert run.causes == ("too high", "and by hand") and run.measurements == {"thd_percent/left": 2.0}


@pytest.mark.parametrize(
    ("told", "failed"),
    [({"verdict": "ABORTED"}, False), ({"verdict": "ABORTED", "failed": True}, True), ({"verdict": "FAIL"}, True),
     ({"verdict": "FAIL", "failed": False}, True)],
)  # fmt: skip
def test_a_run_may_be_told_to_have_failed_whatever_it_became_and_a_fail_has(told: dict[str, Any], failed: bool) -> None:
    (run,) = read_assign({"work_order": "W1", "history": [RUN | told]}).history
    assert run.failed is failed


def test_parts_may_come_by_their_names_alone() -> None:
    parts = read_assign({"work_order": "W1", "parts": ["电容 4700uF", {"name": "F1", "quantity": 2}]}).parts
    assert [(part.name, part.quantity) for part in parts] == [("电容 4700uF", 1), ("F1", 2)]


def test_the_largest_assignment_that_a_message_can_carry_is_read() -> None:
    curve = {**CURVE, "x": [float(n) for n in range(190)], "y": [0.5] * 190}
    args = {"work_order": "W1", "history": [{**RUN, "curves": [curve] * 4}] * 5}
    assert why_too_much(json.dumps(args).encode()) is None
    assert len(read_assign(args).history) == 5
