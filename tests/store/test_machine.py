"""A store that finds itself on another machine keeps everything and says nothing until a maintainer has spoken."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from station.cli import service_machine
from station.store import machine
from station.store.machine import this_machine
from tests.cli.service_tree import Say, service, tree_with_store
from tests.uplink.rig import open_store

OLD, NEW = "10000000aaaa1111", "10000000bbbb2222"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree_with_store(tmp_path / "config", tmp_path / "state" / "station.sqlite")
    return tmp_path / "config"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "station.sqlite"


@pytest.fixture
def say(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """The verb on the machine NEW."""
    monkeypatch.setattr(service_machine, "this_machine", lambda: NEW)
    return service(monkeypatch, "machine", tree)


def opened_on(store: Path, here: str | None) -> machine.Owner | None:
    """As the daemon opens it on a machine."""

    async def open_and_close() -> machine.Owner | None:
        opened = await open_store(store)
        try:
            return await opened.owner_before(here)
        finally:
            await opened.close()

    store.parent.mkdir(exist_ok=True)
    return asyncio.run(open_and_close())


def test_a_serial_number_is_that_of_the_board_and_none_where_nobody_tells(tmp_path: Path) -> None:
    serial = tmp_path / "serial-number"
    serial.write_bytes(OLD.encode() + b"\0")
    assert this_machine((tmp_path / "none", serial)) == OLD
    serial.write_bytes(b"\0")
    assert this_machine((serial,)) is None


def test_the_first_machine_owns_it_and_only_another_one_is_told(store: Path) -> None:
    assert opened_on(store, None) is None
    assert opened_on(store, OLD) is None
    assert opened_on(store, OLD) is None and opened_on(store, None) is None
    owner = opened_on(store, NEW)
    assert owner is not None and owner.machine == OLD
    assert opened_on(store, NEW) == owner, "looking takes nothing over"
    assert opened_on(store, OLD) is None


def test_a_bench_with_another_machine_is_its_old_self_once_that_is_said(
    say: Say, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened_on(store, OLD)
    assert say() == 1
    assert OLD in (told := capsys.readouterr().err) and NEW in told and "--moved" in told and "--copied" in told
    assert say("--moved", "--json") == 0
    assert json.loads(capsys.readouterr().out)["belongs_to"]["machine"] == NEW
    assert opened_on(store, NEW) is None and opened_on(store, OLD) is not None
    assert say() == 0


def test_a_copy_begins_empty_under_a_name_of_its_own_and_the_others_results_stay_beside(
    say: Say, tree: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened_on(store, OLD)
    with sqlite3.connect(store) as db:
        station = db.execute("SELECT value FROM meta WHERE key = 'machine_station'").fetchone()[0]
        epoch = db.execute("SELECT value FROM meta WHERE key = 'store_epoch'").fetchone()[0]
    settings = tree / "station.toml"
    named = settings.read_text(encoding="utf-8")
    settings.write_text(named.replace('name = "bench-07"', f'name = "{station}"'), encoding="utf-8")
    assert say("--copied") == 2 and "name of its own" in capsys.readouterr().err
    assert opened_on(store, NEW) is not None, "nothing was changed"
    settings.write_text(named.replace('name = "bench-07"', 'name = "bench-99"'), encoding="utf-8")
    assert say("--copied") == 0
    (beside,) = [path for path in store.parent.iterdir() if ".of-" in path.name]
    assert station in beside.name and not store.exists()
    assert opened_on(store, NEW) is None
    with sqlite3.connect(store) as fresh, sqlite3.connect(beside) as old:
        ask = "SELECT value FROM meta WHERE key = 'store_epoch'"
        assert fresh.execute(ask).fetchone()[0] != epoch == old.execute(ask).fetchone()[0]


def test_both_at_once_is_wrong_use(say: Say) -> None:
    assert say("--moved", "--copied") == 2
