"""docs/subscribers/queries.sql: each query on SQLite and on PostgreSQL, over what a station sent."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from station.cli.broker import EmbeddedBroker
from station.collector.database import open_centre
from station.contract.bodies import Alarm, AlarmActive
from station.contract.keys import new_key
from station.domain.record import Cause
from station.domain.verdict import Verdict
from station.store.store import Store
from tests.docs.pages import ROOT
from tests.servers.postgres import Postgres
from tests.uplink.rig import (
    MESSAGES,
    PLAN,
    STATION,
    TS,
    Bench,
    Office,
    make_draft,
    make_record,
    make_step,
    open_store,
    until,
)

QUERY = re.compile(r"^-- (?P<name>\w+): [^\n]+\n(?P<sql>[^;]+);", re.MULTILINE)
TEXT = (ROOT / "docs" / "subscribers" / "queries.sql").read_text(encoding="utf-8")
QUERIES = {found["name"]: found["sql"] for found in QUERY.finditer(TEXT)}
RUNS = [
    ("WO-1", "SN-1", "incoming", "FAIL"), ("WO-1", "SN-1", "adjust", "PASS"), ("WO-1", "SN-1", "outgoing", "PASS"),
    ("WO-2", "SN-2", "outgoing", "FAIL"), ("WO-3", "SN-3", "outgoing", "FAIL"), ("WO-3", "SN-3", "outgoing", "PASS"),
    ("WO-4", "SN-4", "incoming", "FAIL"), ("WO-5", "SN-5", "adjust", "PASS"), ("WO-6", "SN-6", "outgoing", "ABORTED"),
    ("WO-2", "SN-2", "engineering", "PASS"),
]  # fmt: skip
LOST = 3
"""Of the messages: one that the restored backup does not have."""


async def make_run(store: Store, order: str, serial: str, purpose: Any, verdict: str) -> str:
    """One run with the events that its bench tells of it."""
    draft = make_draft()
    device = replace(draft.dut, serial_number=serial)
    draft = replace(draft, work_order=order, purpose=purpose, simulated=False, dut=device)
    told: dict[str, Any] = {"work_order": order, "run_id": draft.run_id}
    number = await store.begin_run(draft, [MESSAGES.event("run_started", **told)])
    steps = tuple(make_step(step.id, value=1.25) for step in PLAN)
    causes = (Cause("first", "a_v", "left", "a_v left: 3 V, at most 2 V"),) if verdict != "PASS" else ()
    record = replace(make_record(draft, number, steps), verdict=Verdict(verdict), causes=causes)
    await store.finish_run(record, [MESSAGES.event("run_ended", reason=verdict, **told), MESSAGES.result(record)])
    return draft.run_id


async def tell_a_day(store: Store, bench: Bench) -> None:
    """Work orders in every state that the queries know."""
    runs = [await make_run(store, *run) for run in RUNS]
    events: list[dict[str, Any]] = [
        {"event": "label_printed", "work_order": "WO-1", "run_id": runs[2]},
        {"event": "accepted", "work_order": "WO-7"},
        {"event": "refused", "work_order": "WO-7", "reason": "serial_differs: another device"},
        {"event": "run_started", "work_order": "WO-8", "run_id": "r-8"}, {"event": "reset"},
    ]  # fmt: skip
    await store.post([MESSAGES.event(**event) for event in events])
    await store.post([MESSAGES.alarm("E12", "heatsink, hot; blames the DUT")])
    bench.uplink.retain("alarm_active", AlarmActive(alarms=(Alarm(code="E12", cause="hot", at=TS),)))


Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Rows]]:
    """The rows of every query, from SQLite and from PostgreSQL, after the same day at one bench."""
    folder = tmp_path_factory.mktemp("queries")
    found: dict[str, list[Rows]] = {name: [] for name in QUERIES}
    with EmbeddedBroker() as broker, Postgres() as server:
        databases = (str(folder / "centre.sqlite"), server.url)
        asyncio.run(collect(broker.url, folder, databases))
        with contextlib.closing(sqlite3.connect(databases[0])) as lite, psycopg.connect(server.url) as post:
            for db in (lite, post):
                lose_one(db)
                for name, sql in QUERIES.items():
                    found[name].append([tuple(row) for row in db.execute(sql).fetchall()])
        server.kill()  # nobody needs its last checkpoint
    return found


def lose_one(db: Any) -> None:
    """What an older backup does not have."""
    db.execute(f"DELETE FROM events WHERE msg_id LIKE '%:{LOST}'")
    db.execute(f"DELETE FROM results WHERE msg_id LIKE '%:{LOST}'")
    db.execute(f"DELETE FROM messages WHERE seq = {LOST}")


async def collect(url: str, folder: Path, databases: Sequence[str]) -> None:
    """Two collectors that both hear everything, each with a database of its own."""
    key = new_key()
    offices = [Office(url, open_centre(database), key) for database in databases]
    for office in offices:
        await asyncio.wait_for(office.ready.wait(), 20.0)
    store = await open_store(folder / "station.sqlite")
    bench = Bench(store, url, key)
    await tell_a_day(store, bench)
    await bench.drained()
    await bench.close()
    for office, database in zip(offices, databases, strict=True):
        await until(lambda database=database: has_all(database), "everything is stored, also the goodbye")
        await office.close()


def has_all(database: str) -> bool:
    """Whether every message of the day is there, and the station's last word."""
    opened: Any = psycopg.connect(database) if database.startswith("postgresql") else sqlite3.connect(database)
    with contextlib.closing(opened) as db:
        (count,) = db.execute("SELECT count(*) FROM messages").fetchone()
        state = db.execute("SELECT state FROM stations").fetchone()
    return bool(count == 3 * len(RUNS) + 6 and state == ("offline",))


