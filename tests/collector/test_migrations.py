"""The tables of the centre have versions: older ones come forward with all that is in them, newer ones are refused."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from station.collector.database import open_centre
from station.collector.schema import MIGRATIONS
from station.domain.errors import SettingsError
from tests.collector.post import EPOCH, incoming, result, rows, run, said
from tests.uplink.rig import STATION, full_record

NOW = "2026-11-22T04:00:00Z"
VERSION_1 = (
    """CREATE TABLE IF NOT EXISTS messages (
        msg_id TEXT PRIMARY KEY, station TEXT NOT NULL, kind TEXT NOT NULL, sha256 TEXT NOT NULL, ts TEXT NOT NULL,
        received_at TEXT NOT NULL, payload TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS results (
        run_id TEXT PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE REFERENCES messages, station TEXT NOT NULL,
        store_epoch TEXT NOT NULL, run_no INTEGER NOT NULL, purpose TEXT NOT NULL, verdict TEXT NOT NULL,
        work_order TEXT, operator TEXT, repair_engineer TEXT, product TEXT NOT NULL, maker TEXT NOT NULL,
        model TEXT NOT NULL, serial_number TEXT NOT NULL, plan TEXT NOT NULL, plan_revision TEXT NOT NULL,
        simulated INTEGER NOT NULL, started_at TEXT NOT NULL, ended_at TEXT NOT NULL, duration_s REAL NOT NULL,
        first_cause_step TEXT, first_cause_measurement TEXT, first_cause_channel TEXT, first_cause_text TEXT)""",
    "CREATE INDEX IF NOT EXISTS results_serial_number ON results (serial_number)",
    "CREATE INDEX IF NOT EXISTS results_work_order ON results (work_order)",
    """CREATE TABLE IF NOT EXISTS events (
        msg_id TEXT PRIMARY KEY REFERENCES messages, station TEXT NOT NULL, ts TEXT NOT NULL, event TEXT NOT NULL,
        work_order TEXT, run_id TEXT, reason TEXT)""",
    """CREATE TABLE IF NOT EXISTS alarms (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL CHECK (source IN ('station', 'centre')), station TEXT,
        msg_id TEXT, at TEXT NOT NULL, code TEXT NOT NULL, cause TEXT NOT NULL, run_id TEXT)""",
)
"""What the first collector made, word for word; PostgreSQL has a few words of its own."""
ON_POSTGRES = {
    "simulated INTEGER": "simulated BOOLEAN", "duration_s REAL": "duration_s DOUBLE PRECISION",
    "id INTEGER PRIMARY KEY": "id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
}  # fmt: skip


def make_version_1(database: str) -> list[tuple[str, str]]:
    """A database as the first collector left it: two results, a reply, an event and an alarm."""
    statements = list(VERSION_1)
    if database.startswith("postgresql://"):
        for word, other in ON_POSTGRES.items():
            statements = [statement.replace(word, other) for statement in statements]
    run(database, *statements)
    record = full_record()
    kept = [
        result(1, record),
        result(2),
        said("reply", 12, cmd_id="c-1", status="done"),
        said("event", 13, event="reset"),
    ]
    for m in kept:
        payload = m.payload.decode().replace("'", "''")
        values = (m.envelope.msg_id, STATION, m.envelope.schema_, m.sha256, m.envelope.ts, NOW)
        run(database, f"INSERT INTO messages VALUES {(*values,)!r}".removesuffix(")") + f", '{payload}')")
    columns = (
        "run_id, msg_id, station, store_epoch, run_no, purpose, verdict, product, maker, model, serial_number, plan,"
        " plan_revision, simulated, started_at, ended_at, duration_s"
    )
    run(
        database,
        f"INSERT INTO results ({columns}) VALUES ('{record.run_id}', '{STATION}:{EPOCH}:1', '{STATION}', '{EPOCH}', 7,"
        " 'engineering', 'FAIL', 'p', 'm', 'm', 'SN-1', 'self-test', '3', true, 'a', 'b', 2.5)",
        f"INSERT INTO events VALUES ('{STATION}:{EPOCH}:13', '{STATION}', '{NOW}', 'reset', NULL, NULL, NULL)",
        f"INSERT INTO alarms (source, station, at, code, cause) VALUES ('station', '{STATION}', '{NOW}', 'E1', 'hot')",
    )
    return [(m.envelope.msg_id, m.payload.decode()) for m in kept]


def test_the_database_of_the_first_collector_comes_forward_with_all_that_is_in_it(database: str) -> None:
    kept = make_version_1(database)
    centre = open_centre(database)
    centre.ready()
    assert rows(database, "SELECT max(version) FROM schema_version") == [(len(MIGRATIONS),)]
    assert rows(database, "SELECT msg_id, payload FROM messages ORDER BY seq") == kept
    assert rows(database, "SELECT store_epoch, seq FROM messages ORDER BY seq") == [
        (EPOCH, seq) for seq in (1, 2, 12, 13)
    ]
    assert rows(database, "SELECT serial_number FROM results") == [("SN-1",)]
    assert rows(database, "SELECT run_id, measurement, value FROM measurements") == [
        (*rows(database, "SELECT run_id FROM results")[0], "thd_percent", 0.0004)
    ], "of the result that has columns, and not of the one that has none"
    assert rows(database, "SELECT step, attempt, verdict, duration_s FROM steps") == [("thd", 2, "FAIL", 1.25)]
    assert rows(database, "SELECT place, area, weight FROM findings") == [(0, "output-stage", 0.8)]
    assert [tuple(map(bool, row)) for row in rows(database, "SELECT rework FROM results")] == [(False,)]
    assert rows(database, "SELECT cmd_id FROM replies") == [("c-1",)]
    assert rows(database, "SELECT code FROM alarms") == [("E1",)]
    assert rows(database, "SELECT from_seq, to_seq FROM gaps") == [(3, 11)]
    again = incoming(kept[0][1].encode())
    assert [answer.status for answer in centre.take([again, result(3)], [], NOW)] == ["duplicate", "stored"]
    centre.close()


def test_workers_that_start_at_once_make_the_tables_once(database: str) -> None:
    failed: list[BaseException] = []
    barrier = threading.Barrier(6)

    def start() -> None:
        barrier.wait(10)
        try:
            centre = open_centre(database)
            centre.ready()
            centre.close()
        except BaseException as error:
            failed.append(error)

    starters = [threading.Thread(target=start) for _ in range(6)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(60)
    assert failed == []
    assert rows(database, "SELECT count(*) FROM schema_version") == [(len(MIGRATIONS),)]


def test_a_database_of_a_newer_version_is_refused_with_the_remedy_and_left_alone(database: str) -> None:
    centre = open_centre(database)
    centre.ready()
    centre.close()
    run(database, "INSERT INTO schema_version VALUES (99, 'tomorrow')")
    with pytest.raises(SettingsError, match=r"schema 99, this software knows \d+\); install the newer software"):
        open_centre(database).ready()


def test_a_migration_that_fails_leaves_the_database_as_it_was(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = make_version_1(database)

    def stumble(*_: object) -> None:
        raise RuntimeError("the process was killed in the middle")

    with monkeypatch.context() as patched:
        patched.setattr("station.collector.filling.rows.reply_row", stumble)
        with pytest.raises(RuntimeError):
            open_centre(database).ready()
    assert rows(database, "SELECT msg_id, payload FROM messages ORDER BY msg_id") == sorted(kept)
    centre = open_centre(database)
    centre.ready()
    centre.close()
    assert rows(database, "SELECT count(*) FROM measurements") == [(1,)]


def test_the_tables_of_a_migrated_database_are_those_of_a_new_one(tmp_path: Path) -> None:
    old, new = str(tmp_path / "old.sqlite"), str(tmp_path / "new.sqlite")
    make_version_1(old)
    for database in (old, new):
        open_centre(database).close()
    sql = "SELECT m.name, c.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c ORDER BY 1, 2"
    assert rows(old, sql) == rows(new, sql) != []
