"""The loop test of a bench's own card (docs/audio-interface.md): output to input by a cable, DUT and divider unplugged.

BENCH_AUDIO=bench-audio python -m pytest -n 0 -s -m hardware tests/audio
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from drivers.audio.portaudio import PortAudio
from drivers.settings import AudioSettings
from station.analysis.stimuli import tone, whole_period
from station.analysis.tones import analyse_tone
from tests.audio.heard import RATE_HZ, Allowed

pytestmark = [pytest.mark.hardware, pytest.mark.timeout(900)]
TOO_POOR_DB = -86.0
SPARE = RATE_HZ // 4


@pytest.fixture
def card() -> Iterator[PortAudio]:
    name = os.environ.get("BENCH_AUDIO")
    if not name:
        pytest.skip("BENCH_AUDIO names no card")
    device = PortAudio(AudioSettings(name, 4.0, 4.0))
    print(f"\n{device.identity}")
    yield device
    device.close()


def decibel(ratio: float) -> float:
    return 20.0 * float(np.log10(max(ratio, 1e-12)))


def test_level_and_distortion_at_three_levels(card: PortAudio) -> None:
    worst = -300.0
    for level_db in (-1.0, -6.0, -20.0):
        peak = 10.0 ** (level_db / 20.0)
        source = tone(RATE_HZ + 2 * SPARE, RATE_HZ, 1000.0, (peak, peak), 960)
        heard = card.play_and_capture(source, Allowed())[SPARE : SPARE + RATE_HZ]
        for side, samples in zip(("left", "right"), heard.T, strict=True):
            found = analyse_tone(samples, RATE_HZ, 1000.0)
            worst = max(worst, decibel(found.thd))
            level_came_db = decibel(found.amplitude)
            print(f"{side} {level_db:g} dB out: {level_came_db:.2f} dB in, THD {decibel(found.thd):.1f} dB")
            assert abs(level_came_db - level_db) < 20.0, f"{side}: nothing of it came back; is the cable in?"
    assert worst < TOO_POOR_DB


def test_ten_minutes_of_a_tone_without_a_seam(card: PortAudio) -> None:
    stream = card.stream(whole_period(480, RATE_HZ, 1000.0, (0.5, 0.5)), 960, Allowed())
    stream.read(RATE_HZ)
    first: float | None = None
    for second in range(600):
        found = analyse_tone(stream.read(RATE_HZ)[:, 0], RATE_HZ, 1000.0)
        first = found.amplitude if first is None else first
        assert found.amplitude == pytest.approx(first, rel=0.01), f"the level jumped in second {second}"
        assert decibel(found.thd) < TOO_POOR_DB, f"a seam or distortion in second {second}"
    stream.close()
