"""One PulseAudio for the room, and what the tests of the driver start with."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.audio.portaudio import PortAudio
from drivers.settings import AudioSettings
from tests.audio.pulse_loop import MISSING, PulseLoop, is_possible, pulse_loop

LATENCY_S = 0.1
"""More than a bench needs: the machines that run the tests are busy."""
Open = Callable[..., PortAudio]


@pytest.fixture(scope="session")
def pulse() -> Iterator[PulseLoop]:
    """The server. Where it cannot be, its tests are skipped, and the terminal says so."""
    if not is_possible():
        print(f"\nREAL AUDIO IS NOT TESTED: {MISSING}", file=sys.__stderr__)
        pytest.skip(f"REAL AUDIO IS NOT TESTED: {MISSING}")
    with tempfile.TemporaryDirectory() as folder, pulse_loop(Path(folder)) as loop:
        yield loop


@pytest.fixture
def loop(pulse: PulseLoop, monkeypatch: pytest.MonkeyPatch) -> PulseLoop:
    """The server, and this process finds it."""
    for name, value in pulse.environment.items():
        monkeypatch.setenv(name, value)
    return pulse


@pytest.fixture
def open_device(loop: PulseLoop) -> Iterator[Open]:
    """Makes a device on a sink (`float` where none is named); closes all of them afterwards."""
    made: list[PortAudio] = []

    def make(sink: str = "float", **more: object) -> PortAudio:
        settings = AudioSettings(f"bench-{sink}", 4.0, 60.0, **{"latency_s": LATENCY_S, **more})  # type: ignore[arg-type]
        made.append(PortAudio(settings))
        return made[-1]

    yield make
    for device in made:
        device.close()
