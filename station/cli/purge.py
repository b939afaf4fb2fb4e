"""`purge`: what is old, or one device's, order's or person's, goes from this bench; beside a running daemon or without.

What it may not delete it says, and why. Of a device, an order or a badge it then looks for what is left, byte by byte.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from station.cli.results import bench_of, open_history
from station.domain.errors import SettingsError, StoreError
from station.domain.imei import read_imei
from station.domain.printable import printable
from station.purging.named import runs_named_in
from station.purging.traces import Compacted, Traces, compact, ranges, search
from station.purging.work import Place, Purge, Tally, before_of
from station.settings.calibrations import load_calibrations
from station.settings.problem import Problem
from station.settings.schema import RETENTION_DAYS
from station.store.lock import StoreHeld, hold_store
from station.store.old_runs import Bound
from station.uplink.clock import ClockReader

DONE, FOUND = 0, 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line said."""

    config: Path
    days: int | None = None
    serial_number: str | None = None
    work_order: str | None = None
    badge: str | None = None
    dry_run: bool = False
    compacted: bool = False
    as_json: bool = False


def purge(choice: Choice) -> int:
    """Exit status 0; 1 where it did not come to its end, or something of whom it was asked for stays. Raises
    `SettingsError` for wrong use: nothing was deleted then."""
    bench = bench_of(choice.config)
    place, days, simulated = _settings(choice.config, bench.store)
    bound = _bound(choice, days, simulated=simulated)
    problems: list[Problem] = []
    named = runs_named_in(load_calibrations(choice.config, problems))
    if problems:
        raise SettingsError(f"{problems[0]}; which runs it names is not known, so nothing is deleted")
    with open_history(bench):  # says what is wrong with a path that leads nowhere
        pass
    squeezed, traces = None, None
    try:
        tally = _carried_out(Purge(place, bound, named), bound, dry_run=choice.dry_run)
        if choice.compacted and not choice.dry_run:
            squeezed = _compact(place.store)
        if bound.marker is not None and not choice.dry_run:
            traces = search(place.store, bound.marker, is_badge=bound.badge is not None)
    except StoreError as error:
        print(f"purge: {printable(error)}", file=sys.stderr)
        return FOUND
    _tell(choice, bound, tally, squeezed, traces)
    warn_of_imei(choice)
    stays = bound.marker is not None and not choice.dry_run and (bool(tally.kept) or (traces or _NONE).are_left)
    return FOUND if tally.left or stays else DONE


_NONE = Traces(0, 0, 0)


def _carried_out(work: Purge, bound: Bound, *, dry_run: bool) -> Tally:
    """Without any bound there is nothing to do: `--compact` alone."""
    if bound == Bound():
        return Tally()
    return work.reckon() if dry_run else work.carry_out()


def show_history(config: Path, *, as_json: bool) -> int:
    """What was purged, the latest first: why numbers are missing among the runs."""
    with open_history(bench_of(config)) as history:
        entries = history.purges()
    if as_json:
        print(json.dumps([asdict(entry) for entry in entries], ensure_ascii=False))
        return DONE
    for entry in entries:
        print(f"{entry.at}  {entry.bound}: runs {entry.run_nos or 'none'} ({entry.runs}), "
              f"{entry.messages} messages, {entry.captures} captures, {entry.bytes / 1e3:,.0f} kB")  # fmt: skip
    if not entries:
        print("nothing was ever purged here", file=sys.stderr)
    return DONE


def warn_of_imei(choice: Choice) -> None:
    """A phone's number is on record without hyphens, a MEID without its check digit: as printed it finds nothing."""
    number = read_imei(choice.serial_number or "")
    if isinstance(number, str) and number != choice.serial_number:
        print(f"purge: an IMEI or MEID is on record as --serial {number}: purge that too", file=sys.stderr)


def check_days(days: object, what: str) -> int:
    """Days within the bounds. Raises `SettingsError`."""
    least, most = RETENTION_DAYS
    if type(days) is not int or not least <= days <= most:
        raise SettingsError(
            f"{what} {days}: must be a whole number from {least} to {most} (rework is known for 30 days)"
        )
    return days


