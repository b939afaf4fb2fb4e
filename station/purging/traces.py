"""What is left of a purge where no query looks: bytes in the store's file and its log, and space that became free."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from station.domain.errors import StoreError
from station.store.schema import open_database

CHUNK_BYTES = 8 << 20
_TEXTS = (
    ("runs", "coalesce(draft, '') || coalesce(record, '') || serial_number || coalesce(work_order, '')"),
    ("steps", "step"),
    ("outbox", "CAST(payload AS TEXT)"),
    ("earlier_runs", "run"),
    ("work_orders", "work_order"),
)
"""Every text of the store in which a serial number, a work order or a badge can stand."""


@dataclass(frozen=True, slots=True)
class Traces:
    """`places`: where the bytes were found in the files. `rows`: rows that hold them (a longer text counts)."""

    searched_bytes: int
    places: int
    rows: int

    @property
    def are_left(self) -> bool:
        """Whether bytes lie where nothing refers to them any more."""
        return self.places > 0 and self.rows == 0


@dataclass(frozen=True, slots=True)
class Compacted:
    """The store's file before and after, and what had to be written for it."""

    bytes_before: int
    bytes_after: int
    bytes_written: int


def files_of(store: Path) -> list[Path]:
    """The store and its log, and stores of other benches that were set aside beside it."""
    aside = sorted(store.parent.glob(f"{store.name}.of-*"))
    return [file for file in (store, store.with_name(store.name + "-wal"), *aside) if file.exists()]


def search(store: Path, marker: str, *, is_badge: bool = False) -> Traces:
    """Look for a text in the raw bytes, a badge also in other letters, and for rows that explain it. Raises
    `StoreError`."""
    places = searched = 0
    text = json.dumps(marker, ensure_ascii=False)[1:-1]
    forms = {marker.encode(), text.encode()}
    try:
        for file in files_of(store):
            searched += file.stat().st_size
            places += sum(_count(file, form, any_case=is_badge) for form in forms)
        uri = f"{store.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as db:
            wheres = "instr(lower({}), lower(?1)) > 0" if is_badge else "instr({}, ?1) > 0"
            held = [f"(SELECT count(*) FROM {table} WHERE {wheres.format(texts)})" for table, texts in _TEXTS]
            rows = db.execute(f"SELECT {' + '.join(held)}", (text,)).fetchone()
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{store}: {error}; whether something is left was not found out") from error
    return Traces(searched, places, int(rows[0]))


def _count(file: Path, needle: bytes, *, any_case: bool) -> int:
    found, tail = 0, b""
    needle = needle.lower() if any_case else needle
    with file.open("rb") as held:
        while chunk := held.read(CHUNK_BYTES):
            chunk = chunk.lower() if any_case else chunk
            found += (tail + chunk).count(needle)
            tail = (tail + chunk)[-(len(needle) - 1) :] if len(needle) > 1 else b""
    return found


def compact(store: Path) -> Compacted:
    """Write the store anew, without free pages; with the station stopped and its lock held. Raises `StoreError`."""
    before, free = store.stat().st_size, shutil.disk_usage(store.parent).free
    if free < 2 * before:
        raise StoreError(
            f"{store}: {before / 1e6:.0f} MB are written anew twice, and {free / 1e6:.0f} MB are free; make room first"
        )
    os.environ["SQLITE_TMPDIR"] = str(store.parent)  # /tmp may be memory
    written = _written_bytes()
    try:
        with closing(open_database(store)) as db:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StoreError(f"{store}: {error}; it is as it was") from error
    return Compacted(before, store.stat().st_size, _written_bytes() - written)


def ranges(numbers: Sequence[int]) -> str:
    """Run numbers as a person reads them: `1-20, 25`."""
    told: list[list[int]] = []
    for number in sorted(numbers):
        if told and told[-1][-1] == number - 1:
            told[-1][1:] = [number]
        else:
            told.append([number])
    return ", ".join("-".join(map(str, one)) for one in told)


def _written_bytes() -> int:
    text = Path("/proc/self/io").read_text(encoding="ascii")
    return int(text.partition("wchar: ")[2].split()[0])
