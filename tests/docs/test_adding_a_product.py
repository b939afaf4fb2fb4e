"""docs/adding-a-product.md, done as written in a copy of the configuration: TOML alone, checked, run, and judged."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from drivers.catalog import CATALOG
from drivers.sim.families import load_any
from station.domain.plates import PLATES
from station.settings.loading import check, load
from station.steps.catalog import STEPS
from tests.docs.authoring import demos as shown
from tests.docs.authoring import run_all, stated, written
from tests.docs.pages import ROOT, blocks, followed
from tests.run.fast_bench import run_plan

PAGE = "adding-a-product.md"
PRODUCT, PLAN = "config/products/example-t-9.toml", "config/plans/outgoing-thermostat.toml"
EARLY = """max_mains_s = 600.0

[[step]]
id = "early"
use = "inrush"
title = { zh = "开机", en = "Switch on" }
requires = []
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which the page was followed."""
    return followed(PAGE, ("station", "drivers", "firmware", "config"), tmp_path_factory.mktemp("checkout"))


def test_the_page_is_toml_alone_and_followed_as_written_ends_in_a_pass_that_the_centre_holds(checkout: Path) -> None:
    assert all(block.name.endswith(".toml") for block in blocks(PAGE) if block.kind in ("file", "patch"))
    run_all(checkout, PAGE)
    record = json.loads((checkout / "var" / "demo" / "record.json").read_text(encoding="utf-8"))
    assert record["verdict"] == "PASS"
    measured = {one["name"]: one for step in record["steps"] for one in step["measurements"]}
    assert measured["supply_current_ma"]["limit_source"] == "house: thermostats of 2026, mean and three sigma"
    assert 3.2 <= measured["sensor_supply_v"]["value"] <= 3.4 and measured["sensor_supply_v"]["uncertainty"] > 0
    assert measured["display_ok"]["value"] == 1.0


def test_every_demo_that_the_page_shows_ends_as_it_says(checkout: Path) -> None:
    tree = load(checkout / "config", STEPS, CATALOG)
    told = []
    for plan, dut, verdict in shown(PAGE):
        file = checkout / "config" / "duts" / f"{dut}.toml"
        record = run_plan(load_any(file, lambda product: tree.products[product].family), plan, tree)
        told.append([cause.measurement for cause in record.causes])
        assert record.verdict == verdict, record.causes
    assert told == [[], ["display_ok"]]


def test_the_page_counts_rightly() -> None:
    assert stated(PAGE) == [
        written(PAGE, PRODUCT), written(PAGE, PLAN), written(PAGE, "config/duts/repaired-t-9.toml"),
    ]  # fmt: skip


def test_the_page_names_the_keys_of_every_familys_data_plate() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (.+?) \| (.*?)\| `outgoing-", (ROOT / "docs" / PAGE).read_text("utf-8"), re.M
    )
    told = {name: (re.findall(r"`(\w+)`", must), re.findall(r"`(\w+)`", may)) for name, must, may in rows}
    demanded = {name: [f.name for f in fields(plate) if f.default is MISSING] for name, plate in PLATES.items()}
    allowed = {name: [f.name for f in fields(plate) if f.default is not MISSING] for name, plate in PLATES.items()}
    assert told == {name: (demanded[name], allowed[name]) for name in PLATES}


@pytest.mark.parametrize(
    ("row", "file", "old", "new"),
    [
        (1, PRODUCT, '"electronics"', '"electronic"'),
        (2, PRODUCT, "supply_v =", "suply_v ="),
        (3, PRODUCT, "supply_a = 0.5\n", "\n"),
        (4, PRODUCT, "supply_v = 9.0", "supply_v = 230.0"),
        (5, PRODUCT, "[limits.rail_5v_v]", "[limits.rail_3v3_v_]"),
        (6, PLAN, 'source = "data sheet of the sensor: 3.3 V, 0.1 V either way"\n', ""),
        (7, PLAN, 'requires = ["display_ok"]', "requires = []"),
        (8, PLAN, 'use = "node_checks"', 'use = "gain"'),
        (9, PLAN, "max_mains_s = 600.0\n", EARLY),
        (10, PLAN, 'id = "outgoing-thermostat"', 'id = "outgoing-thermostats"'),
    ],
)
def test_check_says_of_every_mistake_what_the_page_says(
    checkout: Path, row: int, file: str, old: str, new: str
) -> None:
    table = (ROOT / "docs" / PAGE).read_text(encoding="utf-8").split("| what is said |\n", 1)[1]
    words = re.findall(r"`([^`]+)`", table.splitlines()[row].rsplit(" | ", 1)[1])
    path = checkout / file
    right = path.read_text(encoding="utf-8")
    assert right.count(old) >= 1
    path.write_text(right.replace(old, new, 1), encoding="utf-8")
    try:
        said = [f"{one.wrong}; {one.remedy}" for one in check(checkout / "config", STEPS, CATALOG)]
    finally:
        path.write_text(right, encoding="utf-8")
    assert any(all(word in one for word in words) for one in said), said
