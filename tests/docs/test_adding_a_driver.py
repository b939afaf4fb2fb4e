"""docs/adding-a-driver.md, done as written in a copy of the checkout: the suites run, and doctor sees the device."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, followed

PAGE = "adding-a-driver.md"
COPIED = ("station", "drivers", "firmware", "config", "tests", "pyproject.toml")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which the page was followed."""
    return followed(PAGE, COPIED, tmp_path_factory.mktemp("checkout"))


def commands(kind: str) -> list[list[str]]:
    """What the page tells to run, as arguments of this Python."""
    lines = "".join(block.text for block in blocks(PAGE) if block.kind == kind).splitlines()
    words = [shlex.split(line) for line in lines]
    assert words and all(command[0] == "./bench" for command in words)
    module = {"test": ["pytest", "-p", "no:cacheprovider"]}
    return [["-m", *module.get(command[1], ["station", command[1]]), *command[2:]] for command in words]


def run(checkout: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env=environment(checkout),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def environment(checkout: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(checkout)}


@contextmanager
def served(checkout: Path) -> Iterator[None]:
    """The simulated bench of the page, until the end."""
    (arguments,) = commands("serve")
    bench = subprocess.Popen(
        [sys.executable, *arguments], cwd=checkout, env=environment(checkout),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert bench.stdout is not None
        assert json.loads(bench.stdout.readline())["config"]
        yield
    finally:
        bench.send_signal(signal.SIGTERM)
        bench.communicate(timeout=30)


def test_the_page_followed_as_written_passes_check_and_the_contract_suites(checkout: Path) -> None:
    for arguments in commands("run"):
        suites = "pytest" in arguments
        ran = run(checkout, [*arguments, "-rA"] if suites else arguments)
        assert ran.returncode == 0, f"{arguments}: {ran.stdout[-3000:]}{ran.stderr[-3000:]}"
        assert not suites or ran.stdout.count("xy-md02") >= 8, ran.stdout


def test_doctor_sees_the_device_and_what_it_reads(checkout: Path) -> None:
    (arguments,) = commands("doctor")
    with served(checkout):
        asked = run(checkout, [*arguments, "--json"])
        table = run(checkout, arguments)
    findings = json.loads(asked.stdout)["devices"]
    (climate,) = [finding for finding in findings if finding["role"] == "climate"]
    assert (climate["kind"], climate["answers"], climate["error"]) == ("xy-md02", True, ""), climate
    assert climate["identity"]["model"] == "XY-MD02"
    assert "temperature" in climate["answer"] and "%" in climate["answer"], climate
    assert "climate" in table.stdout, table.stdout


def test_what_the_page_shows_keeps_the_rules_of_the_house(checkout: Path) -> None:
    written = sorted({block.name for block in blocks(PAGE) if block.name.endswith(".py")})
    known = ROOT / ".mypy_cache"
    if known.is_dir():  # what mypy knows of the files that the page leaves alone
        shutil.copytree(known, checkout / ".mypy_cache", dirs_exist_ok=True)
    strict = [name for name in written if name.startswith("drivers/")]
    for tool in (["ruff", "check", *written], ["ruff", "format", "--check", *strict], ["mypy", *strict]):
        ran = run(checkout, ["-m", *tool])
        assert ran.returncode == 0, ran.stdout + ran.stderr
