"""A check that cannot fail is a defect: each invariant's check finds a bug put in for it, and blames that one alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.campaign.board import load_core
from tests.campaign.sabotages_of_the_guard import OF_THE_GUARD
from tests.campaign.sabotages_of_the_station import OF_THE_STATION
from tests.campaign.stage import play_scene

SABOTAGES = {**OF_THE_GUARD, **OF_THE_STATION}
WRAP_AROUND = 17
"""A property of two histories; see test_jump."""


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_bug_is_reported_as_the_invariant_that_it_breaks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    invariant, companions, sabotage, scene = SABOTAGES[name]
    scene.history()  # its moments are an honest session's
    core = load_core()
    sabotage(monkeypatch, core)
    outcome = play_scene(scene, {invariant}, core)
    found = {one.invariant: one.detail for one in outcome.violations}
    assert invariant in found, [words for _, words in outcome.trace[-12:]]
    assert set(found) <= {invariant, *companions}, found


@pytest.mark.parametrize("name", SABOTAGES)
def test_the_same_session_without_the_bug_breaks_nothing(name: str) -> None:
    honest = replace(SABOTAGES[name][3], without=())
    assert play_scene(honest).violations == ()


def test_every_invariant_has_its_sabotage() -> None:
    assert {invariant for invariant, *_ in SABOTAGES.values()} == set(range(1, 24)) - {WRAP_AROUND}