def test_the_page_of_queries_has_all_that_is_promised() -> None:
    assert len(QUERIES) == TEXT.count(";") == 9
    promised = {"last_results", "first_pass_yield", "open_alarms", "stations_offline", "work_orders"}
    assert promised <= set(QUERIES)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_each_query_says_the_same_on_both_databases(answers: dict[str, list[Rows]], name: str) -> None:
    lite, post = (
        [tuple(float(v) if isinstance(v, (int, float, Decimal)) else v for v in row) for row in rows]
        for rows in answers[name]
    )
    if name == "last_results":  # the two collectors heard it at different moments
        lite, post = ([row[:7] + row[8:] for row in sorted(rows)] for rows in (lite, post))
    assert lite == post and lite


def test_work_orders_are_in_the_state_that_their_events_say(answers: dict[str, list[Rows]]) -> None:
    states = {row[0]: row[-2:] for row in answers["work_orders"][0]}
    assert states == {
        "WO-1": ("labelled, ready for acceptance", "维修合格，待验收"), "WO-2": ("back to repair", "返修"),
        "WO-3": ("passed, label to come", "检验合格，待贴标签"), "WO-4": ("fault report ready", "已出故障检测报告"),
        "WO-5": ("waits for the outgoing test", "待出厂检验"), "WO-6": ("to be tested again", "待重测"),
        "WO-7": ("in test", "检测中"), "WO-8": ("in test", "检测中"),
    }  # fmt: skip


def test_yield_counts_the_first_judged_outgoing_run_of_a_device(answers: dict[str, list[Rows]]) -> None:
    assert [row[1:3] for row in answers["first_pass_yield"][0]] == [(3, 1)], "SN-1 passed, SN-2 and SN-3 did not"
    assert [float(rows[0][3]) for rows in answers["first_pass_yield"]] == [33.3, 33.3]
    assert [row[1:] for row in answers["failure_pareto"][0]] == [("a_v", "left", 2)]


def test_alarms_absence_and_gaps_are_found(answers: dict[str, list[Rows]]) -> None:
    assert [row[0] for row in answers["open_alarms"][0]] == [STATION]
    assert [row[:2] for row in answers["stations_offline"][0]] == [(STATION, "offline")]
    assert [row[2:] for row in answers["gaps"][0]] == [(LOST, LOST, 1)]
    assert [row[1:4] for row in answers["last_alarms"][0]] == [("station", STATION, "E12")]
    assert {row[0] for row in answers["as_found_as_left"][0]} == {"a_v", "b_v", "c_v", "d_v"}
