"""The store's finished runs for `station.statistics`: device by device, read beside a running daemon.

A record is read without its curves, which are most of it: they are cut out of the text before it is parsed.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from station.domain.errors import MessageError, StoreError
from station.domain.record import Record
from station.statistics.run import Lap, Run, Value, cause_of
from station.statistics.selection import COUNTED, Selection
from station.store.history import WAIT_S
from station.store.journal import Codec

_BEGIN, _END = b'"curves":[', b'],"notes":'
_PURPOSES = ", ".join(f"'{purpose}'" for purpose in COUNTED)


class StoreRows:
    """Every query raises `StoreError` where the file cannot be read. `unreadable`: records that were left out."""

    def __init__(self, path: Path, codec: Codec) -> None:
        """Raises `StoreError` where there is no store."""
        if not path.exists():
            raise StoreError(f"{path}: there is no store; run a test first or name the right path")
        self.path = path
        self._codec = codec
        self.unreadable = self.unfilled = 0
        with self._said():
            self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S)

    def __enter__(self) -> StoreRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def left_out(self, selection: Selection) -> Counter[tuple[str, bool]]:
        """Finished runs within the selection by purpose and by whether they are simulated."""
        asked, values = selection.sql(stations=False)
        sql = f"SELECT purpose, simulated, count(*) FROM runs WHERE record IS NOT NULL AND {asked} GROUP BY 1, 2"
        with self._said():
            rows = self._db.execute(sql, values).fetchall()
        return Counter({(purpose, bool(simulated)): count for purpose, simulated, count in rows})

    def runs(self, selection: Selection) -> Iterator[Run]:
        """Every run of the devices that have one within the selection; those of a device in a row, by their numbers."""
        asked, values = selection.sql(stations=False)
        counted = f"record IS NOT NULL AND simulated = {int(selection.simulated)} AND purpose IN ({_PURPOSES})"
        within = f"AND serial_number IN (SELECT serial_number FROM runs WHERE {counted} AND {asked})" if values else ""
        sql = f"SELECT CAST(record AS BLOB) FROM runs WHERE {counted} {within} ORDER BY serial_number, run_no"
        for (text,) in self._stream(sql, values):
            try:
                yield run_of(text)
            except (ValueError, KeyError, TypeError, AttributeError):
                self.unreadable += 1

    def checks(self, selection: Selection) -> Iterator[tuple[str, Record]]:
        """Golden-unit checks up to the end of the selection, those of a unit in a row, with the epoch of the store.

        Also those before `since`: limits come from the first ones.
        """
        asked, values = Selection(product=selection.product, until=selection.until).sql(stations=False)
        sql = (
            "SELECT record FROM runs WHERE record IS NOT NULL AND purpose = 'verify'"
            f" AND simulated = {int(selection.simulated)} AND {asked} ORDER BY serial_number, run_no"
        )
        for (text,) in self._stream(sql, values):
            try:
                yield "", self._codec.record_from_json(text)
            except (MessageError, TypeError):
                self.unreadable += 1

    def _stream(self, sql: str, values: list[str]) -> Iterator[tuple[Any, ...]]:
        with self._said():
            rows = self._db.execute(sql, values)
        while True:
            with self._said():
                row = rows.fetchone()
            if row is None:
                return
            yield row

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: the history cannot be read ({error}); where it is locked try again, else see whether"
                " this is the station's store and in order"
            ) from error


def run_of(text: bytes) -> Run:
    """A record's text as a run. Raises `ValueError`, `KeyError`, `TypeError` or `AttributeError` for what is none."""
    try:
        return _run(json.loads(without_curves(text).decode()))
    except (ValueError, KeyError):
        return _run(json.loads(text.decode()))  # its fields stand in another order than we write them


def without_curves(text: bytes) -> bytes:
    """The text without what stands between `"curves":[` and `],"notes":`, as a step is written.

    A quote within a text of JSON has a backslash before it, so neither mark is ever part of one.
    """
    first, *others = text.split(_BEGIN)
    return first + b"".join(_BEGIN + rest[max(0, rest.find(_END)) :] for rest in others)


def _run(record: dict[str, Any]) -> Run:
    dut, steps = record["dut"], record["steps"]
    causes, reference = record["causes"], record["reference"]
    return Run(
        record["station"], "", record["run_no"], dut["product"], record["plan"]["id"], record["purpose"],
        record["verdict"], dut["serial_number"], record["work_order"], record["operator"], record["repair_engineer"],
        record["started_at"], record["ended_at"],
        cause_of(causes[0]["step"], causes[0]["measurement"]) if causes else None,
        tuple(finding["area"] for finding in record["findings"]),
        bool(reference and reference["rework"]),
        tuple(_values(steps)) if record["purpose"] == "outgoing" else (),
        tuple(Lap(step["id"], step["attempt"], step["verdict"], step["duration_s"]) for step in steps),
    )  # fmt: skip


def _values(steps: list[dict[str, Any]]) -> Iterator[Value]:
    for step in steps:
        place = step["id"]
        for one in step["measurements"]:
            get = one.get
            yield Value(
                place, get("name"), get("channel"), get("value"), get("unit"), get("low"), get("high"), get("bound"),
                get("verdict"),
            )  # fmt: skip
