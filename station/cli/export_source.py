"""Where `results export` takes its runs from: the bench's history, or with a database the centre's. Reading only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from station.cli.days import span_of
from station.cli.results import bench_of, find_record, open_history
from station.collector.reading import find_runs, read_results
from station.contract.canonical import parse_json, to_json
from station.contract.records import record_from_plain
from station.domain.chosen_runs import ChosenRuns
from station.domain.errors import MessageError, SettingsError, StoreError
from station.domain.record import Record
from station.report.numbers import zone_of
from station.store.history import History


@dataclass(frozen=True, slots=True)
class ExportSource:
    """Which runs, and of whom; days are those of the bench, with a database of UTC."""

    config: Path
    database: str | None = None
    runs: tuple[str, ...] = ()
    serial: str | None = None
    work_order: str | None = None
    since: str | None = None
    until: str | None = None
    simulated: bool | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A run: the epoch of its store, and its record as the JSON text that was stored or sent."""

    epoch: str
    text: bytes
    body: dict[str, Any]
    where: str

    def record(self) -> Record:
        """The record itself. Raises `SettingsError` that says which."""
        try:
            return record_from_plain(self.body)
        except MessageError as error:
            raise SettingsError(f"{self.where} cannot be read: {error}") from error


@contextmanager
def open_source(source: ExportSource) -> Iterator[Iterator[Found]]:
    """The runs, one after another. Raises `SettingsError`, also later, for what cannot be read."""
    if source.runs and (source.serial, source.work_order, source.since, source.until, source.simulated) != (None,) * 5:
        raise SettingsError("name runs, or say which with --serial, --work-order, --since, --until, --simulated")
    if (url := source.database) is not None:
        yield _of_centre(url, _chosen(source, tuple(_id_of(url, run) for run in source.runs), UTC))
        return
    bench = bench_of(source.config)
    with open_history(bench) as history:
        ids = tuple(find_record(history, run).run_id for run in source.runs)
        yield _of_bench(history, _chosen(source, ids, zone_of(bench.timezone)[0]))


def _of_bench(history: History, chosen: ChosenRuns) -> Iterator[Found]:
    try:
        epoch, after = history.epoch(), 0
        while page := history.texts(chosen, after):
            for number, text in page:
                where = f"{history.path}: the record of run {number}"
                yield Found(epoch, text.encode(), _object(text, where), where)
            after = page[-1][0]
    except StoreError as error:
        raise SettingsError(str(error)) from error


def _of_centre(url: str, chosen: ChosenRuns) -> Iterator[Found]:
    for run_id, epoch, payload in read_results(url, chosen):
        where = f"--database {url}: the record of run {run_id}"
        body = _object(payload, where).get("body")
        if not isinstance(body, dict):
            raise SettingsError(f"{where} cannot be read: its message has no body")
        yield Found(epoch, to_json(body), body, where)


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        found = parse_json(text)
    except MessageError as error:
        raise SettingsError(f"{where} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{where} cannot be read: it is no JSON object")
    return found


def _id_of(url: str, run: str) -> str:
    found = find_runs(url, run)
    if len(found) != 1:
        what = "more than one run" if found else "no run"
        raise SettingsError(f"--database {url}: the id of {what} begins with {run}; numbers are a bench's own")
    return found[0]


def _chosen(source: ExportSource, ids: tuple[str, ...], zone: tzinfo) -> ChosenRuns:
    since, until = span_of(source.since, source.until, zone)
    return replace(ChosenRuns(source.serial, source.work_order, since, until, source.simulated), run_ids=ids)
