"""From the configuration to what a session knows of products and plans."""

from __future__ import annotations

from station.domain.plates import PhonePlate
from station.metrology.roles import roles_needed
from station.run.session_scans import Catalogue, PlanFacts
from station.settings.tree import PlanTemplate, Tree

INSPECTED = "mutual_inspection_ok"
"""What a mutual inspection measures."""


def catalogue_of(tree: Tree) -> Catalogue:
    """Products with their family, plans with their purpose and what choosing and starting them takes."""
    return Catalogue(
        {name: product.family for name, product in tree.products.items()},
        {name: plan.purpose for name, plan in tree.plans.items()},
        {name: _facts(plan) for name, plan in tree.plans.items()},
        tree.station.simulated,
        frozenset(name for name, one in tree.products.items() if isinstance(one.plate, PhonePlate) and one.plate.imei),
    )


def _facts(plan: PlanTemplate) -> PlanFacts:
    steps = tuple(step.id for step in plan.steps)
    two_people = any(INSPECTED in step.spec.measurements for step in plan.steps)
    instruments = roles_needed((name, step.spec.use) for step in plan.steps for name in step.requires)
    return PlanFacts(
        plan.family, steps, plan.fault_codes, plan.needs_consent, plan.needs_pass, two_people, instruments
    )  # fmt: skip
