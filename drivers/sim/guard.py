"""The guard's twin: the real firmware on a simulated board, its serial line on a pty, its pins wired to the plant.

K and H go to the `World` (or nowhere), the mirror feedback comes from it, and whoever asks hears every output change
with the firmware's own CLOCK_MONOTONIC stamp. A heartbeat that the guard accepted shows as its LED toggling. A board
that stops feeding its watchdog for a second is power-cycled, as the RP2040 would reset itself.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal

from drivers.sim.guard_board import Board, own_processor
from drivers.sim.pty import RawPty
from drivers.sim.world import World

InputName = Literal["estop", "lid", "thermo"]
OutputName = Literal["k", "h", "lock"]
Feedback = Literal["auto", "0", "1"]
OutputListener = Callable[[OutputName, int, int], None]

# GPIO numbers of firmware/guard/main.py
_INPUTS: Mapping[InputName, int] = {"estop": 6, "lid": 7, "thermo": 8}
_MIRROR = 9
_SERVICE = 15
_OUTPUTS: Mapping[str, OutputName] = {"2": "k", "3": "h", "4": "lock"}
_LAMPS: Mapping[str, str] = {"10": "red", "11": "green"}
_DEAD: Mapping[OutputName, int] = {"k": 0, "h": 0, "lock": 1}
"""What the outputs are without power: pull-downs hold K and H off, the lid lock needs power to release."""

_TICK_S = 0.1
_WATCHDOG_TICKS = 10
_MOVING_S = 0.001
_WATCHING_S = 0.01


class GuardTwin:
    """A guard on a pty. Call it from any thread; listeners run in the twin's own and must be quick."""

    def __init__(self, world: World | None = None, settings: Mapping[str, int] | None = None) -> None:
        """`settings` replaces values of the firmware's guard_settings.py, e.g. `{"BLEED_S": 1}`."""
        self._world = world
        self._settings = settings
        self._levels: dict[InputName, bool] = dict.fromkeys(_INPUTS, True)
        self._feedback: Feedback = "auto"
        self._told_closed: bool | None = None
        self._outputs = dict(_DEAD)
        self._lamps = {"red": 0, "green": 0}
        self._output_listeners: list[OutputListener] = []
        self._heartbeat_listeners: list[Callable[[], None]] = []
        self._lock = threading.RLock()
        self._board: Board | None = None
        self._rest = b""
        self._hungry_ticks = -1
        self.heartbeat_ns = 0
        """The firmware's own stamp of the last heartbeat that it accepted; 0 before the first."""
        self._reset_wanted = False
        self._closing = False
        self._resets_done = threading.Condition(self._lock)
        self._wake_r = self._wake_w = -1
        self._pty: RawPty | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Power up; returns the path of the pty that stands for the guard's USB serial port."""
        self._pty = RawPty()
        self._closing = False
        self._wake_r, self._wake_w = os.pipe()
        self._power_up()
        self._thread = threading.Thread(target=self._serve, name="guard-twin", daemon=True)
        self._thread.start()
        return self._pty.path

    @property
    def outputs(self) -> Mapping[OutputName, int]:
        """K, H and lock as they are now; lock 1 is locked."""
        with self._lock:
            return dict(self._outputs)

    @property
    def lamps(self) -> Mapping[str, int]:
        """Red and green."""
        with self._lock:
            return dict(self._lamps)

    @property
    def pid(self) -> int | None:
        """The board's process, for tests that stop or kill it."""
        with self._lock:
            return self._board.pid if self._board else None

    def set_input(self, name: InputName, healthy: bool) -> None:
        """Close (True) or break a trip loop; the firmware sees the edge at once."""
        with self._lock:
            self._levels[name] = healthy
            if self._board:
                self._board.set_level(_INPUTS[name], healthy)

    def set_feedback(self, feedback: Feedback) -> None:
        """Main contacts as the mirror loop tells them: follow the contactor, or stuck at open (0) or closed (1)."""
        with self._lock:
            self._feedback = feedback
            self._tell_feedback()
        self._wake()

    def add_output_listener(self, listener: OutputListener) -> None:
        """`listener(name, value, monotonic_ns)` at every change of K, H and lock."""
        self._output_listeners.append(listener)

    def add_heartbeat_listener(self, listener: Callable[[], None]) -> None:
        """`listener()` at every heartbeat that the guard accepted."""
        self._heartbeat_listeners.append(listener)

    def reset(self) -> None:
        """Power-cycle the board and wait until the new one has started; the pty stays."""
        with self._lock:
            if self._board is None:
                return
            self._reset_wanted = True
            self._wake()
            self._resets_done.wait_for(lambda: not self._reset_wanted or self._closing, timeout=5.0)

    def close(self) -> None:
        """Take the power away and let go of the pty; safe to call twice."""
        with self._lock:
            self._closing = True
            thread, self._thread = self._thread, None
        if thread is None:
            return
        self._wake()
        thread.join()
        os.close(self._wake_r)
        os.close(self._wake_w)
        self._wake_w = -1
        if self._pty is not None:
            self._pty.close()

    # ---- the twin's thread ---------------------------------------------------------------------------------
    def _serve(self) -> None:
        own_processor(threading.get_native_id())  # the feedback's wire takes no time either
        next_tick = time.monotonic() + _TICK_S
        while not self._closing:
            board = self._board
            assert board is not None
            ready, _, _ = select.select([board.pins_fd, self._wake_r], [], [], self._patience_s(next_tick))
            if self._wake_r in ready:
                os.read(self._wake_r, 4096)
            dead = False
            if board.pins_fd in ready:
                data = os.read(board.pins_fd, 65536)
                dead = not data
                self._hear(data)
            with self._lock:
                self._tell_feedback()
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + _TICK_S
                if self._hungry_ticks >= 0:  # counted in this thread's own ticks: a stalled machine resets nothing
                    self._hungry_ticks += 1
            if dead or self._reset_wanted or self._hungry_ticks > _WATCHDOG_TICKS:
                self._power_down()
                self._power_up()
        self._power_down()

    def _patience_s(self, next_tick: float) -> float:
        left = max(0.0, next_tick - time.monotonic())
        if self._world is None or self._feedback != "auto":
            return left
        moving = self._told_closed != bool(self._outputs["k"])
        return min(left, _MOVING_S if moving else _WATCHING_S)

    def _power_up(self) -> None:
        assert self._pty is not None
        with self._lock:
            self._told_closed = self._closed()
            levels = {_INPUTS[name]: level for name, level in self._levels.items()}
            levels |= {_MIRROR: not self._told_closed, _SERVICE: True}
            self._board = Board(self._pty.master, levels, self._settings)
            self._hungry_ticks = -1
            self._reset_wanted = False
            self._resets_done.notify_all()

    def _power_down(self) -> None:
        with self._lock:
            if self._board is not None:
                self._board.power_off()
                self._board = None
            self._rest = b""
        for lamp in self._lamps:
            self._lamps[lamp] = 0
        stamp_ns = time.monotonic_ns()
        for name, level in _DEAD.items():
            self._output(name, level, stamp_ns)

    def _hear(self, data: bytes) -> None:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            pin, level, stamp_ns = line.decode().split(" ")
            if pin == "W":
                self._hungry_ticks = 0
            elif pin == "LED":
                self.heartbeat_ns = int(stamp_ns)
                for heard in self._heartbeat_listeners:
                    heard()
            elif pin in _LAMPS:
                self._lamps[_LAMPS[pin]] = int(level)
            elif pin in _OUTPUTS:
                name = _OUTPUTS[pin]
                value = 1 - int(level) if name == "lock" else int(level)  # that pin powers the release
                self._output(name, value, int(stamp_ns))

    def _output(self, name: OutputName, value: int, stamp_ns: int) -> None:
        with self._lock:
            if self._outputs[name] == value:
                return
            self._outputs[name] = value
        if self._world is not None and name == "k":
            self._world.set_contactor(bool(value))
        elif self._world is not None and name == "h":
            self._world.set_tester_enable(bool(value))
        for listener in self._output_listeners:
            listener(name, value, stamp_ns)
        with self._lock:
            self._tell_feedback()

    def _closed(self) -> bool:
        if self._feedback != "auto":
            return self._feedback == "1"
        return bool(self._outputs["k"]) if self._world is None else self._world.contactor_closed()

    def _tell_feedback(self) -> None:
        closed = self._closed()
        if closed != self._told_closed and self._board is not None:
            self._told_closed = closed
            self._board.set_level(_MIRROR, not closed)

    def _wake(self) -> None:
        if self._wake_w >= 0:
            os.write(self._wake_w, b"w")
