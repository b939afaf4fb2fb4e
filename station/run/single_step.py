"""One step of a plan, made again as a trial: what safety needs before it, then the step itself. Pure.

Before it come the steps whose failure would forbid or end something (no mains, mains off, no drive), the guided checks
that prepare (power switch on: behind an open one insulation proves nothing; clips of the bias meter on), the check that
the leads are where they should be, and warming up. After it comes what takes back a preparation with the bench off
(clips off). What merely measures or asks is left out: it is a trial, purpose `engineering`, never in statistics and
never a label.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from station.domain.errors import SettingsError
from station.domain.plan import OnFail, Plan, PlanStep
from station.steps import checklist

PREPARING = frozenset({"connection", "bias_warm_up"})
"""Steps (`use`) that measure nothing and without which a later one means something else."""


def only_step(plan: Plan, step_id: str) -> Plan:
    """`plan` cut down to one step and what safety needs before it. Raises `SettingsError` for an unknown step."""
    places = [index for index, step in enumerate(plan.steps) if step.id == step_id]
    if not places:
        known = ", ".join(step.id for step in plan.steps)
        raise SettingsError(f"plan {plan.id} has no step {step_id!r}; its steps: {known}")
    wanted = plan.steps[places[0]]
    before = [s for s in plan.steps[: places[0]] if s.on_fail is not OnFail.CONTINUE or _prepares(s)]
    hands_in = any(_is_hands_on(s) for s in (*before, wanted))
    after = [s for s in plan.steps[places[0] + 1 :] if hands_in and _is_hands_on(s)]
    title = {lang: f"{text} · {wanted.title[lang]}" for lang, text in plan.title.items()}
    sha256 = hashlib.sha256(f"{plan.sha256}/{step_id}".encode()).hexdigest()
    return replace(
        plan, id=f"{plan.id}/{step_id}", sha256=sha256, title=title, purpose="engineering", label=False,
        steps=(*before, wanted, *after),
    )  # fmt: skip


def _prepares(step: PlanStep) -> bool:
    """A check that proves nothing by itself; of a guided one, that an NG of it ends the run."""
    guided = isinstance(step.params, checklist.Params) and any(item.remedy for item in step.params.items)
    return guided or step.use in PREPARING


def _is_hands_on(step: PlanStep) -> bool:
    """A guided check that prepares with hands at the device, the bench being off."""
    return _prepares(step) and isinstance(step.params, checklist.Params) and step.params.bench_off
