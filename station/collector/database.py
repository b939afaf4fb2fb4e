"""Which database `--database` names: a path or sqlite:///PATH, or postgresql://… for the one beside it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from station.collector.centre import Centre
from station.collector.sqlite import SqliteCentre
from station.contract.envelope import open_envelope
from station.contract.messages import decode_body
from station.domain.errors import SettingsError
from station.domain.record import Record


def open_centre(url: str) -> Centre:
    """The database that `--database` names; one on a server is only connected by `ready`. Raises `SettingsError`."""
    if url.startswith(("postgresql://", "postgres://")):
        return _open_postgres(url)
    path = url.removeprefix("sqlite:///")
    if "://" in path:
        raise SettingsError(
            f"--database {url}: give the path of an SQLite file, sqlite:///PATH or postgresql://user@host/name"
        )
    try:
        return SqliteCentre(Path(path))
    except (OSError, sqlite3.Error) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        remedy = "name a file of the centre in a directory that you may write to"
        raise SettingsError(f"--database {url}: {reason}; {remedy}") from error


def _open_postgres(url: str) -> Centre:
    try:
        from station.collector.postgres import PostgresCentre
    except ImportError as error:
        raise SettingsError(
            f"--database postgresql://…: {error}; install what the centre needs: pip install 'bench-station[centre]'"
        ) from error
    return PostgresCentre(url)


def read_record(path: Path, run_id: str) -> Record | None:
    """The record of a run as an SQLite file holds it, or None. For the demo and for tests; changes nothing.

    Opened for writing all the same: a connection that may not write leaves -wal and -shm behind when it closes.
    """
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10.0)
    try:
        db.execute("PRAGMA query_only = ON")
        sql = "SELECT payload FROM messages JOIN results USING (msg_id) WHERE run_id = ?"
        row = db.execute(sql, (run_id,)).fetchone()
    finally:
        db.close()
    body = decode_body(open_envelope(row[0].encode())) if row else None
    return body if isinstance(body, Record) else None
