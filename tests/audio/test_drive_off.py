"""Off is off: what a listener at the sink still hears once the driver is back, and a stream that hangs."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from drivers.audio import portaudio
from drivers.audio.portaudio import PortAudio
from drivers.errors import AudioFault, AudioStuck, DriveEnded, PermitDenied, PortError
from station.analysis.stimuli import whole_period
from tests.audio.conftest import LATENCY_S, Open
from tests.audio.heard import RATE_HZ, Allowed, noise
from tests.audio.pulse_loop import PulseLoop

FRAME = 8  # bytes of two float32
LOUD = 1e-4
HEARD_S = 10.0


class Listener:
    """Another program at the sink's monitor. Times come from places in the record, by the chunk that came soonest."""

    def __init__(self, loop: PulseLoop, sink: str = "float") -> None:
        words = ["--format=float32le", f"--rate={RATE_HZ}", "--channels=2", "--latency-msec=10"]
        self._parec = subprocess.Popen(
            ["parec", f"--device={sink}.monitor", *words],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **loop.environment},
        )  # fmt: skip
        self._began_s = float("inf")
        self._frames = self._last_loud = 0
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self._parec.stdout is not None
        while chunk := self._parec.stdout.read(RATE_HZ // 100 * FRAME):
            now_s = time.monotonic()
            loud = np.flatnonzero(np.abs(np.frombuffer(chunk, np.float32)) > LOUD)
            if len(loud):
                self._last_loud = self._frames + int(loud[-1]) // 2 + 1
            self._frames += len(chunk) // FRAME
            self._began_s = min(self._began_s, now_s - self._frames / RATE_HZ)

    def last_heard_s(self, until_s: float) -> float:
        """When the sink last played anything, once the record reaches to `until_s`."""
        deadline = time.monotonic() + HEARD_S
        while self._began_s + self._frames / RATE_HZ < until_s:
            assert time.monotonic() < deadline, "the listener hears no more"
            time.sleep(0.02)
        assert self._last_loud, "nothing was ever heard"
        return self._began_s + self._last_loud / RATE_HZ

    def close(self) -> None:
        self._parec.terminate()
        self._thread.join()
        self._parec.wait()
        assert self._parec.stdout is not None
        self._parec.stdout.close()


@pytest.fixture
def listener(loop: PulseLoop) -> Iterator[Listener]:
    listener = Listener(loop)
    yield listener
    listener.close()


def tone_period() -> np.ndarray:
    return whole_period(480, RATE_HZ, 1000.0, (0.5, 0.5))


class Ended(Allowed):
    """A permit whose owner ends it."""

    def check(self) -> None:
        if self.revoked.is_set():
            raise DriveEnded("drive", "closed")


@pytest.mark.parametrize("how", ["close", "play", "tail", "device", "ended"])
def test_nothing_is_heard_any_more_once_the_call_that_ends_it_is_back(
    open_device: Open, listener: Listener, how: str
) -> None:
    device = open_device()
    if how == "play":
        device.play_and_capture(noise(RATE_HZ // 2), Allowed())
    elif how == "tail":
        device.play_and_capture(
            np.concatenate((noise(RATE_HZ // 2), np.zeros((RATE_HZ // 20, 2), np.float32))), Allowed()
        )
    else:
        permit = Ended()
        stream = device.stream(tone_period(), 0, permit)
        stream.read(RATE_HZ // 2)
        if how == "ended":
            permit.revoked.set()
            with pytest.raises(PermitDenied):
                stream.read(RATE_HZ)
        (device if how == "device" else stream).close()
    back_s = time.monotonic()
    still_s = listener.last_heard_s(back_s + 0.3) - back_s
    print(f"{how}: the last was heard {-1e3 * still_s:.0f} ms before it was back")
    assert still_s <= 0.0
    assert how == "device" or device._wire is not None, "its stream goes on: the next capture is as late as the last"


def test_a_revoked_permit_drops_what_lies_ready_though_nobody_reads(open_device: Open, listener: Listener) -> None:
    device, permit = open_device(latency_s=0.2), Allowed()
    stream = device.stream(tone_period(), 0, permit)
    stream.read(RATE_HZ // 2)
    permit.revoked.set()
    revoked_s = time.monotonic()
    sounded_s = listener.last_heard_s(revoked_s + 0.5) - revoked_s
    print(f"sound for {1e3 * sounded_s:.0f} ms after the permit went, 200 ms lay ready")
    assert sounded_s < 0.15
    with pytest.raises(PermitDenied):
        stream.read(RATE_HZ)
    stream.close()
    assert not device.play_and_capture(np.zeros((480, 2), dtype=np.float32), None).any(), "and it opens again"


def test_beside_a_stream_that_hangs_portaudio_is_not_begun_again(
    open_device: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released, ended = [], threading.Event(), threading.Event()
    library, abort = portaudio._library, portaudio._Wire._abort

    def hung(wire: portaudio._Wire) -> None:
        released.wait(30.0)
        abort(wire)
        ended.set()

    monkeypatch.setattr(portaudio, "_library", lambda port: begun.append(port) or library(port))
    monkeypatch.setattr(portaudio._Wire, "_abort", hung)
    monkeypatch.setattr(portaudio, "SETTLE_S_MAX", 0.0)
    monkeypatch.setattr(portaudio, "END_S", 0.1)
    device: PortAudio = open_device()
    try:
        for _ in range(2):
            with pytest.raises(AudioStuck, match="bench-float: a stream of it never ended; plug it anew"):
                assert device.identity
        assert len(begun) == 1
    finally:
        released.set()
    assert ended.wait(10.0)


def test_a_stream_that_does_not_start_is_closed(open_device: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    import sounddevice

    made: list[sounddevice.Stream] = []

    def busy(stream: sounddevice.Stream) -> None:
        made.append(stream)
        raise sounddevice.PortAudioError("Device unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(sounddevice.Stream, "start", busy)
        with pytest.raises(PortError, match=r"does not open at 48000 Hz.*Device unavailable"):
            assert open_device().identity
    assert [stream.closed for stream in made] == [True]


def test_a_stream_that_does_not_go_on_is_aborted_instead_of_waited_for(
    open_device: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portaudio, "RING_OUT_S", LATENCY_S / 2)
    device = open_device()
    stream = device.stream(tone_period(), 0, Allowed())
    stream.read(480)
    stream.close()
    assert device._wire is None, "aborted"
    with pytest.raises(AudioFault, match="closed"):
        stream.read(480)
