"""The order that safety wants of every plan: what must be proven, how, and before which step.

A rule of plan files is for editing; that a plan measures earth bond and insulation before mains is not. `station check`
refuses a plan that could energise without them, or in which their failure would forbid nothing. The figures are the
loosest that a limit may be, not what a product should have; reference/safety.md and reference/measurement.md have them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from station.domain.plan import Needs, OnFail, Product
from station.domain.plates import FED_BY_BENCH, AppliancePlate, PhonePlate
from station.domain.prompt import PROMPT_S
from station.settings.cord import BY_CLASS, EARTH_BOND, STANDARD, earth_bond_ohm
from station.settings.locate import Path
from station.settings.problem import Problem
from station.settings.source import Source, table, tables, texts
from station.settings.tree import PlanTemplate, StepTemplate, limit_of, not_for

SWITCHED_ON = "switched-on"
"""The guided step that has the power switch confirmed: behind an open one 500 V see only the cord (invariant 22)."""
LIVE_WAIT_S = PROMPT_S
"""How long a question may wait, wall seconds, once mains may be on."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A measurement without which nothing that needs `before` may follow."""

    use: str
    measurement: str
    before: frozenset[Needs]
    on_fail: tuple[OnFail, ...]
    """What its failure must forbid: one of these; the first is the one to write."""
    why: str
    low_min: float | None = None
    high_max: float | None = None

    def low_of(self, product: Product) -> float | None:
        """`low_min` for this product: of a battery, for each of its cells; what its protection class wants besides."""
        cells = product.plate.cells if isinstance(product.plate, PhonePlate) else 1
        rows = BY_CLASS.get(product.protection_class, ())
        stricter = [most for name, bound, most in rows if (name, bound) == (self.measurement, "low")]
        return None if self.low_min is None else max(self.low_min * cells, *stricter, -math.inf)

    def high_of(self, product: Product) -> float | None:
        """`high_max` for this product: of an earth bond, with its cord."""
        if self.measurement == EARTH_BOND and isinstance(product.plate, AppliancePlate):
            return earth_bond_ohm(product.plate.cord_m)
        return self.high_max

    @property
    def remedy(self) -> str:
        """The step as a maintainer would write it."""
        return f'use = "{self.use}", requires = ["{self.measurement}"], on_fail = "{self.on_fail[0]}"'


PRESENCE: Mapping[str, tuple[str, ...]] = {
    "audio-amplifier": ("idle_power_w",),
    "appliance": ("work_power_w",),
    "electronics": ("supply_current_ma",),
    "phone": ("idle_current_ma", "charging_current_ma", "battery_charging_ma"),
}
"""What must have a low limit in a plan with a label: a device that is not plugged in would pass (invariant 22)."""
KEPT_ITEMS: Mapping[str, frozenset[str]] = {
    "appliance": frozenset({"metal", "visual", "preparation"}),
    "phone": frozenset({"swelling", "preparation"}),
}
"""Items that prepare, and steps, by family, that no product is `without`: on the clip at the metal hangs insulation, a
swollen battery is never charged."""
BEFORE_DRIVE = ("inrush", "touch_current", "idle_power")
"""What is measured on mains alone: where a plan has these, each comes once before the first step that drives."""
_ENERGISED, _DRIVE = frozenset({Needs.MAINS, Needs.DRIVE}), frozenset({Needs.DRIVE})
_DEAD = (OnFail.NO_MAINS, OnFail.MAINS_OFF)
GATES: tuple[Gate, ...] = (
    Gate("earth_bond", "earth_bond_ohm", _ENERGISED, _DEAD, "DIN VDE 0701-0702: at most 1 ohm", high_max=1.0),
    Gate("insulation", "insulation_mohm", _ENERGISED, _DEAD, "DIN VDE 0701-0702: 1 Mohm", low_min=1.0),
    Gate("dc_offset", "dc_offset_mv", _DRIVE, (OnFail.NO_DRIVE, *_DEAD), "invariant 21: 1 V", -1000.0, 1000.0),
)
GATES_OF_FAMILY: Mapping[str, tuple[Gate, ...]] = {
    "phone": (
        Gate("battery_voltage", "battery_voltage_v", _ENERGISED, _DEAD,
             "a lithium-ion cell below 2.5 V is deeply discharged and may burn when it is charged", low_min=2.5),
    ),
}  # fmt: skip
"""Of families that the bench feeds with extra-low voltage: what their own hazard wants."""
ALL_GATES = (*GATES, *(gate for gates in GATES_OF_FAMILY.values() for gate in gates))


