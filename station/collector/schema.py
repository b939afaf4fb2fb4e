"""The centre's tables and their versions: plain SQL that SQLite and PostgreSQL both read, but for a few words.

Stamps are text as the stations wrote them (UTC, ISO 8601), so that no clock of a station can be refused; PostgreSQL
casts them (`started_at::timestamptz`). `messages.payload` is the exact text of a message: its sha256 can be computed
again at any time, until it is purged: then it is empty. Column names of `results` and `measurements` are those of
contracts/record.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from station.collector.dialect import Dialect, Transaction
from station.collector.filling import fill_columns_of_version_2, fill_columns_of_version_3
from station.domain.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Migration:
    """Statements that lead to a version from the one before, and what fills new columns from what is there."""

    statements: tuple[str, ...]
    fill: Callable[[Transaction], None] = lambda transaction: None


_VERSION_1 = Migration((
    """CREATE TABLE messages (
        msg_id TEXT PRIMARY KEY, station TEXT NOT NULL, kind TEXT NOT NULL, sha256 TEXT NOT NULL, ts TEXT NOT NULL,
        received_at TEXT NOT NULL, payload TEXT NOT NULL)""",
    """CREATE TABLE results (
        run_id TEXT PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE REFERENCES messages, station TEXT NOT NULL,
        store_epoch TEXT NOT NULL, run_no BIGINT NOT NULL, purpose TEXT NOT NULL, verdict TEXT NOT NULL,
        work_order TEXT, operator TEXT, repair_engineer TEXT, product TEXT NOT NULL, maker TEXT NOT NULL,
        model TEXT NOT NULL, serial_number TEXT NOT NULL, plan TEXT NOT NULL, plan_revision TEXT NOT NULL,
        simulated BOOLEAN NOT NULL, started_at TEXT NOT NULL, ended_at TEXT NOT NULL,
        duration_s DOUBLE PRECISION NOT NULL,
        first_cause_step TEXT, first_cause_measurement TEXT, first_cause_channel TEXT, first_cause_text TEXT)""",
    "CREATE INDEX results_serial_number ON results (serial_number)",
    "CREATE INDEX results_work_order ON results (work_order)",
    """CREATE TABLE events (
        msg_id TEXT PRIMARY KEY REFERENCES messages, station TEXT NOT NULL, ts TEXT NOT NULL, event TEXT NOT NULL,
        work_order TEXT, run_id TEXT, reason TEXT)""",
    """CREATE TABLE alarms (
        id {identity}, source TEXT NOT NULL CHECK (source IN ('station', 'centre')), station TEXT,
        msg_id TEXT, at TEXT NOT NULL, code TEXT NOT NULL, cause TEXT NOT NULL, run_id TEXT)""",
))  # fmt: skip
_AFTER_STATION = "substr(msg_id, length(station) + 2)"
_COLON = f"{{position}}({_AFTER_STATION}, ':')"
_SEQ = f"substr({_AFTER_STATION}, {_COLON} + 1)"
_VERSION_2 = Migration((
    "ALTER TABLE messages ADD COLUMN store_epoch TEXT",
    "ALTER TABLE messages ADD COLUMN seq BIGINT",
    f"""UPDATE messages SET store_epoch = substr({_AFTER_STATION}, 1, {_COLON} - 1),
        seq = CASE WHEN substr({_SEQ}, 1, 1) = 'p' THEN NULL ELSE CAST({_SEQ} AS BIGINT) END""",
    "CREATE INDEX messages_seq ON messages (station, store_epoch, seq)",
    """CREATE TABLE measurements (
        run_id TEXT NOT NULL, place BIGINT NOT NULL, step TEXT NOT NULL, attempt BIGINT NOT NULL,
        measurement TEXT NOT NULL, channel TEXT, value DOUBLE PRECISION, unit TEXT NOT NULL, low DOUBLE PRECISION,
        high DOUBLE PRECISION, bound TEXT, verdict TEXT NOT NULL, PRIMARY KEY (run_id, place)) {by_key}""",
    """CREATE TABLE replies (
        msg_id TEXT PRIMARY KEY REFERENCES messages, station TEXT NOT NULL, ts TEXT NOT NULL, cmd_id TEXT NOT NULL,
        status TEXT NOT NULL, reason TEXT)""",
    "CREATE INDEX replies_cmd_id ON replies (cmd_id)",
    "CREATE INDEX events_work_order ON events (work_order)",
    """CREATE TABLE latest (
        station TEXT NOT NULL, kind TEXT NOT NULL, store_epoch TEXT NOT NULL, number BIGINT NOT NULL, state TEXT,
        ts TEXT NOT NULL, clock TEXT NOT NULL, received_at TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (station, kind))""",
    """CREATE VIEW stations AS SELECT station,
        max(CASE WHEN kind = 'presence' THEN state END) AS state,
        max(CASE WHEN kind = 'presence' THEN store_epoch END) AS store_epoch,
        max(CASE WHEN kind = 'presence' THEN number END) AS session,
        max(CASE WHEN kind = 'presence' THEN ts END) AS presence_ts,
        max(CASE WHEN kind = 'info' THEN body END) AS info,
        max(CASE WHEN kind = 'info' THEN ts END) AS info_ts,
        max(CASE WHEN kind = 'progress' THEN body END) AS progress,
        max(CASE WHEN kind = 'progress' THEN ts END) AS progress_ts,
        max(CASE WHEN kind = 'alarm_active' THEN body END) AS alarm_active,
        max(CASE WHEN kind = 'alarm_active' THEN ts END) AS alarm_active_ts,
        max(received_at) AS heard_at FROM latest GROUP BY station""",
    """CREATE VIEW gaps AS SELECT station, store_epoch, before_seq + 1 AS from_seq, seq - 1 AS to_seq,
        seq - before_seq - 1 AS missing FROM (
            SELECT station, store_epoch, seq, coalesce(lag(seq) OVER (
                PARTITION BY station, store_epoch ORDER BY seq), 0) AS before_seq
            FROM messages WHERE seq IS NOT NULL) AS numbered WHERE seq > before_seq + 1""",
), fill_columns_of_version_2)  # fmt: skip
_VERSION_3 = Migration((
    "ALTER TABLE results ADD COLUMN rework BOOLEAN",
    """CREATE TABLE steps (
        run_id TEXT NOT NULL, place BIGINT NOT NULL, step TEXT NOT NULL, attempt BIGINT NOT NULL, verdict TEXT NOT NULL,
        duration_s DOUBLE PRECISION NOT NULL, PRIMARY KEY (run_id, place)) {by_key}""",
    """CREATE TABLE findings (
        run_id TEXT NOT NULL, place BIGINT NOT NULL, area TEXT NOT NULL, weight DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (run_id, place)) {by_key}""",
), fill_columns_of_version_3)  # fmt: skip
"""What `station stats` counts beside results and measurements. `rework`: the record says so of its reference."""
MIGRATIONS: tuple[Migration, ...] = (_VERSION_1, _VERSION_2, _VERSION_3)
"""One entry a version. Entries are only ever appended. Version 1 had no table of versions."""

_VERSION_TABLE = "CREATE TABLE schema_version (version BIGINT PRIMARY KEY, migrated_at TEXT NOT NULL)"
_ADD_VERSION = "INSERT INTO schema_version VALUES (?, ?)"


def read_version(transaction: Transaction, dialect: Dialect) -> int:
    """The version of the tables; 0 where there are none."""
    if transaction.run(dialect.exists, ("schema_version",))[0][0]:
        return int(transaction.run("SELECT max(version) FROM schema_version")[0][0])
    return int(transaction.run(dialect.exists, ("messages",))[0][0])


def refuse_newer(version: int, name: str) -> None:
    """Raises `SettingsError` for a database that a newer software wrote."""
    if version > len(MIGRATIONS):
        raise SettingsError(
            f"--database {name}: written by a newer version (schema {version}, this software knows "
            f"{len(MIGRATIONS)}); install the newer software here, or name another database"
        )


def migrate(transaction: Transaction, dialect: Dialect, name: str, now: str) -> None:
    """Bring the tables to the present version; under a lock, because every worker tries. Raises `SettingsError`."""
    version = read_version(transaction, dialect)
    refuse_newer(version, name)
    if version < 2:
        transaction.run(_VERSION_TABLE)
    if version == 1:
        transaction.run(_ADD_VERSION, (1, now))
    for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
        for statement in migration.statements:
            transaction.run(statement.format_map(dialect.words))
        migration.fill(transaction)
        transaction.run(_ADD_VERSION, (number, now))
