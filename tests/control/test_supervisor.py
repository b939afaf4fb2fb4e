"""What systemd is told, over a real socket of its kind: alive comes from completed scans and from nothing else."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.control.supervisor import Supervisor
from tests.safety.rig import Rig, now, play


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "notify"))
        one.setblocking(False)
        yield one


def heard(ear: socket.socket) -> list[str]:
    said = []
    while True:
        try:
            said.append(ear.recv(100).decode())
        except BlockingIOError:
            return said


def environment(ear: socket.socket, **other: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": ear.getsockname(), "WATCHDOG_USEC": "4000000", **other}


def test_alive_is_said_four_times_in_the_time_out_while_scans_are_completed_and_never_after(ear: socket.socket) -> None:
    async def scene(rig: Rig) -> None:
        rig.kernel.each_turn(Supervisor(now, environment(ear)).alive)
        await rig.settle(8.0)
        assert set(heard(ear)) == {"WATCHDOG=1"}
        await rig.settle(8.0)
        assert len(heard(ear)) in {7, 8}
        rig.kernel.table.snapshot = lambda: 1 / 0  # type: ignore[method-assign,return-value,assignment]
        with pytest.raises(ZeroDivisionError):
            await rig.kernel.wait_failed()
        heard(ear)
        await rig.settle(60.0)
        assert heard(ear) == [], "a process that lives and does not scan is not alive"
        del rig.kernel.table.snapshot

    play(scene)


def test_ready_and_stopping_are_said_once_each(ear: socket.socket) -> None:
    supervisor = Supervisor(lambda: 0.0, environment(ear))
    supervisor.ready()
    supervisor.stopping()
    assert heard(ear) == ["READY=1\nWATCHDOG_USEC=4000000", "STOPPING=1"]


def test_a_process_that_runs_itself_anew_says_so_and_has_a_minute(ear: socket.socket) -> None:
    supervisor = Supervisor(lambda: 0.0, environment(ear))
    supervisor.starting_again()
    (said,) = heard(ear)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+\nWATCHDOG_USEC=60000000", said)
    Supervisor(lambda: 0.0, environment(ear, WATCHDOG_USEC="")).starting_again()
    assert "WATCHDOG" not in heard(ear)[0]


@pytest.mark.parametrize("other", [{"WATCHDOG_USEC": ""}, {"WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}])
def test_without_a_watchdog_that_means_us_alive_is_not_said(ear: socket.socket, other: dict[str, str]) -> None:
    Supervisor(lambda: 0.0, environment(ear, **other)).alive()
    assert heard(ear) == []


def test_a_supervisor_that_is_gone_or_does_not_read_holds_up_nobody(tmp_path: Path, ear: socket.socket) -> None:
    Supervisor(lambda: 0.0, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()
    Supervisor(lambda: 0.0, {}).ready()
    deaf = Supervisor(lambda: 0.0, environment(ear))
    for _ in range(5000):
        deaf.ready()
    assert 0 < len(heard(ear)) < 5000
