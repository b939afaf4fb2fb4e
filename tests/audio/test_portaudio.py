"""The driver on a real PortAudio and a real sound server, in a loop: what is played is what is heard, or a fault."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drivers.audio.portaudio import PortAudio
from drivers.errors import AudioFault, PermitDenied, PortError
from drivers.settings import AudioSettings
from station.analysis.latency import onset_latency
from station.analysis.stimuli import tone, whole_period
from station.analysis.tones import Tone, analyse_tone
from station.domain.verdict import Verdict
from station.steps.step import StepContext
from tests.audio.conftest import LATENCY_S, Open
from tests.audio.heard import RATE_HZ, Allowed, delay_of, differing, noise
from tests.audio.pulse_loop import PulseLoop, pulse_loop
from tests.run.run_rig import Made, RunRig, play

if TYPE_CHECKING:
    from drivers.ports import Frames

LOOP_S_MAX = 2 * LATENCY_S + 0.05
THD_DB = {"float": -140.0, "s32": -140.0, "s16": -86.0}
"""Bounds of the loop's distortion with samples of this format; a bench needs better than -86 dB."""


def steady_tone(device: PortAudio, peaks: tuple[float, float], frames: int = RATE_HZ) -> tuple[Frames, Frames]:
    spare = round(LOOP_S_MAX * RATE_HZ)
    source = tone(frames + 2 * spare, RATE_HZ, 1000.0, peaks, 960)
    return source, device.play_and_capture(source, Allowed())[2 * spare :][:frames]


def analysed(device: PortAudio, peaks: tuple[float, float]) -> tuple[Tone, Tone]:
    _, heard = steady_tone(device, peaks)
    left, right = (analyse_tone(heard[:, side], RATE_HZ, 1000.0) for side in (0, 1))
    return left, right


@pytest.mark.parametrize("sink", ["float", "s32", "s16"])
def test_level_and_distortion_of_the_loop(open_device: Open, sink: str) -> None:
    left, right = analysed(open_device(sink), (0.5, 0.25))
    for found, peak in ((left, 0.5), (right, 0.25)):
        assert found.amplitude == pytest.approx(peak, rel=2e-5)
        thd_db = 20.0 * np.log10(max(found.thd, 1e-12))
        print(f"{sink}: peak {peak}: level {found.amplitude:.6f}, THD {thd_db:.1f} dB")
        assert thd_db < THD_DB[sink]


