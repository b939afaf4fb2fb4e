"""Bounded captures in the sound process: play, wait until it has settled, analyse, in volts.

Every capture is looked at before anything is read out of it: what is not finite, at full scale or one value throughout
is the interface's fault, never a figure of the DUT.

A tone's capture is a lead (fade-in, latency, the settling of coupling capacitors), the stretch that is measured
(`Stimulus.duration_s`), and a fade-out. Lead and tail are added to what the caller asks for.
"""

from __future__ import annotations

import math

import numpy as np

from drivers.errors import AudioFault
from drivers.ports import AudioDevice, Permit
from drivers.settings import AudioSettings
from station.analysis import stimuli
from station.analysis.errors import CaptureError, Clipped, DcOnly, Silent
from station.analysis.latency import first_heard, onset_latency, sweep_latency
from station.analysis.levels import Samples, require_usable
from station.analysis.noise import MIN_S, analyse_noise
from station.analysis.spectrum import drawn_spectrum
from station.analysis.stepped import analyse_sweep
from station.analysis.sweep import plan_sweep, render_sweep
from station.analysis.tones import Tone, analyse_tone, find_frequency, least_frames
from station.domain.calibration import Revision
from station.domain.measurement import CHANNELS
from station.domain.sound import NoiseReading, ResponseReading, Stimulus, ToneReading
from station.sound.worker_readings import noise_reading, response_reading, scales_of, tone_reading

DEVICE = "audio"
"""What faults name: the role, not the port."""
LEAD_S = 0.1
"""Before a tone is measured: fade-in, contacts that were just closed (a relay bounces for a few ms, and was read back
before), rails that sag (their reservoir follows within some periods of the mains), coupling capacitors (a tone that is
faded in hardly moves them)."""
NOISE_LEAD_S = 0.2
"""Before noise: what a DC offset does to an AC-coupled input that was just joined to it."""
FADE_S = 0.02
LATENCY_MAX_S = 0.05
"""Of an interface, over what lies ready in both directions (`AudioSettings.latency_s`): captures allow for it."""
LATENCY_SPARE_S = 0.005
"""… over a latency that is known."""
LATE_S = 0.5
"""So late a stepped sine is still looked for, to tell how late it is."""
REPEATS_S = 0.02
"""A sound that comes as late again within this is late by the interface; a DUT does not wake up twice."""
LOUD = 1e-3
"""Peak, full scale, under which a capture dates nothing."""
MAX_CAPTURE_S = 30.0
LISTENS_HZ = 1.5
"""How far beside the frequency that was asked for a line is looked for when nothing is played."""
TELLS_LATENCY_HZ = 500.0
"""Tones under it are too slow to date an onset."""
TELLING_CYCLES = 20


