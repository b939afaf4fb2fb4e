"""The simulated audio interface between the device's volts and frames: calibration, its own errors, noise, hum.

Errors are fixed by the seed and within contracts/cli.md: gain 0.02 dB, channels matched to 0.01 dB, own distortion
below -105 dB, dynamic range 110 dB (noise in 20 Hz to 20 kHz re a full-scale sine). Capture is AC-coupled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.sim.audio_path import AudioPath
from drivers.sim.leads import BRIDGE_OHM, LEAD_OHM, STRAIGHT, Leads
from drivers.sim.plant import Plant

Frames = NDArray[np.float32]

LATENCY_S = 0.003
_HUM_HZ = 100
_COMMON_DB, _MATCH_DB = 0.014, 0.004
_OWN_H2, _OWN_H3 = 10.0 ** (-112.0 / 20.0), 10.0 ** (-114.0 / 20.0)
_DYNAMIC_RANGE_DB = 110.0
_POOL_FRAMES = 1 << 18


class Interface:
    """One interface at one frame rate, on one plant."""

    def __init__(self, plant: Plant, rate_hz: int, seed: int, output_full_scale_v: float, input_full_scale_v: float):
        if rate_hz % _HUM_HZ or not 8000 <= rate_hz <= 192000:
            raise ValueError(f"a rate of {rate_hz} Hz is not served; take 48000")
        random = np.random.default_rng([seed, 0xA0D10])
        self.rate_hz = rate_hz
        self.latency = round(LATENCY_S * rate_hz)
        self.voice = plant.device.voice(rate_hz, plant.load_ohm)
        self._random = random
        self._source_peak_v = output_full_scale_v * 2.0**0.5
        error_db = random.uniform(-_COMMON_DB, _COMMON_DB) + random.uniform(-_MATCH_DB, _MATCH_DB, 2)
        self._frames_per_v = 10.0 ** (error_db / 20.0) / (input_full_scale_v * 2.0**0.5)
        own = 0.5**0.5 * 10.0 ** (-_DYNAMIC_RANGE_DB / 20.0) * (rate_hz / 2 / 19980.0) ** 0.5
        wet = np.hypot(own, self.voice.noise_v * self._frames_per_v)
        pool = random.standard_normal((_POOL_FRAMES, 2), dtype=np.float32)
        self._dry_pool: Frames = pool * np.float32(own)
        self._wet_pool: Frames = pool * wet.astype(np.float32)
        angle = 2.0 * np.pi * np.arange(rate_hz // _HUM_HZ) * _HUM_HZ / rate_hz
        amplitude = self.voice.hum_v * 2.0**0.5 * self._frames_per_v
        self._hum_sine = np.sin(angle)[:, None] * 2.0**0.5
        self.hum: Frames = (np.sin(angle)[:, None] * amplitude).astype(np.float32)
        """One period of the DUT's hum, as captured through straight leads."""

    def source_v(self, frames: Frames, leads: Leads = STRAIGHT) -> NDArray[np.float64]:
        """Volts at the DUT's input."""
        volts = np.asarray(np.clip(frames.astype(np.float64), -1.0, 1.0) * self._source_peak_v)
        if leads is STRAIGHT:
            return volts
        volts[:, [lead != "joined" for lead in leads.source]] = 0.0
        return volts[:, ::-1].copy() if leads.sources_crossed else volts

    def hum_through(self, leads: Leads) -> Frames:
        """One period of hum as captured: the DUT's own, and what inputs pick up that nothing is joined to."""
        if leads == STRAIGHT:
            return self.hum
        gain = np.abs(self.voice.gain(np.array([float(_HUM_HZ)])))[:, 0]
        volts = self._hum_sine * (self.voice.hum_v + np.array(leads.hum_v()) * gain)
        return self.captured(volts, leads).astype(np.float32)

    def captured(self, volts: NDArray[np.float64], leads: Leads = STRAIGHT) -> NDArray[np.float64]:
        """Frames of AC volts at the DUT's outputs: leads, gain error, own distortion, converter's limits."""
        if leads != STRAIGHT:
            volts = _at_bench(volts, leads)
        x = volts * self._frames_per_v
        square = x * x
        x = x + 2.0 * _OWN_H2 * (square - square.mean(axis=0)) + 4.0 * _OWN_H3 * x * square
        return np.asarray(np.clip(x, -1.0, 1.0))

    def looped(self, frames: Frames, leads: Leads) -> Frames:
        """What comes back through a cable from its outputs to its inputs, as strong as it went."""
        frames = frames[:, ::-1] if leads.sources_crossed else frames
        volts = np.clip(frames.astype(np.float64), -1.0, 1.0) / np.mean(self._frames_per_v)
        late = min(self.latency, len(frames))
        back = np.zeros_like(frames)
        back[late:] = self.captured(volts)[: len(frames) - late]
        return back

    def noise(self, frames: int, path: AudioPath) -> Frames:
        """White noise of what is joined to the capture, a view of a pool; at most a second."""
        drawn = self._draw(self._wet_pool if path.live and path.capture else self._dry_pool, frames)
        deaf = [not path.leads.heard(channel) for channel in (0, 1)]
        if any(deaf):
            drawn = drawn.copy()
            drawn[:, deaf] = self.dry_noise(frames)[:, deaf]
        return drawn

    def dry_noise(self, frames: int) -> Frames:
        """The interface's own noise alone."""
        return self._draw(self._dry_pool, frames)

    def _draw(self, pool: Frames, frames: int) -> Frames:
        offset = int(self._random.integers(0, _POOL_FRAMES - frames))
        return pool[offset : offset + frames]


def _at_bench(volts: NDArray[np.float64], leads: Leads) -> NDArray[np.float64]:
    """From the DUT's outputs to the bench's inputs."""
    volts = volts[:, ::-1].copy() if leads.speakers_crossed else volts.copy()
    for channel in (0, 1):
        if not leads.heard(channel):
            volts[:, channel] = 0.0
        elif "short" in (leads.speaker[channel], leads.load[channel]):
            volts[:, channel] *= BRIDGE_OHM / (BRIDGE_OHM + LEAD_OHM)
    return volts
