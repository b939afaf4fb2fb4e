"""Catalogue entries of audio interfaces; what they make is opened in the sound process only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.kinds import Driver
from drivers.settings import AudioSettings


def _portaudio(settings: AudioSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.audio.portaudio import PortAudio

    return PortAudio(settings)


def _audio_twin(settings: AudioSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.audio.twin import TwinAudio

    return TwinAudio(settings.port, settings.sample_rate_hz)


KINDS: tuple[Driver, ...] = (
    Driver("portaudio", "audio", AudioSettings, _portaudio),
    Driver("audio-twin", "audio", AudioSettings, _audio_twin, twin=True),
)
