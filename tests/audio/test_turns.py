"""Playing and keeping block by block, without a device: whatever is played is played once and in order."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.audio.turns import ForEver, Once
from drivers.errors import PermitDenied
from tests.audio.heard import Allowed, noise

BLOCK = 480


def through(turn: Once | ForEver, heard: np.ndarray, width: int = 2, columns: tuple[int, int] = (0, 1)) -> np.ndarray:
    played = np.zeros((BLOCK, width), dtype=np.float32)
    turn.block(heard, columns, played, columns)
    return played


def test_a_source_is_played_once_to_its_last_frame_and_then_there_is_silence() -> None:
    source, room = noise(1000), noise(3 * BLOCK, seed=2)
    turn = Once(source, Allowed())
    played = np.concatenate([through(turn, room[at : at + BLOCK]) for at in range(0, 3 * BLOCK, BLOCK)])
    assert np.array_equal(played[:1000], source) and not played[1000:].any()
    assert np.array_equal(turn.captured, room[:1000])
    assert turn.over and turn.frames == 1000


def test_only_what_was_played_after_the_last_driving_frame_counts_as_silent() -> None:
    source = noise(3 * BLOCK)
    source[BLOCK + 100 :] = 0.0
    turn = Once(source, Allowed())
    seen = []
    for _ in range(4):
        through(turn, noise(BLOCK))
        seen.append(turn.silent_frames)
    assert seen == [0, BLOCK - 100, 2 * BLOCK - 100, 2 * BLOCK - 100]
    silent, stream = Once(np.zeros_like(source), None), ForEver(source, 0, BLOCK, 48000, Allowed())
    through(silent, noise(BLOCK)), through(stream, noise(BLOCK))
    assert (silent.silent_frames, stream.silent_frames) == (BLOCK, 0)


def test_a_revoked_permit_silences_the_very_next_block() -> None:
    permit = Allowed()
    turn = Once(noise(10 * BLOCK), permit)
    assert through(turn, noise(BLOCK)).any()
    permit.revoked.set()
    assert not through(turn, noise(BLOCK)).any()
    assert isinstance(turn.denied, PermitDenied) and turn.ended.is_set()
    permit.revoked.clear()
    assert not through(turn, noise(BLOCK)).any()


@pytest.mark.parametrize("length", [480, 48, 1000, 44100])
def test_a_period_is_repeated_without_a_seam_and_begins_softly(length: int) -> None:
    period = np.full((length, 2), 0.5, dtype=np.float32)
    period[0] = 0.25
    turn = ForEver(period, 960, BLOCK, 48000, Allowed())
    played = np.concatenate([through(turn, noise(BLOCK)) for _ in range(100)])
    expected = np.resize(period, played.shape)
    assert np.array_equal(played[960:], expected[960:])
    assert played[0, 0] == 0.0 and np.abs(np.diff(played[1:length, 0])).max(initial=0.0) < 0.002


def test_the_ring_gives_every_frame_once_and_says_when_nobody_read() -> None:
    turn = ForEver(noise(BLOCK), 0, BLOCK, 4800, Allowed())
    room, taken, at = noise(400 * BLOCK, seed=3), [], 0
    for block in range(300):
        through(turn, room[at : at + BLOCK])
        at += BLOCK
        if block % 7 == 0:
            into = np.empty((3000, 2), dtype=np.float32)
            taken.append(into[: turn.take(into)])
    found = np.concatenate(taken)
    assert np.array_equal(found, room[: len(found)]) and len(found) > 100_000
    while not turn.overrun:
        assert turn.waiting <= 8 * 4800
        through(turn, room[:BLOCK])
    assert not through(turn, room[:BLOCK]).any()


def test_left_and_right_are_the_columns_that_were_named() -> None:
    source, room = noise(BLOCK), np.random.default_rng(4).random((BLOCK, 4), dtype=np.float32)
    turn = Once(source, Allowed())
    played = through(turn, room, 4, (2, 1))
    assert np.array_equal(played[:, [2, 1]], source) and not played[:, [0, 3]].any()
    assert np.array_equal(turn.captured, room[:, [2, 1]])
