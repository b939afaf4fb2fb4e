"""Frames that were lost or doubled though no flag told, by their pace alone: arithmetic, no device."""

from __future__ import annotations

import random

import pytest

from drivers.audio.pace import Pace

RATE_HZ, BLOCK = 48000, 480
BLOCK_S = BLOCK / RATE_HZ


def settled(seconds: float = 0.5) -> tuple[Pace, float]:
    pace, now_s = Pace(RATE_HZ), 100.0
    for _ in range(round(seconds / BLOCK_S)):
        pace.note(now_s, BLOCK)
        now_s += BLOCK_S
    pace.begin()
    return pace, now_s


def test_blocks_in_time_are_proven_whole() -> None:
    pace, now_s = settled()
    for _ in range(1000):
        pace.note(now_s, BLOCK)
        now_s += BLOCK_S
    assert pace.trouble() is None
    assert pace.proven == pace.frames == 1050 * BLOCK


def test_a_busy_machine_that_catches_up_lost_nothing() -> None:
    pace, now_s = settled()
    chance = random.Random(5)
    for _ in range(3000):
        pace.note(now_s + chance.choice((0.0, 0.004, 0.03, 0.3)), BLOCK)
        now_s += BLOCK_S
    assert pace.trouble() is None
    assert pace.frames - pace.proven < RATE_HZ


@pytest.mark.parametrize("lost_s", [0.0061, 0.01, 1.6])
def test_lost_frames_make_every_later_block_late_and_are_found(lost_s: float) -> None:
    pace, now_s = settled()
    now_s += lost_s
    blocks = 0
    while pace.trouble() is None:
        pace.note(now_s, BLOCK)
        now_s += BLOCK_S
        blocks += 1
        assert blocks < 250
    assert "late and stayed late" in (pace.trouble() or "")
    assert pace.proven == 50 * BLOCK


def test_doubled_frames_come_too_early() -> None:
    pace, now_s = settled()
    pace.note(now_s, BLOCK)
    pace.note(now_s + 0.001, BLOCK)
    assert "doubled" in (pace.trouble() or "")


@pytest.mark.parametrize("ppm", [-500, -100, 100, 500])
def test_two_clocks_that_drift_apart_are_followed(ppm: int) -> None:
    pace, now_s = settled()
    for _ in range(60_000):
        pace.note(now_s, BLOCK)
        now_s += BLOCK_S * (1.0 + ppm * 1e-6)
    assert pace.trouble() is None


def test_another_rate_than_the_one_asked_for_is_found() -> None:
    pace, now_s = settled()
    for _ in range(300):
        pace.note(now_s, BLOCK)
        now_s += BLOCK / 44100
    assert pace.trouble() is not None
