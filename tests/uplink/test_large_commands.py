"""The largest commands there can be: read in slices that safety does not feel, and what is larger is refused unread."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from station.contract.canonical import (
    MAX_COMMAND_BYTES,
    MAX_COMMAND_BYTES_OF_FEW,
    MAX_COMMAND_VALUES,
    canonical,
    why_too_much,
)
from station.contract.commands import MAX_TREE_BYTES, make_command, read_apply, read_assign
from station.contract.keys import new_key
from station.contract.records import RecordCodec
from station.domain.commands import Answer, KeepOrder
from station.domain.errors import MessageError
from station.mqtt.link import Received
from station.run.session_scans import Catalogue, WorkOrders
from station.store.history import History
from station.uplink.inbox import Inbox
from station.uplink.window import Window, WindowLimits
from tests.uplink.rig import FAST, MESSAGES, STATION, open_store

KEY, STRANGER = new_key(), new_key()
HOW = {"issued_at": "2026-11-22T03:51:10Z", "expires_at": "2026-11-22T03:53:10Z"}
RUN = {"id": "r1", "purpose": "incoming", "verdict": "FAIL", "date": "2026-11-20"}
NAMES = {"name": "response", "x_name": "f", "x_unit": "Hz", "y_name": "l", "y_unit": "dB"}
SLICE_S = 0.03
"""Processor time that may pass in one turn of the loop; 5 ms here, before it was bounded 80 to 260."""
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53) + 1, 2**53 - 1)
exponents = st.builds(lambda digits, power: digits * 10.0**power, st.integers(-999, 999), st.integers(-12, 25))
plain = st.recursive(
    st.none() | st.booleans() | numbers | exponents | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('aZ\ue000😀\x7f"', max_size=3), inner),
    max_leaves=12,
)


def assign_args(value: Callable[[int], Any], number: str = "W1", points: int = 4000) -> dict[str, Any]:
    axis = [value(n) for n in range(points)]
    return {"work_order": number, "history": [{**RUN, "curves": [{**NAMES, "x": axis, "y": axis}]}]}


def signed(args: dict[str, Any], cmd_id: str = "c1", key: Any = KEY) -> bytes:
    return make_command(key, STATION, "assign", args, cmd_id=cmd_id, **HOW)


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.text(max_size=3), plain, max_size=4))
def test_the_canonical_form_is_the_one_of_the_standard(value: dict[str, Any]) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), math.nan, math.inf, "\ud800", {1: 2}, b"x"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(MessageError, match="no canonical form"):
        canonical({"a": value})


class Rig:
    """An inbox on a real store."""

    def __init__(self, store: Any) -> None:
        self.store, self.alarms, self.slices_s = store, [], []  # type: ignore[var-annotated]
        self.inbox = Inbox(
            store, MESSAGES, {KEY.key_id: KEY.public}, Window(WindowLimits(), FAST), lambda event: None, self._alarm,
            command_keys={KEY.key_id: KEY.public}, carry=self._carry, now_s=time.monotonic,
        )  # fmt: skip
        self.answers: list[Answer] = []

    async def _alarm(self, code: str, cause: str) -> None:
        self.alarms.append((code, cause))

    def _carry(self, verb: str, args: Any) -> Answer:
        try:
            if verb == "apply":
                read_apply(args)
            self.answers.append(Answer(changes=(KeepOrder(read_assign(args)),)))
        except MessageError as error:
            self.answers.append(Answer("refused", str(error)))
        return self.answers[-1]

    async def take(self, *payloads: bytes) -> float:
        """Let these come in; the processor time of the longest turn of the loop meanwhile."""
        longest_s = 0.0

        async def watch() -> None:
            nonlocal longest_s
            while True:
                began_s = time.thread_time()
                await asyncio.sleep(0)
                longest_s = max(longest_s, time.thread_time() - began_s)

        watching = asyncio.create_task(watch())
        await self.inbox.take([Received(f"bench/v1/{STATION}/dn/cmd", one, False, 1, 1) for one in payloads])
        watching.cancel()
        return longest_s


@pytest.mark.parametrize("value", [lambda n: 0.5, lambda n: n % 10, lambda n: 1e-9, lambda n: "a", lambda n: 1e300])
async def test_the_largest_assignment_holds_the_loop_up_for_milliseconds(tmp_path: Path, value: Any) -> None:
    rig = Rig(await open_store(tmp_path / "s.sqlite"))
    payloads = [signed(assign_args(value, f"W{n}"), f"c{n}") for n in range(3)]
    assert why_too_much(payloads[0]) is None
    assert median([await rig.take(one) for one in payloads]) < SLICE_S
    assert len(rig.answers) == 3
    await rig.store.close()


@pytest.mark.parametrize(
    "tree",
    [b64encode(bytes(MAX_TREE_BYTES)).decode(), "\x01" * 40_000, "é" * 120_000],
    ids=["zeros", "escaped", "wide"],
)
async def test_the_largest_tree_holds_the_loop_up_for_milliseconds(tmp_path: Path, tree: str) -> None:
    rig = Rig(await open_store(tmp_path / "s.sqlite"))
    args = {"sha256": "0" * 64, "tree": tree}
    payloads = [make_command(KEY, STATION, "apply", args, cmd_id=f"c{n}", **HOW) for n in range(3)]
    assert len(payloads[0]) > MAX_COMMAND_BYTES and why_too_much(payloads[0]) is None
    assert median([await rig.take(one) for one in payloads]) < SLICE_S
    assert len(rig.answers) == 3
    await rig.store.close()


async def test_a_flood_of_large_commands_of_strangers_leaves_the_loop_room(tmp_path: Path) -> None:
    rig = Rig(await open_store(tmp_path / "s.sqlite"))
    payload = signed(assign_args(lambda n: 0.5), key=STRANGER)
    began_s = time.monotonic()
    assert await rig.take(*[payload] * 20) < 2 * SLICE_S
    assert time.monotonic() - began_s > 20 * 0.02 and not rig.answers
    await rig.store.close()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (assign_args(lambda n: n + 1000.123456), f"a command has at most {MAX_COMMAND_BYTES}: leave out curves"),
        ({"tree": "A" * 262_000}, f"a command has at most {MAX_COMMAND_BYTES}, apply {MAX_COMMAND_BYTES_OF_FEW}"),
        (assign_args(lambda n: 1, points=4096), f"a command has at most {MAX_COMMAND_VALUES}: leave out curves"),
    ],
)
async def test_what_is_too_much_is_not_read_but_answered(tmp_path: Path, args: dict[str, Any], says: str) -> None:
    rig = Rig(await open_store(tmp_path / "s.sqlite"))
    await rig.take(signed(args, "c-large"))
    assert not rig.answers and says in rig.alarms[0][1]
    (row,) = await rig.store.due(9, ())
    assert b'"c-large"' in row.payload and says.encode() in row.payload
    await rig.store.close()


def test_curves_that_wait_are_bounded_together() -> None:
    orders, catalogue = WorkOrders(), Catalogue({}, {})
    for number in range(200):
        order = read_assign(assign_args(lambda n: 0.5, f"W{number}"))
        assert order.weight > 8000 * 32
        if (refused := orders.refusal(order, catalogue)) is not None:
            break
        orders.by_number[order.number] = order
    assert refused is not None and refused.code == "orders_large" and "W62" in refused.text["en"]
    assert orders.refusal(read_assign(assign_args(lambda n: 0.5, "W3")), catalogue) is None, "it replaces its own"
    assert orders.refusal(read_assign({"work_order": "W62"}), catalogue) is None, "an order without curves finds room"


async def test_history_of_one_order_is_read_without_the_others(tmp_path: Path, caplog: Any) -> None:
    store = await open_store(tmp_path / "s.sqlite")
    for number in ("W1", "W2"):
        await store.change([KeepOrder(read_assign({"work_order": number, "history": [{**RUN, "id": number}]}))])
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("UPDATE work_orders SET work_order = '{}' WHERE number = 'W2'")
    db.close()
    with History(tmp_path / "s.sqlite", RecordCodec()) as history:
        assert [run.run_id for run in history.brought("SN", "W1")] == ["W1"]
        assert history.brought("SN", None) == ()
    assert "W2" not in caplog.text, "an order that nobody asked for was read"
    await store.close()
