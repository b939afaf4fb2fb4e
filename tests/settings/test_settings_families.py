"""No file of a family can have a device energised that nobody has proven, nor pass one that is not there."""

from __future__ import annotations

import pytest
from settings_tree import TreeCopy

APPLIANCE, PHONE, BOARD = "products/example-h-1500.toml", "products/example-s-5.toml", "products/example-n-230.toml"
PLAN = "plans/outgoing-appliance.toml"
FOR_ALL = """
id = "any"
revision = "1"
title = { zh = "全部", en = "All" }
purpose = "incoming"
max_mains_s = 100.0
CONSENT
[[step]]
id = "switched-on"
use = "checklist"
title = { zh = "开", en = "On" }
requires = []
params.items = [{ id = "power", text = { zh = "开", en = "On" }, remedy = { zh = "开", en = "On" } }]

[[step]]
id = "earth-bond"
use = "earth_bond"
title = { zh = "接地", en = "Earth" }
requires = ["earth_bond_ohm"]
on_fail = "no_mains"
[step.limits.earth_bond_ohm]
high = 0.3
source = "house"

[[step]]
id = "insulation"
use = "insulation"
title = { zh = "绝缘", en = "Insulation" }
requires = ["insulation_mohm"]
on_fail = "no_mains"
[step.limits.insulation_mohm]
low = 5.0
source = "house"

[[step]]
id = "idle"
use = "idle_power"
title = { zh = "空载", en = "Idle" }
requires = ["idle_power_w"]
[step.limits.idle_power_w]
high = 500.0
source = "house"
"""


def problems_of(tree: TreeCopy) -> list[str]:
    return [str(problem) for problem in tree.problems()]


@pytest.mark.parametrize("file", [APPLIANCE, "products/example-a-100.toml"])
def test_what_hangs_on_mains_is_never_of_class_3(tree: TreeCopy, file: str) -> None:
    tree.spoil(file, 'protection_class = "I"', 'protection_class = "III"')
    (problem,) = problems_of(tree)
    assert "neither earth bond nor insulation would be tested" in problem and file in problem


@pytest.mark.parametrize("volts", [110.0, 400.0])
def test_a_device_for_another_mains_than_the_outlets_is_refused(tree: TreeCopy, volts: float) -> None:
    tree.spoil(BOARD, "supply_v = 230.0", f"supply_v = {volts}")
    (problem,) = problems_of(tree)
    assert "the device would be damaged" in problem


@pytest.mark.parametrize(
    ("file", "low"),
    [
        (APPLIANCE, "low = 1350.0\n"), ("products/example-c-12.toml", "low = 90.0 "), (BOARD, "low = 90.0\n"),
        (PHONE, "low = 0.5 "), (PHONE, "low = 1000.0\n"),
    ],
)  # fmt: skip
def test_a_device_that_takes_nothing_must_not_keep_every_limit(tree: TreeCopy, file: str, low: str) -> None:
    tree.spoil(file, low, "# \n")
    (problem,) = problems_of(tree)
    assert "a device that is not plugged in would pass this" in problem and file in problem


@pytest.mark.parametrize(("file", "name"), [(PHONE, "swelling"), (PHONE, "preparation"), (APPLIANCE, "metal")])
def test_no_product_is_without_what_safety_hangs_on(tree: TreeCopy, file: str, name: str) -> None:
    tree.spoil(file, "protection_class =", f'without = ["{name}"]\nprotection_class =')
    (problem,) = problems_of(tree)
    assert "the safety of the steps after it hangs on" in problem


@pytest.mark.parametrize(
    ("at", "limit", "said"),
    [
        ("current_a = 25.0, test_s = 3.0, tester_high_ohm = 0.65 }   # the end of the tester's range",
         'earth_bond_ohm]\nhigh = 1.0', "high = 0.3 or less"),
        ("params = { voltage_v = 500.0, test_s = 5.0 }", "insulation_mohm]\nlow = 1.0", "low = 2 or more"),
        ('requires = ["touch_current_ma"]\non_fail = "mains_off"', "touch_current_ma]\nhigh = 3.5", "high = 0.5 or"),
    ],
)  # fmt: skip
def test_a_plan_loosens_nothing_that_cord_or_class_want(tree: TreeCopy, at: str, limit: str, said: str) -> None:
    tree.spoil(PLAN, at, f'{at}\n\n[step.limits.{limit}\nsource = "house"\n')
    found = problems_of(tree)
    assert any(said in problem for problem in found), found


def test_a_plan_for_every_product_waits_for_consent_and_for_the_battery(tree: TreeCopy) -> None:
    path = tree.directory / "plans/any.toml"
    path.write_text(FOR_ALL.replace("CONSENT", ""), encoding="utf-8")
    (problem,) = problems_of(tree)
    assert "may be chosen for a phone, whose owner's consent it would not wait for" in problem
    path.write_text(FOR_ALL.replace("CONSENT", "needs_consent = true"), encoding="utf-8")
    found = problems_of(tree)
    assert found and all("energised before `battery_voltage_v`" in problem for problem in found)


def test_an_inrush_that_the_outlet_would_trip_at_in_good_health_is_refused(tree: TreeCopy) -> None:
    tree.spoil(BOARD, "high = 30.0", "high = 80.0")
    (problem,) = problems_of(tree)
    assert "80 A, and interlock 'inrush' switches off above 60 A" in problem
