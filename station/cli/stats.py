"""`stats`: what many runs say together, from the bench's own history or from the database of the centre.

Reads beside a running daemon or collector and changes nothing. Trials and simulated runs never count; `--simulated`
looks at simulated ones alone, and everything that it prints says so.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from station.cli.days import span_of
from station.cli.options import CONFIG
from station.cli.results import Bench, bench_of
from station.cli.stats_golden import golden_units
from station.cli.stats_view import show
from station.cli.stats_words import SAMPLE, words_of
from station.cli.verify_bench import kept_in, read_frozen
from station.contract.records import RecordCodec
from station.domain.errors import CentreError, SettingsError, StoreError
from station.domain.record import Record
from station.metrology.golden import Frozen
from station.report.numbers import zone_of
from station.statistics.results import Told
from station.statistics.run import Run
from station.statistics.selection import Selection
from station.statistics.tally import Tally
from station.store.statistics_rows import StoreRows


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for. Raises `SettingsError` for what does not go together."""

    config: Path | None = None
    database: str | None = None
    product: str | None = None
    plan: str | None = None
    station: str | None = None
    since: str | None = None
    until: str | None = None
    simulated: bool = False
    plot: Path | None = None

    def __post_init__(self) -> None:
        if self.config is not None and self.database is not None:
            raise SettingsError("--config and --database: a bench's own history or the centre's, one of the two")
        if self.station is not None and self.database is None:
            raise SettingsError(f"--station {self.station}: a bench's history is its own alone; with --database URL")
        if self.plot is not None and self.plot.suffix.lower() not in (".html", ".htm"):
            raise SettingsError(f"--plot {self.plot}: the figures are drawn as a page; name a file such as stats.html")
        if self.plot is not None and not self.plot.absolute().parent.is_dir():
            raise SettingsError(f"--plot {self.plot}: there is no such folder; name a file that you may write")


class Rows(Protocol):
    """Either place that holds runs."""

    unreadable: int
    unfilled: int

    def left_out(self, selection: Selection) -> Counter[tuple[str, bool]]: ...
    def runs(self, selection: Selection) -> Iterator[Run]: ...
    def checks(self, selection: Selection) -> Iterator[tuple[str, Record]]: ...


def stats(choice: Choice, now: datetime, *, as_json: bool) -> int:
    """Print the figures; exit status 0, also where there is no run. Raises `SettingsError` for what cannot be read."""
    told = figures(choice, now)
    out = sys.stderr if as_json else sys.stdout
    if as_json:
        print(json.dumps(plain(told), ensure_ascii=False))
    else:
        show(told)
    if choice.plot is not None:
        _draw(choice.plot, told)
        print(f"page: {choice.plot}", file=out)
    return 0


def figures(choice: Choice, now: datetime) -> Told:
    """Everything that is told. Raises `SettingsError`."""
    bench = bench_of(choice.config or CONFIG) if choice.database is None else None
    zone, zone_name = zone_of(bench.timezone) if bench else (UTC, "UTC")
    begins, ends = span_of(choice.since, choice.until, zone)
    selection = Selection(choice.product, choice.plan, choice.station, begins, ends, choice.simulated)
    with _open(bench, choice.database) as rows:
        there = rows.left_out(selection)
        tally = Tally(selection, now)
        for run in rows.runs(selection):
            tally.add(run)
        golden = tuple(golden_units(rows.checks(selection), _kept(bench), zone, zone_name))
        left_out = {
            "engineering": sum(count for (purpose, _), count in there.items() if purpose == "engineering"),
            "real" if choice.simulated else "simulated": sum(
                n for (p, simulated), n in there.items() if simulated is not choice.simulated and p != "engineering"
            ),
            "verify": there["verify", choice.simulated],
            "unreadable": rows.unreadable,
            "unfilled": rows.unfilled,
        }  # fmt: skip
    found = tally.finish()
    asked = {name: getattr(choice, name) for name in ("product", "plan", "station", "since", "until")}
    source = str(bench.store) if bench else str(choice.database)
    return Told(
        source, choice.simulated, zone_name, asked, left_out, tuple(words_of(found, left_out, choice.simulated)),
        found, golden,
    )  # fmt: skip


def plain(told: Told) -> dict[str, Any]:
    """Everything as JSON, the statistics beside what they are of."""
    document = asdict(told)
    mark = {"sample": f"{SAMPLE}"} if told.sample else {"sample": None}
    return {**mark, **{name: document[name] for name in ("source", "zone", "selection", "left_out", "words")},
            **document["statistics"], "golden": document["golden"]}  # fmt: skip


@contextmanager
def _open(bench: Bench | None, database: str | None) -> Iterator[Rows]:
    """The place that was named. What it says on the way becomes a `SettingsError`."""
    try:
        if bench is not None:
            with StoreRows(bench.store, RecordCodec()) as store:
                yield store
        else:
            with _open_centre(str(database)) as centre:
                yield centre
    except StoreError as error:
        raise SettingsError(f"{error}; the configuration's store.path says where it is (--config DIR)") from error
    except CentreError as error:
        raise SettingsError(f"--database {error}") from error


def _open_centre(url: str) -> Any:
    """As `collect --database` names it. Raises `SettingsError`, `CentreError`."""
    from station.collector.statistics_rows import SqliteRows

    if not url.startswith(("postgresql://", "postgres://")):
        path = url.removeprefix("sqlite:///")
        if "://" in path:
            raise SettingsError(
                f"--database {url}: give the path of an SQLite file, sqlite:///PATH or postgresql://user@host/name"
            )
        return SqliteRows(Path(path), url)
    try:
        from station.collector.statistics_postgres import PostgresRows
    except ImportError as error:
        raise SettingsError(
            f"--database postgresql://…: {error}; install what the centre needs: pip install 'bench-station[centre]'"
        ) from error
    return PostgresRows(url)


def _kept(bench: Bench | None) -> Callable[[str], Frozen | None]:
    """The limits that are kept of a golden unit, beside the bench's store; the centre has none."""

    def kept(serial: str) -> Frozen | None:
        if bench is None or not kept_in(bench, serial).exists():
            return None
        frozen = read_frozen(kept_in(bench, serial))
        return frozen if frozen.serial_number == serial else None

    return kept


def _draw(file: Path, told: Told) -> None:
    from station.report.statistics_page import statistics_page

    try:
        file.write_text(statistics_page(told), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--plot {file}: {error.strerror}; name a file that you may write") from error
