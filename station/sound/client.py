"""The daemon's end of the sound process: starts it, asks it, and knows when it is dead. No numpy here.

A sound process that ends or does not answer in time is killed and stays dead: every waiting and later measurement is
an `AudioFault`. Silence needs nobody: `mute` and `close` of a dead process have nothing left to do.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from drivers.errors import AudioFault
from drivers.ports import Identity
from drivers.settings import AudioSettings
from station.domain.calibration import Revision
from station.domain.sound import (
    Kept,
    NoiseReading,
    ResponseReading,
    SoakBatch,
    SoakStream,
    Stimulus,
    ToneReading,
    TraceEvent,
    TraceStream,
    Watch,
)
from station.sound.permit_page import PermitPage
from station.sound.protocol import (
    HEADER_BYTES,
    Advance,
    AskWho,
    CapturePlace,
    CloseSoak,
    Failure,
    KeepSound,
    MarkEvent,
    MeasureNoise,
    MeasureResponse,
    MeasureTone,
    Mute,
    Open,
    Ping,
    Reply,
    Request,
    StartSoak,
    TakeKept,
    decode,
    encode,
    length_of,
)

DEVICE = "audio"
CATALOG = "drivers.catalog:CATALOG"
GRACE_S = 10.0
"""Wall time on top of a capture's own length before the process counts as hung."""
RESPONSE_S = 15.0
START_S = 20.0
MUTE_S = 1.5
PING_S = 2.0
CLOSE_S = 2.0
KEPT_S = 2.5
"""So long is waited for captures to be written: less than the runner gives a step to clean up."""
KEPT_POLL_S = 0.02


class SoundProcess:
    """`station.domain.sound.Sound` over a process of its own, with the audio interface of one catalogue kind."""

    def __init__(
        self,
        kind: str,
        settings: AudioSettings,
        page: PermitPage,
        *,
        catalog: str = CATALOG,
        grace_s: float = GRACE_S,
        captures: tuple[str, float] | None = None,
        calibration: Revision | None = None,
    ) -> None:
        """`captures`: the folder for the sound of traces, and how large it may become (10^6 bytes). `calibration`: what
        counts of the interface's; without it the bounds of the settings do."""
        self._captures = captures
        self._run_id = ""
        self._open = Open(kind, settings, catalog, calibration)
        self._page = page
        self._grace_s = grace_s
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._one_job = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._fault: str | None = "the sound process was not started"
        self.on_captured: Callable[[float], None] = lambda seconds: None
        """Called in the event loop with the seconds that were captured since the last call: test time passed."""

    @property
    def alive(self) -> bool:
        """True while the process runs and answers."""
        return self._fault is None

    @property
    def fault(self) -> str | None:
        """Why it is dead, or None."""
        return self._fault

    @property
    def pid(self) -> int | None:
        """Its process id, for health readings."""
        return None if self._process is None else self._process.pid

    async def start(self) -> Identity:
        """Start the process and open the device. Raises `AudioFault`; nothing drives."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _spawn(theirs.fileno(), self._page.fd)
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._fault = None
        self._tasks = [asyncio.create_task(self._read(reader), name="sound-replies")]
        try:
            identity = cast(Identity, await self._ask(self._open, START_S))
        except BaseException:
            await self.close()
            raise
        self._tasks.append(asyncio.create_task(self._ping(), name="sound-ping"))
        return identity

    async def identify(self) -> Identity:
        """Who hangs there now. Raises `AudioFault`; of a process that meets another interface than it was started on,
        which ends: start it anew."""
        async with self._one_job:
            return cast(Identity, await self._ask(AskWho(), START_S))

    async def close(self) -> None:
        """Mute and end the process; safe to call twice."""
        self._die("the sound process was closed", kill=False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()
            self._writer = None
        if self._process is not None:
            await asyncio.to_thread(_end, self._process)

    async def measure_tone(self, stimulus: Stimulus) -> tuple[ToneReading, ToneReading]:
        """See `Sound`. Raises `ValueError` for what the interface cannot play."""
        return cast(tuple[ToneReading, ToneReading], await self._job(MeasureTone(stimulus), stimulus.duration_s))

    async def measure_response(
        self, frequencies_hz: tuple[float, ...], left_v: float, right_v: float
    ) -> tuple[ResponseReading, ResponseReading]:
        """See `Sound`."""
        job = MeasureResponse(tuple(frequencies_hz), left_v, right_v)
        return cast(tuple[ResponseReading, ResponseReading], await self._job(job, RESPONSE_S))

    async def measure_noise(self, duration_s: float) -> tuple[NoiseReading, NoiseReading]:
        """See `Sound`."""
        return cast(tuple[NoiseReading, NoiseReading], await self._job(MeasureNoise(duration_s), duration_s))

    async def start_soak(self, stimulus: Stimulus) -> SoakStream:
        """See `Sound`. Other measurements raise `RuntimeError` until the stream is closed."""
        await self._job(StartSoak(stimulus), 0.0)
        return _Soak(self)

    async def start_trace(self, stimulus: Stimulus, watch: Watch) -> TraceStream:
        """See `Sound`."""
        place = None
        if self._captures is not None and self._run_id:
            place = CapturePlace(self._captures[0], self._run_id, self._captures[1])
        await self._job(StartSoak(stimulus, KeepSound(watch, place)), 0.0)
        return _Trace(self)

    def keep_under(self, run_id: str) -> None:
        """See `Sound`."""
        self._run_id = run_id

    async def mute(self) -> None:
        """End whatever drives, a soak too. Returns when it has ended; a process that will not is killed."""
        await self._silence(Mute(), MUTE_S)

    async def _silence(self, request: Mute | CloseSoak, deadline_s: float) -> None:
        """Ask for silence; a process that cannot give it is killed, which gives it too."""
        if self._fault is not None:
            return
        try:
            await self._ask(request, deadline_s)
        except AudioFault as fault:
            self._die(f"it did not mute ({fault}) and was killed", kill=True)

    async def _job(self, job: Request, length_s: float) -> Any:
        async with self._one_job:
            return await self._ask(job, length_s + self._grace_s)

    async def _ask(self, request: Request, deadline_s: float) -> Any:
        """Send a request and wait for its reply. A caller that is cancelled mutes the process."""
        if self._fault is not None or self._writer is None:
            raise AudioFault(DEVICE, self._fault or "closed")
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(encode((number, request)))
            async with asyncio.timeout(deadline_s):
                body = await answer
        except TimeoutError:
            self._die(f"no answer to {type(request).__name__} within {deadline_s:g} s; it was killed", kill=True)
            raise AudioFault(DEVICE, self._fault or "") from None
        except asyncio.CancelledError:
            if self._fault is None and not isinstance(request, Ping | Mute):
                self._writer.write(encode((next(self._numbers), Mute())))
            raise
        finally:
            del self._waiting[number]
        if isinstance(body, Failure):
            raise body.exception()
        return body

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Hand replies to whoever waits, until the process is gone."""
        try:
            while True:
                size = length_of(await reader.readexactly(HEADER_BYTES))
                reply: Reply = decode(await reader.readexactly(size))
                if reply.captured_s > 0.0:
                    self.on_captured(reply.captured_s)
                answer = self._waiting.get(reply.number)
                if answer is not None and not answer.done():
                    answer.set_result(reply.body)
        except (asyncio.IncompleteReadError, OSError):
            self._die("the sound process ended by itself", kill=True)
        except ValueError as broken:
            self._die(f"the sound process answered nonsense: {broken}", kill=True)

    async def _ping(self) -> None:
        while self._fault is None:
            await asyncio.sleep(PING_S)
            with suppress(AudioFault):
                await self._ask(Ping(), self._grace_s)

    def _die(self, why: str, *, kill: bool) -> None:
        """The first reason is kept."""
        if self._fault is None:
            self._fault = why
        if kill and self._process is not None and self._process.poll() is None:
            self._process.kill()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(AudioFault(DEVICE, self._fault))