def gates_of(family: str | None) -> tuple[Gate, ...]:
    """The gates of a plan for this family; None: for every product."""
    return GATES_OF_FAMILY.get(family, ()) if family in FED_BY_BENCH and family is not None else GATES


def check_order(source: Source, plan: PlanTemplate) -> Iterator[Problem]:
    """What a plan lacks before it may energise; only for a plan in which nothing else is wrong."""
    for gate in gates_of(plan.family):
        needing = [index for index, step in enumerate(plan.steps) if step.spec.needs in gate.before]
        if needing:
            yield from _check_gate(source, plan, gate, needing[0])
        elif plan.label and gate.before == _ENERGISED and not any(_is_lawful(step, gate) for step in plan.steps):
            wrong = f"a label says that the device is safe, and no step holds it to `{gate.measurement}`"
            yield source.problem(("label",), wrong, f"add a step with {gate.remedy}")
    yield from _check_before_drive(source, plan)
    yield from _check_switched_on(source, plan)
    yield from _check_waits(source, plan)


def _check_gate(source: Source, plan: PlanTemplate, gate: Gate, first: int) -> Iterator[Problem]:
    """One lawful step before `first` is enough; where none is, the first of that sort is told what it lacks."""
    found = [(index, step) for index, step in enumerate(plan.steps[:first]) if step.spec.use == gate.use]
    if not found:
        needs = "drives" if plan.steps[first].spec.needs is Needs.DRIVE and gate.before == _DRIVE else "energises"
        wrong = f"{plan.steps[first].id!r} {needs} the device, and no step before it measures `{gate.measurement}`"
        yield source.problem(("step", first, "use"), wrong, f"put a step before it with {gate.remedy}")
    elif not any(_is_lawful(step, gate) for _, step in found):
        yield from _lacking(source, *found[0], gate)


def _check_before_drive(source: Source, plan: PlanTemplate) -> Iterator[Problem]:
    drives = next((index for index, step in enumerate(plan.steps) if step.spec.needs is Needs.DRIVE), len(plan.steps))
    for use in BEFORE_DRIVE:
        first = next((index for index, step in enumerate(plan.steps) if step.spec.use == use), 0)
        if first > drives:
            wrong = f"{plan.steps[drives].id!r} drives the device before {plan.steps[first].id!r} has measured it"
            yield source.problem(("step", first, "use"), wrong, f"put it before {plan.steps[drives].id!r}")


def _is_lawful(step: StepTemplate, gate: Gate) -> bool:
    required = gate.measurement in step.requires
    return step.spec.use == gate.use and required and step.on_fail in gate.on_fail and not step.only_after_pass


def _lacking(source: Source, index: int, step: StepTemplate, gate: Gate) -> Iterator[Problem]:
    path: Path = ("step", index)
    if gate.measurement not in step.requires:
        wrong = f"does not require `{gate.measurement}`, so nothing that it measures would keep the device from power"
        yield source.problem((*path, "requires"), wrong, f'requires = ["{gate.measurement}"]')
    if step.on_fail not in gate.on_fail:
        wrong = f'"{step.on_fail}" lets the run energise a device that failed {step.id!r}'
        yield source.problem((*path, "on_fail"), wrong, f'on_fail = "{gate.on_fail[0]}"')
    if step.only_after_pass:
        wrong = f"{step.id!r} would be left out after a failure, and what follows it hangs on it"
        yield source.problem((*path, "only_after_pass"), wrong, "remove it")


