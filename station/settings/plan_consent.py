"""Plans that touch what belongs to the owner alone: none is run without the owner's consent on the work order.

The consent itself is asked for at START (`session_guards.lacks`); here only that no plan can forget to ask.
"""

from __future__ import annotations

from collections.abc import Iterator

from station.domain.plan import Needs
from station.settings.problem import Problem
from station.settings.source import Source
from station.settings.tree import PlanTemplate, StepTemplate

HOLDS_DATA = frozenset({"phone"})
"""Families whose devices hold a person's data."""


def check_consent(source: Source, plan: PlanTemplate) -> Iterator[Problem]:
    """A plan of such a family says `needs_consent = true`, whatever its purpose; so does one for every product that
    switches on or asks somebody to look, because it may be chosen for such a device."""
    if plan.family in HOLDS_DATA and not plan.needs_consent:
        key = "needs_consent" if "needs_consent" in source.data else "family"
        wrong = f"a {plan.family} holds its owner's data, and this plan would start without their consent"
        yield source.problem((key,), wrong, "needs_consent = true")
    elif plan.family is None and not plan.needs_consent and any(_touches(step) for step in plan.steps):
        wrong = f"may be chosen for a {' or '.join(sorted(HOLDS_DATA))}, whose owner's consent it would not wait for"
        yield source.problem(("needs_consent",), wrong, "needs_consent = true, or give the plan a family")


def _touches(step: StepTemplate) -> bool:
    return step.spec.needs is not Needs.NOTHING or step.spec.items_of is not None
