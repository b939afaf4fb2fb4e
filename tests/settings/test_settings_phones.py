"""Plans and products of phones: no plan forgets the owner's consent, and none charges a battery that may burn."""

from __future__ import annotations

import pytest
from settings_tree import TreeCopy

from station.domain.plates import PhonePlate

PLAN, PRODUCT = "plans/outgoing-phone.toml", "products/example-s-5.toml"


def problems_of(tree: TreeCopy) -> list[str]:
    return [str(problem) for problem in tree.problems()]


@pytest.mark.parametrize("written", ["", "needs_consent = false"])
def test_a_plan_for_phones_that_would_start_without_consent_is_refused(tree: TreeCopy, written: str) -> None:
    tree.spoil(PLAN, "needs_consent = true ", written)
    (problem,) = problems_of(tree)
    assert "without their consent" in problem and "needs_consent = true" in problem and PLAN in problem


def test_a_plan_that_charges_before_the_battery_has_passed_is_refused(tree: TreeCopy) -> None:
    tree.spoil(PLAN, 'on_fail = "no_mains" ', 'on_fail = "continue" ')
    (problem,) = problems_of(tree)
    assert "lets the run energise a device that failed 'battery-voltage'" in problem and "no_mains" in problem


@pytest.mark.parametrize(("battery_v", "low", "clean"), [(3.87, 2.5, True), (3.87, 2.4, False), (7.74, 3.5, False)])
def test_a_limit_under_2_5_v_a_cell_is_refused(tree: TreeCopy, battery_v: float, low: float, clean: bool) -> None:
    tree.spoil(PRODUCT, "battery_v = 3.87", f"battery_v = {battery_v}")
    tree.spoil(PRODUCT, "low = 3.5                       # never", f"low = {low}                       # never")
    found = problems_of(tree)
    assert not found if clean else "a device that is dangerous would pass this" in found[0]


@pytest.mark.parametrize(("battery_v", "cells"), [(3.6, 1), (3.87, 1), (7.2, 2), (7.74, 2)])
def test_the_label_of_a_battery_says_how_many_cells_it_has(battery_v: float, cells: int) -> None:
    assert PhonePlate(5.0, battery_v).cells == cells


@pytest.mark.parametrize(("charger_v", "battery_v"), [(230.0, 3.87), (5.0, 1.2), (0.0, 3.87), (5.0, 48.0)])
def test_a_plate_that_no_phone_has_is_refused(charger_v: float, battery_v: float) -> None:
    with pytest.raises(ValueError, match="give "):
        PhonePlate(charger_v, battery_v)
