"""The shipped configuration tree with its store in a folder of the test's, for the verbs of a maintainer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from station.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
Say = Callable[..., int]


def tree_with_store(tree: Path, store: Path) -> None:
    """Lay the tree out at `tree`."""
    shutil.copytree(ROOT / "config", tree)
    file = tree / "station.toml"
    lines = file.read_text(encoding="utf-8").replace("simulated = false", "simulated = true").splitlines()
    at = lines.index("[store]")
    spot = next(number for number in range(at, len(lines)) if lines[number].startswith("path"))
    lines[spot] = f'path = "{store}"'
    file.write_text("\n".join(lines), encoding="utf-8")


def service(monkeypatch: pytest.MonkeyPatch, verb: str, tree: Path) -> Say:
    """`say("--json")`: the verb through the command line's door; its exit status."""

    def through_the_door(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["station", "service", verb, "--config", str(tree), *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return through_the_door
