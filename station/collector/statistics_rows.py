"""The centre's results for `station.statistics`: device by device, from either database, read only.

Of the columns alone, a batch of runs at a time; messages are opened for golden-unit checks only.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any

from station.collector.dialect import SQLITE, Dialect
from station.collector.schema import MIGRATIONS, refuse_newer
from station.contract.envelope import open_envelope
from station.contract.messages import decode_body
from station.domain.errors import CentreError, MessageError, SettingsError
from station.domain.record import Record
from station.statistics.run import Lap, Run, Value, cause_of
from station.statistics.selection import COUNTED, Selection

BATCH = 500
"""Runs whose values are held at a time."""
ROWS, MESSAGES = 2000, 20
"""What a server sends at a time: of columns, and of messages, which have 50 KB and more."""
WAIT_S = 10.0
Row = tuple[Any, ...]
_PURPOSES = ", ".join(f"'{purpose}'" for purpose in COUNTED)
_RESULT = (
    "run_id, station, store_epoch, run_no, product, plan, purpose, verdict, serial_number, work_order, operator,"
    " repair_engineer, started_at, ended_at, first_cause_step, first_cause_measurement, rework"
)
_MEASURED = "run_id, step, measurement, channel, value, unit, low, high, bound, verdict"
_NOT_A_CENTRE = "is no database of `station collect`, or an empty one; name its file or address"


class CentreRows(ABC):
    """Every query raises `CentreError` where the database cannot be read. `unreadable`: messages that were left out.

    `unfilled`: runs without steps and findings, which a collector of an older version wrote, or a migration could not.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.unreadable = self.unfilled = 0

    def __enter__(self) -> CentreRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def left_out(self, selection: Selection) -> Counter[tuple[str, bool]]:
        """Results within the selection by purpose and by whether they are simulated."""
        asked, values = selection.sql(stations=True)
        sql = f"SELECT purpose, simulated, count(*) FROM results WHERE {asked} GROUP BY 1, 2"
        return Counter({(purpose, bool(simulated)): n for purpose, simulated, n in self._stream(sql, values)})

    def runs(self, selection: Selection) -> Iterator[Run]:
        """Every run of the devices that have one within the selection; those of a device in a row, by their stamps.

        Those of one store by their numbers (contracts/record.md): a clock may have been set.
        """
        asked, values = selection.sql(stations=True)
        real = "simulated" if selection.simulated else "NOT simulated"
        counted = f"{real} AND purpose IN ({_PURPOSES})"
        within = (
            f"AND serial_number IN (SELECT serial_number FROM results WHERE {counted} AND {asked})" if values else ""
        )
        sql = (
            f"SELECT {_RESULT} FROM results WHERE {counted} {within}"
            " ORDER BY serial_number, started_at, station, store_epoch, run_no"
        )
        rows = _by_number(self._stream(sql, values))
        while batch := list(islice(rows, BATCH)):
            yield from self._whole(batch)

    def checks(self, selection: Selection) -> Iterator[tuple[str, Record]]:
        """Golden-unit checks up to the end of the selection, those of a unit at a bench in a row, with its epoch.

        Also those before `since`: limits come from the first ones.
        """
        asked, values = Selection(
            product=selection.product, station=selection.station, until=selection.until
        ).sql(stations=True)  # fmt: skip
        asked = asked.replace("station =", "results.station =")
        real = "simulated" if selection.simulated else "NOT simulated"
        sql = (
            "SELECT results.store_epoch, payload FROM results JOIN messages ON messages.msg_id = results.msg_id"
            f" WHERE purpose = 'verify' AND {real} AND {asked}"
            " ORDER BY results.station, serial_number, results.store_epoch, run_no"
        )
        for epoch, payload in self._stream(sql, values, MESSAGES):
            try:
                body = decode_body(open_envelope(payload.encode()))
            except MessageError:
                body = None
            if isinstance(body, Record):
                yield epoch, body
            else:
                self.unreadable += 1

    def _whole(self, batch: Sequence[Row]) -> Iterator[Run]:
        """Runs with their values, steps and areas."""
        ids = [row[0] for row in batch]
        outgoing = [row[0] for row in batch if row[6] == "outgoing"]
        incoming = [row[0] for row in batch if row[6] == "incoming"]
        values = _by_run(self._of_runs(_MEASURED, "measurements", outgoing))
        steps = _by_run(self._of_runs("run_id, step, attempt, verdict, duration_s", "steps", ids))
        areas = _by_run(self._of_runs("run_id, area", "findings", incoming))
        for row in batch:
            run_id = row[0]
            self.unfilled += row[16] is None
            counted: Row = (
                *row[1:14], cause_of(row[14], row[15]), tuple(area for (area,) in areas.get(run_id, ())),
                bool(row[16]), tuple(map(Value._make, values.get(run_id, ()))),
                tuple(map(Lap._make, steps.get(run_id, ()))),
            )  # fmt: skip
            yield Run(*counted)

    def _require_tables(self, dialect: Dialect) -> None:
        """Raises `SettingsError` for a database that is none of ours, or of another version."""
        if not next(self._stream(dialect.exists, ["schema_version"]))[0]:
            raise SettingsError(f"--database {self.name}: {_NOT_A_CENTRE}")
        version = int(next(self._stream("SELECT max(version) FROM schema_version", []))[0])
        refuse_newer(version, self.name)
        if version < len(MIGRATIONS):
            raise SettingsError(
                f"--database {self.name}: its tables are of version {version}, and {len(MIGRATIONS)} is read here; "
                "start a collector of this version once, it brings them forward"
            )

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    @abstractmethod
    def _stream(self, sql: str, values: Sequence[str], at_once: int = ROWS) -> Iterator[Row]:
        """The rows, without holding more than `at_once` of them. In SQL, `?` is the place of a value."""

    @abstractmethod
    def _of_runs(self, columns: str, table: str, ids: Sequence[str]) -> list[Row]:
        """The rows of these runs in a table that has a place for each, run by run in that order."""