def _settings(config: Path, store: Path) -> tuple[Place, int | None, bool]:
    """Of station.toml only what this needs: a plan that is broken today is in nobody's way."""
    tables: Mapping[str, Any] = tomllib.loads((config / "station.toml").read_text(encoding="utf-8"))
    days = tables["store"].get("retention_days")
    if days is not None:
        check_days(days, f"{config / 'station.toml'}: store.retention_days")
    captures = tables.get("captures", {}).get("path") or store.parent / "captures"
    return Place(store, Path(captures)), days, bool(tables["station"].get("simulated", False))


def _bound(choice: Choice, retention_days: int | None, *, simulated: bool) -> Bound:
    markers = {"--serial": choice.serial_number, "--work-order": choice.work_order, "--badge": choice.badge}
    given = [name for name, value in markers.items() if value is not None]
    if len(given) > 1:
        raise SettingsError(f"{' and '.join(given)}: one request at a time, so that it is clear what went for whom")
    if given and not (markers[given[0]] or "").strip():
        raise SettingsError(f"{given[0]}: empty; name whose data are to go")
    days = choice.days if choice.days is not None or given else retention_days
    if days is None and not given and not choice.compacted:
        raise SettingsError(
            f"{choice.config / 'station.toml'}: no store.retention_days, so nothing is too old; set it, or give "
            "--days, --serial, --work-order or --badge"
        )
    if days is not None:
        check_days(days, "--days")
    now, quality = ClockReader().read_now()
    if days is not None and quality == "unsynced" and not simulated:
        raise SettingsError(
            f"the clock is not set ({now:%Y-%m-%d %H:%M} UTC), so nobody knows what is {days} days old; see timedatectl"
        )
    before = None if days is None else before_of(days, now)
    return Bound(before, days, choice.serial_number, choice.work_order, choice.badge)


def _compact(store: Path) -> Compacted:
    try:
        with hold_store(store):
            return compact(store)
    except StoreHeld as held:
        raise StoreError(
            f"it is purged, but not compacted: the station (process {held.holder}) uses the store; stop it first "
            "(systemctl stop station), then again"
        ) from None
    except SettingsError as error:
        raise StoreError(str(error)) from None


def _tell(choice: Choice, bound: Bound, tally: Tally, squeezed: Compacted | None, traces: Traces | None) -> None:
    if choice.as_json:
        told = asdict(tally) | {"run_nos": ranges(tally.run_nos), "bound": bound.words, "dry_run": choice.dry_run}
        told["at"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        told["compacted"] = None if squeezed is None else asdict(squeezed)
        told["traces"] = None if traces is None else asdict(traces)
        print(json.dumps(told, ensure_ascii=False))
        return
    if bound != Bound():
        _tell_tally(choice, bound, tally)
    if squeezed is not None:
        print(f"compacted: {squeezed.bytes_before / 1e6:.1f} MB to {squeezed.bytes_after / 1e6:.1f} MB, "
              f"{squeezed.bytes_written / 1e6:.1f} MB written for it")  # fmt: skip
    if traces is not None:
        print(_words_of(traces))


def _tell_tally(choice: Choice, bound: Bound, tally: Tally) -> None:
    verb = "would go" if choice.dry_run else "gone"
    numbers = f" ({ranges(tally.run_nos)})" if tally.runs else ""
    print(f"{verb} ({bound.words}): {tally.runs} run{'s' * (tally.runs != 1)}{numbers}, {tally.messages} messages, "
          f"{tally.captures} captures, {tally.bytes / 1e3:,.0f} kB")  # fmt: skip
    if bound.marker is not None and not (tally.runs or tally.messages or tally.kept):
        print("nothing here names it")
    for why, count in sorted(tally.kept.items()):
        print(f"stays: {count} x {why}")
    for why in tally.left:
        print(f"not done: {why}")


def _words_of(traces: Traces) -> str:
    searched = f"searched {traces.searched_bytes / 1e6:.1f} MB of store and log"
    if not traces.places:
        return f"{searched}: it is nowhere in them"
    if traces.are_left:
        return f"{searched}: it is left in {traces.places} places that nothing uses; stop the station and add --compact"
    return (
        f"{searched}: it is in {traces.places} places, of {traces.rows} rows that stay (or a longer text is, with it)"
    )
