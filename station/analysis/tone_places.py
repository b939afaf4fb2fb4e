"""Where the tone of a recording is, channel by channel, and what is wrong where it is not where it should be.

Told apart: a file whose rate is not the one it was recorded at, leads or channels that are swapped, and no tone at all.
"""

from __future__ import annotations

import numpy as np

from station.analysis.errors import CaptureError, ToneNotFound, WrongChannel, WrongRate
from station.analysis.levels import Array, Samples
from station.analysis.stretch import find_tone

USUAL_RATES_HZ = (44100, 48000, 88200, 96000, 176400, 192000)
RATE_MATCH = 1e-3


def find_tones(
    frames: Array, rate_hz: int, names: tuple[str, ...], tone_hz: float | None = None
) -> list[float | CaptureError]:
    """For each channel of `frames` (n, channels) the tone's frequency in Hz, or why there is none; raises nothing.

    `tone_hz`: within 3 % of it, the strongest line otherwise. `names`: of the channels, for the messages.
    """
    found = [_find(frames[:, i], rate_hz, tone_hz) for i in range(frames.shape[1])]
    if tone_hz is None:
        return found
    holders = [name for name, place in zip(names, found, strict=True) if isinstance(place, float)]
    return [
        place if isinstance(place, float) else _explained(place, frames[:, i], rate_hz, tone_hz, holders)
        for i, place in enumerate(found)
    ]


def _find(x: Samples, rate_hz: int, near_hz: float | None) -> float | CaptureError:
    if not x.size or not np.isfinite(x).all():
        return ToneNotFound("no tone can be looked for")
    try:
        return find_tone(x, rate_hz, near_hz)
    except ToneNotFound as error:
        return error


def _explained(error: CaptureError, x: Samples, rate_hz: int, tone_hz: float, holders: list[str]) -> CaptureError:
    strongest = _find(x, rate_hz, None)
    if isinstance(strongest, float):
        real = [rate for rate in USUAL_RATES_HZ if abs(strongest / tone_hz * rate / rate_hz - 1.0) < RATE_MATCH]
        if real and real[0] != rate_hz:
            return WrongRate(
                f"the tone of {tone_hz:g} Hz stands at {strongest:.2f} Hz: the file says {rate_hz} Hz and was recorded "
                f"at {real[0]} Hz; record again, or correct the file's rate"
            )
        beside = f"; the strongest line is at {strongest:.2f} Hz"
    else:
        beside = ""
    if holders:
        return WrongChannel(f"no tone at {tone_hz:g} Hz, it is on {', '.join(holders)}: see the leads{beside}")
    return ToneNotFound(f"no tone within 3 % of {tone_hz:g} Hz{beside}")
