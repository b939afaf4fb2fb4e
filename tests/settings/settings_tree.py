"""A copy of the shipped configuration for tests to spoil in one place and look at what `check` says of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from drivers.catalog import CATALOG
from station.settings import Problem, Tree, check, load
from station.steps.catalog import STEPS

CONFIG = Path(__file__).parents[2] / "config"
MODELS = tuple(
    path.name
    for path in (CONFIG / "products").glob("*.toml")
    if path.name != "example-a-100.toml" and 'family = "audio-amplifier"' in path.read_text(encoding="utf-8")
)
"""Real amplifiers are left out of the copy: what a plan lacks for amplifiers is said once, for the example."""


@dataclass(frozen=True, slots=True)
class TreeCopy:
    """The shipped tree in a directory of its own."""

    directory: Path

    @classmethod
    def make(cls, directory: Path) -> TreeCopy:
        shutil.copytree(CONFIG, directory, ignore=shutil.ignore_patterns("duts", *MODELS))
        return cls(directory)

    def spoil(self, file: str, old: str, new: str, mark: str = "") -> int:
        """Replace the first `old` by `new` and return the line where `new` begins, or where § stands in it.

        With `mark`, return the line where `mark` stands in the file after that.
        """
        path = self.directory / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        start = text.index(old)
        offset = new.index("§") if "§" in new else 0
        spoilt = text[:start] + new.replace("§", "") + text[start + len(old) :]
        path.write_text(spoilt, encoding="utf-8")
        return spoilt.count("\n", 0, spoilt.index(mark) if mark else start + offset) + 1

    def problems(self) -> list[Problem]:
        return check(self.directory, STEPS, CATALOG)

    def load(self) -> Tree:
        return load(self.directory, STEPS, CATALOG)

    def place(self, file: str, line: int) -> tuple[str, int]:
        """Where a problem on that line stands."""
        return str(self.directory / file), line

    def at(self, file: str, line: int) -> str:
        """How a problem on that line begins."""
        return f"{self.directory / file}:{line}: "
