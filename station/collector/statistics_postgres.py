"""The centre's results on PostgreSQL, as `station.collector.statistics_rows` reads them; needs the extra `centre`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from station.collector.dialect import POSTGRES
from station.collector.postgres import read_address
from station.collector.statistics_rows import ROWS, CentreRows, Row
from station.domain.errors import CentreError


class PostgresRows(CentreRows):
    """All queries in one read-only transaction: they see the database as it was when the first began."""

    def __init__(self, url: str) -> None:
        """Connects. Raises `SettingsError` for an address that cannot be read, `CentreError` where nobody answers."""
        super().__init__(url)
        told = read_address(url) | {"application_name": "bench-stats"}
        with self._said():
            self._db = psycopg.connect(**told)
        try:
            self._db.read_only = True
            self._db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._require_tables(POSTGRES)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def _stream(self, sql: str, values: Sequence[str], at_once: int = ROWS) -> Iterator[Row]:
        with self._said(), self._db.cursor(name="statistics") as cursor:
            cursor.itersize = at_once
            yield from cursor.execute(sql.replace("?", "%s").encode(), values)

    def _of_runs(self, columns: str, table: str, ids: Sequence[str]) -> list[Row]:
        with self._said():
            sql = f"SELECT {columns} FROM {table} WHERE run_id = ANY(%s) ORDER BY run_id, place"
            return self._db.execute(sql.encode(), (list(ids),), binary=True).fetchall()

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            said = " ".join(str(error).split())
            raise CentreError(f"{self.name}: {said} ({type(error).__name__}); see whether it is there") from error
