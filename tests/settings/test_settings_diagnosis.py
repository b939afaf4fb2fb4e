"""diagnosis.toml: a condition that can never hold, or that means another unit, is said with its line and the remedy."""

from __future__ import annotations

import pytest
from settings_tree import TreeCopy

FILE = "diagnosis.toml"
EARTH = '{ measurement = "earth_bond_ohm", reads = "failed" }'
HEAT = '{ measurement = "heatsink_degc", reads = "above", value = "70 degC" }'
BY = 'reads = "low", by = "17 dB" }'


@pytest.mark.parametrize(
    ("old", "new", "key", "wrong", "remedy"),
    [
        (EARTH, '{ measurement = "earth_bound_ohm", reads = "failed" }', "rule[1].when[1].measurement",
         "no step measures `earth_bound_ohm`", "did you mean `earth_bond_ohm`?"),
        (EARTH, '{ measurement = "earth_bond_mohm", reads = "failed" }', "rule[1].when[1].measurement",
         "no step measures", "the unit here is ohm, not mohm"),
        (EARTH, '{ measurement = "supply_v", reads = "failed" }', "rule[1].when[1].measurement",
         "no incoming plan requires `supply_v`", "known here: "),
        (EARTH, '{ measurement = "earth_bond_ohm", reads = "fails" }', "rule[1].when[1].reads",
         "none of the choices", "did you mean `failed`?"),
        (EARTH, '{ measurement = "earth_bond_ohm" }', "rule[1].when[1].reads", "is missing", "passed, failed, low"),
        (EARTH, '{ reads = "failed" }', "rule[1].when[1]", "no measurement and no trip", "give one of the two"),
        (EARTH, '{ measurement = "earth_bond_ohm", trip = "fan", reads = "failed" }', "rule[1].when[1]",
         "or of both", "give one of the two"),
        (EARTH, '{ measurement = "earth_bond_ohm", reads = "above" }', "rule[1].when[1].value",
         "is missing: above what?", 'write value = "… ohm"'),
        (EARTH, '{ measurement = "earth_bond_ohm", reads = "failed", value = "1 ohm" }', "rule[1].when[1].value",
         "'failed' goes by the limit", "remove it"),
        (EARTH, '{ measurement = "earth_bond_ohm", reads = "passed", by = "1 ohm" }', "rule[1].when[1].by",
         "no limit to go beyond", "remove it"),
        (EARTH, '{ measurement = "earth_bond_ohm", reads = "failed", use = "insulation" }', "rule[1].when[1].use",
         "no step of this use measures `earth_bond_ohm`", "known here: earth_bond"),
        (HEAT, HEAT.replace("70 degC", "70 K"), "", "'70 K' is in K, `heatsink_degc` is in degC", 'write "70 degC"'),
        (HEAT, HEAT.replace("70 degC", "70"), "", "'70' has no unit, `heatsink_degc` is in degC", 'write "70 degC"'),
        (HEAT, HEAT.replace("70 degC", "hot"), "", "'hot' is no number with a unit", 'write "10 degC"'),
        (HEAT, HEAT.replace("70 degC", "nan degC"), "", "is no number with a unit", 'write "10 degC"'),
        (BY, BY.replace("dB", "%"), "", "'17 %' is in %, `gain_db` is in dB", 'write "17 dB"'),
        ('{ trip = "inrush" }', '{ trip = "in-rush" }', "", "no interlock is called 'in-rush'", "mean `inrush`?"),
        ('{ trip = "inrush" }', '{ trip = "inrush", reads = "failed" }', "", "a trip has happened or not", "remove"),
        (f"when = [{EARTH}]", 'channels = "any"', "rule[1].when", "would always hold", "say of what it speaks"),
        (f"when = [{EARTH}]", f'channels = "one"\nwhen = [{EARTH}]', "rule[1].channels",
         "nothing that this rule asks for is measured by channel", "remove it"),
    ],
)  # fmt: skip
def test_one_error_is_said_once_with_its_line(
    tree: TreeCopy, old: str, new: str, key: str, wrong: str, remedy: str
) -> None:
    line = tree.spoil(FILE, old, new)
    (problem,) = tree.problems()
    assert problem.file.endswith(FILE) and abs(problem.line - line) <= 4
    assert wrong in problem.wrong and remedy in problem.remedy, problem
    assert not key or problem.key == key


def test_rules_are_frozen_as_they_stand_and_a_trip_knows_what_it_stands_for(tree: TreeCopy) -> None:
    rules = {rule.id: rule for rule in tree.load().diagnosis}
    silent = rules["one-channel-silent"]
    assert (silent.area, silent.channels) == ("signal-path", "one")
    assert [(c.measurement, c.reads, c.by, c.on) for c in silent.when] == [("gain_db", "low", 17.0, "same")]
    hot = next(c for c in rules["heatsink-hot"].either if c.trip)
    assert (hot.trip, hot.measurement) == ("heatsink", "heatsink_degc")
    cool = rules["shuts-down-cool"].unless[0]
    assert (cool.reads, cool.value) == ("above", 70.0)


def test_a_tree_without_an_incoming_plan_asks_no_rule_for_its_measurements(tree: TreeCopy) -> None:
    for plan in (tree.directory / "plans").glob("incoming-*.toml"):
        plan.unlink()
    assert not [problem for problem in tree.problems() if problem.file.endswith(FILE)]


def test_a_rule_for_every_area_of_the_house(tree: TreeCopy) -> None:
    from typing import get_args

    from station.settings.schema import Area

    assert {rule.area for rule in tree.load().diagnosis} == set(get_args(Area))
