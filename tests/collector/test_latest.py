"""What the centre holds of a station now: never backwards, whoever comes late or twice."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from station.collector.centre import Centre, Incoming
from station.collector.database import open_centre
from tests.collector.post import EPOCH, OTHER_EPOCH, rows, said
from tests.uplink.rig import STATION

EARLY, LATE = "2026-11-22T03:00:00Z", "2026-11-22T05:00:00Z"
NOW = "2026-11-22T06:00:00Z"
FLOW = Path(__file__).parents[2] / "docs" / "subscribers" / "node-red-flow.json"


def presence(state: str, session: int, epoch: str = EPOCH, ts: str = EARLY, quality: str = "synced") -> Incoming:
    number = f"p{session}000000001"
    return said(
        "presence", number, epoch=epoch, ts=ts, quality=quality, state=state, store_epoch=epoch, session=session
    )


@pytest.fixture
def centre(database: str) -> Iterator[Centre]:
    centre = open_centre(database)
    centre.ready()
    yield centre
    centre.close()


BIRTH, DEATH = presence("online", 5), presence("offline", 5)
CASES: dict[str, tuple[list[Incoming], tuple[Any, ...]]] = {
    "a birth": ([BIRTH], ("online", EPOCH, 5)),
    "its death": ([BIRTH, DEATH], ("offline", EPOCH, 5)),
    "the birth of a dead session comes late": ([DEATH, BIRTH], ("offline", EPOCH, 5)),
    "the death of an older session": ([BIRTH, presence("offline", 4, ts=LATE)], ("online", EPOCH, 5)),
    "an older birth": ([BIRTH, presence("online", 4, ts=LATE)], ("online", EPOCH, 5)),
    "the next session": ([BIRTH, DEATH, presence("online", 6, ts=EARLY)], ("online", EPOCH, 6)),
    "another store": ([presence("online", 900), presence("online", 1, OTHER_EPOCH, LATE)], ("online", OTHER_EPOCH, 1)),
    "the death of the store before": (
        [presence("online", 1, OTHER_EPOCH, EARLY), presence("offline", 900, ts=LATE)], ("online", OTHER_EPOCH, 1),
    ),
    "an earlier birth of the store before": (
        [presence("online", 1, OTHER_EPOCH, LATE), presence("online", 900, ts=EARLY)], ("online", OTHER_EPOCH, 1),
    ),
    "another store whose clock is not set yet": (
        [presence("online", 900, ts=LATE), presence("online", 1, OTHER_EPOCH, EARLY, "unsynced")],
        ("online", OTHER_EPOCH, 1),
    ),
    "another store whose clock drifts": (
        [presence("online", 900, ts=LATE), presence("online", 1, OTHER_EPOCH, EARLY, "holdover")],
        ("online", OTHER_EPOCH, 1),
    ),
    "another store after one whose clock had drifted ahead": (
        [presence("online", 900, ts=LATE, quality="holdover"), presence("online", 1, OTHER_EPOCH, EARLY)],
        ("online", OTHER_EPOCH, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("messages", "expected"), CASES.values(), ids=CASES)
def test_presence_compares_within_an_epoch(
    centre: Centre, database: str, messages: list[Incoming], expected: tuple[Any, ...]
) -> None:
    for message in messages:
        centre.take([message], [], NOW)
    assert rows(database, "SELECT state, store_epoch, session FROM stations") == [expected]
    centre.take(messages, [], NOW)
    assert rows(database, "SELECT state, store_epoch, session FROM stations") == [expected], "by another worker, late"
    if all(message.envelope.clock.quality == "synced" for message in messages):
        centre.take(messages[::-1], [], NOW)
        assert rows(database, "SELECT state, store_epoch, session FROM stations") == [expected], "and in disorder"
    assert centre.stations_online() == (expected[0] == "online")


RULE = next(node["func"] for node in json.loads(FLOW.read_text(encoding="utf-8")) if node["id"] == "presence-rule")


@pytest.mark.byhand
@pytest.mark.parametrize(("messages", "expected"), CASES.values(), ids=CASES)
def test_the_flow_for_node_red_has_the_same_rule(messages: list[Incoming], expected: tuple[Any, ...]) -> None:
    told = [json.loads(message.payload) for message in messages]
    orders = [told, told + told]
    if all(message["clock"]["quality"] == "synced" for message in told):
        orders.append(told + told[::-1])
    for order in orders:
        program = f"""const kept = {{}};
            const flow = {{ get: (name) => kept[name], set: (name, value) => {{ kept[name] = value; }} }};
            const rule = new Function("msg", "flow", {json.dumps(RULE)});
            for (const payload of {json.dumps(order)}) {{ rule({{ topic: "bench/v1/x/up/presence", payload }}, flow); }}
            const {{ online, store_epoch, session }} = kept.stations.x;
            console.log(JSON.stringify([online ? "online" : "offline", store_epoch, session]));"""
        said = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True).stdout
        assert tuple(json.loads(said)) == expected


def test_info_progress_and_alarms_are_the_latest_json_in_any_order_and_by_any_worker(
    centre: Centre, database: str
) -> None:
    told = [
        said("info", "p1", software="0.1"), said("info", "p2", software="0.2", ts=LATE),
        said("progress", "p3", state="running", fraction=0.5), said("progress", "p4", state="ready", ts=LATE),
        said("alarm_active", "p5", alarms=()), BIRTH,
    ]  # fmt: skip
    other = open_centre(database)
    other.ready()
    for order in itertools.islice(itertools.permutations(told), 0, 720, 97):
        for worker in (centre, other):
            worker.take(order, [], NOW)
        [row] = rows(database, "SELECT info, info_ts, progress, progress_ts, alarm_active, state FROM stations")
        assert '"software":"0.2"' in row[0] and row[1] == LATE
        assert '"state":"ready"' in row[2] and row[3] == LATE
        assert row[4:] == ('{"alarms":[]}', "online")
    other.close()
    assert rows(database, "SELECT count(*) FROM messages") == [(0,)], "these are no rows of their own"


def test_a_session_that_no_column_holds_stops_nothing(centre: Centre, database: str) -> None:
    wild = said("presence", "p1", state="online", store_epoch=EPOCH, session=2**70)
    good = said("event", 1, event="reset")
    assert [answer.status for answer in centre.take([wild, good], [], NOW)] == ["stored", "stored"]
    assert rows(database, "SELECT event FROM events") == [("reset",)]
    assert rows(database, "SELECT code, station FROM alarms") == [("columns_refused", STATION)]
