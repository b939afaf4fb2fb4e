"""What every `AudioDevice` must do: give back what it played, on one clock, for no block longer than its permit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drivers.errors import AudioFault, DriverError, PermitDenied
from tests.contract.rig import Allowed, Case, Denied
from tests.contract.wire_cases import AUDIO

FRAMES = 4800
pytestmark = pytest.mark.parametrize("case", [case.param() for case in AUDIO])


def tone(level: float = 0.1) -> np.ndarray:
    """1 kHz on both channels, a tenth of a second."""
    wave = level * np.sin(2 * np.pi * 1000 * np.arange(FRAMES) / 48000)
    return np.column_stack([wave, wave]).astype(np.float32)


async def test_it_says_who_it_is_and_its_rate_and_is_closed_twice(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        assert rig.device.sample_rate_hz == 48000
        assert rig.device.identity == rig.device.identity
        assert rig.device.identity.model
        rig.device.close()
        rig.device.close()


async def test_as_many_frames_come_back_as_were_played(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        captured = rig.device.play_and_capture(tone(), Allowed())
        assert captured.shape == (FRAMES, 2) and captured.dtype == np.float32 and np.isfinite(captured).all()
        silence = rig.device.play_and_capture(np.zeros((FRAMES, 2), np.float32), None)
        assert silence.shape == (FRAMES, 2)


async def test_nothing_is_driven_without_a_permit(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        with pytest.raises(ValueError, match="permit"):
            rig.device.play_and_capture(tone(), None)
        with pytest.raises(PermitDenied):
            rig.device.play_and_capture(tone(), Denied())
        with pytest.raises(PermitDenied):
            rig.device.stream(tone(), 0, Denied()).read(FRAMES)
        assert rig.device.play_and_capture(tone(), Allowed()).shape == (FRAMES, 2), "and usable afterwards"


async def test_a_stream_gives_exactly_what_is_asked_for_and_ends_when_closed(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        stream = rig.device.stream(tone(), 480, Allowed())
        assert [len(stream.read(frames)) for frames in (1, 480, 1000)] == [1, 480, 1000]
        stream.close()
        stream.close()
        with pytest.raises(AudioFault):
            stream.read(1)


async def test_what_is_no_pair_of_channels_is_refused(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        for wrong in (np.zeros((0, 2)), np.zeros((10, 1)), np.zeros(10), np.full((10, 2), np.nan)):
            with pytest.raises(ValueError, match=r"frames|source"):
                rig.device.play_and_capture(wrong.astype(np.float32), Allowed())


async def test_a_device_that_is_gone_is_a_driver_error(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        assert rig.device.identity.model
        await rig.unplug()
        with pytest.raises(DriverError):
            rig.device.play_and_capture(tone(), Allowed())
