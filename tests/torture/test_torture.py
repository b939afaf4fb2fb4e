"""10,000 results through deaths, silences and lies: 0 lost, 0 double, 0 altered."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.torture.mishaps import TABLE
from tests.torture.settings import for_long, in_ci
from tests.torture.storm import check, torture

SEED = 5
CHANCE = secrets.randbelow(1_000_000)


@pytest.mark.timeout(420)
def test_of_ten_thousand_results_none_is_lost_none_is_double_none_is_altered(tmp_path: Path) -> None:
    outcome = torture(in_ci(SEED), tmp_path)
    check(outcome, tmp_path)
    assert outcome.account.results >= 10_000
    for kind in ("SIGKILL station", "SIGKILL collector", "SIGKILL broker, back empty", "SIGKILL postgres"):
        assert outcome.counts[kind] > 0, kind
    assert outcome.counts["receipts seen: duplicate"] > 0, "something was sent twice and dropped"
    assert outcome.counts["stations alarmed: rejected"] > 0, "something was rejected, and is at the centre all the same"


@pytest.mark.byhand
@pytest.mark.timeout(1200)
def test_ten_minutes_with_silences_longer_than_the_keepalive(tmp_path: Path) -> None:
    outcome = torture(for_long(CHANCE, 10.0), tmp_path)
    check(outcome, tmp_path)


def test_every_mishap_has_a_name_of_its_own() -> None:
    names = [mishap.name for mishap in TABLE]
    assert len(set(names)) == len(names) and min(mishap.weight for mishap in TABLE) > 0
