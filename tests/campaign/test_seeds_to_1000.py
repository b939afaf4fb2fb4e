"""The second half of the thousand seeds of every run of the suite (the workers share the work by file)."""

from __future__ import annotations

import pytest

from station.campaign.session import Mode
from tests.campaign.seed_rows import find_broken, make, name, rows


@pytest.mark.timeout(600)
@pytest.mark.parametrize("row", rows(500, 1_000), ids=name)
def test_no_seed_breaks_an_invariant(row: range) -> None:
    assert find_broken(row, make(Mode.JUMP)) == {}
