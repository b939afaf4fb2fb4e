"""Two daemons on one store: the second one is refused before it reads anything as cut off."""

from __future__ import annotations

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from station.domain.errors import SettingsError
from station.store.lock import hold_store


def test_a_second_holder_is_refused_with_the_first_one_s_process(tmp_path: Path) -> None:
    path = tmp_path / "var" / "station.sqlite"
    with hold_store(path), pytest.raises(SettingsError, match=r"another station \(process \d+\) uses it"):  # noqa: SIM117
        with hold_store(path):
            raise AssertionError("held twice")
    with hold_store(path):
        assert not path.exists(), "the lock makes no store"


def _hold_and_die(path: Path) -> None:
    hold_store(path).__enter__()


def test_a_holder_that_died_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "station.sqlite"
    process = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(path,))
    process.start()
    process.join(20)
    assert process.exitcode == 0
    with hold_store(path):
        assert path.with_name("station.sqlite.lock").exists()


def test_a_place_that_cannot_be_written_to_is_a_clear_refusal() -> None:
    with (
        pytest.raises(SettingsError, match="name a place that the station may write to"),
        hold_store(Path("/proc/nope/station.sqlite")),
    ):
        raise AssertionError("held")


def test_a_full_disk_takes_the_holders_number_and_not_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, text: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "station.sqlite"
    monkeypatch.setattr(os, "write", refuse)
    with hold_store(path), pytest.raises(SettingsError, match="process unknown"), hold_store(path):
        raise AssertionError("held twice")
