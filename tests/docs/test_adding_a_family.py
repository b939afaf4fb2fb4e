"""docs/adding-a-family.md, done as written in a copy of the checkout: a family that nobody knew is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.authoring import COPIED, run_all, shown, stated, tools_are_content, written
from tests.docs.pages import followed

PAGE = "adding-a-family.md"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which the page was followed."""
    return followed(PAGE, COPIED, tmp_path_factory.mktemp("checkout"))


def test_the_page_followed_as_written_is_clean_and_its_test_passes(checkout: Path) -> None:
    run_all(checkout, PAGE)


def test_the_family_passes_and_fails_on_the_devices_that_the_page_shows(checkout: Path) -> None:
    assert shown(checkout, PAGE) == ["PASS", "FAIL lamp_power_w"]


def test_what_the_page_shows_keeps_the_rules_of_the_house(checkout: Path) -> None:
    tools_are_content(checkout, PAGE)


def test_the_page_counts_rightly() -> None:
    assert stated(PAGE) == [
        written(PAGE, "station/domain/plates.py"),
        written(PAGE, "station/steps/lamp_power.py"),
        written(PAGE, "station/steps/catalog.py", "station/metrology/roles.py"),
        written(PAGE, "drivers/sim/"),
        written(PAGE, "config/"),
        written(PAGE, "tests/"),
    ]
