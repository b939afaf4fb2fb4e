"""Captured frames are test time: the sound process tells with every reply how much was captured."""

from __future__ import annotations

import time

import pytest

from drivers.audio.twin import TwinAudio
from drivers.settings import AudioSettings
from station.domain.sound import Stimulus
from station.sound.client import SoundProcess
from station.sound.permit_page import PermitPage
from station.sound.worker_captures import FADE_S, LATENCY_MAX_S, LEAD_S, Interface
from station.sound.worker_count import CapturedFrames, CountedDevice
from tests.audio.heard import Allowed
from tests.sound.loopback_device import LoopbackAudio, Physics


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


@pytest.mark.parametrize(("before", "latency"), [(144, 144), (144, 4000), (4000, 144), (4000, 0), (4000, 4400)])
def test_a_latency_that_has_moved_since_is_found_and_costs_no_level(before: int, latency: int) -> None:
    """An interface that was opened anew between two captures; the second one's tone ends before its capture does."""
    settings = AudioSettings("{}", 2.0, 60.0)
    device = LoopbackAudio(settings)
    interface, permit = Interface(device, settings), Allowed()
    for moved in (before, latency, latency):
        device.physics = Physics(latency=moved, noise=1e-7)
        for reading in interface.measure_tone(Stimulus(1000.0, 0.5, 0.4, 0.15), permit):
            volts = {"left": 15.0, "right": 12.0}[reading.channel]
            assert reading.level_v.value == pytest.approx(volts, rel=1e-5)
            assert reading.thd_n_percent is not None and reading.thd_n_percent.value < 2e-3
    assert interface.latency_frames == pytest.approx(latency, abs=12), "within a quarter of a cycle"
