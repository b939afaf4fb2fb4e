"""docs/adding-a-step.md, done as written in a copy of the checkout: its step runs in a demo and is judged."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, followed

PAGE = "adding-a-step.md"
COPIED = ("station", "drivers", "firmware", "config", "pyproject.toml")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which the page was followed."""
    return followed(PAGE, COPIED, tmp_path_factory.mktemp("checkout"))


def commands() -> list[list[str]]:
    """What the page tells to run, as arguments of `./bench`."""
    lines = "".join(block.text for block in blocks(PAGE) if block.kind == "run").splitlines()
    words = [shlex.split(line) for line in lines]
    assert words and all(command[0] == "./bench" for command in words)
    return [command[1:] for command in words]


def run(checkout: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env={**os.environ, "PYTHONPATH": str(checkout)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_page_followed_as_written_ends_in_a_measurement_that_the_centre_holds(checkout: Path) -> None:
    for arguments in commands():
        ran = run(checkout, ["-m", "station", *arguments])
        assert ran.returncode == 0, f"{arguments}: {ran.stdout}{ran.stderr}"
    record = json.loads((checkout / "var" / "demo" / "record.json").read_text(encoding="utf-8"))
    assert record["verdict"] == "PASS"
    (step,) = record["steps"]
    (measured,) = step["measurements"]
    assert measured["name"] == "supply_frequency_hz"
    assert measured["unit"] == "Hz"
    assert 49.5 <= measured["value"] <= 50.5
    assert measured["uncertainty"] > 0
    assert "EN 50160" in measured["limit_source"]


def test_the_step_is_judged_and_not_waved_through(checkout: Path) -> None:
    plan = checkout / "config" / "plans" / "supply.toml"
    shipped = plan.read_text(encoding="utf-8")
    plan.write_text(shipped.replace("low = 49.5", "low = 59.5").replace("high = 50.5", "high = 60.5"), encoding="utf-8")
    try:
        ran = run(checkout, ["-m", "station", "demo", "--plan", "supply", "--out", "var/other"])
    finally:
        plan.write_text(shipped, encoding="utf-8")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    record = json.loads((checkout / "var" / "other" / "record.json").read_text(encoding="utf-8"))
    assert [cause["measurement"] for cause in record["causes"]] == ["supply_frequency_hz"]


def test_what_the_page_shows_keeps_the_rules_of_the_house(checkout: Path) -> None:
    written = sorted({block.name for block in blocks(PAGE) if block.name.endswith(".py")})
    known = ROOT / ".mypy_cache"
    if known.is_dir():  # what mypy knows of the files that the page leaves alone
        shutil.copytree(known, checkout / ".mypy_cache", dirs_exist_ok=True)
    for tool in (["ruff", "check", *written], ["ruff", "format", "--check", *written], ["mypy", *written]):
        ran = run(checkout, ["-m", *tool])
        assert ran.returncode == 0, ran.stdout + ran.stderr
