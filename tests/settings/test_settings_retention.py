"""`store.retention_days`: absent nothing is ever deleted, and a bound that would lose what is needed is refused."""

from __future__ import annotations

import pytest

from tests.settings.settings_tree import TreeCopy

LINE = "retention_days = 400 "


def test_the_shipped_bench_keeps_400_days_and_one_without_the_line_everything(tree: TreeCopy) -> None:
    assert tree.load().station.retention_days == 400
    tree.spoil("station.toml", LINE, "#")
    assert tree.load().station.retention_days is None


@pytest.mark.parametrize("days", ["29", "36501", "400.5", "true"])
def test_what_is_no_number_of_days_within_the_bounds_is_refused(tree: TreeCopy, days: str) -> None:
    tree.spoil("station.toml", LINE, f"retention_days = {days} ")
    (problem,) = tree.problems()
    assert problem.key == "store.retention_days"