class _Soak:
    """`SoakStream` over the process."""

    def __init__(self, owner: SoundProcess) -> None:
        self._owner = owner
        self._end_s = 0.0
        self._closed = False

    async def advance(self, to_s: float) -> SoakBatch:
        """See `SoakStream`; the batch reaches at least to `to_s`, as far as the stream was looked at."""
        if self._closed:
            raise AudioFault(DEVICE, "the soak was closed")
        batch = cast(SoakBatch, await self._owner._job(Advance(to_s), max(to_s - self._end_s, 0.0)))
        self._end_s = batch.end_s
        return batch

    async def close(self) -> None:
        """See `SoakStream`."""
        if not self._closed:
            self._closed = True
            await self._owner._silence(CloseSoak(), MUTE_S)


class _Trace(_Soak):
    """`TraceStream` over the process."""

    async def mark(self, event: TraceEvent) -> None:
        """See `TraceStream`."""
        await self._owner._job(MarkEvent(event), 0.0)

    async def kept(self) -> Kept:
        """See `TraceStream`."""
        deadline_s = asyncio.get_running_loop().time() + KEPT_S
        while True:
            late = asyncio.get_running_loop().time() >= deadline_s
            try:
                kept = cast(Kept | None, await self._owner._ask(TakeKept(last_call=late), MUTE_S))
            except AudioFault as fault:
                return Kept(missing=(f"what was kept is not known: {fault}",))
            if kept is not None:
                return kept
            await asyncio.sleep(KEPT_POLL_S)


def _spawn(socket_fd: int, page_fd: int) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "station.sound.worker", "--socket", str(socket_fd), "--page", str(page_fd)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(socket_fd, page_fd),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process, which saw its socket close; kill it when it does not go."""
    try:
        process.wait(CLOSE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
