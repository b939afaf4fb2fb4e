"""Results out of the centre's database, a page at a time, beside the collectors that write into it. Changes nothing.

Each comes as the exact text of its message, with the epoch of the store that numbered it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from station.domain.chosen_runs import ChosenRuns
from station.domain.errors import SettingsError

PAGE = 25
_WAIT_S = 10.0
_COLUMNS = "results.run_id, results.store_epoch, messages.payload"


class Connection(Protocol):
    """What the two databases have in common here; `%s` or `?` is the place of a value."""

    def execute(self, query: Any, params: Any = (), /) -> Any:
        """One statement."""


def read_results(url: str, chosen: ChosenRuns) -> Iterator[tuple[str, str, str]]:
    """Run id, epoch and message of each result, by run id. Raises `SettingsError` where there is no answer."""
    with _connected(url) as (db, place):
        after = ""
        while page := _page(db, place, chosen, after):
            for row in page:
                yield str(row[0]), str(row[1]), str(row[2])
            after = str(page[-1][0])


def find_runs(url: str, name: str) -> list[str]:
    """At most two ids of results that begin with `name`."""
    begins = name.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
    with _connected(url) as (db, place):
        sql = f"SELECT run_id FROM results WHERE run_id LIKE {place} ESCAPE '!' LIMIT 2"
        return [str(row[0]) for row in db.execute(sql, (begins,)).fetchall()]


def _page(db: Connection, place: str, chosen: ChosenRuns, after: str) -> Sequence[Any]:
    wheres, values = [f"results.run_id > {place}"], [after, *(value for _, _, value in chosen.conditions())]
    wheres += [f"results.{column} {comparison} {place}" for column, comparison, _ in chosen.conditions()]
    if chosen.run_ids:
        wheres.append(f"results.run_id IN ({', '.join([place] * len(chosen.run_ids))})")
        values.extend(chosen.run_ids)
    sql = f"SELECT {_COLUMNS} FROM results JOIN messages USING (msg_id) WHERE {' AND '.join(wheres)}"
    rows: Sequence[Any] = db.execute(f"{sql} ORDER BY results.run_id LIMIT {PAGE}", values).fetchall()
    return rows


@contextmanager
def _connected(url: str) -> Iterator[tuple[Connection, str]]:
    """A connection that may not write, and how a value's place is written there."""
    if url.startswith(("postgresql://", "postgres://")):
        with _postgres(url) as server:
            yield server, "%s"
        return
    path = url.removeprefix("sqlite:///")
    if "://" in path:
        raise SettingsError(f"--database {url}: give the path of an SQLite file, or postgresql://user@host/name")
    try:  # opened for writing all the same: a connection that may not write leaves -wal and -shm behind
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=rw", uri=True, timeout=_WAIT_S)) as db:
            db.execute("PRAGMA query_only = ON")
            yield db, "?"
    except sqlite3.Error as error:
        raise SettingsError(f"--database {url}: {error}; name a file of the centre that you may read") from error


@contextmanager
def _postgres(url: str) -> Iterator[Connection]:
    try:
        import psycopg
    except ImportError as error:
        raise SettingsError(
            f"--database postgresql://…: {error}; install what the centre needs: pip install 'bench-station[centre]'"
        ) from error
    try:
        if "password" in psycopg.conninfo.conninfo_to_dict(url):
            raise SettingsError("--database: no password on a command line; ~/.pgpass or PGPASSFILE holds it")
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as db:
            db.read_only = True
            yield db
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        raise SettingsError(f"--database {url}: {said}; is the server there, and may you read its results?") from error