def _check_switched_on(source: Source, plan: PlanTemplate) -> Iterator[Problem]:
    """In a plan that energises, a person confirms the power switch before the first insulation test."""
    tests = [index for index, step in enumerate(plan.steps) if step.spec.use == "insulation"]
    if not tests or not (plan.label or any(step.spec.needs in _ENERGISED for step in plan.steps)):
        return
    asked = [
        (i, step) for i, step in enumerate(plan.steps[: tests[0]]) if step.id == SWITCHED_ON and step.spec.items_of
    ]
    if not asked:
        wrong = "behind an open power switch this sees only the cord, and nobody is asked before it"
        remedy = f'put the checklist step "{SWITCHED_ON}" before it, as in outgoing-amplifier.toml'
        yield source.problem(("step", tests[0], "use"), wrong, remedy)
        return
    index, step = asked[0]
    if step.requires:
        wrong = "an NG here would be judged and the run would go on"
        yield source.problem(("step", index, "requires"), wrong, "requires = [], and a remedy for each item")
    if step.only_after_pass:
        wrong = "would be left out after a failure, and the insulation test hangs on it"
        yield source.problem(("step", index, "only_after_pass"), wrong, "remove it")


def _check_waits(source: Source, plan: PlanTemplate) -> Iterator[Problem]:
    """Once mains may be on, a question switches off first or does not wait for long."""
    energised = False
    for index, step in enumerate(plan.steps):
        wait_s = getattr(step.params, "wait_s", 0.0)
        if energised and not getattr(step.params, "bench_off", True) and wait_s > LIVE_WAIT_S:
            wrong = f"{wait_s:g} s, with the device perhaps live and nobody there"
            remedy = f"params.bench_off = true, or {LIVE_WAIT_S:g} s or less"
            yield source.problem(("step", index, "params", "wait_s"), wrong, remedy)
        energised = energised or step.spec.needs in _ENERGISED


# ---- plans against products --------------------------------------------------------------------------------
def check_gate_limits(
    files: Mapping[str, Source], plans: Iterable[PlanTemplate], products: Sequence[Product]
) -> Iterator[Problem]:
    """Gates whose limit, for some product, has no bound on the dangerous side or lets a dangerous device pass.

    Said where the limit stands: in the plan's step, or in the product's file. That there is one is checked elsewhere.
    """
    for plan in plans:
        for product in products:
            if plan.family not in (None, product.family):
                continue
            yield from check_presence(files, plan, product)
            yield from _check_by_class(files, plan, product)
            for gate in gates_of(product.family):
                if gate.use in not_for(product.protection_class):
                    continue
                found = _lawful(plan, gate)
                if found and not any(_holds(step, gate, product) for _, step in found):
                    yield _too_loose(files, plan, product, gate, *found[0])
                elif not found and plan.family is None and any(step.spec.needs in gate.before for step in plan.steps):
                    wrong = f"for every product, and {product.id} would be energised before `{gate.measurement}`"
                    remedy = f'family = "…", or put before the first that energises a step with {gate.remedy}'
                    yield files[f"plans/{plan.id}.toml"].problem(("step",), wrong, remedy)


def _lawful(plan: PlanTemplate, gate: Gate) -> list[tuple[int, StepTemplate]]:
    """The steps that may stand for this gate: lawful, and before the first that needs it."""
    needing = [index for index, step in enumerate(plan.steps) if step.spec.needs in gate.before]
    before = plan.steps[: needing[0]] if needing else plan.steps
    return [(index, step) for index, step in enumerate(before) if _is_lawful(step, gate)]


