"""What steps ask of the sound process and what it answers: volts at the DUT's terminals, no frames, no numpy.

The sound process owns the audio device and does the analysis, so that neither frames nor numpy enter the
daemon. Source levels are V rms at the DUT's input, captured levels V rms at its speaker terminals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from station.domain.measurement import Bound, Channel
from station.domain.record import Capture


@dataclass(frozen=True, slots=True)
class Stimulus:
    """A sine at `frequency_hz`, V rms per channel (0.0: that channel is silent), with smooth start and end."""

    frequency_hz: float
    left_v: float
    right_v: float
    duration_s: float
    spectrum: bool = False
    """Whether the readings of a tone bring a spectrum to draw."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value with expanded uncertainty (k=2); with `bound` it is only a bound of the truth, which holds it already.

    `noise`: the part (k=2) that another capture of the same channel would not repeat; None: all of it. The rest is the
    scale's, and cancels in a ratio of two such captures.
    """

    value: float
    uncertainty: float
    bound: Bound | None = None
    noise: float | None = None

    @property
    def unrepeated(self) -> float:
        """`noise`, or all of the uncertainty where it is not told apart."""
        return self.uncertainty if self.noise is None else self.noise


@dataclass(frozen=True, slots=True)
class ToneReading:
    """One channel of a captured tone.

    `level_v`: rms of the fundamental. `total_v`: rms 20 Hz to 20 kHz without DC. `harmonics_dbc`: h2 … h10
    (None under the floor). THD re fundamental, THD+N re total in 20 Hz to 20 kHz, both in per cent.
    `thd_percent` and `thd_n_percent` are None when the channel is silent (level under the floor; `level_v` is then
    a bound). `spectrum`: (Hz, dBc) where it was asked for; to be drawn, not judged. `source_relative`: uncertainty
    (k=2) of the source's volts, a fraction.
    """

    channel: Channel
    level_v: Value
    total_v: float
    thd_percent: Value | None
    thd_n_percent: Value | None
    harmonics_dbc: tuple[float | None, ...]
    spectrum: tuple[tuple[float, float], ...] = ()
    source_relative: float = 0.0


@dataclass(frozen=True, slots=True)
class ResponseReading:
    """Level in V rms of the fundamental at each frequency of a stepped sine, one channel.

    `flatness_relative`: uncertainty (k=2, a fraction) of the ratio of two of them from the interface's own response.

    To be drawn, not judged: `thd_percent`, harmonics under Nyquist over the fundamental, None under the floor;
    `phase_deg` of the output less the input, in (-180, 180], without what a delay common to all frequencies does, None
    where silent, and everywhere where the capture is too unlike the stepped sine to tell how late it is; `leak_v`, V
    rms that come out here of what the other channel plays at each frequency while this one plays another, None where
    the two cannot be told apart.
    """

    channel: Channel
    frequency_hz: tuple[float, ...]
    level_v: tuple[Value, ...]
    thd_percent: tuple[float | None, ...] = ()
    flatness_relative: float = 0.0
    phase_deg: tuple[float | None, ...] = ()
    leak_v: tuple[Value | None, ...] = ()


@dataclass(frozen=True, slots=True)
class NoiseReading:
    """Noise at the terminals with a silent source: V rms, A-weighted and flat, both 20 Hz to 20 kHz."""

    channel: Channel
    a_weighted_v: Value
    flat_v: Value


@dataclass(frozen=True, slots=True)
class SoakBatch:
    """What happened in a stretch of the soak, per channel (index 0 left, 1 right).

    Seconds are counted from the stream's first driven frame. `level_v[c][i]` and `thd_percent[c][i]` belong to
    second `first_s + i`; None where the second holds a silence (see `silences`) and is left out.
    `silences[c]`: (start_s, length_s) of every silence longer than 40 ms that ended in this stretch, or, at the soak's
    end or while it still lasts, `open_silence_s[c]` > 0 is how long the present one has lasted.
    """

    first_s: int
    end_s: float
    level_v: tuple[tuple[float | None, ...], tuple[float | None, ...]]
    thd_percent: tuple[tuple[float | None, ...], tuple[float | None, ...]]
    thd_uncertainty_percent: tuple[float, float]
    silences: tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]
    open_silence_s: tuple[float, float]


class SoakStream(Protocol):
    """A running soak. Frames are captured gapless whether or not anyone asks."""

    async def advance(self, to_s: float) -> SoakBatch:
        """Look at every frame up to `to_s` seconds of the stream and say what was in them.

        Raises `AudioFault`, `PermitDenied`.
        """

    async def close(self) -> None:
        """Mute and end; safe to call twice."""


EventKind = Literal["dropout", "silence", "level", "thd", "dc", "cut-off"]


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """Something that the sound of a trace is kept around; `at_s` in seconds of the stream.

    `dropout`: a silence longer than `Watch.dropout_s`; `silence`: one that lasts; `level`, `thd`, `dc`: a step by
    `size` (dB, per cent of the fundamental, mV); `cut-off`: the stream was ended by a trip or an abort.
    """

    kind: EventKind
    at_s: float
    channel: Channel | None = None
    size: float | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What counts as an event of a trace, and how much sound is kept around it: bounded in length and in number."""

    before_s: float = 30.0
    after_s: float = 30.0
    dropout_s: float = 0.05
    lasting_s: float = 10.0
    level_step_db: float = 0.5
    thd_step_percent: float = 0.1
    captures_max: int = 12
    capture_s_max: float = 300.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What a trace kept: captures in the order of time, its first events, and in words what is missing and why."""

    captures: tuple[Capture, ...] = ()
    events: tuple[TraceEvent, ...] = ()
    missing: tuple[str, ...] = ()


class TraceStream(SoakStream, Protocol):
    """A running trace: a soak whose sound is kept around events."""

    async def mark(self, event: TraceEvent) -> None:
        """An event that another meter saw, at most 12 s ago."""

    async def kept(self) -> Kept:
        """Once closed: what was kept, when it is written, in a few seconds. Never raises `AudioFault`: a capture that
        is lost is named in `missing`."""


class Sound(Protocol):
    """The sound process as the daemon sees it. Driving calls raise `PermitDenied` without the drive permit."""

    async def measure_tone(self, stimulus: Stimulus) -> tuple[ToneReading, ToneReading]:
        """Play, capture, analyse; left and right. Raises `AudioFault`."""

    async def measure_response(
        self, frequencies_hz: tuple[float, ...], left_v: float, right_v: float
    ) -> tuple[ResponseReading, ResponseReading]:
        """Step through the frequencies on both channels in one capture."""

    async def measure_noise(self, duration_s: float) -> tuple[NoiseReading, NoiseReading]:
        """Capture with a silent source; needs no drive permit."""

    async def start_soak(self, stimulus: Stimulus) -> SoakStream:
        """Start the gapless stream; `stimulus.duration_s` bounds it."""

    async def start_trace(self, stimulus: Stimulus, watch: Watch) -> TraceStream:
        """The same, with the sound kept around events. Kept under the run that `keep_under` named last."""

    def keep_under(self, run_id: str) -> None:
        """A run begins: what is kept of its sound goes into a folder of this name."""

    async def mute(self) -> None:
        """Silence the source now; needs no permit."""
