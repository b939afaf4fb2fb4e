"""What systemd runs after the daemon: the bench is off and says so, whatever is missing; no RESET."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.errors import PortError
from drivers.ports import GuardState
from station.cli.leave_safe import ALL_S, silence_guard
from station.safety.rules import AUDIO
from tests.cli.test_simulate_guard import Served
from tests.drivers.guard_bench import Heart
from tests.scenarios.deaths import Deathbed

ROOT = Path(__file__).resolve().parents[2]


def after_the_daemon(config: Path, result: str) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, "-m", "station.cli.leave_safe", str(config)], capture_output=True, text=True, check=False,
        env={**os.environ, "SERVICE_RESULT": result, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return ran.returncode, ran.stderr


def test_after_a_kill_in_the_middle_of_a_run_everything_is_off_and_stays_so(tmp_path: Path) -> None:
    with Deathbed(tmp_path) as bench:
        run_id = bench.begin("hold-k")
        assert bench.comes_on("k", run_id)
        bench.kill(bench.station)
        status, said = after_the_daemon(tmp_path / "config", "signal")
        assert (status, bench.is_on("k"), bench.is_on("h")) == (0, False, False), said
        assert "guard: TRIPPED HEARTBEAT, K and H off" in said or "guard: TRIPPED HOST, K and H off" in said
        assert "open; fan on" in said and "no test voltage" in said and "panel: violet" in said
        bench.restart()
        assert not bench.is_on("k"), "only RESET and START bring it back"


def test_with_nothing_plugged_in_it_says_what_it_missed_and_ends_in_time(tmp_path: Path) -> None:
    toml = (ROOT / "config" / "station.toml").read_text(encoding="utf-8")
    (tmp_path / "station.toml").write_text(toml.replace("/dev/bench", str(tmp_path / "gone")))
    began_s = time.monotonic()
    status, said = after_the_daemon(tmp_path, "watchdog")
    assert status == 1 and time.monotonic() - began_s < ALL_S + 10.0
    for name in ("guard", "relays", "tester", "panel"):
        assert f"leave_safe: {name}: " in said
    (tmp_path / "station.toml").write_text("not = [toml")
    status, said = after_the_daemon(tmp_path, "exit-code")
    assert status == 1 and "only the guard is told" in said and "/dev/bench-guard" in said


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.host.close()
    served.process.kill()
    with served.process:
        pass


def test_a_guard_that_is_armed_trips_after_a_crash_and_one_that_is_safe_needs_no_reset(served: Served) -> None:
    port, host = os.ttyname(served.host._fd), served.host
    host.hello()
    assert host.ask("RESET")[0].accepted
    assert silence_guard(port, crashed=True).startswith("SAFE"), "nothing was on: nothing to acknowledge"
    host.energise()
    heart = Heart(lambda: host.send("HB"))
    try:
        assert silence_guard(port, crashed=True).startswith("TRIPPED HOST")
    finally:
        heart.stop()
    assert host.status(lambda status: status.state is GuardState.TRIPPED).k is False


def test_after_a_stop_in_order_the_guard_is_switched_off_and_not_tripped(served: Served) -> None:
    host = served.host
    host.energise()
    assert silence_guard(os.ttyname(host._fd), crashed=False).startswith("SAFE")
    assert [served.change(), served.change()] == [("k", 1), ("k", 0)]


def test_a_line_on_which_no_guard_speaks_is_an_error_within_two_seconds() -> None:
    silent, port = os.openpty()
    began_s = time.monotonic()
    with pytest.raises(PortError, match="does not say that K and H are off"):
        silence_guard(os.ttyname(port), crashed=True)
    assert time.monotonic() - began_s < 10.0
    assert b" STOP*" in os.read(silent, 4096), "it was told all the same"
    os.close(silent)
    os.close(port)


def test_beside_a_silent_board_the_fan_is_told_first_and_every_relay_within_the_time(
    tmp_path: Path,
) -> None:
    line, port = os.openpty()
    tty.setraw(port)
    toml = (ROOT / "config" / "station.toml").read_text(encoding="utf-8").replace("timeout_s = 0.3", "timeout_s = 1.0")
    toml = toml.replace("/dev/bench-rs485-a", os.ttyname(port)).replace("/dev/bench", str(tmp_path / "gone"))
    (tmp_path / "station.toml").write_text(toml, encoding="utf-8")
    status, said = after_the_daemon(tmp_path, "signal")
    os.set_blocking(line, False)
    wire = os.read(line, 4096)
    frames = [wire[at : at + 8] for at in range(0, len(wire), 8)]
    channels = tomllib.loads(toml)["devices"]["relays"]["channels"]
    assert [frame[:2] for frame in frames] == [b"\1\5"] * len(frames), frames
    told = [(frame[3], frame[4] == 0xFF) for frame in frames]
    opened = [(channels[role], False) for role in (*AUDIO, "touch")]
    assert told == [(channels["fan"], True), *opened, (channels["fan"], True)], said
    assert status == 1 and "relays: no answer within" not in said, "the time sufficed"
    os.close(line)
    os.close(port)
