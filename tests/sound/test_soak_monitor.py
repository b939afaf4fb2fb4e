"""Every frame of a soak looked at: silences at its edges, seconds left out, drifts, pace. In process, no daemon."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from drivers.errors import AudioFault, PermitDenied
from drivers.settings import AudioSettings
from station.domain.sound import SoakBatch, Stimulus
from station.sound.worker_captures import Interface
from station.sound.worker_soak import Soak, SoakMonitor
from tests.sound.loopback_device import LoopbackAudio

TONE = Stimulus(1000.0, 1.0, 1.0, 10.0)


class Allowed:
    """A permit that can be taken away."""

    def __init__(self) -> None:
        self.allowed = True

    def check(self) -> None:
        if not self.allowed:
            raise PermitDenied("drive", "taken away")


def interface(**physics: Any) -> Interface:
    settings = AudioSettings(json.dumps({"noise": 2e-6, **physics}), 2.0, 60.0)
    return Interface(LoopbackAudio(settings), settings)


@contextmanager
def running(audio: Interface, stimulus: Stimulus, permit: Allowed | None = None) -> Iterator[Soak]:
    soak = Soak(audio, stimulus, permit or Allowed())
    try:
        yield soak
    finally:
        soak.close()


def soaked(stimulus: Stimulus, known_latency: bool, **physics: Any) -> SoakBatch:
    """A whole soak in one batch, with or without a tone before it that taught the latency."""
    audio = interface(**physics)
    if known_latency:
        audio.measure_tone(Stimulus(1000.0, 1.0, 1.0, 0.2), Allowed())
    with running(audio, stimulus) as soak:
        return soak.advance(stimulus.duration_s)


@pytest.mark.parametrize("known_latency", [True, False])
@pytest.mark.parametrize("latency", [0, 480])
@pytest.mark.parametrize(
    ("at_s", "for_s", "reported"),
    [
        (0.0, 0.1, True), (0.0, 0.06, True), (0.0, 0.03, False), (3.97, 0.06, True), (4.0, 0.06, True),
        (3.98, 0.04, False), (4.0, 0.04, False), (6.5, 0.04, False),
    ],
)  # fmt: skip
def test_a_dropout_is_found_by_its_length_wherever_it_lies(
    at_s: float, for_s: float, reported: bool, latency: int, known_latency: bool
) -> None:
    batch = soaked(TONE, known_latency, latency=latency, dropouts=[(at_s, for_s)])
    for silences, open_s in zip(batch.silences, batch.open_silence_s, strict=True):
        assert open_s == 0.0
        assert len(silences) == reported
        for start_s, length_s in silences:
            assert start_s == pytest.approx(at_s, abs=0.011)
            assert length_s == pytest.approx(for_s, abs=0.011)


@pytest.mark.parametrize("known_latency", [True, False])
def test_a_dropout_at_the_very_end_is_open_when_the_soak_ends(known_latency: bool) -> None:
    batch = soaked(TONE, known_latency, dropouts=[(9.9, 0.1)])
    assert batch.end_s == 10.0
    for silences, open_s in zip(batch.silences, batch.open_silence_s, strict=True):
        lengths = [length for _, length in silences] + [open_s]
        assert max(lengths) == pytest.approx(0.1, abs=0.005)


def test_seconds_with_a_silence_are_left_out_and_all_others_are_there() -> None:
    batch = soaked(TONE, True, dropouts=[(2.99, 0.1), (6.5, 0.02)])
    for levels, thds in zip(batch.level_v, batch.thd_percent, strict=True):
        assert [i for i, level in enumerate(levels) if level is None] == [2, 3, 6]
        assert [i for i, thd in enumerate(thds) if thd is None] == [2, 3, 6]
        assert len(levels) == 10


def test_a_cut_of_a_blink_at_a_seconds_edge_leaves_no_trace_in_its_neighbours() -> None:
    batch = soaked(TONE, True, dropouts=[(4.9996, 0.05)])
    for levels, thds in zip(batch.level_v, batch.thd_percent, strict=True):
        kept = [level for level in levels if level is not None]
        assert max(kept) / min(kept) < 1.00002
        assert max(thd for thd in thds if thd is not None) < 0.002


def test_level_and_thd_of_every_second_are_right_the_first_one_too() -> None:
    batch = soaked(TONE, False, h3=3e-5)
    for levels, thds in zip(batch.level_v, batch.thd_percent, strict=True):
        for level, thd in zip(levels, thds, strict=True):
            assert level is not None and thd is not None
            assert 20 * math.log10(level / 30.0) == pytest.approx(0.0, abs=0.001)
            assert thd == pytest.approx(0.00075, rel=0.05)
    assert 0.0005 < batch.thd_uncertainty_percent[0] < 0.001


def test_a_channel_that_is_not_driven_has_no_silences() -> None:
    batch = soaked(Stimulus(1000.0, 1.0, 0.0, 3.0), True, dropouts=[(1.0, 0.1)])
    assert len(batch.silences[0]) == 1
    assert batch.silences[1] == () and batch.open_silence_s[1] == 0.0


def test_a_channel_that_never_speaks_is_silent_from_the_start() -> None:
    batch = soaked(TONE, False, gain=[1.0, 0.0])
    assert batch.open_silence_s == (0.0, pytest.approx(10.0))
    assert set(batch.level_v[1]) == {None}


def test_batches_come_without_gap_or_overlap() -> None:
    with running(interface(dropouts=[(1.95, 0.1)]), TONE) as soak:
        batches = [soak.advance(to_s) for to_s in (0.5, 2.0, 2.0, 7.25, 10.0)]
    seconds = [batch.first_s + i for batch in batches for i in range(len(batch.level_v[0]))]
    assert seconds == list(range(10))
    assert sum(len(batch.silences[0]) for batch in batches) == 1
    assert batches[1].open_silence_s[0] == pytest.approx(0.05, abs=0.005)


def test_no_frames_are_taken_early_that_nobody_asked_for() -> None:
    with running(interface(), Stimulus(1000.0, 1.0, 1.0, 3600.0)) as soak:
        batch = soak.advance(5.0)
        assert batch.end_s == 5.0
        assert soak.advance(5.0).end_s <= 6.0


def test_frames_are_read_at_the_clocks_pace_though_nobody_asks() -> None:
    with running(interface(), Stimulus(1000.0, 1.0, 1.0, 3600.0)) as soak:
        deadline = time.monotonic() + 20.0
        while soak.advance(0.0).end_s < 1.0:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_lost_permit_ends_the_soak_for_whoever_asks() -> None:
    permit = Allowed()
    with running(interface(), Stimulus(1000.0, 1.0, 1.0, 3600.0), permit) as soak:
        soak.advance(2.0)
        permit.allowed = False
        with pytest.raises(PermitDenied, match="taken away"):
            soak.advance(100.0)


def test_nan_in_the_stream_is_an_audio_fault() -> None:
    with running(interface(nan=True), TONE) as soak, pytest.raises(Exception, match="NaN"):
        soak.advance(10.0)


@pytest.mark.parametrize(
    ("stimulus", "why"),
    [
        (Stimulus(997.0, 1.0, 1.0, 60.0), "multiple of 100 Hz"),
        (Stimulus(100.0, 1.0, 1.0, 60.0), "at least 500 Hz"),
        (Stimulus(1000.0, 0.0, 0.0, 60.0), "at least one channel"),
        (Stimulus(1000.0, 2.1, 1.0, 60.0), "2.1 V rms on left"),
        (Stimulus(1000.0, 1.0, 1.0, 0.2), "1 to 100000 s"),
        (Stimulus(1000.0, 1.0, math.nan, 60.0), "nan V rms on right"),
    ],
)
def test_a_soak_that_cannot_be_watched_is_refused(stimulus: Stimulus, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Soak(interface(), stimulus, Allowed())


def test_beyond_its_end_there_is_nothing_to_ask() -> None:
    with running(interface(), TONE) as soak, pytest.raises(ValueError, match="10 s"):
        soak.advance(10.5)


def test_closing_ends_the_reader_and_later_asking_is_refused() -> None:
    soak = Soak(interface(), Stimulus(1000.0, 1.0, 1.0, 3600.0), Allowed())
    soak.close()
    soak.close()
    with pytest.raises(PermitDenied, match="closed"):
        soak.advance(3000.0)


def test_a_wrong_rate_is_found_before_anything_plays() -> None:
    device = LoopbackAudio(AudioSettings(json.dumps({}), 2.0, 60.0, sample_rate_hz=44100))
    with pytest.raises(AudioFault, match="44100"):
        Interface(device, AudioSettings(json.dumps({}), 2.0, 60.0))


def test_the_envelope_is_the_same_however_the_seconds_are_cut() -> None:
    audio = interface()
    monitor = SoakMonitor(audio, Stimulus(1000.0, 1.0, 1.0, 2.5))
    period = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)
    frames = np.stack((period, period), axis=1).astype(np.float32)
    monitor.push(frames)
    monitor.push(frames)
    monitor.push(frames[:24000])
    batch = monitor.take()
    assert (batch.end_s, len(batch.level_v[0])) == (2.5, 2)
