"""What the two databases of the centre have in common, as the rest of the room sees them, and the words that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words in which the two differ; `exists` asks for a table by its name."""

    words: dict[str, str]
    exists: str


SQLITE = Dialect(
    {"identity": "INTEGER PRIMARY KEY", "position": "instr", "by_key": "WITHOUT ROWID"},
    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
)
POSTGRES = Dialect(
    {"identity": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "position": "strpos", "by_key": ""},
    "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?",
)


class Transaction(Protocol):
    """An open transaction of either database. In SQL, `?` is the place of a value."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """One statement; the rows that it gives."""

    def insert_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> list[bool]:
        """One statement for each row; whether it wrote one. The first two values are its key: rows of one key go in
        in the order in which they are given."""

    def insert_all(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Many rows that cannot conflict, the fastest way there is."""
