"""A tree without the interlocks that no bench may be without, or with a loose one, is never clean."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from settings_tree import CONFIG, TreeCopy

from station.settings.locate import locate
from station.settings.problem import Problem
from station.settings.required import REQUIRED, check_required
from station.settings.source import Source

INTERLOCKS = "interlocks.toml"
SHIPPED = (CONFIG / INTERLOCKS).read_text(encoding="utf-8")
FAMILIES = {
    str(tomllib.loads(file.read_text(encoding="utf-8"))["family"]) for file in (CONFIG / "products").glob("*.toml")
}
NAMES = ["heatsink", "dc-left", "dc-right", "mains-power", "fan", "loadbank", "plug-volts"]

NUMBER = {row["name"]: index for index, row in enumerate(tomllib.loads(SHIPPED)["interlock"], 1)}
POWER, APPLIANCE_POWER = "mains-power", "mains-power-appliance"
"""Two rows on one reading, each for its families."""


def without(*names: str) -> str:
    """The shipped file without those interlocks, comments and all."""
    text = SHIPPED
    for name in names:
        text = _without(text, name)
    return text


def _without(text: str, name: str) -> str:
    head, *blocks = text.split("[[interlock]]\n")
    kept = [block for block in blocks if f'name = "{name}"' not in block]
    assert len(kept) == len(blocks) - 1
    return "[[interlock]]\n".join((head, *kept))


def block_of(name: str) -> str:
    return next(block for block in SHIPPED.split("[[interlock]]\n") if f'name = "{name}"' in block)


def edit(tree: TreeCopy, name: str, old: str, new: str) -> int:
    """Replace `old` in one interlock; the line of `new`."""
    block = block_of(name)
    assert old in block
    begin = SHIPPED.index(block)
    text = SHIPPED[:begin] + block.replace(old, new, 1) + SHIPPED[begin + len(block) :]
    (tree.directory / INTERLOCKS).write_text(text, encoding="utf-8")
    return text.count("\n", 0, begin + block.index(old)) + 1


def test_the_shipped_interlocks_hold() -> None:
    readings = {row["reading"] for row in tomllib.loads(SHIPPED)["interlock"]}
    assert {row.reading for row in REQUIRED} <= readings
    assert len(NAMES) == len(REQUIRED)


@pytest.mark.parametrize("name", [name for name in NAMES if name != POWER])
def test_a_tree_without_a_required_interlock_is_not_clean(name: str, tree: TreeCopy) -> None:
    (tree.directory / INTERLOCKS).write_text(without(name), encoding="utf-8")
    (problem,) = tree.problems()
    reading = re.search(r'reading = "(.+)"', block_of(name))
    assert reading is not None and f"nothing watches {reading[1]} (" in problem.wrong
    assert (Path(problem.file).name, problem.key) == (INTERLOCKS, "interlock") and problem.line >= 1
    assert problem.remedy.startswith("add one with when = ") and "max_age_s = " in problem.remedy


def said(text: str, families: set[str] = FAMILIES) -> list[Problem]:
    """What is wrong with interlocks of this text on a bench with everything, by `check_required` alone."""
    source = Source(INTERLOCKS, INTERLOCKS, tomllib.loads(text), locate(text))
    return list(check_required(source, {row.role for row in REQUIRED}, (), families))


def edited(name: str, old: str, new: str) -> str:
    assert old in block_of(name)
    return SHIPPED.replace(block_of(name), block_of(name).replace(old, new, 1), 1)


def test_interlocks_in_which_nobody_watches_the_power_at_all_are_told_so() -> None:
    (problem,) = said(without(POWER, APPLIANCE_POWER))
    assert "nothing watches mains.power_w (" in problem.wrong and problem.key == "interlock"
    assert problem.remedy.startswith("add one with when = ")


@pytest.mark.parametrize(
    ("gone", "left", "unwatched"),
    [(APPLIANCE_POWER, POWER, {"appliance"}), (POWER, APPLIANCE_POWER, {"audio-amplifier", "phone"})],
)
def test_a_family_that_no_row_on_a_reading_watches_is_named(gone: str, left: str, unwatched: set[str]) -> None:
    text = without(gone)
    (problem,) = said(text, {"audio-amplifier", "phone", "appliance"})
    assert problem.wrong.startswith(f"nothing watches mains.power_w for {', '.join(sorted(unwatched))} (invariant 23")
    assert problem.key.endswith("].families") and problem.remedy.startswith("name them, or add one with high = 2000")
    lines = text.splitlines()
    assert lines[problem.line - 1].startswith("families = ")
    names = [line for line in lines[: problem.line] if line.startswith("name = ")]
    assert names[-1] == f'name = "{left}"'


def test_a_row_for_some_families_leaves_the_others_to_another_row(tree: TreeCopy) -> None:
    edit(tree, POWER, '"audio-amplifier", ', "")
    (problem,) = tree.problems()
    assert problem.wrong.startswith("nothing watches mains.power_w for audio-amplifier (")
    assert said(SHIPPED) == [] and said(SHIPPED, {"appliance"}) == []


def test_a_family_that_the_bench_has_no_product_of_need_not_be_watched() -> None:
    assert said(without(APPLIANCE_POWER), {"audio-amplifier"}) == []


def test_a_row_without_families_watches_all_of_them() -> None:
    lines = [line for line in without(APPLIANCE_POWER).splitlines() if not line.startswith("families = ")]
    assert said("\n".join(lines)) == []


def test_a_loose_row_of_a_family_is_told_what_it_lacks_beside_one_of_others_that_holds() -> None:
    (problem,) = said(edited(APPLIANCE_POWER, "high = 2000.0", "high = 2300.0"))
    assert problem.key.endswith("].high") and problem.wrong.startswith("2300 is too high; mains.power_w must trip")
    assert problem.remedy == "write 2000 or less"


def test_a_loose_row_is_no_trouble_where_another_holds_for_its_families() -> None:
    assert said(edited(POWER, "high = 900.0", "high = 2300.0"), {"appliance"}) == []


def test_a_misspelled_family_is_said_where_it_stands(tree: TreeCopy) -> None:
    line = edit(tree, APPLIANCE_POWER, '"appliance"]', '"aplliance"]')
    (problem,) = [one for one in tree.problems() if one.file.endswith(INTERLOCKS)]
    assert (problem.line, problem.wrong) == (line, "no family 'aplliance' is known")
    assert problem.key.endswith("].families[1]") and problem.remedy == "did you mean `appliance`?"


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "wrong", "remedy"),
    [
        ("heatsink", "high = 100.0", "high = 1000.0", "high", "1000 is too high", "write 100 or less"),
        ("heatsink", "high = 100.0", "low = -10.0", "high", "is missing", "write 100 or less"),
        ("heatsink", "max_age_s = 2.0", "max_age_s = 60.0", "max_age_s", "60 s is too long", "write 5 or less"),
        ("heatsink", "high = 100.0", "for_s = 30.0\nhigh = 100.0", "for_s", "30 s is too long", "remove it"),
        ("heatsink", '"energised"', '"drive"', "when", '"drive" is not enough', 'write "always" or "energised"'),
        ("loadbank", "high = 120.0", "high = 200.0", "high", "200 is too high", "write 120 or less"),
        ("mains-power", "high = 900.0", "high = 3600.0", "high", "3600 is too high", "write 2000 or less"),
        ("plug-volts", "low = 150.0", "low = 10.0", "low", "10 is too low", "write 150 or more"),
        ("plug-volts", "for_s = 2.0", "for_s = 20.0", "for_s", "20 s is too long", "write 2 or less"),
        ("dc-left", "high = 2.0", "high = 20.0", "high", "20 is too high", "write 2 or less"),
        ("dc-right", "low = -2.0", "low = -20.0", "low", "-20 is too low", "write -2 or more"),
        ("dc-right", "for_s = 0.1", "for_s = 1.0", "for_s", "1 s is too long", "write 0.1 or less"),
        ("dc-left", '"drive"', '"hv"', "when", '"hv" is not enough', 'write "always" or "drive" or "energised"'),
        ("fan", "low = 500.0", "low = 1.0", "low", "1 is too low", "write 500 or more"),
        ("loadbank", 'blames = "station"', 'blames = "station"\nreaction = "refuse"', "reaction",
         "a refusal does not switch off", 'reaction = "trip"'),
    ],
)  # fmt: skip
def test_a_required_interlock_that_is_too_loose_is_said_with_its_bound(
    name: str, old: str, new: str, key: str, wrong: str, remedy: str, tree: TreeCopy
) -> None:
    edit(tree, name, old, new)
    problems = [problem for problem in tree.problems() if problem.key.endswith(f"].{key}")]
    (problem,) = problems
    assert wrong in problem.wrong and "must trip sooner (" in problem.wrong and problem.remedy == remedy
    assert Path(problem.file).name == INTERLOCKS


def test_the_problem_stands_at_the_line_of_the_key(tree: TreeCopy) -> None:
    line = edit(tree, "heatsink", "high = 100.0", "high = 1000.0")
    assert [(problem.line, problem.key) for problem in tree.problems()] == [(line, "interlock[1].high")]


def test_a_stricter_interlock_is_clean(tree: TreeCopy) -> None:
    edit(tree, "heatsink", "high = 100.0", "high = 80.0")
    assert tree.problems() == []


def test_a_second_looser_rule_beside_one_that_holds_is_clean(tree: TreeCopy) -> None:
    block = block_of("heatsink").split("\n\n")[0]
    second = block.replace('"heatsink"', '"warm"').replace("100.0", "200.0").replace("blink = 51", "blink = 59")
    text = SHIPPED + "\n[[interlock]]\n" + second.replace("DUT-HEATSINK-HOT", "DUT-WARM") + "\n"
    (tree.directory / INTERLOCKS).write_text(text, encoding="utf-8")
    assert tree.problems() == []


@pytest.mark.parametrize("row", REQUIRED, ids=lambda row: row.reading)
def test_what_a_bench_does_not_have_need_not_be_watched(row: object) -> None:
    empty = '[[interlock]]\nname = "other"\nreading = "air.smoke_percent"\n'
    source = Source(INTERLOCKS, INTERLOCKS, tomllib.loads(empty), locate(empty))
    roles = {one.role for one in REQUIRED}
    assert len(list(check_required(source, roles))) == len(REQUIRED)
    mine = next(one for one in REQUIRED if one is row)
    said = [problem.wrong for problem in check_required(source, roles - {mine.role})]
    assert not any(mine.reading in wrong for wrong in said)


def test_a_misspelled_reading_is_said_once_and_not_as_missing_too(tree: TreeCopy) -> None:
    edit(tree, "fan", "fan.rpm", "fan.rmp")
    assert [problem.key for problem in tree.problems()] == [f"interlock[{NUMBER['fan']}].reading"]


@pytest.mark.parametrize(
    ("old", "new", "key", "wrong"),
    [
        ("low = -33.0\n", "", "low", "is missing"),
        ("low = -33.0", "low = -40.0", "low", "-40 is too low"),
        ("high = 33.0", "high = 40.0", "high", "40 is too high"),
        ("for_s = 0.2", "for_s = 2.0", "for_s", "2 s is too long"),
    ],
)
@pytest.mark.parametrize("name", ["bias-left", "bias-right"])
def test_where_a_hand_adjusts_the_bias_overshoot_is_watched_both_ways_round(
    name: str, old: str, new: str, key: str, wrong: str, tree: TreeCopy
) -> None:
    edit(tree, name, old, new)
    (problem,) = tree.problems()
    assert problem.key.endswith(f"].{key}") and wrong in problem.wrong and "example-a-100" in problem.wrong


def test_a_plan_that_adjusts_the_bias_is_not_clean_without_its_interlock(tree: TreeCopy) -> None:
    (tree.directory / INTERLOCKS).write_text(without("bias-right"), encoding="utf-8")
    (problem,) = tree.problems()
    assert "nothing watches bias.right_mv (3 x bias_ma x emitter_ohm of example-a-100" in problem.wrong
    assert "low = -33 or more, high = 33 or less, for_s = 0.2 or less" in problem.remedy
    (tree.directory / "plans" / "adjust-bias.toml").unlink()
    assert not [one for one in tree.problems() if "bias.right_mv" in one.wrong], "no hand, no bound"


def test_the_bound_is_that_of_the_product_with_the_smallest_resistors(tree: TreeCopy) -> None:
    first = tree.directory / "products" / "example-a-100.toml"
    text = first.read_text(encoding="utf-8").replace('id = "example-a-100"', 'id = "example-b"', 1)
    small = text.replace("emitter_ohm = 0.22", "emitter_ohm = 0.05", 1)
    (tree.directory / "products" / "example-b.toml").write_text(small, encoding="utf-8")
    problems = tree.problems()
    assert {problem.remedy for problem in problems} == {"write 7.5 or less", "write -7.5 or more"}
    assert all("example-b" in problem.wrong for problem in problems)
