"""`service machine`: a maintainer says whether a store on another machine is the bench's own or a copy of its card."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from drivers.catalog import CATALOG
from station.cli.service import caller
from station.domain.clock import utc_text
from station.domain.errors import SettingsError
from station.settings.loading import load
from station.steps.catalog import STEPS
from station.store.lock import hold_store
from station.store.machine import Owner, claim, read_owner, this_machine, why_silent
from station.store.schema import open_database

SAME, ANOTHER = 0, 1


def settle_machine(config: Path, *, moved: bool, copied: bool, as_json: bool) -> int:
    """Exit status 0 where the store is this machine's (now), 1 where it is not. Raises `SettingsError`."""
    settings = load(config, STEPS, CATALOG).station
    store, here = Path(settings.store_path), this_machine()
    if here is None:
        raise SettingsError(
            "this machine does not tell its serial number, so its store belongs to none: nothing is to be said"
        )
    with hold_store(store):
        try:
            owner = _owner(store)
            if owner is not None and owner.machine != here and copied:
                _set_aside(store, owner, settings.name)
                owner = None
            elif owner is not None and owner.machine != here and moved:
                _write(store, owner := Owner(here, settings.name))
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(f"store.path {store}: {error}; nothing was changed") from error
    _tell(owner, here, as_json=as_json)
    return SAME if owner is None or owner.machine == here else ANOTHER


def _owner(store: Path) -> Owner | None:
    if not store.exists():
        return None
    with closing(open_database(store)) as db:
        return read_owner(db)


def _write(store: Path, owner: Owner) -> None:
    with closing(open_database(store)) as db:
        db.execute("BEGIN IMMEDIATE")
        claim(db, owner)
        db.execute("COMMIT")


def _set_aside(store: Path, owner: Owner, name: str) -> None:
    """The other bench's results stay beside, for who wants to look; nothing of them is ever sent from here."""
    if name == owner.station:
        raise SettingsError(
            f"station.name is still {name!r}, that of the bench whose card was copied: give this one a name of its own "
            "in station.toml and a certificate (`station enrol NAME`), then say it again"
        )
    with closing(open_database(store)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.rename(store.with_name(f"{store.name}.of-{owner.station}-{datetime.now(UTC):%Y%m%dT%H%M%S}"))
    for suffix in ("-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)


def _tell(owner: Owner | None, here: str, *, as_json: bool) -> None:
    if as_json:
        belongs = {"machine": owner.machine, "station": owner.station} if owner else None
        told = {"machine": here, "belongs_to": belongs, "by": caller(), "at": utc_text(datetime.now(UTC))}
        print(json.dumps(told, ensure_ascii=False))
    elif owner is not None and owner.machine != here:
        print(why_silent(owner, here), file=sys.stderr)
    else:
        said = "it is the store of this machine" if owner else "the next start makes the store that of this machine"
        print(f"{said}, {here}", file=sys.stderr)
