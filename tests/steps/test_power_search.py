"""The search for the largest power at a THD: few captures for an amplifier that clips, the right level for any."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from station.domain.sound import ToneReading, Value
from station.steps.power import RESOLUTION_DB, _overdrive_db, _Search

SINE = np.sin(2.0 * np.pi * np.arange(4096) / 512)
FULL_V = 30.0
LIMIT = 1.0
Stage = Callable[[np.ndarray], np.ndarray]


def hard(x: np.ndarray) -> np.ndarray:
    """Both rails, hard, and a little second harmonic as amplifiers have."""
    return np.asarray(np.clip(x + 2e-4 * x * x, -1.0, 1.0))


def one_rail(x: np.ndarray) -> np.ndarray:
    """One half of the bridge weak."""
    return np.asarray(np.clip(x, -1.0, 3.0))


def soft(x: np.ndarray) -> np.ndarray:
    """No knee to speak of."""
    return np.asarray(x / (1.0 + np.abs(x) ** 8) ** 0.125)


def crossed(x: np.ndarray) -> np.ndarray:
    """A dead zone that makes the low levels the dirty ones; just clean below clipping."""
    return np.asarray(np.clip(np.sign(x) * np.maximum(np.abs(x) - 0.009, 0.0), -1.0, 1.0))


def heard(stage: Stage, drive_db: float, knee_db: float) -> ToneReading:
    """What the bench reads of a stage whose rails are reached at `knee_db`."""
    lines = np.abs(np.fft.rfft(stage(10 ** ((drive_db - knee_db) / 20.0) * SINE)))[8 : 8 * 11 : 8]
    thd = 100.0 * float(np.linalg.norm(lines[1:]) / lines[0])
    level_v = FULL_V * float(lines[0]) / 2048.0
    return ToneReading("left", Value(level_v, 1e-3), level_v, Value(thd, 1e-4), None, ())


def searched(stage: Stage, knee_db: float, captures_max: int = 24) -> tuple[_Search, int]:
    search = _Search("left", 2.5, -9.0, LIMIT)
    for captures in range(captures_max):
        if search.done:
            return search, captures
        drive_db = search.drive_db()
        search.take(drive_db, heard(stage, drive_db, knee_db))
    return search, captures_max


@pytest.mark.parametrize("knee_db", [1.9, 0.7, 0.0, -0.6, -2.7, -5.5])
@pytest.mark.parametrize(("stage", "most"), [(hard, 6), (one_rail, 10), (soft, 10), (crossed, 10)])
def test_the_level_at_the_limit_lies_between_two_captures(stage: Stage, most: int, knee_db: float) -> None:
    search, captures = searched(stage, knee_db)
    assert search.good_db is not None and search.bad_db is not None
    assert search.bad_db - search.good_db <= RESOLUTION_DB
    assert heard(stage, search.good_db, knee_db).thd_percent.value <= LIMIT  # type: ignore[union-attr]
    assert heard(stage, search.bad_db, knee_db).thd_percent.value > LIMIT  # type: ignore[union-attr]
    assert captures <= most


def test_what_is_clean_at_the_top_takes_one_capture() -> None:
    search, captures = searched(hard, 3.0)
    assert search.clean_at_top and captures == 1


def test_what_is_never_clean_is_followed_down_to_the_floor() -> None:
    def dirty(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.sign(x) * np.maximum(np.abs(x) - 0.05, 0.0))

    search, captures = searched(dirty, 0.0)
    assert search.done and search.good_db is None and search.bad_db == -9.0 and captures <= 14
    level = heard(dirty, -9.0, 0.0).level_v
    watts, uncertainty_w, bound = search.power(8.0, 0.0)
    assert bound == "below" and watts == pytest.approx((level.value + level.uncertainty) ** 2 / 8.0)
    assert uncertainty_w == pytest.approx(2.0 * watts * level.uncertainty / math.sqrt(8.0 * watts))


def test_the_overdrive_of_a_hard_limiter_is_read_off_its_thd() -> None:
    for over_db in (0.1, 0.25, 0.7, 1.7, 3.0):
        thd = heard(hard, over_db, 0.0).thd_percent
        assert thd is not None and _overdrive_db(thd.value) == pytest.approx(over_db, abs=0.03)
    assert _overdrive_db(math.inf) == 8.0