class SqliteRows(CentreRows):
    """Beside workers that write: each query sees what was committed when it began."""

    def __init__(self, path: Path, name: str) -> None:
        """Raises `SettingsError` for a file that is none of the centre's."""
        super().__init__(name)
        if not path.is_file():
            raise SettingsError(f"--database {name}: there is no such file; it is what `station collect` writes into")
        with self._said():
            # to be written as far as SQLite can see: one that may only read leaves -wal and -shm behind
            self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT_S)
            self._db.execute("PRAGMA query_only = ON")
        try:
            self._require_tables(SQLITE)
            self._db.execute("BEGIN")  # one view of it for all queries
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def _stream(self, sql: str, values: Sequence[str], at_once: int = ROWS) -> Iterator[Row]:
        with self._said():  # SQLite gives them one by one
            yield from self._db.execute(sql, values)

    def _of_runs(self, columns: str, table: str, ids: Sequence[str]) -> list[Row]:
        places = ", ".join("?" * len(ids))
        with self._said():
            return self._db.execute(
                f"SELECT {columns} FROM {table} WHERE run_id IN ({places}) ORDER BY run_id, place", ids
            ).fetchall()

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise CentreError(f"{self.name}: {error}; see whether it is the centre's database and in order") from error


def _by_number(rows: Iterator[Row]) -> Iterator[Row]:
    """By stamps, but the runs of a device in one store by their numbers, in the places that they have together."""
    for _, device in groupby(rows, key=itemgetter(8)):
        held = list(device)
        stores: dict[tuple[str, str], list[Row]] = {}
        for row in held:
            stores.setdefault(row[1:3], []).append(row)
        next_of = {store: iter(sorted(own, key=itemgetter(3))) for store, own in stores.items()}
        for row in held:
            yield next(next_of[row[1:3]])


def _by_run(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """By the first column, the rest of each row."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row[1:])
    return found
