"""A daemon that runs itself anew, seen by a real systemd: a reload, the same process, and the watchdog as before.

By hand: it needs root and mount namespaces. systemd runs as a user's instance in a /run of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/x || exit 9
export XDG_RUNTIME_DIR=/run/x XDG_CONFIG_HOME="$1"
timeout 30 /lib/systemd/systemd --user --unit=anew.service </dev/null >/dev/null 2>&1 &
show() { echo "$1" $(systemctl --user show anew.service -p SubState,Result,MainPID,WatchdogUSec | sort); }
sleep 1.5; show first
sleep 3; show anew
sleep 2.5; show second
sleep 5; show silent
kill $!
"""


@pytest.mark.byhand
def test_systemd_sees_a_reload_and_watches_on(tmp_path: Path) -> None:
    unit = tmp_path / "systemd" / "user" / "anew.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(
        "[Service]\nType=notify\nNotifyAccess=main\nWatchdogSec=1\n"
        f"WorkingDirectory={ROOT}\nExecStart={sys.executable} -m tests.systemd.runs_itself_anew\n"
    )
    if os.getuid() != 0 or not Path("/lib/systemd/systemd").exists():
        pytest.skip("needs root and systemd")
    told = subprocess.run(
        ["unshare", "-m", "sh", "-c", SCRIPT, "sh", str(tmp_path)], capture_output=True, text=True, check=False
    )
    seen = {}
    for line in told.stdout.splitlines():
        when, *pairs = line.split()
        seen[when] = dict(pair.split("=") for pair in pairs)
    assert seen["first"]["SubState"] == "running" and seen["first"]["WatchdogUSec"] == "1s"
    assert seen["anew"]["SubState"] == "reload" and seen["anew"]["WatchdogUSec"] == "1min"
    assert seen["second"]["SubState"] == "running" and seen["second"]["WatchdogUSec"] == "1s"
    assert seen["first"]["MainPID"] == seen["anew"]["MainPID"] == seen["second"]["MainPID"] != "0"
    assert seen["silent"]["Result"] == "watchdog"
