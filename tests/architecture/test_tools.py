"""ruff and mypy over the whole house, as anyone would run them by hand: their settings stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.house import ROOT


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tool", ["ruff check", "ruff format --check", "mypy"])
def test_the_tool_has_nothing_to_say(tool: str) -> None:
    paths = [] if tool == "mypy" else ["."]
    ran = subprocess.run(
        [sys.executable, "-m", *tool.split(), *paths], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
