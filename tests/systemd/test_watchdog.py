"""A daemon whose scan stops is dead to systemd's watchdog, however well the rest of it lives."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from station.cli.keys import ensure_keys
from station.control.client import ControlClient

ROOT = Path(__file__).resolve().parents[2]
WATCHDOG_S = 0.8


def heard_until_silent(ear: socket.socket, silent_s: float, at_most_s: float) -> list[str]:
    """Everything that is said, until nothing was for so long."""
    said: list[str] = []
    ends = time.monotonic() + at_most_s
    ear.settimeout(at_most_s)
    while time.monotonic() < ends:
        try:
            said += ear.recv(4096).decode().splitlines()
        except TimeoutError:
            return said
        if "WATCHDOG=1" in said:
            ear.settimeout(silent_s)
    raise AssertionError(f"never silent: {said[-5:]}")


def test_alive_is_no_longer_said_once_the_scan_stops_though_the_daemon_answers(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    ensure_keys(config / "credentials")
    toml = (config / "station.toml").read_text(encoding="utf-8")
    toml = toml.replace("/var/lib/bench", str(tmp_path)).replace("/run/bench", str(tmp_path))
    (config / "station.toml").write_text(toml.replace("simulated = false", "simulated = true"), encoding="utf-8")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        daemon = subprocess.Popen(
            [sys.executable, "-m", "tests.systemd.stops_scanning", "--config", str(config), "--broker", "mqtt://127.0.0.1:1"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": str(tmp_path / "notify"),
                 "WATCHDOG_USEC": str(round(WATCHDOG_S * 1e6))},
            stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            said = heard_until_silent(ear, 3 * WATCHDOG_S, 40.0)
            assert said.count("WATCHDOG=1") >= 3, said
            assert daemon.poll() is None, "the process lives; its scan does not"
            with ControlClient(tmp_path / "station.sock") as desk:
                assert desk.ask("status")["data"]["session"], "the rest of it lives"
        finally:
            daemon.kill()
            daemon.communicate()
