"""A plan that could energise a device whose safety nobody has proven is refused, at the line that lets it."""

from __future__ import annotations

import pytest
from settings_tree import TreeCopy

PLAN, PRODUCT = "plans/outgoing-amplifier.toml", "products/example-a-100.toml"
CHECKLIST = """
[[step]]
id = "look"
use = "checklist"
title = { zh = "看", en = "Look" }
requires = []
params = { WAIT items = [{ id = "look", text = { zh = "看", en = "Look" }, remedy = { zh = "看", en = "Look" } }] }
"""


def block_of(text: str, step: str) -> str:
    """The table of one step, limits and all."""
    return next(one for one in text.split("[[step]]\n") if f'\nid = "{step}"' in f"\n{one}")


def edit(tree: TreeCopy, step: str, old: str, new: str, file: str = PLAN) -> None:
    """Replace `old` in one step's table."""
    path = tree.directory / file
    text = path.read_text(encoding="utf-8")
    block = block_of(text, step)
    assert old in block
    begin = text.index(block)
    path.write_text(text[:begin] + block.replace(old, new, 1) + text[begin + len(block) :], encoding="utf-8")


def drop(tree: TreeCopy, step: str, file: str = PLAN) -> None:
    path = tree.directory / file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[[step]]\n" + block_of(text, step), ""), encoding="utf-8")


def without(tree: TreeCopy, name: str) -> None:
    tree.spoil(PRODUCT, 'protection_class = "I" ', f'without = ["{name}"]\nprotection_class = "I" ')


@pytest.mark.parametrize(
    ("step", "old", "new", "key", "wrong", "remedy"),
    [
        ("earth-bond", 'on_fail = "no_mains"\n', "", "step[3].on_fail",
         '"continue" lets the run energise a device that failed', 'on_fail = "no_mains"'),
        ("insulation", '"no_mains"', '"no_drive"', "step[4].on_fail",
         '"no_drive" lets the run energise a device that failed', 'on_fail = "no_mains"'),
        ("earth-bond", '["earth_bond_ohm"]', "[]", "step[3].requires",
         "does not require `earth_bond_ohm`", 'requires = ["earth_bond_ohm"]'),
        ("insulation", 'on_fail = "no_mains"', 'on_fail = "no_mains"\nonly_after_pass = true',
         "step[4].only_after_pass", "what follows it hangs on it", "remove it"),
        ("dc-offset", '"no_drive"', '"continue"', "step[8].on_fail",
         '"continue" lets the run energise a device that failed', 'on_fail = "no_drive"'),
        ("switched-on", "requires = []", "requires = []\nonly_after_pass = true", "step[2].only_after_pass",
         "the insulation test hangs on it", "remove it"),
        ("switched-on", 'id = "switched-on"\n', 'id = "power-switch"\n', "step[4].use",
         "behind an open power switch this sees only the cord", 'put the checklist step "switched-on" before it'),
    ],
)  # fmt: skip
def test_a_safety_step_whose_failure_would_forbid_nothing_is_refused(
    step: str, old: str, new: str, key: str, wrong: str, remedy: str, tree: TreeCopy
) -> None:
    edit(tree, step, old, new)
    (problem,) = tree.problems()
    assert problem.key == key and wrong in problem.wrong and remedy in problem.remedy


@pytest.mark.parametrize(
    ("dropped", "measurement", "where", "remedy"),
    [
        ("earth-bond", "earth_bond_ohm", "step[4].use", 'on_fail = "no_mains"'),
        ("insulation", "insulation_mohm", "step[4].use", 'on_fail = "no_mains"'),
        ("dc-offset", "dc_offset_mv", "step[8].use", 'on_fail = "no_drive"'),
    ],
)
def test_a_plan_that_energises_without_a_safety_step_before_it_is_refused_at_that_step(
    dropped: str, measurement: str, where: str, remedy: str, tree: TreeCopy
) -> None:
    drop(tree, dropped)
    (problem,) = tree.problems()
    assert problem.key == where and f"no step before it measures `{measurement}`" in problem.wrong
    assert f'requires = ["{measurement}"]' in problem.remedy and remedy in problem.remedy


def test_a_safety_step_after_the_first_that_energises_comes_too_late(tree: TreeCopy) -> None:
    path = tree.directory / PLAN
    text = path.read_text(encoding="utf-8")
    inrush = "[[step]]\n" + block_of(text, "inrush")
    text = text.replace(inrush, "").replace("[[step]]\n" + block_of(text, "insulation"), inrush + "[[step]]\n" +
                                            block_of(text, "insulation"))  # fmt: skip
    path.write_text(text, encoding="utf-8")
    (problem,) = tree.problems()
    assert "'inrush' energises the device, and no step before it measures `insulation_mohm`" in problem.wrong
    line = text[: text.index('use = "inrush"')].count("\n") + 1
    assert (problem.file, problem.line) == tree.place(PLAN, line)


