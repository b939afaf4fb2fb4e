"""Guided steps in a tree: their items are checked, what an NG would not fail is said, a product can be without some."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from settings_tree import TreeCopy

from station.domain.plan import PlanStep

PLAN, PRODUCT = "plans/outgoing-amplifier.toml", "products/example-a-100.toml"
REQUIRES = 'requires = ["fault_cured_ok", "volume_smooth_ok", "appearance_ok"]'


def resolved(tree: TreeCopy, name: str) -> PlanStep:
    plan = tree.load().resolve("outgoing-amplifier", "example-a-100")
    return next(step for step in plan.steps if step.id == name)


def without(tree: TreeCopy, *names: str) -> None:
    """The product says that it has nothing for these."""
    listed = ", ".join(f'"{name}"' for name in names)
    tree.spoil(PRODUCT, 'protection_class = "I" ', f'without = [{listed}]\nprotection_class = "I" ')


def test_the_shipped_items_are_those_of_the_repair_centre(tree: TreeCopy) -> None:
    items = [item.id for name in ("controls", "switched-on") for item in resolved(tree, name).params.items]
    assert items == ["volume", "tone", "input", "speakers", "power"]
    acceptance = resolved(tree, "acceptance")
    asked = [item.measures for item in acceptance.params.items]
    assert asked == [r.name for r in acceptance.requires] == ["fault_cured_ok", "volume_smooth_ok", "appearance_ok"]
    assert acceptance.params.bench_off and acceptance.only_after_pass
    assert acceptance.params.wait_s > 7200.0, "who started a soak of two hours does not stand beside its end"


def test_an_answer_that_no_requirement_judges_is_said(tree: TreeCopy) -> None:
    tree.spoil(PLAN, REQUIRES, 'requires = ["volume_smooth_ok", "appearance_ok"]')
    said = [str(problem).split(": ", 1)[1] for problem in tree.problems()]
    assert any("an NG would fail nothing; add `fault_cured_ok` to requires" in one for one in said), said


def test_an_answer_that_no_item_gives_is_said(tree: TreeCopy) -> None:
    tree.spoil(PLAN, 'measures = "appearance_ok"', 'measures = "looks_ok"')
    said = [str(problem).split(": ", 1)[1] for problem in tree.problems()]
    assert any("does not measure `appearance_ok`" in one for one in said), said


@pytest.mark.parametrize(("name", "said"), [
    ("tone-controls", "no guided check of any plan of this family has 'tone-controls'; did you mean `controls`?"),
    ("tones", "has 'tones'; did you mean `tone`?"),
    ("insulation", "no guided check of any plan of this family has 'insulation'"),
    ("appearance", "item 'appearance' judges the device and is not left out by itself; give it a step of its own"),
])  # fmt: skip
def test_only_what_prepares_or_a_whole_guided_step_can_be_left_out(name: str, said: str, tree: TreeCopy) -> None:
    without(tree, name)
    (problem,) = tree.problems()
    assert problem.key == "without[1]" and said in str(problem)


def test_a_product_without_tone_controls_leaves_the_item_out(tree: TreeCopy) -> None:
    without(tree, "tone")
    assert tree.problems() == []
    assert tree.load().products["example-a-100"].without == ("tone",)
    assert resolved(tree, "controls").applicable


def test_a_guided_step_that_a_product_is_without_does_not_apply(tree: TreeCopy) -> None:
    without(tree, "acceptance")
    assert tree.problems() == []
    assert not resolved(tree, "acceptance").applicable and resolved(tree, "insulation").applicable


def test_the_example_for_whoever_writes_plans_is_a_plan(tree: TreeCopy) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "preparing-a-device.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"<!-- example: a guided step -->\n```toml\n(.*?)```", page, re.DOTALL)
    path = tree.directory / PLAN
    path.write_text(path.read_text(encoding="utf-8") + "\n" + example, encoding="utf-8")
    assert tree.problems() == []
    step = resolved(tree, "functions")
    assert [r.name for r in step.requires] == ["keys_ok"] and step.params.wait_s == 600.0
    without(tree, "cover")
    assert tree.problems() == []