def _holds(step: StepTemplate, gate: Gate, product: Product) -> bool:
    limit = limit_of(step, product, gate.measurement)
    if limit is None:
        return True  # a requirement without a limit is said by `check_limits`
    low_min, high_max = gate.low_of(product), gate.high_of(product)
    low = low_min is None or (limit.low is not None and limit.low >= low_min)
    return low and (high_max is None or (limit.high is not None and limit.high <= high_max))


def _too_loose(
    files: Mapping[str, Source], plan: PlanTemplate, product: Product, gate: Gate, index: int, step: StepTemplate
) -> Problem:
    low_min, high_max = gate.low_of(product), gate.high_of(product)
    bounds = [] if low_min is None else [f"low = {low_min:g} or more"]
    bounds += [] if high_max is None else [f"high = {high_max:g} or less"]
    wrong = "a device that is dangerous would pass this and be energised"
    remedy = f"write {', '.join(bounds)} ({gate.why})"
    if gate.measurement in step.limits:
        return files[f"plans/{plan.id}.toml"].problem(("step", index, "limits", gate.measurement), wrong, remedy)
    return files[f"products/{product.id}.toml"].problem(("limits", gate.measurement), wrong, remedy)


def _check_by_class(files: Mapping[str, Source], plan: PlanTemplate, product: Product) -> Iterator[Problem]:
    """A plan's own limit that is looser than the standard allows this product's class; its file's are `cord.py`'s."""
    gates = {gate.measurement for gate in gates_of(product.family)}
    for name, bound, most in BY_CLASS.get(product.protection_class, ()):
        for index, step in enumerate(plan.steps):
            limit = limit_of(step, product, name) if name in step.limits and name not in gates else None
            given = getattr(limit, bound) if limit is not None else most
            if given is None or (given < most if bound == "low" else given > most):
                wrong = f"looser than {STANDARD} allows class {product.protection_class} ({product.id})"
                own = files[f"plans/{plan.id}.toml"]
                yield own.problem(("step", index, "limits", name), wrong, f"write {bound} = {most:g} or stricter")


def check_presence(files: Mapping[str, Source], plan: PlanTemplate, product: Product) -> Iterator[Problem]:
    """A limit of a plan with a label that a device which takes nothing would keep."""
    for name in PRESENCE.get(product.family, ()) if plan.label else ():
        for index, step in enumerate(plan.steps):
            limit = limit_of(step, product, name) if name in step.requires else None
            if limit is None or step.spec.use in not_for(product.protection_class):
                continue
            if limit.relative_percent is None and not (limit.low is not None and limit.low > 0.0):
                wrong, remedy = "a device that is not plugged in would pass this", "write low, above 0 (invariant 22)"
                if name in step.limits:
                    own = files[f"plans/{plan.id}.toml"]
                    yield own.problem(("step", index, "limits", name), wrong, remedy)
                else:
                    yield files[f"products/{product.id}.toml"].problem(("limits", name), wrong, remedy)


def check_kept(product: Source, plans: Sequence[Source]) -> Iterator[Problem]:
    """No product is without the step that safety hangs on, nor without an item of it."""
    family = product.data.get("family")
    steps = [
        raw for plan in plans if plan.data.get("family") in (None, family) for _, raw in tables(plan.data.get("step"))
    ]
    asked = [table(raw.get("params")).get("items") for raw in steps if raw.get("id") == SWITCHED_ON]
    kept = {SWITCHED_ON} | {str(item.get("id")) for items in asked for _, item in tables(items)}
    for index, name in texts(product.data.get("without")):
        if name in KEPT_ITEMS.get(str(family), ()):
            wrong = f"{name!r} is what the safety of the steps after it hangs on"
            yield product.problem(("without", index), wrong, "remove it")
        if name in kept:
            wrong = f"{name!r} is what insulation and touch current hang on, and every device has it"
            yield product.problem(("without", index), wrong, "remove it")
