"""What the documents point to exists: links between pages, files of the code, verbs of the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from station.cli.verbs import app
from tests.docs.pages import ROOT, blocks

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"")
FILE = re.compile(r"`((?:station|drivers|firmware|config|tests|docs|systemd)/[\w./-]+)`")
VERB = re.compile(r"\./bench ([a-z]+)")
OF_BENCH_ITSELF = {"test", "install", "uninstall", "wheelhouse"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [one or other for one, other in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    made_by_the_reader = {block.name for one in PAGES if one.parent.name == "docs" for block in blocks(one.name)}
    files = set(FILE.findall(page.read_text(encoding="utf-8"))) - made_by_the_reader
    assert {name for name in files if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_verb_that_a_page_tells_to_run_exists(page: Path) -> None:
    verbs = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(VERB.findall(page.read_text(encoding="utf-8"))) - OF_BENCH_ITSELF <= verbs


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in PAGES if path.is_relative_to(ROOT / "docs")]
    assert [page for page in pages if page != "README.md" and f"({page})" not in index] == []


def test_the_readme_lists_every_verb_that_exists_and_no_other() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Verbs")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z]+)", table, re.MULTILINE)
    verbs = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    groups = {group.name for group in app.registered_groups if group.name}
    assert set(rows) == verbs | groups | {"test", "install"}  # `uninstall` and `wheelhouse` share its row
