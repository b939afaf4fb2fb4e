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
timeout 60 /lib/systemd/systemd --user --unit=anew.service </dev/null >/dev/null 2>&1 &
shift
show() { echo "$1" $(systemctl --user show anew.service -p SubState,Result,MainPID,WatchdogUSec | sort); }
while [ $# -gt 0 ]; do sleep "$1"; show "$2"; shift 2; done
kill $!
"""


def seen_by_systemd(folder: Path, module: str, *looks: tuple[float, str]) -> dict[str, dict[str, str]]:
    """What systemd says of a service that is this module, after so many seconds each."""
    unit = folder / "systemd" / "user" / "anew.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(
        "[Service]\nType=notify\nNotifyAccess=main\nWatchdogSec=1\nTimeoutStopSec=2\n"
        f"WorkingDirectory={ROOT}\nExecStart={sys.executable} -m tests.systemd.{module}\n"
    )
    if os.getuid() != 0 or not Path("/lib/systemd/systemd").exists():
        pytest.skip("needs root and systemd")
    plain = [str(part) for look in looks for part in look]
    told = subprocess.run(
        ["unshare", "-m", "sh", "-c", SCRIPT, "sh", str(folder), *plain], capture_output=True, text=True, check=False
    )
    seen = {}
    for line in told.stdout.splitlines():
        when, *pairs = line.split()
        seen[when] = dict(pair.split("=") for pair in pairs)
    return seen


@pytest.mark.byhand
def test_systemd_sees_a_reload_and_watches_on(tmp_path: Path) -> None:
    looks = ((1.5, "first"), (3, "anew"), (2.5, "second"), (5, "silent"))
    seen = seen_by_systemd(tmp_path, "runs_itself_anew", *looks)
    assert seen["first"]["SubState"] == "running" and seen["first"]["WatchdogUSec"] == "1s"
    assert seen["anew"]["SubState"] == "reload" and seen["anew"]["WatchdogUSec"] == "1min"
    assert seen["second"]["SubState"] == "running" and seen["second"]["WatchdogUSec"] == "1s"
    assert seen["first"]["MainPID"] == seen["anew"]["MainPID"] == seen["second"]["MainPID"] != "0"
    assert seen["silent"]["Result"] == "watchdog"


@pytest.mark.byhand
def test_a_daemon_that_goes_back_after_a_room_broke_is_not_killed_as_one_that_stops(tmp_path: Path) -> None:
    seen = seen_by_systemd(tmp_path, "breaks_on_trial", (3, "first"), (5, "second"), (5, "later"))
    for when in ("second", "later"):
        assert seen[when]["SubState"] == "running" and seen[when]["Result"] == "success"
        assert seen[when]["MainPID"] == seen["first"]["MainPID"] != "0" and seen[when]["WatchdogUSec"] == "1s"
