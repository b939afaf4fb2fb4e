"""docs/adding-a-step.md, done as written in a copy of the checkout: its step runs, passes and fails, and is small."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.authoring import COPIED, run_all, shown, stated, tools_are_content, written
from tests.docs.pages import blocks, followed

PAGE = "adding-a-step.md"
STEP = "station/steps/rail_drift.py"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which the page was followed."""
    return followed(PAGE, COPIED, tmp_path_factory.mktemp("checkout"))


def test_the_page_followed_as_written_is_clean_and_its_test_passes(checkout: Path) -> None:
    run_all(checkout, PAGE)


def test_the_step_passes_and_fails_on_the_devices_that_the_page_shows(checkout: Path) -> None:
    assert shown(checkout, PAGE) == ["PASS", "FAIL rail_drift_mv"]


def test_what_the_page_shows_keeps_the_rules_of_the_house(checkout: Path) -> None:
    tools_are_content(checkout, PAGE)


def test_the_step_is_one_file_of_at_most_eighty_lines_and_the_page_counts_rightly() -> None:
    (step,) = (block for block in blocks(PAGE) if block.name == STEP)
    assert len(step.text.splitlines()) <= 80
    assert stated(PAGE) == [
        written(PAGE, STEP),
        written(PAGE, "station/steps/catalog.py", "station/metrology/roles.py"),
        written(PAGE, "drivers/sim/electronics.py", "config/duts/"),
        written(PAGE, "config/plans/outgoing-electronics.toml"),
        written(PAGE, "tests/"),
    ]
