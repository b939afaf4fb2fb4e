"""The same guard without MicroPython: a station whose Python has none beside it runs the firmware itself."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.contract.contract_host import Bench, fair

WITHOUT = Path(getattr(sys, "_base_executable", sys.executable))  # the Python that made the virtual environment


@pytest.fixture
def cpython() -> Iterator[Bench]:
    """A guard under CPython."""
    if WITHOUT.with_name("micropython").exists():
        pytest.skip("MicroPython stands beside every Python here")
    command = (str(WITHOUT), "-m", "station", "simulate", "--guard")
    running = Bench(command, PYTHONPATH=sysconfig.get_path("purelib"))
    try:
        yield running
    finally:
        running.close()


@fair
def test_the_guard_under_cpython_keeps_the_contract(cpython: Bench) -> None:
    """A way through every state and many refusals, judged by the model; the whole folder runs with GUARD_COMMAND."""
    for state, what in (("ENERGISED", "k"), ("HV", "h")):
        for wire in ("estop", "thermo", "lid"):
            cpython.fresh(state)
            for ask in ("ARM NONCE", "HV NONCE:1", "ON 1", "RESET", "UNLOCK", "HB", "STAT"):
                cpython.ask(ask)
            since = cpython.wire(**{wire: 0})
            cpython.switched(what, 0, since)
            cpython.shows(lambda seen, name=wire.upper(): seen.causes == (name,), "the trip")  # type: ignore[misc]
        cpython.fresh(state)
        since = cpython.wire(lid=1)
        assert cpython.switched(what, 0, since).ns > since
        cpython.shows(lambda seen: seen.causes == ("HEARTBEAT",), "the trip")
    cpython.agree()
