"""The units: systemd itself finds nothing to say about them, and a restart cannot energise."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from station.cli.leave_safe import ALL_S

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "systemd").glob("*.service"))


def read(unit: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text(encoding="utf-8"))
    return parser


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_has_nothing_to_say_about_the_unit(unit: Path, tmp_path: Path) -> None:
    """The program is not installed where the tests run: another one that exists stands in for it."""
    copy = tmp_path / unit.name.replace("@.", "@x.")
    plain = re.sub(r"/opt/bench/.venv/bin/\w+", sys.executable, unit.read_text(encoding="utf-8"))
    copy.write_text(plain, encoding="utf-8")
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_is_open_to_the_unit_scores_at_most_two(unit: Path) -> None:
    """Each exception has its reason in the unit."""
    ran = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr


def test_after_the_daemon_the_bench_is_left_safe_and_what_that_misses_is_no_failure() -> None:
    service = read(ROOT / "systemd" / "station.service")["Service"]
    assert service["ExecStopPost"].split() == [
        "-/opt/bench/.venv/bin/python", "-m", "station.cli.leave_safe", "/etc/bench",
    ]  # fmt: skip
    assert float(service["TimeoutStopSec"]) > ALL_S


def test_the_station_says_when_it_is_ready_and_is_not_restarted_over_a_wrong_configuration() -> None:
    service = read(ROOT / "systemd" / "station.service")["Service"]
    assert service["Type"] == "notify"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["Restart"] == "on-failure" and float(service["WatchdogSec"]) >= 1.0
    assert service["LoadCredential"].startswith("receipt-keys.json:")


def test_the_page_cannot_take_what_the_test_needs_nor_write_what_the_daemon_owns() -> None:
    page = read(ROOT / "systemd" / "station-page.service")
    service, daemon = page["Service"], read(ROOT / "systemd" / "station.service")["Service"]
    assert service["ExecStart"].split()[1:2] == ["page"] and service["Restart"] == "always"
    assert service["DynamicUser"] == "yes" and service["SupplementaryGroups"] == "bench"
    assert service["ProtectSystem"] == "strict" and "ReadWritePaths" not in service and "StateDirectory" not in service
    assert float(service["Nice"]) > 0 and service["MemoryMax"] and service["CPUQuota"]
    for wish in ("Requires", "BindsTo", "PartOf"):
        assert wish not in page["Unit"], "the page outlives the daemon and says that it is gone"
    assert "page" not in daemon["ExecStart"]
