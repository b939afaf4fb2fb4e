"""Batches as they come: what one message of them breaks does not touch the others, and everything is answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from station.contract.canonical import MAX_COMMAND_BYTES
from station.contract.commands import make_command
from station.contract.envelope import sha256_of
from station.contract.receipts import make_receipt
from station.domain.commands import Answer
from station.domain.errors import MessageError, StoreError
from station.mqtt.link import Received
from tests.uplink.rig import MESSAGES, STATION, open_store
from tests.uplink.test_large_commands import HOW, KEY, Rig

TOPIC = f"bench/v1/{STATION}/dn/"
ASSIGN = {"work_order": "W1"}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(await open_store(tmp_path / "s.sqlite"))
    yield rig
    await rig.store.close()


def command(args: dict[str, Any], cmd_id: str = "c1") -> Received:
    payload = make_command(KEY, STATION, "assign", args, cmd_id=cmd_id, **HOW)
    return Received(f"{TOPIC}cmd", payload, False, 1, 1)


async def replies(rig: Rig) -> list[dict[str, Any]]:
    bodies = [json.loads(row.payload)["body"] for row in await rig.store.due(9, ())]
    return [body for body in bodies if "cmd_id" in body]


async def test_a_command_that_cannot_be_kept_takes_no_receipt_with_it(rig: Rig, monkeypatch: Any) -> None:
    await rig.store.post([MESSAGES.reply("c0", "done")])
    (row,) = await rig.store.due(9, ())
    receipt = make_receipt(row.msg_id, sha256_of(row.payload), "stored", KEY)

    async def full(*args: Any) -> bool:
        raise StoreError("the disk is full")

    monkeypatch.setattr(rig.store, "take_command", full)
    with pytest.raises(StoreError, match="the disk is full"):
        await rig.inbox.take([command(ASSIGN), Received(f"{TOPIC}receipt", receipt, False, 1, 2)])
    counts = await rig.store.counts()
    assert (counts.waiting, counts.delivered) == (0, 1)


async def test_a_command_that_the_store_can_never_keep_is_undone_and_refused_once(rig: Rig, monkeypatch: Any) -> None:
    undone: list[str] = []
    real = rig.store._change

    def never(changes: Any, *more: Any) -> Any:
        if changes:
            raise MessageError("history.0: a number that JSON has not")
        return real(changes, *more)

    def carry(verb: str, args: Any) -> Answer:
        return Answer(changes=("a change",), undo=lambda: undone.append(verb))  # type: ignore[arg-type]

    monkeypatch.setattr(rig.store, "_change", never)
    monkeypatch.setattr(rig.inbox, "_carry", carry)
    for _ in range(2):
        await rig.inbox.take([command(ASSIGN)])
    refused = {"cmd_id": "c1", "status": "refused", "reason": "history.0: a number that JSON has not"}
    assert await replies(rig) == [refused] and undone == ["assign"]


@pytest.mark.parametrize(
    ("args", "answered"),
    [
        ({"cmd_id": "another"}, []),
        ({"history": [{"cmd_id": "c-1"}]}, []),
        ({"text": '"cmd_id":"another"'}, ["c-large"]),
    ],
)
async def test_a_command_too_large_to_be_read_is_answered_where_its_number_is_certain(
    rig: Rig, args: dict[str, Any], answered: list[str]
) -> None:
    await rig.inbox.take([command({"filler": ["x" * 1000] * (MAX_COMMAND_BYTES // 900), **args}, "c-large")])
    assert [reply["cmd_id"] for reply in await replies(rig)] == answered
    assert rig.inbox.ignored == 1 and not rig.answers