def test_channels_are_not_swapped_and_do_not_leak(open_device: Open) -> None:
    device = open_device()
    for driven in (0, 1):
        _, heard = steady_tone(device, (0.5, 0.0) if driven == 0 else (0.0, 0.5), RATE_HZ // 4)
        assert np.abs(heard[:, driven]).max() == pytest.approx(0.5, rel=1e-3)
        assert not heard[:, 1 - driven].any()


def test_what_is_captured_is_what_was_played_bit_by_bit_and_always_as_late(open_device: Open) -> None:
    device = open_device()
    delays = set()
    for seed in (1, 2):
        source = noise(RATE_HZ, seed)
        captured = device.play_and_capture(source, Allowed())
        assert captured.shape == source.shape
        delays.add(delay := delay_of(captured, source))
        assert not captured[:delay].any()
        assert differing(captured, source, delay) == 0
    print(f"the loop is {1e3 * delay / RATE_HZ:.1f} ms late")
    assert len(delays) == 1 and 0 < delays.pop() <= LOOP_S_MAX * RATE_HZ


def test_the_latency_is_found_from_a_tone(open_device: Open) -> None:
    device, spare = open_device(), round(LOOP_S_MAX * RATE_HZ)
    source = tone(3 * spare + RATE_HZ // 5, RATE_HZ, 1000.0, (0.5, 0.5), 960)
    captured = device.play_and_capture(source, Allowed())
    found = onset_latency(captured[:, 0], source[:, 0], slice(2 * spare, 2 * spare + RATE_HZ // 5))
    probe = noise(RATE_HZ // 2)
    assert found == pytest.approx(delay_of(device.play_and_capture(probe, Allowed()), probe), abs=0.6)


def gapless(device: PortAudio, seconds: int) -> None:
    """Read the stream of a period of noise that is longer than what may be lost, and compare every frame."""
    period = noise(RATE_HZ + 7, seed=5)  # no whole number of seconds or blocks: a lost second shows
    stream = device.stream(period, 0, Allowed())
    delay, at = -1, 0
    for _ in range(seconds):
        heard = stream.read(RATE_HZ)
        if delay < 0:
            delay = delay_of(heard, period)
            assert not heard[:delay].any()
        first = max(delay - at, 0)
        expected = period[np.arange(at + first - delay, at + RATE_HZ - delay) % len(period)]
        assert np.array_equal(heard[first:], expected)
        at += RATE_HZ
    stream.close()
    stream.close()


def test_thirty_seconds_without_a_frame_lost_or_doubled(open_device: Open) -> None:
    device = open_device()
    began, used = time.monotonic(), time.process_time()
    gapless(device, 30)
    print(f"30 s took {time.monotonic() - began:.2f} s, of it {time.process_time() - used:.2f} s of the processor")
    assert time.monotonic() - began > 29.0


@pytest.mark.byhand
@pytest.mark.timeout(900)
def test_ten_minutes_without_a_frame_lost_or_doubled(open_device: Open) -> None:
    began = time.monotonic()
    gapless(open_device(latency_s=0.04), 600)
    assert time.monotonic() - began > 599.0


def test_a_stream_fades_in_and_repeats_its_period(open_device: Open) -> None:
    period = whole_period(480, RATE_HZ, 1000.0, (0.5, 0.25))
    stream = open_device().stream(period, 960, Allowed())
    heard = stream.read(RATE_HZ)
    start = int(np.flatnonzero(np.abs(heard[:, 0]) > 1e-6)[0])
    assert np.abs(heard[start : start + 96, 0]).max() < 0.05
    assert np.abs(heard[-480:, 0]).max() == pytest.approx(0.5, rel=1e-3)
    assert np.allclose(heard[-480:], heard[-960:-480], atol=1e-6)
    stream.close()
    with pytest.raises(AudioFault, match="closed"):
        stream.read(480)


def test_a_revoked_permit_plays_no_further_block(open_device: Open) -> None:
    """What is still heard then is in `test_drive_off`."""
    device, permit = open_device(), Allowed()
    stream = device.stream(whole_period(480, RATE_HZ, 1000.0, (0.5, 0.5)), 0, permit)
    stream.read(RATE_HZ // 2)
    ring = stream._turn
    permit.revoked.set()
    revoked_at_frames = ring.frames
    with pytest.raises(PermitDenied):
        stream.read(RATE_HZ)
    assert ring.frames - revoked_at_frames <= 480, "but the one in hand"


def test_a_permit_that_is_gone_plays_nothing_and_silence_needs_none(open_device: Open) -> None:
    device, permit = open_device(), Allowed()
    permit.revoked.set()
    with pytest.raises(PermitDenied):
        device.play_and_capture(noise(RATE_HZ // 4), permit)
    with pytest.raises(PermitDenied):
        device.stream(noise(480), 0, permit)
    assert not device.play_and_capture(np.zeros((RATE_HZ // 4, 2), dtype=np.float32), None).any()
    with pytest.raises(ValueError, match="needs a permit"):
        device.play_and_capture(noise(480), None)


def test_a_source_beyond_full_scale_is_refused(open_device: Open) -> None:
    for source in (np.full((480, 2), 1.01), np.full((480, 2), np.nan), np.zeros((480, 1)), np.zeros((0, 2))):
        with pytest.raises(ValueError, match="audio: "):
            open_device().play_and_capture(source.astype(np.float32), Allowed())


def stopped_for(pid: int, seconds: float, after_s: float) -> threading.Thread:
    """Somebody stops a process for a while."""

    def stop() -> None:
        time.sleep(after_s)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


def test_a_server_that_stands_still_for_a_moment_is_a_fault_and_the_next_capture_is_whole(
    open_device: Open, loop: PulseLoop
) -> None:
    device = open_device()
    assert device.identity.model.startswith("bench-float")
    stopping = stopped_for(loop.pid, 0.6, 0.3)
    with pytest.raises(AudioFault, match=r"bench-float: .*(xrun|lost|doubled|stands still)") as fault:
        device.play_and_capture(noise(3 * RATE_HZ), Allowed())
    stopping.join()
    print(fault.value)
    source = noise(RATE_HZ)
    captured = device.play_and_capture(source, Allowed())
    assert differing(captured, source, delay_of(captured, source)) == 0


def starved(device: PortAudio) -> AudioFault:
    """The fault of a stream whose callback once takes much longer than what lies ready."""
    stream = device.stream(noise(480), 0, Allowed())
    stream.read(480)
    turn, slept = stream._turn, []
    real = turn.block

    def slow(*arguments: object) -> None:
        if not slept:
            slept.append(True)
            time.sleep(5 * LATENCY_S)
        real(*arguments)  # type: ignore[arg-type]

    turn.block = slow  # type: ignore[method-assign]
    with pytest.raises(AudioFault, match=r"underflow|overflow|lost|doubled|stands still") as fault:
        stream.read(4 * RATE_HZ)
    assert slept
    return fault.value


def test_a_callback_that_is_starved_is_an_xrun_and_the_run_ends_in_error(open_device: Open) -> None:
    fault = starved(open_device())

    async def step(context: StepContext, params: object) -> None:
        raise fault

    async def scene(rig: RunRig) -> None:
        record = await rig.run(Made(step))
        assert record.verdict is Verdict.ERROR
        assert [cause.text for cause in record.causes if str(fault) in cause.text]

    play(scene)


def test_a_reader_that_never_reads_loses_frames_and_hears_of_it(
    open_device: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.audio.turns.RING_S", 1)
    stream = open_device().stream(noise(480), 0, Allowed())
    while not stream._turn.overrun:
        time.sleep(0.05)
    with pytest.raises(AudioFault, match="not read in time"):
        stream.read(2 * RATE_HZ)


def test_a_device_that_is_pulled_out_is_a_fault_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server of its own, because PulseAudio moves whatever plays to a sink that is left."""
    with pulse_loop(tmp_path, ("only",)) as loop:
        for name, value in loop.environment.items():
            monkeypatch.setenv(name, value)
        device = PortAudio(AudioSettings("bench-only", 4.0, 60.0, latency_s=LATENCY_S))
        stream = device.stream(noise(480), 0, Allowed())
        stream.read(RATE_HZ // 4)
        loop.unplug("only")
        with pytest.raises(AudioFault, match=r"stands still: unplugged.*plug it in again"):
            stream.read(6 * RATE_HZ)
        stream.close()
        with pytest.raises((PortError, AudioFault), match="bench-only"):
            device.play_and_capture(noise(480), Allowed())
        loop.plug("only")
        source = noise(RATE_HZ // 2)
        captured = device.play_and_capture(source, Allowed())
        assert differing(captured, source, delay_of(captured, source)) == 0
        device.close()


def test_closing_twice_is_safe_and_a_closed_device_opens_again(open_device: Open) -> None:
    device = open_device()
    device.close()
    assert not device.play_and_capture(np.zeros((480, 2), dtype=np.float32), None).any()
    device.close()
    device.close()


@pytest.mark.parametrize(
    ("port", "why"),
    [("gramophone", 'there are: .*"bench-float"'), ("bench", "3 audio interfaces"), ("default", "shared = true")],
)
def test_a_name_that_is_none_of_one_interface_is_refused(loop: PulseLoop, port: str, why: str) -> None:
    with pytest.raises(PortError, match=why):
        assert PortAudio(AudioSettings(port, 4.0, 60.0)).identity


def test_channels_may_be_others_than_the_first_two(open_device: Open) -> None:
    device = open_device(output_channels=(2, 1), input_channels=(1, 2))
    _, heard = steady_tone(device, (0.5, 0.0), RATE_HZ // 4)
    assert np.abs(heard[:, 1]).max() == pytest.approx(0.5, rel=1e-3) and not heard[:, 0].any()
