"""One step of a plan, made again as a trial: what safety needs before it, then the step itself. Pure.

Before it come the steps whose failure would forbid or end something (no mains, mains off, no drive) and the check that
the leads are where they should be. What merely measures, asks or prepares is left out: it is a trial, purpose
`engineering`, never in statistics and never a label.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from station.domain.errors import SettingsError
from station.domain.plan import OnFail, Plan

CONNECTION = "connection"
"""The connection check's name in the catalogue."""


def only_step(plan: Plan, step_id: str) -> Plan:
    """`plan` cut down to one step and what safety needs before it. Raises `SettingsError` for an unknown step."""
    places = [index for index, step in enumerate(plan.steps) if step.id == step_id]
    if not places:
        known = ", ".join(step.id for step in plan.steps)
        raise SettingsError(f"plan {plan.id} has no step {step_id!r}; its steps: {known}")
    wanted = plan.steps[places[0]]
    before = [s for s in plan.steps[: places[0]] if s.on_fail is not OnFail.CONTINUE or s.use == CONNECTION]
    title = {lang: f"{text} · {wanted.title[lang]}" for lang, text in plan.title.items()}
    sha256 = hashlib.sha256(f"{plan.sha256}/{step_id}".encode()).hexdigest()
    return replace(
        plan, id=f"{plan.id}/{step_id}", sha256=sha256, title=title, purpose="engineering", label=False,
        steps=(*before, wanted),
    )  # fmt: skip
