"""The sound process: opens the audio device, runs one job at a time, answers. Started by `client.py` alone.

    python -m station.sound.worker --socket FD --page FD

Two threads: the main one reads requests (so that `Mute` and `Ping` overtake a running job), the other runs jobs.
Every driving job holds a permit that looks at the shared page and at the last mute. When the socket closes, the
daemon is gone: mute, let go of the device, exit.
"""

from __future__ import annotations

import argparse
import importlib
import os
import queue
import signal
import socket
import sys
import threading
import traceback
from typing import Any

from drivers.errors import AudioFault, AudioStuck, DriveEnded, DriverError, PermitDenied
from drivers.ports import Permit
from station.analysis.errors import CaptureError
from station.domain.sound import Kept
from station.realtime import drop_priority
from station.sound.permit_page import PagePermit
from station.sound.protocol import (
    Advance,
    AskWho,
    CloseSoak,
    Failure,
    Job,
    MarkEvent,
    MeasureNoise,
    MeasureResponse,
    MeasureTone,
    Mute,
    Open,
    Ping,
    Reply,
    StartSoak,
    TakeKept,
    encode,
    receive,
)
from station.sound.trace_keeper import Keeper
from station.sound.worker_captures import DEVICE, Interface
from station.sound.worker_count import CountedDevice
from station.sound.worker_soak import Soak, require_soak

END_S = 1.0
"""How long the job in hand is waited for when the daemon is gone."""


class Busy(Exception):
    """A soak is running: nothing else may use the interface."""


class Mutes:
    """The last mute: jobs with a lower number may drive no more."""

    def __init__(self) -> None:
        self.below = 0.0
        self.ended_below = 0.0
        """Jobs below were closed by whoever began them, which is no denial."""


class JobPermit:
    """The drive permit as one job sees it: the kernel's page, and no mute since."""

    def __init__(self, page: Permit, mutes: Mutes, number: int) -> None:
        self._page = page
        self._mutes = mutes
        self._number = number

    def check(self) -> None:
        """Raise `PermitDenied` after a mute or without the kernel's grant."""
        if self._number < self._mutes.below:
            raise PermitDenied("drive", "muted")
        self._page.check()
        if self._number < self._mutes.ended_below:
            raise DriveEnded("drive", "closed")


