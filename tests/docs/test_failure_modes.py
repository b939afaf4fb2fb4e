"""The review by hazard cites tests that exist, every invariant among them, and says so where there is none."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "failure-modes.md").read_text(encoding="utf-8")
CITED = re.compile(r"`([\w/]+\.py)::(\w+)`")
CAMPAIGN = re.compile(r"campaign I(\d+)")
INVARIANTS = range(1, 24)
SECTIONS = ("Devices", "Wires", "Processes", "People")


@cache
def names_in(path: str) -> frozenset[str]:
    """Names of the tests in a file below tests/; empty where there is no such file."""
    file = ROOT / "tests" / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def rows(section: str) -> list[list[str]]:
    """The cells of a section's first table, without its head."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines[2:]]


@pytest.mark.parametrize(("path", "name"), sorted(set(CITED.findall(PAGE))))
def test_every_cited_test_exists(path: str, name: str) -> None:
    assert name in names_in(path), f"tests/{path} has no {name}"


def test_every_citation_of_the_campaign_is_an_invariant() -> None:
    cited = {int(number) for number in CAMPAIGN.findall(PAGE)}
    assert cited and cited <= set(INVARIANTS)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_hazard_cites_a_test_or_says_that_there_is_none(section: str) -> None:
    table = rows(section)
    assert len(table) >= 10 and all(len(cells) == 4 for cells in table)
    silent = [cells[0] for cells in table if not CITED.search(cells[2]) and "no test:" not in cells[2]]
    assert silent == []


def test_what_no_test_shows_says_what_is_left() -> None:
    unshown = [cells for section in SECTIONS for cells in rows(section) if not CITED.search(cells[2])]
    assert unshown, "a review that finds nothing has not looked"
    assert [cells[0] for cells in unshown if not (cells[3] or ":" in cells[2])] == []


def test_every_invariant_has_a_row_with_a_test() -> None:
    table = rows("The 23 invariants and where each is shown")
    assert [cells[0] for cells in table] == [f"I{number}" for number in INVARIANTS]
    assert [cells[0] for cells in table if not CITED.search(cells[2])] == []
    for cells in table:
        assert {f"I{number}" for number in CAMPAIGN.findall(cells[2])} <= {cells[0]}


def test_the_tables_name_devices_wires_processes_and_persons_that_the_house_has() -> None:
    named = " ".join(cells[0].lower() for section in SECTIONS for cells in rows(section))
    wanted = (
        "guard", "contactor", "lid lock", "relay board", "tester", "touch-current", "mains meter", "thermometer",
        "dc meter", "discharge voltmeter", "inrush probe", "fan", "load bank", "audio interface", "red lamp", "panel",
        "scanner", "printer", "pi", "sd card", "usb hub", "24 v supply", "rcd", "broker", "central server",
        "emergency-stop loop", "lid loop", "thermostat and smoke loop", "mirror loop", "rs-485", "usb lead",
        "audio leads", "pe of", "daemon", "kernel scan", "poller", "sound process", "store thread", "uplink",
        "wall socket", "badge", "service jumper", "firmware", "edits limits", "hot load bank",
    )  # fmt: skip
    assert [word for word in wanted if word not in named] == []
