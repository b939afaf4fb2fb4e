"""What is wrong with a configuration: a line a problem, with file, line, key and remedy; and the error of them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from station.domain.errors import SettingsError
from station.domain.printable import printable


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that a maintainer must put right. Prints as `file:line: key: what is wrong; what to do`."""

    file: str
    line: int
    key: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.wrong}; {self.remedy}"


class InvalidTree(SettingsError):
    """A configuration tree with errors; `problems` holds every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(printable(problem) for problem in problems))
        self.problems = tuple(problems)
