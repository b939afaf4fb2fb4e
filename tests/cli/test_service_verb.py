"""`service clear-weld`: only with the daemon stopped, and it says what was cleared and by whom."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from station.store.lock import hold_store
from station.store.service_latch import FileLatch
from tests.cli.service_tree import Say, service, tree_with_store

WELD = "WELD: the contactor's feedback stayed closed with K off"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "station.sqlite"


@pytest.fixture
def latch(store: Path) -> FileLatch:
    store.parent.mkdir()
    return FileLatch(store.with_suffix(".service-latch"))


@pytest.fixture
def clear(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """`clear("--json")`: the verb through the command line's door, over a shipped tree with its store in a folder."""
    tree = tmp_path / "config"
    tree_with_store(tree, store)
    return service(monkeypatch, "clear-weld", tree)


def test_a_weld_is_cleared_by_a_maintainer_who_is_named(
    clear: Say, latch: FileLatch, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUDO_USER", "maintainer-li")
    asyncio.run(latch.set(WELD))
    assert clear() == 0
    assert capsys.readouterr().err == f"cleared by maintainer-li: {WELD}\n"
    assert asyncio.run(latch.read()) is None
    logged = store.with_suffix(".service-log").read_text(encoding="utf-8")
    assert logged.endswith(f"Z maintainer-li cleared: {WELD}\n") and logged.count("\n") == 1


def test_as_json_and_without_a_latch(
    clear: Say, latch: FileLatch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("USER", "wang")
    asyncio.run(latch.set(WELD))
    assert clear("--json") == 0
    assert json.loads(capsys.readouterr().out) == {"cleared": WELD, "by": "wang"}
    assert clear("--json") == 0
    assert json.loads(capsys.readouterr().out) == {"cleared": None, "by": "wang"}
    assert clear() == 0
    assert capsys.readouterr().err == "no service latch is set\n"


def test_beside_a_running_daemon_it_is_refused_and_the_latch_stays(
    clear: Say, latch: FileLatch, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(latch.set(WELD))
    with hold_store(store):  # as the daemon does for as long as it lives
        assert clear() == 2
    assert "stop that one first" in capsys.readouterr().err
    assert asyncio.run(latch.read()) == WELD


def test_what_cannot_be_logged_is_not_cleared(
    clear: Say, latch: FileLatch, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(latch.set(WELD))
    store.with_suffix(".service-log").mkdir()
    assert clear() == 2
    assert "is not cleared" in capsys.readouterr().err
    assert asyncio.run(latch.read()) == WELD


def test_a_latch_that_is_no_text_counts_as_set_and_can_be_cleared(clear: Say, latch: FileLatch, store: Path) -> None:
    store.with_suffix(".service-latch").write_bytes(b"\xff\xfe\x00")
    assert asyncio.run(latch.read())
    assert clear() == 0
    assert asyncio.run(latch.read()) is None
