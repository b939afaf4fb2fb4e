"""The three pages on authoring: followed in a copy of the checkout, their commands run, their figures counted."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT, Block, blocks

COPIED = ("station", "drivers", "firmware", "config", "tests", "pyproject.toml")


def lines_of(block: Block) -> int:
    """How many lines of it say something: of a patch those that are new, of a page no blank ones and no comments."""
    lines = block.text.splitlines()
    if block.kind == "patch":
        lines = [line[1:] for line in lines if line.startswith("+")]
    return sum(1 for line in lines if line.strip() and not line.lstrip().startswith("#"))


def written(page: str, *names: str) -> int:
    """The lines that the page adds to these files (a name that ends in /: to all under it)."""
    own = [block for block in blocks(page) if block.kind in ("file", "patch")]
    of = [
        block for block in own if any(block.name == n or (n.endswith("/") and block.name.startswith(n)) for n in names)
    ]
    assert of, names
    return sum(lines_of(block) for block in of)


def stated(page: str) -> list[int]:
    """The figures in the page's table of lines, from the top."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    table = text.split("| lines |", 1)[1].split("\n\n", 1)[0]
    return [int(found) for found in re.findall(r"\| (\d+)[^|]*\|$", table, re.MULTILINE)]


def commands(page: str) -> list[list[str]]:
    """What the page tells to run and does not only show, as arguments of this Python."""
    lines = "".join(block.text for block in blocks(page) if block.kind == "run").splitlines()
    words = [shlex.split(line) for line in lines]
    assert words and all(command[0] == "./bench" for command in words)
    module = {"test": ["pytest", "-p", "no:cacheprovider", "-n0", "-q"]}
    return [["-m", *module.get(command[1], ["station", command[1]]), *command[2:]] for command in words]


def demos(page: str) -> list[tuple[str, str | None, str]]:
    """The demos that the page shows: plan, DUT (None: the plan's own), and the verdict that it promises."""
    found = []
    for block in blocks(page):
        if block.kind != "demo":
            continue
        lines = [shlex.split(line) for line in block.text.splitlines()]
        for words, verdict in zip(lines, block.name.split(), strict=True):
            assert words[:2] == ["./bench", "demo"], words
            options = dict(zip(words[2::2], words[3::2], strict=True))
            found.append((options["--plan"], options.get("--dut"), verdict))
    return found


def run(checkout: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env={**os.environ, "PYTHONPATH": str(checkout)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def run_all(checkout: Path, page: str) -> None:
    """Every command of the page; each must succeed."""
    for arguments in commands(page):
        ran = run(checkout, arguments)
        assert ran.returncode == 0, f"{arguments}: {ran.stdout[-3000:]}{ran.stderr[-3000:]}"


def tools_are_content(checkout: Path, page: str) -> None:
    """What the page writes keeps the rules of the house: linted, formatted, typed."""
    own = sorted({block.name for block in blocks(page) if block.name.endswith(".py")})
    new = sorted({block.name for block in blocks(page) if block.name.endswith(".py") and block.kind == "file"})
    for tool in (["ruff", "check", *own], ["ruff", "format", "--check", *new]):
        ran = run(checkout, ["-m", *tool])
        assert ran.returncode == 0, ran.stdout + ran.stderr


SHOWN = """
import sys
from pathlib import Path
from drivers.sim.families import load_any
from tests.run.fast_bench import run_plan, tree
for plan, dut in zip(sys.argv[1::2], sys.argv[2::2]):
    family = tree().plans[plan].family
    file = Path("config/duts") / f"{dut or 'repaired-' + family}.toml"
    record = run_plan(load_any(file, lambda product: tree().products[product].family), plan)
    print(record.verdict, *(cause.measurement for cause in record.causes))
"""


def shown(checkout: Path, page: str) -> list[str]:
    """Verdict and causes of every demo that the page shows, on the fast bench of that checkout."""
    words = [word for plan, dut, _ in demos(page) for word in (plan, dut or "")]
    ran = run(checkout, ["-c", SHOWN, *words])
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()
