"""Captured frames are test time: the sound process tells with every reply how much was captured."""

from __future__ import annotations

import time

import pytest

from drivers.audio.twin import TwinAudio
from drivers.settings import AudioSettings
from station.domain.sound import Stimulus
from station.sound.client import SoundProcess
from station.sound.permit_page import PermitPage
from station.sound.worker_captures import FADE_S, LATENCY_MAX_S, LEAD_S
from station.sound.worker_count import CapturedFrames, CountedDevice


def test_what_was_captured_is_told_once() -> None:
    captured = CapturedFrames(48000)
    captured.add(24000)
    captured.add(24000)
    assert captured.take_s() == 1.0
    assert captured.take_s() == 0.0


def test_a_counted_device_passes_everything_on() -> None:
    device = CountedDevice(TwinAudio("/nowhere", 44100))
    assert device.sample_rate_hz == 44100
    device.close()
    assert device.captured.take_s() == 0.0


async def test_a_tone_reports_its_frames_before_its_reading() -> None:
    told: list[float] = []
    page = PermitPage()
    sound = SoundProcess(
        "loopback", AudioSettings("{}", 2.0, 60.0), page, catalog="tests.sound.loopback_device:CATALOG"
    )
    sound.on_captured = told.append
    try:
        await sound.start()
        page.grant(time.monotonic() + 60.0)
        await sound.measure_tone(Stimulus(1000.0, 0.5, 0.5, 0.3))
        assert sum(told) == pytest.approx(0.3 + LEAD_S + FADE_S + LATENCY_MAX_S + 2 * 0.04, abs=0.001)
    finally:
        await sound.close()
        page.close()
