"""The station's sound process with the real driver: every kind of measurement on the loop, and what goes wrong."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest

from drivers.errors import AudioFault, PermitDenied
from drivers.settings import AudioSettings
from station.domain.sound import Stimulus
from station.sound.client import SoundProcess
from station.sound.permit_page import PermitPage
from tests.audio.conftest import LATENCY_S
from tests.audio.pulse_loop import PulseLoop

TONE = Stimulus(1000.0, 1.0, 0.5, 0.3)
"""1 V of 4 V full scale goes out; behind the divider the same fraction of 60 V comes back: 15 V and 7.5 V."""


@pytest.fixture
async def sound(loop: PulseLoop) -> AsyncIterator[tuple[SoundProcess, PermitPage]]:
    page = PermitPage()
    process = SoundProcess("portaudio", AudioSettings("bench-float", 4.0, 60.0, latency_s=LATENCY_S), page)
    identity = await process.start()
    assert identity.model == "bench-float (ALSA, 48000 Hz)"
    page.grant(time.monotonic() + 600.0)
    yield process, page
    await process.close()
    page.close()


async def test_every_measurement_of_a_plan_on_the_loop(sound: tuple[SoundProcess, PermitPage]) -> None:
    process, _ = sound
    for _ in range(2):  # the second tone begins while the first may still be on its way: it must not hear it
        for reading, volts in zip(await process.measure_tone(TONE), (15.0, 7.5), strict=True):
            assert reading.level_v.value == pytest.approx(volts, rel=1e-4)
            assert reading.thd_percent is not None and reading.thd_percent.bound == "below"
    frequencies = (20.0, 100.0, 1000.0, 20000.0)
    for response in await process.measure_response(frequencies, 1.0, 1.0):
        assert [20 * math.log10(v.value / 15.0) for v in response.level_v] == pytest.approx([0.0] * 4, abs=0.01)
    with pytest.raises(AudioFault, match=r"left holds one value .* not even noise"):
        await process.measure_noise(0.3)  # the loop is digital
    stream = await process.start_soak(Stimulus(1000.0, 1.0, 1.0, 3.0))
    batch = await stream.advance(3.0)
    await stream.close()
    assert batch.end_s == 3.0 and batch.silences == ((), ()) and batch.open_silence_s == (0.0, 0.0)
    for levels in batch.level_v:
        assert list(levels) == pytest.approx([15.0] * 3, rel=1e-3)


async def test_an_xrun_in_a_soak_is_an_audio_fault_and_the_next_measurement_is_sound(
    sound: tuple[SoundProcess, PermitPage],
) -> None:
    process, _ = sound
    await process.measure_tone(TONE)
    stream = await process.start_soak(Stimulus(1000.0, 1.0, 1.0, 60.0))
    await stream.advance(1.0)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    await asyncio.sleep(5 * LATENCY_S)
    os.kill(process.pid, signal.SIGCONT)
    with pytest.raises(AudioFault, match=r"xrun|lost|doubled|stands still"):
        await stream.advance(30.0)
    await stream.close()
    assert process.alive
    assert (await process.measure_tone(TONE))[0].level_v.value == pytest.approx(15.0, rel=1e-4)


async def test_a_kernel_that_grants_no_more_ends_a_soak_on_the_real_device(
    sound: tuple[SoundProcess, PermitPage],
) -> None:
    process, page = sound
    stream = await process.start_soak(Stimulus(1000.0, 1.0, 1.0, 60.0))
    await stream.advance(1.0)
    page.revoke()
    with pytest.raises(PermitDenied):
        await stream.advance(30.0)
    await stream.close()


async def test_an_interface_that_is_not_there_stops_the_start_and_says_what_there_is(loop: PulseLoop) -> None:
    page = PermitPage()
    process = SoundProcess("portaudio", AudioSettings("gramophone", 4.0, 60.0), page)
    with pytest.raises(AudioFault, match=r'gramophone: no audio interface of that name; there are: .*"bench-float"'):
        await process.start()
    assert not process.alive
    page.close()
