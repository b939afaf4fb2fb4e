"""Floods of what is no receipt and no command: counted, and hardly a word in the log."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from station.contract.envelope import topic
from station.contract.keys import new_key
from station.contract.receipts import make_receipt
from station.mqtt.link import Received
from station.uplink.seldom import Seldom
from station.uplink.uplink import Uplink
from tests.uplink.rig import MESSAGES, STATION, open_store

KEY, STRANGER = new_key(), new_key()


def received(suffix: str, payload: bytes) -> Received:
    return Received(topic(STATION, "dn", suffix), payload, False, 1, 1)


async def test_a_flood_is_a_line_a_minute_with_what_was_swallowed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now_s, store, events = 1000.0, await open_store(tmp_path / "s.sqlite"), []  # type: ignore[var-annotated]
    uplink = Uplink(
        store, MESSAGES, "mqtt://127.0.0.1:1", {KEY.key_id: KEY.public}, events.append, now=lambda: now_s
    )  # fmt: skip
    unknown = f"{STATION}:{store.store_epoch}:99"
    flood = [
        received("receipt", make_receipt(unknown, "0" * 64, "stored", STRANGER)),
        received("receipt", make_receipt(unknown, "0" * 64, "stored", KEY)),
        received("cmd", b"no command"),
    ] * 50
    with caplog.at_level(logging.INFO):
        await uplink._inbox.take(flood)
        said = [record.getMessage() for record in caplog.records]
        assert len(said) == 3 and uplink._inbox.ignored == 150
        now_s += 61.0
        caplog.clear()
        await uplink._inbox.take(flood[:3])
        again = [record.getMessage() for record in caplog.records]
    assert len(again) == 3 and all("(and 49 more since the last)" in line for line in again)
    assert [event.data["code"] for event in events] == ["receipt_invalid"] * 2
    rows = [json.loads(row.payload) for row in await store.due(9, ())]
    assert [row["body"]["code"] for row in rows] == ["receipt_invalid"] * 2
    await store.close()


def test_each_kind_has_its_own_pause() -> None:
    now_s: Any = [0.0]
    seldom = Seldom(lambda: now_s[0])
    assert [seldom.say(kind, "x", 60.0) for kind in "abab"] == ["x", "x", None, None]
    now_s[0] = 60.0
    assert [seldom.say(kind, "x", 60.0) for kind in "ab"] == ["x (and 1 more since the last)"] * 2
    assert seldom.say("a", "x", 60.0) is None
