"""An interface's own figures, its outputs on its inputs: distortion, noise, response, match, crosstalk, lateness.

Two captures with signal, one without. Frames are (n, 2), left and right, 1.0 is full scale. The tones differ between
the channels, so that what leaks and what is crossed tells itself apart from distortion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from station.analysis.errors import Clipped, Silent, ToneNotFound
from station.analysis.levels import Array, clipped, require_finite
from station.analysis.noise import analyse_noise
from station.analysis.stimuli import Frames, silence, sine
from station.analysis.tones import analyse_tone

TONES_HZ = (1000.0, 1100.0)
"""Left and right: no harmonic up to the tenth falls onto the other's."""
LEAD_S, FADE_S, MEASURED_S = 0.5, 0.02, 1.0
"""What is played before and after the measured second: fade, lateness, settling of the coupling."""
THIRDS_HZ = (
    20, 25, 31, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150,
    4000, 5000, 6300, 8000, 10000, 12500, 16000, 20000,
)  # fmt: skip
SIDES = ("left", "right")
CHORD_PEAK = 0.5


@dataclass(frozen=True, slots=True)
class Heard:
    """One channel. `gain_db`: captured re played. `thd_db` re the fundamental; `thd_is_bound`: it is no more than that.
    `noise_db`: rms 20 Hz to 20 kHz re a full-scale sine. `response`: (Hz, dB re 1 kHz) of
    output and input together, 20 Hz to 20 kHz (or to 0.45 of the rate). `crosstalk_db`: the other channel's tone re its
    own."""

    gain_db: float
    thd_db: float
    thd_is_bound: bool
    noise_db: float
    response: tuple[tuple[float, float], ...]
    crosstalk_db: float

    @property
    def response_db(self) -> float:
        """The largest deviation from 1 kHz."""
        return max(abs(level_db) for _, level_db in self.response)


@dataclass(frozen=True, slots=True)
class Loop:
    """Both channels. `match_db`: how far apart their gains are; `latency_s`: from frame played to frame captured."""

    left: Heard
    right: Heard
    match_db: float
    latency_s: float


def tones(rate_hz: int, peak: float) -> Frames:
    """A tone of `peak` on each channel."""
    frames, fade = round((2.0 * LEAD_S + MEASURED_S) * rate_hz), round(FADE_S * rate_hz)
    return np.stack([sine(frames, rate_hz, f, peak, fade) for f in TONES_HZ], axis=1).astype(np.float32)


def chord(rate_hz: int) -> Frames:
    """All third-octaves at once on both channels, the same second over and over."""
    draw = np.random.default_rng(31)
    time = np.arange(rate_hz) / rate_hz
    wave = sum(np.cos(2.0 * np.pi * f * time + draw.uniform(0.0, 2.0 * np.pi)) for f in _thirds(rate_hz))
    second = np.asarray(wave) * (CHORD_PEAK / float(np.abs(wave).max()))
    played = np.resize(second, round((2.0 * LEAD_S + MEASURED_S) * rate_hz))
    return np.repeat(played[:, None], 2, axis=1).astype(np.float32)


def nothing(rate_hz: int) -> Frames:
    """For the noise."""
    return silence(round((LEAD_S + MEASURED_S) * rate_hz))


def analyse_loop(rate_hz: int, peak: float, heard: Frames, of_chord: Frames, of_nothing: Frames) -> Loop:
    """The figures out of what came back of `tones(rate_hz, peak)`, `chord(rate_hz)` and `nothing(rate_hz)`.

    Raises `Clipped`, `Silent` and `ToneNotFound` (crossed channels) with what to do, `NotFinite`, `TooShort`.
    """
    for frames in (heard, of_chord, of_nothing):
        require_finite(frames)
    first = round(LEAD_S * rate_hz)
    window = slice(first, first + round(MEASURED_S * rate_hz))
    played = chord(rate_hz)[window, 0].astype(np.float64)
    channels = []
    for side in (0, 1):
        if clipped(heard[:, side]) or clipped(of_chord[:, side]):
            raise Clipped(f"{SIDES[side]} clips: turn the interface's input gain down until it does not")
        channels.append(
            _channel(rate_hz, peak, side, heard[window, side], played, of_chord[window, side], of_nothing[window, side])
        )
    left, right = channels
    late = _late(played, of_chord[window, 0])
    return Loop(left, right, abs(left.gain_db - right.gain_db), late / rate_hz)


def _channel(
    rate_hz: int, peak: float, side: int, tone: NDArray[Any], played: Array, of_chord: NDArray[Any], noise: NDArray[Any]
) -> Heard:
    own, other = (analyse_tone(tone, rate_hz, TONES_HZ[one]) for one in (side, 1 - side))
    if not other.silent and (own.silent or other.amplitude > own.amplitude):
        raise ToneNotFound(f"{SIDES[side]} hears what {SIDES[1 - side]} plays: the cables are crossed; exchange them")
    if own.silent or own.amplitude < 0.01 * peak:
        raise Silent(f"nothing of {SIDES[side]} comes back: join its output to its own input, and see the gain")
    is_bound = own.thd <= own.thd_u
    thd = own.thd + own.thd_u if is_bound else own.thd
    return Heard(
        gain_db=_db(own.amplitude / peak),
        thd_db=_db(thd),
        thd_is_bound=is_bound,
        noise_db=_db(math.sqrt(2.0) * analyse_noise(noise, rate_hz).flat),
        response=_response(rate_hz, played, of_chord),
        crosstalk_db=_db((other.amplitude + other.amplitude_u) / own.amplitude),
    )


def _response(rate_hz: int, played: Array, heard: NDArray[Any]) -> tuple[tuple[float, float], ...]:
    """(Hz, dB re 1 kHz), rising."""
    sent, back = np.abs(np.fft.rfft(played)), np.abs(np.fft.rfft(heard.astype(np.float64)))
    bins = [round(f * played.size / rate_hz) for f in _thirds(rate_hz)]
    gain = back[bins] / sent[bins]
    reference = gain[_thirds(rate_hz).index(1000)]
    if reference <= 0.0 or not np.all(gain > 0.0):
        raise Silent("of the third-octaves nothing comes back; see the cables and the gain")
    levels_db = (20.0 * np.log10(gain / reference)).tolist()
    return tuple((float(f), level_db) for f, level_db in zip(_thirds(rate_hz), levels_db, strict=True))


def _late(played: Array, heard: NDArray[Any]) -> int:
    """Frames, from the peak of the circular correlation: the chord repeats each second, and no interface is as late."""
    cross = np.fft.irfft(np.fft.rfft(heard.astype(np.float64)) * np.conj(np.fft.rfft(played)), played.size)
    return int(np.argmax(cross))


def _thirds(rate_hz: int) -> list[int]:
    return [f for f in THIRDS_HZ if f <= 0.45 * rate_hz]


def _db(ratio: float) -> float:
    return 20.0 * math.log10(max(ratio, 1e-12))
