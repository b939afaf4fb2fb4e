"""What plans ask of work orders and of each other: fault codes, and a PASS of another plan. Checked between files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from station.settings.names import suggest
from station.settings.problem import Problem
from station.settings.source import Source, table, texts


def check_needs(plans: Sequence[Source], all_read: bool) -> Iterator[Problem]:
    """Codes that choose nothing or more than one plan, and plans that wait for a PASS which nobody can earn.

    `all_read` False: a file was no TOML, so a plan that it would have held may not be called missing.
    """
    by_id = {str(plan.data.get("id")): plan for plan in plans}
    for plan in plans:
        if "needs_pass" in plan.data:
            yield from _check_pass(plan, table(plan.data["needs_pass"]).get("plan"), by_id, all_read)
        if "fault_codes" in plan.data and plan.data.get("purpose") not in (None, "incoming"):
            wrong = f"fault codes choose among incoming plans, and this one is {plan.data['purpose']!r}"
            yield plan.problem(("fault_codes",), wrong, 'remove them, or purpose = "incoming"')
    yield from _check_codes(plans)


def _check_pass(plan: Source, wanted: Any, by_id: Mapping[str, Source], all_read: bool) -> Iterator[Problem]:
    path = ("needs_pass", "plan")
    if not isinstance(wanted, str):
        return
    if wanted == plan.data.get("id"):
        yield plan.problem(path, "a plan cannot wait for its own PASS", "name the plan that comes before it")
        return
    other = by_id.get(wanted)
    if other is None:
        if all_read:
            yield plan.problem(path, f"no plan {wanted!r}", suggest(wanted, by_id))
        return
    if other.data.get("purpose") != "outgoing":
        wrong = f"a run of {wanted!r} has purpose {other.data.get('purpose')!r}, and only an outgoing PASS counts"
        yield plan.problem(path, wrong, "name an outgoing plan")
    families = plan.data.get("family"), other.data.get("family")
    if None not in families and families[0] != families[1]:
        yield plan.problem(path, f"{wanted!r} is for {families[1]}, this plan for {families[0]}", "name one of its own")


def _check_codes(plans: Sequence[Source]) -> Iterator[Problem]:
    """A fault code must choose one plan of a family, not the first of two."""
    owners: dict[tuple[object, str], str] = {}
    for plan in plans:
        for index, code in texts(plan.data.get("fault_codes")):
            owner = owners.setdefault((str(plan.data.get("family")), code), plan.name)
            if owner != plan.name:
                wrong = f"{code!r} is in {owner} as well, for the same family"
                yield plan.problem(("fault_codes", index), wrong, "name it in one of them only")
