"""One step made again as a trial: only what safety needs and what prepares goes before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.catalog import CATALOG
from station.domain.errors import SettingsError
from station.domain.plan import OnFail, Plan
from station.run.single_step import only_step
from station.settings.loading import load
from station.steps.catalog import STEPS

CONFIG = Path(__file__).parents[2] / "config"
PREPARED = ["controls", "switched-on"]
SAFETY = [*PREPARED, "earth-bond", "insulation", "inrush", "touch-current", "idle-power", "dc-offset"]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load(CONFIG, STEPS, CATALOG).resolve("outgoing-amplifier", "example-a-100")


@pytest.mark.parametrize(
    ("step", "before"),
    [
        ("thd", [*SAFETY, "connection"]),
        ("soak", [*SAFETY, "connection"]),
        ("gain", [*SAFETY, "connection"]),
        ("connection", SAFETY),
        ("touch-current", SAFETY[:5]),
        ("insulation", SAFETY[:3]),
        ("earth-bond", PREPARED),
        ("controls", []),
    ],
)
def test_safety_and_what_prepares_go_before_the_step_and_nothing_else(plan: Plan, step: str, before: list[str]) -> None:
    cut = only_step(plan, step)
    assert [one.id for one in cut.steps] == [*before, step]
    whole = {one.id: one for one in plan.steps}
    assert all(whole[one.id] == one for one in cut.steps), "limits and parameters stay those of the plan"


def test_every_step_of_every_shipped_plan_keeps_what_safety_needs_before_it() -> None:
    tree = load(CONFIG, STEPS, CATALOG)
    first = {product.family: product.id for product in reversed(tree.products.values())}
    for name, template in tree.plans.items():
        plan = tree.resolve(name, first[template.family or "audio-amplifier"])
        for index, step in enumerate(plan.steps):
            kept = {one.id for one in only_step(plan, step.id).steps}
            assert {one.id for one in plan.steps[:index] if one.on_fail is not OnFail.CONTINUE} <= kept
            switch = [one.id for one in plan.steps[:index] if one.id == "switched-on"]
            assert set(switch) <= kept, "behind an open power switch insulation and touch current prove nothing"


@pytest.mark.parametrize("step", ["bias", "inrush"])
def test_the_clips_of_the_bias_meter_go_on_before_and_come_off_after(step: str) -> None:
    cut = only_step(load(CONFIG, STEPS, CATALOG).resolve("adjust-bias", "example-a-100"), step)
    names = [one.id for one in cut.steps]
    assert names.index("clips-on") < names.index(step) < names.index("clips-off") == len(names) - 1
    assert step != "bias" or names.index("warm-up") < names.index("bias"), "the bias of a cold device is another one"


def test_clips_that_never_went_on_are_not_asked_for_after() -> None:
    adjust = load(CONFIG, STEPS, CATALOG).resolve("adjust-bias", "example-a-100")
    assert "clips-off" not in [one.id for one in only_step(adjust, "insulation").steps]


def test_questions_that_judge_the_device_are_not_asked_again(plan: Plan) -> None:
    acceptance = next(one for one in plan.steps if one.id == "acceptance")
    more = replace(plan, steps=(*plan.steps, replace(plan.steps[0], id="last")))
    assert acceptance.id not in [one.id for one in only_step(more, "last").steps]


def test_it_is_another_plan_a_trial_and_earns_no_label(plan: Plan) -> None:
    cut = only_step(plan, "thd")
    assert (cut.id, cut.purpose, cut.label) == ("outgoing-amplifier/thd", "engineering", False)
    assert cut.sha256 not in (plan.sha256, only_step(plan, "gain").sha256)
    assert cut.sha256 != only_step(replace(plan, sha256="0" * 64), "thd").sha256, "another plan, another trial"
    assert cut.title["zh"].startswith(plan.title["zh"]) and cut.title["en"].endswith("THD")
    assert cut.max_mains_s == plan.max_mains_s


def test_an_unknown_step_is_refused_with_those_there_are(plan: Plan) -> None:
    with pytest.raises(SettingsError, match=r"no step 'tdh'; its steps: controls, .*soak"):
        only_step(plan, "tdh")
