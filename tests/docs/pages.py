"""Reads the pages of docs/ as a machine: their code blocks, by the comment that stands before each."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(
    r"<!-- (?P<kind>\w+)(?:: (?P<name>[^>]+?))? -->\n```\w+\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


class Block(NamedTuple):
    """One code block: what to do with it, with what, and its text."""

    kind: str
    name: str
    text: str


def blocks(page: str) -> list[Block]:
    """The marked code blocks of docs/PAGE, in their order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [Block(found["kind"], found["name"] or "", found["text"]) for found in BLOCK.finditer(text)]


def patched(text: str, diff: str) -> str:
    """`text` with a diff without line numbers put in. Raises `ValueError` unless its old lines stand there once."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    if text.count(old) != 1:
        raise ValueError(f"these lines stand there {text.count(old)} times, not once:\n{old}")
    return text.replace(old, new)


def followed(page: str, copied: Iterable[str], copy: Path) -> Path:
    """`copied` of the checkout at `copy`, with the page's new files laid down and its patches put in."""
    for name in copied:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    for block in blocks(page):
        path = copy / block.name
        if block.kind == "file":
            assert not path.exists(), f"{block.name} is not new"
            path.write_text(block.text, encoding="utf-8")
        elif block.kind == "patch":
            path.write_text(patched(path.read_text(encoding="utf-8"), block.text), encoding="utf-8")
    return copy
