"""The audio twin: serves a simulated interface over a Unix socket, frames through shared memory, in a thread.

It grants frames only after completed scans (`on_scan`) and not faster than `speed` times real time; while a play or
stream runs, plant time is held and advances with the granted frames alone. One driver at a time.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from drivers.audio.twin_line import WAIT_S, Memory, receive, send
from drivers.sim.audio_capture import Burst, Repeating
from drivers.sim.audio_grants import Grants
from drivers.sim.audio_interface import Interface
from drivers.sim.plant import Plant

_POLL_S = 0.2


class AudioTwin:
    """Volts are rms of a full-scale sine: of the source at the DUT's input, of the capture at its terminals."""

    def __init__(
        self,
        plant: Plant,
        socket_path: str,
        seed: int,
        output_full_scale_v: float = 4.0,
        input_full_scale_v: float = 60.0,
        sample_rate_hz: int = 48000,
    ) -> None:
        self._plant = plant
        self._path = socket_path
        self._interface = Interface(plant, sample_rate_hz, seed, output_full_scale_v, input_full_scale_v)
        self._seed = seed
        self._grants = Grants(sample_rate_hz, plant.speed)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="audio-twin", daemon=True)
        self._listener: socket.socket | None = None

    def start(self) -> None:
        """Listen at the socket's path. Raises `OSError` if it cannot be made."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(self._path)
        self._listener.listen(1)
        self._listener.settimeout(_POLL_S)
        self._thread.start()

    def on_scan(self) -> None:
        """A heartbeat was accepted: grant up to 12 s of frames. From any thread; never waits."""
        self._grants.on_scan()

    def close(self) -> None:
        """Stop serving; safe to call twice."""
        self._stopping.set()
        self._grants.close()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            Path(self._path).unlink(missing_ok=True)

    def __enter__(self) -> AudioTwin:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()

    def _serve(self) -> None:
        assert self._listener is not None
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                line, _ = self._listener.accept()
                with line:
                    line.settimeout(_POLL_S)
                    self._converse(line)

    def _converse(self, line: socket.socket) -> None:
        """One driver, until it hangs up; whatever it left running ends with it."""
        session = _Session(self._plant, self._interface, self._grants, f"SIM-{self._seed}")
        try:
            while not self._stopping.is_set():
                try:
                    message, descriptors = receive(line)
                except TimeoutError:
                    continue
                send(line, session.answer(message, descriptors))
        except (OSError, ValueError):
            pass  # the driver is gone or speaks another tongue; the next one may come
        finally:
            session.end()


class _Session:
    """What one driver has running: nothing, a play or a stream."""

    def __init__(self, plant: Plant, interface: Interface, grants: Grants, serial: str) -> None:
        self._plant = plant
        self._interface = interface
        self._grants = grants
        self._serial = serial
        self._memory: Memory | None = None
        self._running: Burst | Repeating | None = None
        self._area_from = 0
        self._area = 0
        self._moves = False

    def answer(self, message: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """The answer to one message; its descriptors are closed here."""
        descriptor = os.dup(descriptors[0]) if descriptors else -1
        for received in descriptors:
            os.close(received)
        try:
            return self._answer(str(message["do"]), message, descriptor)
        except (ValueError, KeyError, TypeError) as error:
            return {"error": f"{error}"}

    def end(self) -> None:
        """Mute; plant time follows the wall again."""
        if self._running is not None:
            self._running = None
            self._plant.release()
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _answer(self, do: str, message: dict[str, Any], descriptor: int) -> dict[str, Any]:
        if do == "hello":
            return self._hello(int(message["rate"]))
        if do == "play":
            return self._play(int(message["frames"]), descriptor)
        if do == "stream":
            return self._stream(int(message["period"]), int(message["fade"]), int(message["area"]), descriptor)
        if do == "next":
            return {"frames": self._next(int(message["frames"]))}
        if do == "end":
            self.end()
            return {}
        raise ValueError(f"{do!r} is no request")

    def _hello(self, rate_hz: int) -> dict[str, Any]:
        if rate_hz != self._interface.rate_hz:
            raise ValueError(f"it runs at {self._interface.rate_hz} Hz, not at {rate_hz}; set sample_rate_hz to that")
        return {"model": "audio twin", "serial": self._serial}

    def _play(self, frames: int, descriptor: int) -> dict[str, Any]:
        memory = self._take_memory(2 * frames, descriptor)
        self._begin(Burst(self._plant, self._interface, memory.frames[:frames].copy()))
        self._area_from, self._area, self._moves = frames, frames, True
        return {}

    def _stream(self, period: int, fade: int, area: int, descriptor: int) -> dict[str, Any]:
        memory = self._take_memory(period + area, descriptor)
        self._begin(Repeating(self._plant, self._interface, memory.frames[:period].copy(), fade))
        self._area_from, self._area, self._moves = period, area, False
        return {}

    def _take_memory(self, frames: int, descriptor: int) -> Memory:
        if descriptor < 0:
            raise ValueError("shared memory is missing")
        self.end()
        self._memory = Memory(descriptor, frames)
        return self._memory

    def _begin(self, running: Burst | Repeating) -> None:
        self._running = running
        self._plant.hold()
        self._grants.begin()

    def _next(self, want: int) -> int:
        if self._running is None or self._memory is None:
            raise ValueError("nothing runs")
        if self._plant.audio_path().leads.looped:
            self._grants.on_scan()  # a cable from the interface to itself reaches no DUT: nothing has to be watched
        count = self._grants.take(min(want, self._area), WAIT_S)
        out = self._memory.frames[self._area_from : self._area_from + count]
        for first in range(0, count, self._interface.rate_hz):
            self._running.fill(out[first : first + self._interface.rate_hz])
        if self._moves:
            self._area_from += count
            self._area -= count
        return count
