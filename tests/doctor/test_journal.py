"""The log in the journal: fields, many lines, entries larger than a datagram, and text where there is no journal."""

from __future__ import annotations

import array
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from station import logs
from station.journal import Journal, entry, journal_of, message_of


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    path = str(tmp_path / "journal")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(path)
        ear.settimeout(10.0)
        yield ear, path


@pytest.fixture
def no_run() -> Iterator[None]:
    yield
    logs.follow("run_ended", {"verdict": "PASS"})


def test_lines_of_a_run_carry_run_and_step(listener: tuple[socket.socket, str], no_run: None) -> None:
    ear, path = listener
    journal = Journal(path, lambda text: None)
    off = logs.OffTheLoop(journal=journal)
    record = logging.LogRecord("station.x", logging.WARNING, "/opt/x.py", 7, "two\nlines", None, None)
    off.emit(record)
    assert b"BENCH_RUN" not in ear.recv(4096)
    logs.follow("run_started", {"run_id": "018f"})
    logs.follow("step_started", {"step": "gain"})
    off.emit(record)
    heard = ear.recv(4096)
    assert b"BENCH_RUN=018f\n" in heard and b"BENCH_STEP=gain\n" in heard and b"PRIORITY=4\n" in heard
    assert b"CODE_LINE=7\n" in heard and message_of(heard) == b"station.x: two\nlines"
    logs.follow("step_ended", {"step": "gain", "verdict": "PASS"})
    off.emit(record)
    heard = ear.recv(4096)
    assert b"BENCH_RUN=018f" in heard and b"BENCH_STEP" not in heard
    off.flush()
    journal.close()


def test_an_entry_larger_than_a_datagram_comes_as_a_sealed_file(listener: tuple[socket.socket, str]) -> None:
    ear, path = listener
    large = entry("x" * 1_000_000, logging.ERROR, "f", 1, "r", "")
    with closing(Journal(path, lambda text: None)) as journal:
        journal.send(large)
    _, rights, _, _ = ear.recvmsg(10, socket.CMSG_SPACE(4))
    (handle,) = array.array("i", rights[0][2])
    assert os.pread(handle, 2_000_000, 0) == large
    os.close(handle)


def test_without_a_journal_the_text_goes_where_it_went_before(tmp_path: Path) -> None:
    kept: list[bytes] = []
    with closing(Journal(str(tmp_path / "gone"), kept.append)) as journal:
        journal.send(entry("a\nb", logging.INFO, "f", 1, "", ""))
        journal.send(entry("c", logging.INFO, "f", 1, "", ""))
    assert kept == [b"a\nb\n", b"c\n"]


def test_the_journal_is_used_only_where_systemd_joined_stderr_to_it(tmp_path: Path) -> None:
    socket_path = tmp_path / "socket"
    socket_path.touch()
    with (tmp_path / "stream").open("w") as stream:
        seen = os.fstat(stream.fileno())
        joined = {"JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}"}
        there = journal_of(print, joined, stream.fileno(), str(socket_path))
        assert there is not None
        there.close()
        assert journal_of(print, joined, stream.fileno(), str(tmp_path / "none")) is None
        assert journal_of(print, {"JOURNAL_STREAM": "1:2"}, stream.fileno(), str(socket_path)) is None
        assert journal_of(print, {}, stream.fileno(), str(socket_path)) is None
