"""A place that cannot be written to is wrong use: exit 2, one line with the place and what to do, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("line", ["collect --database {}/x.sqlite", "simulate --config-out {}/config"])
def test_an_unwritable_place_exits_2_with_one_line_and_a_remedy(line: str, tmp_path: Path) -> None:
    in_the_way = tmp_path / "a-file"
    in_the_way.write_text("no directory")
    ran = subprocess.run(
        [sys.executable, "-m", "station", *line.format(in_the_way).split()], cwd=tmp_path, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith("station") and ran.stderr.count("\n") == 1, ran.stderr
    assert str(in_the_way) in ran.stderr and "write to" in ran.stderr
