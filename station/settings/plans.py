"""Plans: read, checked against the step catalogue and against the products, and frozen.

The checks between files look at the raw tables, so that a misspelled key in one place hides no error in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from station.domain.plan import NeedsPass, OnFail, Purpose
from station.domain.plates import PLATES
from station.settings.cord import derived
from station.settings.locate import Path
from station.settings.names import nearest_of, suggest
from station.settings.plan_consent import check_consent
from station.settings.plan_safety import check_kept, check_order
from station.settings.problem import Problem
from station.settings.products import BOUNDS, check_bounds, check_id
from station.settings.schema import PlanFile, StepTable
from station.settings.source import Source, table, tables, texts
from station.settings.tree import PlanTemplate, StepEntry, StepTemplate, merge_limit, not_for
from station.settings.validate import read

_WITHOUT_LABEL = tuple(purpose for purpose in get_args(Purpose) if purpose != "outgoing")


@dataclass(frozen=True, slots=True)
class Step:
    """A step table as it stands in a plan; `spec` None where the catalogue has no such step."""

    path: Path
    raw: Mapping[str, Any]
    spec: StepEntry | None

    @property
    def requires(self) -> list[tuple[int, str]]:
        return texts(self.raw.get("requires"))

    @property
    def limits(self) -> Mapping[str, Any]:
        return table(self.raw.get("limits"))

    @property
    def items(self) -> Mapping[str, str]:
        """Of a guided step: its items, and the measurement that each answer is ("": none)."""
        items_of = self.spec.items_of if self.spec is not None else None
        return items_of(table(self.raw.get("params"))) if items_of is not None else {}

    @property
    def measurements(self) -> tuple[str, ...]:
        """What it can measure: by the catalogue, and by its own items."""
        own = self.spec.measurements if self.spec is not None else ()
        return (*own, *filter(None, self.items.values()))


def steps_of(source: Source, catalogue: Mapping[str, StepEntry]) -> list[Step]:
    """The step tables of a plan with their catalogue entries."""
    return [
        Step(("step", index), raw, catalogue.get(str(raw.get("use")))) for index, raw in tables(source.data.get("step"))
    ]


# ---- one plan -----------------------------------------------------------------------------------------------
def read_plan(source: Source, catalogue: Mapping[str, StepEntry]) -> tuple[PlanTemplate | None, list[Problem]]:
    """A plan, or None and what is wrong with it by itself."""
    file, problems = read(PlanFile, source.data, source)
    problems += check_id(source)
    problems += _check_label(source)
    params: list[Any] = []
    seen: dict[str, int] = {}
    for step in steps_of(source, catalogue):
        problems += _check_step(source, step, catalogue)
        problems += _check_family(source, step)
        name = step.raw.get("id")
        if isinstance(name, str) and seen.setdefault(name, int(step.path[-1]) + 1) != int(step.path[-1]) + 1:
            wrong = f"step {seen[name]} already has the id {name!r}"
            problems.append(source.problem((*step.path, "id"), wrong, "give each step an id of its own"))
        if step.spec is not None:
            value, found = read(step.spec.params, table(step.raw.get("params")), source, (*step.path, "params"))
            params.append(value)
            problems += found
    if not any(step.requires for step in steps_of(source, catalogue)):
        wrong = "no step requires a measurement: a run would prove nothing"
        problems.append(source.problem(("step",), wrong, "name what the steps must deliver in `requires`"))
    if file is None or problems:
        return None, problems
    plan = _freeze_plan(file, catalogue, params)
    problems += check_order(source, plan)
    problems += check_consent(source, plan)
    return (None, problems) if problems else (plan, [])


def _freeze_plan(file: PlanFile, catalogue: Mapping[str, StepEntry], params: Sequence[Any]) -> PlanTemplate:
    steps = (_freeze_step(step, catalogue[step.use], own) for step, own in zip(file.step, params, strict=True))
    return PlanTemplate(
        id=file.id,
        revision=file.revision,
        title=asdict(file.title),
        purpose=file.purpose,
        label=file.label,
        max_mains_s=file.max_mains_s,
        family=file.family,
        steps=tuple(steps),
        fault_codes=file.fault_codes,
        needs_consent=file.needs_consent,
        needs_pass=NeedsPass(file.needs_pass.plan, file.needs_pass.within_h) if file.needs_pass else None,
    )


def _freeze_step(step: StepTable, spec: StepEntry, params: Any) -> StepTemplate:
    given = {name: asdict(limit) for name, limit in step.limits.items()}
    return StepTemplate(
        id=step.id,
        spec=spec,
        title=asdict(step.title),
        params=params,
        requires=step.requires,
        on_fail=OnFail(step.on_fail),
        only_after_pass=step.only_after_pass,
        limits={name: {k: v for k, v in limit.items() if v is not None} for name, limit in given.items()},
    )


def _check_label(source: Source) -> Iterator[Problem]:
    if source.data.get("label") is True and source.data.get("purpose") in _WITHOUT_LABEL:
        wrong = f"a run of purpose {source.data.get('purpose')!r} earns no label"
        yield source.problem(("label",), wrong, 'remove it, or purpose = "outgoing"')


def _check_step(source: Source, step: Step, catalogue: Mapping[str, StepEntry]) -> Iterator[Problem]:
    use = step.raw.get("use")
    if isinstance(use, str) and step.spec is None:
        yield source.problem((*step.path, "use"), f"unknown step {use!r}", suggest(use, catalogue))
    seen: set[str] = set()
    for index, name in step.requires:
        path = (*step.path, "requires", index)
        if step.spec is not None and name not in step.measurements:
            wrong = f"step {use!r} does not measure `{name}`"
            yield source.problem(path, wrong, suggest(name, step.measurements))
        if name in seen:
            yield source.problem(path, f"`{name}` is required twice", "remove one")
        seen.add(name)
    for item, name in step.items.items():
        if name and name not in seen:
            wrong = f"item {item!r} measures `{name}`, which is not required: an NG would fail nothing"
            yield source.problem((*step.path, "requires"), wrong, f"add `{name}` to requires")
    for name, limit in step.limits.items():
        path = (*step.path, "limits", name)
        if name not in seen:
            wrong = "a limit that this step does not require a measurement for"
            yield source.problem(path, wrong, suggest(name, seen) if seen else f"add `{name}` to requires")
        bounds = any(bound in table(limit) for bound in BOUNDS)
        if bounds and "source" not in table(limit):
            yield source.problem((*path, "source"), "is missing", "say where the plan's own bound comes from")
        if bounds:
            yield from check_bounds(source, path, table(limit))


def _check_family(source: Source, step: Step) -> Iterator[Problem]:
    """A step that works from the data plate of one family has no place in a plan of another, nor in one for all."""
    plate = step.spec.plate if step.spec is not None else None
    family = source.data.get("family")
    if plate is None or PLATES.get(str(family)) is plate or (family is not None and str(family) not in PLATES):
        return  # a family that nobody knows is said where it stands
    own = " or ".join(name for name, kind in PLATES.items() if kind is plate)
    whose = "is for every product" if family is None else f"is for {family}"
    wrong = f"step {step.raw.get('use')!r} works from the data plate of {own}, and this plan {whose}"
    remedy = f'family = "{own}" in this plan' if family is None else "take a step of this family, or another plan"
    yield source.problem((*step.path, "use"), wrong, remedy)


# ---- plans against products --------------------------------------------------------------------------------
def check_limits(
    plans: Sequence[Source], products: Sequence[Source], catalogue: Mapping[str, StepEntry], all_read: bool
) -> Iterator[Problem]:
    """Required measurements without a limit, limits that nothing measures, families without a counterpart.

    `all_read` False: a file was no TOML, so what it would have held may not be called missing.
    """
    for plan in plans:
        family = plan.data.get("family")
        concerned = [p for p in products if family is None or p.data.get("family") == family]
        if not concerned and all_read and products:
            wrong = f"no product is of the family {family!r}"
            yield plan.problem(("family",), wrong, suggest(str(family), _families(products)))
        for product in concerned:
            yield from _check_pair(plan, product, steps_of(plan, catalogue))
    if all_read:
        for product in products:
            yield from _check_unmeasured(product, plans, catalogue)
            yield from _check_without(product, plans, catalogue)
            yield from check_kept(product, plans)


def _families(sources: Sequence[Source]) -> set[str]:
    return {str(source.data["family"]) for source in sources if "family" in source.data}


def _check_pair(plan: Source, product: Source, steps: Sequence[Step]) -> Iterator[Problem]:
    given = {name: asdict(limit) for name, limit in derived(product.data).items()}
    limits = {**given, **table(product.data.get("limits"))}
    title = product.data.get("id", product.name)
    left_out = {name for _, name in texts(product.data.get("without"))}
    for step in steps:
        if str(step.raw.get("use")) in not_for(product.data.get("protection_class")):
            continue
        if step.items and str(step.raw.get("id")) in left_out:
            continue  # a whole guided step that this product has nothing for
        for index, name in step.requires:
            if step.spec is not None and name not in step.measurements:
                continue  # said already, at the step
            base, override = limits.get(name), table(step.limits.get(name))
            merged = merge_limit(table(base), override)
            low, high = merged.get("low"), merged.get("high")
            if name not in limits and not any(bound in merged for bound in BOUNDS):
                wrong = f"`{name}` is required but has no limit for product {title!r}"
                remedy = f"add [limits.{name}] to {product.name}, or [step.limits.{name}] here"
                yield plan.problem((*step.path, "requires", index), wrong, remedy)
            elif override and not _is_crossed(override) and not _is_crossed(table(base)) and _is_crossed(merged):
                wrong = f"with the limit of product {title!r}, low {low} is above high {high}"
                yield plan.problem((*step.path, "limits", name), wrong, "give both bounds here")


def _is_crossed(limit: Mapping[str, Any]) -> bool:
    low, high = limit.get("low"), limit.get("high")
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def _check_unmeasured(
    product: Source, plans: Sequence[Source], catalogue: Mapping[str, StepEntry]
) -> Iterator[Problem]:
    family = product.data.get("family")
    if not isinstance(family, str):
        return  # said where it stands
    if family not in _families(plans):
        if nearest_of(family, _families(plans)) is None:  # else it has been said at the misspelled one
            wrong = f"no plan is for the family {family!r}, so the limits would judge nothing"
            yield product.problem(("family",), wrong, suggest(family, _families(plans)))
        return
    own = [plan for plan in plans if plan.data.get("family") in (None, family)]
    steps = [step for plan in own for step in steps_of(plan, catalogue)]
    required = {name for step in steps for _, name in step.requires}
    measured = {name for step in steps for name in step.measurements}
    for name in table(product.data.get("limits")):
        path = ("limits", name)
        if name in required:
            continue
        if name in measured:
            wrong = "no step of any plan requires this measurement, so the limit would judge nothing"
            yield product.problem(path, wrong, f"add `{name}` to the step's `requires`, or remove the limit")
        else:
            wrong = "no step of any plan of this family measures this"
            yield product.problem(path, wrong, suggest(name, required | measured))


def _check_without(product: Source, plans: Sequence[Source], catalogue: Mapping[str, StepEntry]) -> Iterator[Problem]:
    """What a product has nothing for: an item that prepares, or a whole guided step. Nothing else is left out."""
    own = [plan for plan in plans if plan.data.get("family") in (None, product.data.get("family"))]
    guided = [step for plan in own for step in steps_of(plan, catalogue) if step.items]
    items = {name: measures for step in guided for name, measures in step.items.items()}
    known = {str(step.raw.get("id")) for step in guided} | {name for name, measures in items.items() if not measures}
    for index, name in texts(product.data.get("without")):
        if items.get(name) and name not in known:
            wrong = f"item {name!r} judges the device and is not left out by itself"
            yield product.problem(("without", index), wrong, "give it a step of its own in the plan and name that step")
        elif name not in known:
            wrong = f"no guided check of any plan of this family has {name!r}"
            yield product.problem(("without", index), wrong, suggest(name, known))
