"""The whole installation under a systemd that runs: `systemd/trial/nspawn`, where the machine has what it needs.

BENCH_TRIAL names a directory with what that script keeps between runs (amd64-bookworm, the wheels). Nothing is fetched
for it here: without it, without root or without systemd-nspawn the test is skipped, and the summary says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TRIAL = Path(__file__).resolve().parents[2] / "systemd" / "trial" / "nspawn"


def missing() -> str:
    """What this machine lacks for it."""
    if os.getuid() != 0:
        return "root"
    if shutil.which("systemd-nspawn") is None:
        return "systemd-nspawn (Debian package systemd-container)"
    folder = Path(os.environ.get("BENCH_TRIAL", "/nonexistent"))
    needed = ("amd64-bookworm", "wheels-amd64-bookworm", "wheels-amd64-bookworm-sim")
    if not all((folder / name).is_dir() for name in needed):
        return "BENCH_TRIAL=DIR (run `systemd/trial/nspawn bookworm DIR` once)"
    return ""


@pytest.mark.timeout(600)
def test_systemd_installs_starts_kills_watches_and_upgrades_it() -> None:
    if lacks := missing():
        pytest.skip(f"NOT TRIED under a real systemd: this machine lacks {lacks}")
    ran = subprocess.run(
        ["sh", str(TRIAL), "bookworm", os.environ["BENCH_TRIAL"]], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0 and "NOT OK" not in ran.stdout, ran.stdout + ran.stderr
    assert "uninstalled, data kept" in ran.stdout
