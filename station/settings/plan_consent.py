"""Plans that touch what belongs to the owner alone: none is run without the owner's consent on the work order.

The consent itself is asked for at START (`session_guards.lacks`); here only that no plan can forget to ask.
"""

from __future__ import annotations

from collections.abc import Iterator

from station.settings.problem import Problem
from station.settings.source import Source
from station.settings.tree import PlanTemplate

HOLDS_DATA = frozenset({"phone"})
"""Families whose devices hold a person's data."""


def check_consent(source: Source, plan: PlanTemplate) -> Iterator[Problem]:
    """A plan of such a family says `needs_consent = true`, whatever its purpose."""
    if plan.family in HOLDS_DATA and not plan.needs_consent:
        key = "needs_consent" if "needs_consent" in source.data else "family"
        wrong = f"a {plan.family} holds its owner's data, and this plan would start without their consent"
        yield source.problem((key,), wrong, "needs_consent = true")