class Worker:
    """One audio device, one job at a time."""

    def __init__(self, sock: socket.socket, page: Permit) -> None:
        self._sock = sock
        self._page = page
        self._mutes = Mutes()
        self._send_lock = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[int, Job | Mute] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run_jobs, name="jobs", daemon=True)
        self._capturing_noise = False
        self._device: CountedDevice | None = None
        self._interface: Interface | None = None
        self._soak: Soak | None = None
        self._keeper: Keeper | None = None

    def serve(self) -> None:
        """Read requests until the daemon is gone."""
        self._thread.start()
        while (message := receive(self._sock)) is not None:
            number, request = message
            if isinstance(request, Ping):
                self._reply(number, None)
                continue
            if isinstance(request, Mute | CloseSoak):
                # ends what drives now; the job thread confirms when it has ended
                if isinstance(request, Mute):
                    self._mutes.below = number
                else:
                    self._mutes.ended_below = number
                if self._capturing_noise:
                    self._reply(number, None)  # nothing drives; the capture may end in its own time
                    continue
            self._jobs.put((number, request))
        self._mutes.below = float("inf")
        self._jobs.put(None)
        self._thread.join(END_S)

    def _run_jobs(self) -> None:
        while (item := self._jobs.get()) is not None:
            number, job = item
            try:
                self._reply(number, self._run(number, job))
            except Exception as error:  # the end of every job: what went wrong goes to the caller
                self._reply(number, _failure(error))
                if isinstance(error, AudioStuck):
                    self._sock.shutdown(socket.SHUT_RDWR)  # the end of this process; the daemon starts another
        self._close()

    def _run(self, number: int, job: Job | Mute) -> Any:
        permit = JobPermit(self._page, self._mutes, number)
        match job:
            case Open():
                return self._open(job)
            case AskWho():
                return self._ready().device.identity
            case Advance():
                return self._running_soak().advance(job.to_s)
            case MarkEvent():
                return self._mark(job)
            case TakeKept():
                return Kept() if self._keeper is None else self._keeper.kept(job.last_call)
            case CloseSoak() | Mute():
                return self._close_soak(cut_off=isinstance(job, Mute))
        if self._soak is not None:
            raise Busy("a soak is running: close it first")
        interface = self._ready()
        match job:
            case MeasureTone():
                return interface.measure_tone(job.stimulus, permit)
            case MeasureResponse():
                return interface.measure_response(job.frequencies_hz, job.left_v, job.right_v, permit)
            case MeasureNoise():
                return self._noise(interface, job)
            case StartSoak():
                return self._start_soak(interface, job, permit)

    def _open(self, job: Open) -> Any:
        module, _, name = job.catalog.partition(":")
        catalog = getattr(importlib.import_module(module), name)
        self._device = CountedDevice(catalog[job.kind].make(job.settings, {}))
        self._interface = Interface(self._device, job.settings, job.calibration)
        return self._device.identity

    def _ready(self) -> Interface:
        if self._interface is None:
            raise AudioFault(DEVICE, "the interface was not opened")
        return self._interface

    def _noise(self, interface: Interface, job: MeasureNoise) -> Any:
        self._capturing_noise = True
        try:
            return interface.measure_noise(job.duration_s)
        finally:
            self._capturing_noise = False

    def _running_soak(self) -> Soak:
        if self._soak is None:
            raise AudioFault(DEVICE, "no soak is running")
        return self._soak

    def _start_soak(self, interface: Interface, job: StartSoak, permit: Permit) -> None:
        self._keeper = None
        require_soak(job.stimulus, interface.rate_hz)
        if job.keep is not None:
            about = f"full scale: a sine of {interface.scales[0].full_scale_v:g} V rms at the terminals"
            self._keeper = Keeper(job.keep, interface.rate_hz, about)
        self._soak = Soak(interface, job.stimulus, permit, self._keeper)

    def _mark(self, job: MarkEvent) -> None:
        if self._soak is not None and self._keeper is not None:
            self._keeper.mark(job.event)

    def _close_soak(self, *, cut_off: bool) -> None:
        """Mute first; then what is left of a trace goes to its writer, which nobody waits for here."""
        soak, self._soak = self._soak, None
        if soak is None:
            return
        try:
            soak.close()
        finally:
            if self._keeper is not None:
                self._keeper.end(cut_off)

    def _close(self) -> None:
        self._close_soak(cut_off=True)
        if self._device is not None:
            self._device.close()

    def _reply(self, number: int, body: Any) -> None:
        try:
            with self._send_lock:
                captured_s = 0.0 if self._device is None else self._device.captured.take_s()
                self._sock.sendall(encode(Reply(number, body, captured_s)))
        except OSError:
            self._mutes.below = float("inf")  # the daemon is gone; the main thread sees it too


def _failure(error: Exception) -> Failure:
    match error:
        case PermitDenied():
            return Failure("permit", error.permit, error.reason)
        case ValueError():
            return Failure("value", DEVICE, str(error))
        case Busy():
            return Failure("busy", DEVICE, str(error))
        case CaptureError():
            return Failure("audio", DEVICE, str(error))
        case DriverError():
            return Failure("audio", error.device, str(error).removeprefix(f"{error.device}: "))
        case _:
            traceback.print_exception(error)
            return Failure("audio", DEVICE, f"the sound process failed: {error!r}")


def main(arguments: list[str]) -> int:
    """Serve on the inherited descriptors until the other end closes."""
    parser = argparse.ArgumentParser(prog="station.sound.worker", description="internal: started by the daemon")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--page", type=int, required=True)
    options = parser.parse_args(arguments)
    drop_priority()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's; its end closes the socket
    Worker(socket.socket(fileno=options.socket), PagePermit(options.page)).serve()
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # a device that hangs in its own thread may not keep the process alive
