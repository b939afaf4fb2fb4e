"""The check of a tree in its process: its reply, its bounds, and what it leaves of the daemon's time."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from station.domain.errors import SettingsError
from station.settings.checker import Checker
from station.settings.revisions import write_files
from tests.settings.trees import SHARED, SHIPPED

SLICE_S = 0.02
"""A scan is late after 50 ms."""


@pytest.fixture(autouse=True)
def not_last_of_all(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """On a busy machine the lowest priority waits for minutes; that it has it is a test of its own."""
    if "priority" not in request.node.name:
        monkeypatch.setattr("station.settings.checker.NICENESS", 0)


async def test_the_check_has_the_benchs_own_part_and_names_files_as_sent(tmp_path: Path) -> None:
    write_files(tmp_path / "good", SHARED)
    loose = SHARED["interlocks.toml"].replace(b"high = 100.0", b"high = 130.0", 1)
    write_files(tmp_path / "loose", {**SHARED, "interlocks.toml": loose})
    good, bad = await asyncio.gather(Checker(SHIPPED)(tmp_path / "good"), Checker(SHIPPED)(tmp_path / "loose"))
    assert good == []
    (problem,) = bad
    assert problem.startswith("interlocks.toml:") and "temperature.heatsink_degc must trip sooner" in problem


async def test_tens_of_thousands_of_problems_do_not_hold_the_loop_up(tmp_path: Path) -> None:
    write_files(tmp_path / "bad", {**SHARED, "diagnosis.toml": b"".join(b"a%d=1\n" % n for n in range(30_000))})
    longest_s = 0.0

    async def watch() -> None:
        nonlocal longest_s
        while True:
            began_s = time.thread_time()
            await asyncio.sleep(0.0005)
            longest_s = max(longest_s, time.thread_time() - began_s)

    watching = asyncio.create_task(watch())
    told = await Checker(SHIPPED)(tmp_path / "bad")
    await asyncio.sleep(0.01)  # the turn that ended with it counts
    watching.cancel()
    assert len(told) == 6 and told[0] == "diagnosis.toml:1: a0: unknown key; known here: rule"
    assert told[-1] == "and 29995 more"
    assert longest_s < SLICE_S


async def test_a_check_that_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"the check ended with 2: .*no such directory"):
        await Checker(tmp_path / "nowhere")(tmp_path)
    monkeypatch.setattr("station.settings.checker.CHECK_S", 0.01)
    with pytest.raises(SettingsError, match=r"not checked within 0.01 s; is the machine overloaded"):
        await Checker(SHIPPED)(SHIPPED)


# ---- a check that does whatever it likes ------------------------------------------------------------------
def does(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Checker:
    """A checker whose process does this."""
    main = folder / "station" / "cli" / "main.py"
    main.parent.mkdir(parents=True)
    main.write_text(f"import json, os, resource, sys\ndef main():\n    {body}\n")
    monkeypatch.setattr("station.settings.checker._ROOT", str(folder))
    return Checker(SHIPPED)


async def test_it_has_the_lowest_priority_whatever_the_daemon_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = (
        "one = dict(file='f', line=1, key=os.sched_getscheduler(0), wrong=os.nice(0), "
        "remedy=resource.getrlimit(resource.RLIMIT_AS)[0] >> 20); print(json.dumps(dict(count=1, problems=[one])))"
    )
    (told,) = await does(tmp_path, monkeypatch, says)(SHIPPED)
    assert told == f"f:1: {os.SCHED_BATCH}: 19; 1024"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_one_that_talks_without_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    checker = does(tmp_path, monkeypatch, f"while True: sys.{stream}.write('x' * 4096)")
    with pytest.raises(SettingsError, match="said more than 65536 bytes"):
        await checker(SHIPPED)


async def test_one_that_computes_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station.settings.checker.CPU_S", 1)
    checker = does(tmp_path, monkeypatch, "while True: pass")
    with pytest.raises(SettingsError, match="not checked within 1 s of processor time"):
        await checker(SHIPPED)
