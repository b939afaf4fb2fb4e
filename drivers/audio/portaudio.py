"""A sound card through PortAudio (sounddevice): one full-duplex stream on one clock, for as long as the bench runs.

The stream is opened at the first use and then plays silence whenever nothing else is asked for: what the card is late
by stays the same from one measurement to the next, and no converter that starts or stops clicks into the DUT. PortAudio
calls `_Wire.block` for each block; there the permit is checked, the block is copied, and nothing is judged. The reader
judges: xruns as PortAudio flags them, frames that went missing without a flag (`pace.py`), a stream that stands still.
After a fault the stream is closed, which is silence, and the next use opens another.

What is driven is heard for as long as what lies ready takes. So whoever ends it comes back only once it has rung out,
and where the permit is denied the block itself aborts the stream, which drops what lies ready.

Source: PortAudio, `PaStreamCallback`, `PaStreamCallbackResult` (paAbort), `PaStreamCallbackFlags` (paInputUnderflow 1,
paInputOverflow 2, paOutputUnderflow 4, paOutputOverflow 8, paPrimingOutput 16).
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.audio.cards import choose, who
from drivers.audio.pace import Pace
from drivers.audio.turns import Columns, ForEver, Once, Turn
from drivers.errors import AudioFault, AudioStuck, PermitDenied, PortError
from drivers.ports import Identity, Permit
from drivers.settings import AudioSettings

Frames = NDArray[np.float32]

XRUNS = ((1, "input underflow"), (2, "input overflow"), (4, "output underflow"), (8, "output overflow"))
XRUN_MASK = 15
SETTLE_S = 0.5
"""So long a new stream must run without an xrun before it is used: start-up is rough through every host API."""
SETTLE_S_MAX = 5.0
OPENINGS = 3
"""A stream that does not settle is opened anew, so often in all."""
DRAIN_S = 0.05
"""Over what lies ready in both directions: so long the last sound is still heard, which belongs to no later capture. It
counts from the last frame that drove, so the silent end of a source is part of it."""
RING_OUT_S = 1.0
"""A stream that has not played out what lay ready by then is aborted."""
STALL_S = 1.0
"""No block for so long: unplugged or hung."""
POLL_S = 0.02
PROOF_POLL_S = 0.002
END_S = 2.0
"""How long a stream may take to close before it is left behind."""
RATE_TOLERANCE = 1e-3


class PortAudio:
    """Implements `drivers.ports.AudioDevice`."""

    def __init__(self, settings: AudioSettings) -> None:
        self._settings = settings
        self._wire: _Wire | None = None
        self._stream: PortAudioStream | None = None
        self._stuck = False

    @property
    def sample_rate_hz(self) -> int:
        return self._settings.sample_rate_hz

    @property
    def identity(self) -> Identity:
        """Opens the device. Raises `PortError`, `AudioFault`."""
        return self._ready().identity

    def play_and_capture(self, source: Frames, permit: Permit | None) -> Frames:
        source = _checked(source)
        if permit is None and source.any():
            raise ValueError(f"{self._settings.port}: a source that is not silent needs a permit")
        self._end_stream()
        wire = self._ready()
        turn = Once(source, permit)
        try:
            wire.begin(turn)
            while turn.frames < len(source):
                self.wait(wire, turn)
            self.prove(wire)
        except AudioFault:
            self._drop()
            raise
        finally:
            self.silence(wire)
        return turn.captured

    def stream(self, period: Frames, fade_in_frames: int, permit: Permit) -> PortAudioStream:
        period = _checked(period)
        self._end_stream()
        permit.check()
        wire = self._ready()
        turn = ForEver(period, fade_in_frames, self._settings.block_frames, self.sample_rate_hz, permit)
        wire.begin(turn)
        self._stream = PortAudioStream(self, wire, turn)
        return self._stream

    def close(self) -> None:
        self._end_stream()
        self._drop()

    # ---- the stream behind both ----------------------------------------------------------------------------
    def wait(self, wire: _Wire, turn: Turn) -> None:
        """Until something moved, or a moment. Raises `PermitDenied`, `AudioFault`."""
        turn.ended.wait(POLL_S)
        if turn.denied is not None:
            raise PermitDenied(turn.denied.permit, turn.denied.reason)
        wire.require_sound()

    def prove(self, wire: _Wire) -> None:
        """Until it is known that of all frames so far none was lost. Raises `AudioFault`."""
        end = wire.pace.frames
        while wire.pace.proven < end:
            wire.require_sound()
            time.sleep(PROOF_POLL_S)
        wire.require_sound()

    def silence(self, wire: _Wire) -> None:
        """Nothing of what was driven is heard any more: it rang out, or was aborted. Raises `AudioStuck`."""
        wire.end()
        if self._wire is wire and not wire.has_rung_out():
            self._drop()
        self._require_free()

    def lost(self, wire: _Wire) -> None:
        """`wire` had a fault: let go of it, so that the next use opens another."""
        if self._wire is wire:
            self._drop()

    def _ready(self) -> _Wire:
        """The open stream; a new one where the last had an xrun since, which moves what it is late by."""
        self._require_free()
        if self._wire is not None and self._wire.trouble() is not None:
            self._drop()
        for left in reversed(range(OPENINGS)):
            if self._wire is not None:
                break
            self._wire = _Wire(self._settings)
            try:
                self._wire.settle()
            except AudioFault:
                self._drop()
                self._require_free()
                if not left:
                    raise
        assert self._wire is not None
        return self._wire

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None and not wire.close():
            self._stuck = True

    def _require_free(self) -> None:
        """PortAudio may not be ended and begun again beside a stream that hangs in it. Raises `AudioStuck`."""
        if self._stuck:
            raise AudioStuck(self._settings.port, "a stream of it never ended; plug it anew and repeat the test")


class PortAudioStream:
    """Implements `drivers.ports.AudioStream`."""

    def __init__(self, device: PortAudio, wire: _Wire, turn: ForEver) -> None:
        self._device = device
        self._wire = wire
        self._turn = turn
        self._open = True

    def read(self, frames: int) -> Frames:
        found = np.empty((frames, 2), dtype=np.float32)
        at = 0
        try:
            while True:
                if not self._open:
                    raise self._wire.fault("the stream is closed; start a new one")
                at += self._turn.take(found[at:])
                if at == frames:
                    self._device.prove(self._wire)
                    return found
                if self._turn.overrun:
                    raise self._wire.fault("captured frames were not read in time and are lost; see what is so busy")
                self._device.wait(self._wire, self._turn)
        except AudioFault:
            self._open = False
            self._device.lost(self._wire)
            raise
        except PermitDenied:
            self.close()
            raise

    def close(self) -> None:
        if self._open:
            self._open = False
            self._device.silence(self._wire)


class _Wire:
    """An open PortAudio stream. `block` runs in PortAudio's thread, everything else in the caller's."""

    def __init__(self, settings: AudioSettings) -> None:
        self._port = settings.port
        self._rate_hz = settings.sample_rate_hz
        self._inputs, self._outputs = _columns(settings.input_channels), _columns(settings.output_channels)
        self._turn: Turn | None = None
        self._xruns = 0
        self._quiet_from = 0
        self.drain_frames = round((DRAIN_S + 2.0 * settings.latency_s) * self._rate_hz)
        self._last_s = time.monotonic()
        self._ended = threading.Event()
        self.pace = Pace(self._rate_hz)
        self._sd = _library(self._port)
        self._stream, self.identity = self._open(settings)

    def block(self, heard: Any, played: Any, frames: int, times: Any, status: Any) -> None:
        """PortAudio has captured a block and wants another."""
        now_s = time.monotonic()
        played.fill(0.0)
        self._last_s = now_s
        self._xruns |= status._flags & XRUN_MASK
        self.pace.note(now_s, frames)
        turn = self._turn
        if turn is not None:
            turn.block(heard, self._inputs, played, self._outputs)
            if turn.is_cut:
                played.fill(0.0)
                raise self._sd.CallbackAbort

    def begin(self, turn: Turn) -> None:
        """Once the last turn has rung out, play and keep this. Raises `AudioFault`."""
        while self.pace.frames < self._quiet_from:
            self.require_sound()
            time.sleep(PROOF_POLL_S)
        self._turn = turn

    def end(self) -> None:
        """Silence from the next block on."""
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.over = True
            turn.ended.set()
            self._quiet_from = self.pace.frames - turn.silent_frames + self.drain_frames

    def has_rung_out(self) -> bool:
        """Wait until what was driven has been played; False if the stream ended before, or does not go on."""
        deadline = time.monotonic() + RING_OUT_S
        while self.pace.frames < self._quiet_from:
            if self._ended.is_set() or time.monotonic() > deadline:
                return False
            time.sleep(PROOF_POLL_S)
        return True

    def trouble(self) -> str | None:
        """What is wrong with the stream in words, or None."""
        if self._xruns:
            seen = " and ".join(name for bit, name in XRUNS if self._xruns & bit)
            return f"{seen}: frames were lost (xrun); see what keeps the processor or the USB bus so busy"
        if self._ended.is_set() or time.monotonic() - self._last_s > STALL_S:
            return "it stands still: unplugged, switched off, or its driver hangs; plug it in again and repeat the test"
        if (odd := self.pace.trouble()) is not None:
            return f"{odd}, though nobody told (another clock, or a resampler in between)"
        return None

    def require_sound(self) -> None:
        """Raise `AudioFault` if anything went wrong since the stream was opened."""
        if (trouble := self.trouble()) is not None:
            raise self.fault(trouble)

    def fault(self, why: str) -> AudioFault:
        """An `AudioFault` of this device."""
        return AudioFault(self._port, why)

    def close(self) -> bool:
        """Mute and let go. False if the stream does not end: it is left behind, in a thread that nobody waits for."""
        self.end()
        closing = threading.Thread(target=self._abort, name="portaudio-close", daemon=True)
        closing.start()
        closing.join(END_S)
        return not closing.is_alive()

    def _abort(self) -> None:
        try:
            self._stream.abort(ignore_errors=True)
        finally:
            self._stream.close(ignore_errors=True)

    def _open(self, settings: AudioSettings) -> tuple[Any, Identity]:
        sd = self._sd
        inputs, outputs = 1 + max(self._inputs), 1 + max(self._outputs)
        devices = sd.query_devices()
        index = choose(self._port, devices, inputs, outputs, settings.shared)
        try:
            stream = sd.Stream(
                samplerate=self._rate_hz, blocksize=settings.block_frames, device=index, channels=(inputs, outputs),
                dtype="float32", latency=settings.latency_s, callback=self.block, finished_callback=self._ended.set,
                dither_off=True,
            )  # fmt: skip
            try:
                stream.start()
            except BaseException:
                stream.close(ignore_errors=True)
                raise
        except sd.PortAudioError as error:
            raise PortError(
                self._port,
                f"does not open at {self._rate_hz} Hz, {inputs} in and {outputs} out ({error.args[0]}): it has another "
                "rate, or another program holds it (docs/audio-interface.md)",
            ) from error
        if abs(stream.samplerate / self._rate_hz - 1.0) > RATE_TOLERANCE:
            stream.close(ignore_errors=True)
            raise PortError(self._port, f"runs at {stream.samplerate:g} Hz instead of {self._rate_hz} Hz; set its rate")
        name, host_api = devices[index]["name"], sd.query_hostapis(devices[index]["hostapi"])["name"]
        return stream, who(name, host_api, self._rate_hz)

    def settle(self) -> None:
        """Wait for `SETTLE_S` without an xrun; once, before anything else. Raises `AudioFault`."""
        deadline = time.monotonic() + SETTLE_S_MAX
        quiet_from = self.pace.frames
        while self.pace.frames - quiet_from < SETTLE_S * self._rate_hz:
            time.sleep(POLL_S)
            if self._xruns:
                self._xruns = 0
                quiet_from = self.pace.frames
                self.pace.restart()
            if self._ended.is_set() or time.monotonic() > deadline:
                why = self.trouble() or f"has an xrun every {SETTLE_S:g} s; give it a larger latency_s"
                raise self.fault(why)
        self.pace.begin()


def _columns(channels: tuple[int, int]) -> Columns:
    return channels[0] - 1, channels[1] - 1


def _library(port: str) -> Any:
    """sounddevice, with the list of devices made anew: PortAudio's is from when it was loaded. Raises `PortError`."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise PortError(
            port, f"PortAudio is not there ({error}): install the package sounddevice and Debian's libportaudio2"
        ) from error
    sounddevice._terminate()
    sounddevice._initialize()
    return sounddevice


def _checked(frames: Frames) -> Frames:
    checked = np.array(frames, dtype=np.float32)  # a copy: it is played while the caller goes on
    if checked.ndim != 2 or checked.shape[1] != 2 or len(checked) == 0:
        raise ValueError(f"audio: frames of shape {checked.shape}; give (n, 2) with n of at least 1")
    if not np.isfinite(checked).all() or np.abs(checked).max() > 1.0:
        raise ValueError("audio: the source goes beyond full scale or holds NaN; give finite frames within -1 to 1")
    return checked