class Interface:
    """The audio device with its scale, and what earlier captures taught: latency and each channel's gain."""

    def __init__(self, device: AudioDevice, settings: AudioSettings, calibration: Revision | None = None) -> None:
        if device.sample_rate_hz != settings.sample_rate_hz:
            raise AudioFault(DEVICE, f"runs at {device.sample_rate_hz} Hz, configured are {settings.sample_rate_hz} Hz")
        self.device = device
        self.settings = settings
        self.rate_hz = device.sample_rate_hz
        self.scales = scales_of(settings, calibration)
        """Left and right."""
        self.latency_max_s = LATENCY_MAX_S + 2.0 * settings.latency_s
        self.latency_frames: int | None = None
        self.gain = [0.0, 0.0]
        """Captured peak (full scale) over source peak (full scale), 0.0 before a channel was measured."""

    def peaks(self, left_v: float, right_v: float) -> tuple[float, float]:
        """Source peaks in full scale. Raises `ValueError` for what the interface cannot play."""
        for channel, volts, scale in zip(CHANNELS, (left_v, right_v), self.scales, strict=True):
            if not (math.isfinite(volts) and 0.0 <= volts <= scale.output_full_scale_v):
                raise ValueError(
                    f"{volts:g} V rms on {channel} is outside of 0 to {scale.output_full_scale_v:g} V, "
                    "the interface's full scale"
                )
        return left_v / self.scales[0].output_full_scale_v, right_v / self.scales[1].output_full_scale_v

    def measure_tone(self, stimulus: Stimulus, permit: Permit) -> tuple[ToneReading, ToneReading]:
        """Play and analyse a tone. Raises `ValueError`, `PermitDenied`, `AudioFault`."""
        peaks = self.peaks(stimulus.left_v, stimulus.right_v)
        frames = self._tone_frames(stimulus)
        tells = stimulus.frequency_hz >= TELLS_LATENCY_HZ or not any(peaks)
        spare = round(self._spare_s(tells) * self.rate_hz)
        source, steady = self._tone(stimulus.frequency_hz, peaks, frames, spare)
        captured = self._capture(source, permit if any(peaks) else None)
        if self._late(captured, source, steady) is not None:
            captured = self._again(captured, source, steady, permit)
        self._learn_latency(captured, source, steady, stimulus.frequency_hz)
        late = self.latency_frames if tells and self.latency_frames is not None else spare
        window = captured[round(LEAD_S * self.rate_hz) + late :][:frames]
        frequencies = [
            stimulus.frequency_hz if any(peaks) else self._heard_at(window[:, c], stimulus.frequency_hz) for c in (0, 1)
        ]
        tones = [self._analyse(window[:, c], frequencies[c]) for c in (0, 1)]
        for c, tone in enumerate(tones):
            if peaks[c] > 0.0:
                self.gain[c] = 0.0 if tone.silent else tone.amplitude / peaks[c]
        left, right = (
            tone_reading(
                CHANNELS[c], tone, self.scales[c],
                drawn_spectrum(window[:, c], self.rate_hz, tone.amplitude)
                if stimulus.spectrum and not tone.silent else (),
            )
            for c, tone in enumerate(tones)
        )  # fmt: skip
        return left, right

    def measure_response(
        self, frequencies_hz: tuple[float, ...], left_v: float, right_v: float, permit: Permit
    ) -> tuple[ResponseReading, ResponseReading]:
        """Stepped sine on both channels in one capture. Raises as `measure_tone`."""
        peaks = self.peaks(left_v, right_v)
        sweep = plan_sweep(frequencies_hz, self.rate_hz)
        spare = stimuli.silence(round(self.latency_max_s * self.rate_hz))
        source = np.concatenate((render_sweep(sweep, peaks), spare))
        captured = self._capture(source, permit if any(peaks) else None)
        found = sweep_latency(captured, source, self.rate_hz, round(LATE_S * self.rate_hz))
        if found is not None and found > len(spare):
            raise self._too_late(found)
        self.latency_frames = self.latency_frames if found is None else found
        late = self.latency_frames
        if late is None:  # a DUT that lets nothing above 300 Hz through: near enough for its levels
            late = sweep_latency(captured, source, self.rate_hz, len(spare), least_hz=0.0)
        steps = analyse_sweep(captured, sweep, late or 0)
        left, right = (
            response_reading(
                CHANNELS[c], frequencies_hz, steps[c], steps[1 - c], self.scales[c], dated=found is not None
            )
            for c in (0, 1)
        )
        return left, right

    def measure_noise(self, duration_s: float) -> tuple[NoiseReading, NoiseReading]:
        """Capture with a silent source; the lead is left out. Raises `ValueError`, `AudioFault`."""
        if not MIN_S <= duration_s <= MAX_CAPTURE_S:
            raise ValueError(f"noise over {duration_s:g} s is outside of {MIN_S:g} to {MAX_CAPTURE_S:g} s")
        lead = round(NOISE_LEAD_S * self.rate_hz)
        captured = self._capture(stimuli.silence(lead + round(duration_s * self.rate_hz)), None)
        left, right = (
            noise_reading(CHANNELS[c], analyse_noise(captured[lead:, c], self.rate_hz), self.scales[c]) for c in (0, 1)
        )
        return left, right

    def _tone_frames(self, stimulus: Stimulus) -> int:
        f, seconds = stimulus.frequency_hz, stimulus.duration_s
        if not 5.0 <= f <= 0.45 * self.rate_hz:
            raise ValueError(f"{f:g} Hz is outside of 5 Hz to {0.45 * self.rate_hz:g} Hz")
        if not 0.0 < seconds <= MAX_CAPTURE_S:
            raise ValueError(f"a tone of {seconds:g} s is outside of 0 to {MAX_CAPTURE_S:g} s")
        least_s = max(least_frames(self.rate_hz, f) / self.rate_hz, MIN_S)
        if seconds < least_s - 1e-9:
            raise ValueError(f"a tone of {f:g} Hz needs at least {least_s:.3g} s to be analysed, not {seconds:g} s")
        return max(round(seconds * self.rate_hz), least_frames(self.rate_hz, f))

    def _tone(self, hz: float, peaks: tuple[float, float], frames: int, spare: int) -> tuple[stimuli.Frames, slice]:
        """The source of a tone of which so many frames are measured, and a stretch of whole cycles inside of it.

        As long as what is captured. Where the latency is known and this tone will tell it again, the sound ends before,
        so that most of what lies ready in the interface has rung out by the end.
        """
        lead, fade = (round(s * self.rate_hz) for s in (LEAD_S, FADE_S))
        silent = 0
        if (
            self.latency_frames is not None
            and hz >= TELLS_LATENCY_HZ
            and frames - spare > TELLING_CYCLES * self.rate_hz / hz
        ):
            silent = spare - round(LATENCY_SPARE_S * self.rate_hz)
        tone = stimuli.tone(lead + frames + spare - silent + fade, self.rate_hz, hz, peaks, fade)
        whole = math.floor((frames - silent) * hz / self.rate_hz + 1e-9) * self.rate_hz / hz
        return np.concatenate((tone, stimuli.silence(silent))), slice(lead + spare, lead + spare + round(whole))

    def _spare_s(self, tells: bool) -> float:
        """What a tone is longer for the latency: where none is known, and for a tone that is too low to tell whether it
        has moved, by the largest, and only what sounds whatever the latency is measured. Else, where a stream that was
        opened anew is late by more or less, the latency is learned anew from this very tone."""
        if self.latency_frames is None or not tells:
            return self.latency_max_s
        return min(self.latency_frames / self.rate_hz + LATENCY_SPARE_S, self.latency_max_s)

    def _capture(self, source: stimuli.Frames, permit: Permit | None) -> Samples:
        captured = self.device.play_and_capture(source, permit)
        if captured.shape != source.shape:
            raise AudioFault(DEVICE, f"{captured.shape[0]} frames came back for {source.shape[0]}: frames were lost")
        for channel, samples, scale in zip(CHANNELS, captured.T, self.scales, strict=True):
            try:
                require_usable(samples, 1)
            except Clipped as broken:
                raise AudioFault(
                    DEVICE,
                    f"{channel} clips at the interface's own full scale, {scale.full_scale_v:.3g} V rms at the leads: "
                    "turn its input down or divide more, then calibrate; nothing can be told of the device like this",
                ) from broken
            except (Silent, DcOnly) as broken:
                raise AudioFault(
                    DEVICE,
                    f"{channel} holds one value ({float(samples[0]):.3g} of full scale) throughout, not even noise: no "
                    "converter does that; check the interface's cable, driver and `input_channels`",
                ) from broken
            except CaptureError as broken:
                raise AudioFault(DEVICE, f"{channel}: {broken}") from broken
        return captured

    def _heard_at(self, x: Samples, frequency_hz: float) -> float:
        """Where a line lies that the source does not make: mains keeps no clock of ours. As asked if none is seen."""
        beside_hz = max(LISTENS_HZ, 2.0 * self.rate_hz / x.size)
        try:
            found_hz = find_frequency(x, self.rate_hz, frequency_hz - beside_hz, frequency_hz + beside_hz)
        except CaptureError:
            return frequency_hz
        return found_hz if abs(found_hz - frequency_hz) <= beside_hz else frequency_hz

    def _analyse(self, x: Samples, frequency_hz: float) -> Tone:
        return analyse_tone(x, self.rate_hz, frequency_hz)

    def _learn_latency(self, captured: Samples, source: Samples, steady: slice, frequency_hz: float) -> None:
        """Remember how late this interface captures; what cannot be that (a DUT that wakes up) is ignored."""
        loudest = self._loudest(captured, source, steady)
        if frequency_hz < TELLS_LATENCY_HZ or loudest is None:
            return
        frames = onset_latency(captured[:, loudest], source[:, loudest], steady)
        if frames is not None and -0.005 * self.rate_hz <= frames <= self.latency_max_s * self.rate_hz:
            self.latency_frames = max(round(frames), 0)

    def _loudest(self, captured: Samples, source: Samples, steady: slice) -> int | None:
        """The driven channel of which most is heard; None where nothing is driven or next to nothing is heard."""
        peaks = {c: float(np.abs(captured[steady, c]).max()) for c in (0, 1) if np.any(source[:, c])}
        loudest = max(peaks, key=peaks.__getitem__, default=None)
        return None if loudest is None or peaks[loudest] < LOUD else loudest

    def _late(self, captured: Samples, source: Samples, steady: slice) -> int | None:
        """Frames by which a tone sets in late, where that is clearly more than the interface may be late by."""
        loudest = self._loudest(captured, source, steady)
        if loudest is None:
            return None
        late = first_heard(captured[:, loudest]) - first_heard(source[:, loudest])
        return late if late > (self.latency_max_s + FADE_S) * self.rate_hz else None

    def _again(self, captured: Samples, source: stimuli.Frames, steady: slice, permit: Permit) -> Samples:
        """The same once more after a tone that came too late. Raises `AudioFault` if it is as late again; else it was
        the DUT that woke up."""
        first, again = self._late(captured, source, steady), self._capture(source, permit)
        second = self._late(again, source, steady)
        if first is not None and second is not None and abs(first - second) <= REPEATS_S * self.rate_hz:
            raise self._too_late(second)
        return again

    def _too_late(self, frames: int) -> AudioFault:
        return AudioFault(
            DEVICE,
            f"sound comes back {1000.0 * frames / self.rate_hz:.0f} ms late, twice `latency_s` "
            f"({self.settings.latency_s:g} s) and {LATENCY_MAX_S:g} s allow for {1000.0 * self.latency_max_s:.0f} ms: "
            "take what delays it out of the way (plugins, a sound server) or set `latency_s` to what lies ready in it",
        )