def test_a_label_is_for_no_device_that_nobody_has_held_to_its_safety(tree: TreeCopy) -> None:
    tree.spoil("plans/self-test.toml", 'purpose = "engineering"', 'purpose = "outgoing"\nlabel = true')
    problems = [problem for problem in tree.problems() if problem.key == "label"]
    assert [problem.wrong.rpartition(" ")[2] for problem in problems] == ["`earth_bond_ohm`", "`insulation_mohm`"]


@pytest.mark.parametrize(
    ("limit", "old", "new", "remedy"),
    [
        ("earth_bond_ohm", "high = 0.3", "low = 0.3", "high = 1 or less"),
        ("earth_bond_ohm", "high = 0.3", "high = 3.0", "high = 1 or less"),
        ("insulation_mohm", "low = 5.0", "low = 0.5", "low = 1 or more"),
        ("dc_offset_mv", "high = 50.0", "high = 2000.0", "low = -1000 or more, high = 1000 or less"),
    ],
)
def test_a_limit_that_lets_a_dangerous_device_pass_is_said_once_where_it_stands(
    limit: str, old: str, new: str, remedy: str, tree: TreeCopy
) -> None:
    path = tree.directory / PRODUCT
    head, mark, rest = path.read_text(encoding="utf-8").partition(f"[limits.{limit}]\n")
    assert old in rest
    path.write_text(head + mark + rest.replace(old, new, 1), encoding="utf-8")
    (problem,) = tree.problems()
    assert problem.key == f"limits.{limit}" and "would pass this and be energised" in problem.wrong
    assert remedy in problem.remedy


def test_a_plans_own_limit_that_lets_it_pass_is_said_in_the_plan(tree: TreeCopy) -> None:
    plan = "plans/incoming-amplifier.toml"
    edit(tree, "dc-for-drive", "high = 900.0", "high = 5000.0", plan)
    (problem,) = tree.problems()
    assert problem.file.endswith(plan) and problem.key.endswith(".limits.dc_offset_mv")
    assert "invariant 21" in problem.remedy


@pytest.mark.parametrize("name", ["switched-on", "power"])
def test_no_product_is_without_the_power_switch(name: str, tree: TreeCopy) -> None:
    without(tree, name)
    (problem,) = tree.problems()
    assert problem.key == "without[1]" and f"{name!r} is what insulation and touch current hang on" in problem.wrong


@pytest.mark.parametrize(
    ("given", "place", "clean"),
    [
        ("wait_s = 600.0,", "after", False),
        ("wait_s = 300.0,", "after", True),
        ("wait_s = 600.0, bench_off = true,", "after", True),
        ("wait_s = 600.0,", "before", True),
    ],
)
def test_a_question_waits_long_only_with_the_bench_off(given: str, place: str, clean: bool, tree: TreeCopy) -> None:
    path = tree.directory / PLAN
    text = path.read_text(encoding="utf-8")
    asked = CHECKLIST.replace("WAIT", given).lstrip()
    anchor = "[[step]]\n" + block_of(text, "gain" if place == "after" else "earth-bond")
    path.write_text(text.replace(anchor, f"{asked}\n{anchor}"), encoding="utf-8")
    problems = tree.problems()
    assert bool(problems) != clean
    for problem in problems:
        assert problem.key == "step[10].params.wait_s" and "600 s, with the device perhaps live" in problem.wrong
        assert "bench_off = true, or 300 s or less" in problem.remedy


def test_a_plan_that_energises_nothing_needs_none_of_it(tree: TreeCopy) -> None:
    for name in ("earth-bond", "switched-on"):
        drop(tree, name, "plans/safety-only.toml")
    assert tree.problems(), "it still switches mains on"
    for name in ("inrush", "touch-current", "idle-power"):
        drop(tree, name, "plans/safety-only.toml")
    assert tree.problems() == []


@pytest.mark.parametrize("step", ["inrush", "touch-current", "idle-power"])
def test_what_is_measured_on_mains_alone_comes_before_the_first_drive(step: str, tree: TreeCopy) -> None:
    path = tree.directory / PLAN
    block = "[[step]]\n" + block_of(path.read_text(encoding="utf-8"), step)
    drop(tree, step)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('[[step]]\nid = "thd"', f'{block}\n[[step]]\nid = "thd"', 1), encoding="utf-8")
    (problem,) = tree.problems()
    assert f"'connection' drives the device before '{step}' has measured it" in problem.wrong
    assert problem.key.endswith(".use") and problem.remedy == "put it before 'connection'"
