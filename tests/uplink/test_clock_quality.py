"""How far the clock can be trusted: the rule, and one real look at the kernel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from station.uplink.clock import ClockReader, judge_clock

OK, ERROR, UNSYNC = 0, 5, 0x0040


@pytest.mark.parametrize(
    ("state", "status", "max_error_us", "was_synced", "quality"),
    [
        (OK, 0, 20_000, False, "synced"),
        (OK, 0, 1_024_000, False, "synced"),
        (OK, 0, 3_000_000, True, "holdover"),
        (ERROR, UNSYNC, 16_000_000, True, "holdover"),
        (ERROR, UNSYNC, 16_000_000, False, "unsynced"),
        (ERROR, 0, 0, False, "unsynced"),
        (OK, UNSYNC, 0, False, "unsynced"),
    ],
)
def test_quality_is_what_the_kernel_knows(
    state: int, status: int, max_error_us: int, was_synced: bool, quality: str
) -> None:
    assert judge_clock(state, status, max_error_us, was_synced=was_synced) == quality


def test_a_stamp_is_utc_with_the_boot_it_belongs_to() -> None:
    reader = ClockReader()
    first, second = reader.read_stamp(), reader.read_stamp()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.ts)
    assert first.clock.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert second.monotonic_ns > first.monotonic_ns
    assert first.clock.quality in ("synced", "holdover", "unsynced")
    assert (first.clock.max_error_ms is None) == (first.clock.quality == "unsynced")


def test_a_daemon_that_starts_anew_within_a_boot_knows_that_the_clock_was_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def undisciplined(timex: Any) -> int:
        timex._obj.status, timex._obj.maxerror = UNSYNC, 16_000_000
        return ERROR

    mark = tmp_path / "synchronized"
    for expected in ("unsynced", "holdover"):
        reader = ClockReader(mark)
        monkeypatch.setattr(reader, "_adjtimex", undisciplined)
        clock = reader.read_clock()
        assert (clock.quality, clock.max_error_ms) == (expected, None if expected == "unsynced" else 16_000.0)
        mark.touch()
