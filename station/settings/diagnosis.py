"""diagnosis.toml: read, checked against catalogue, plans and interlocks, and frozen.

A condition that can never hold is an error here: it would be noticed on a bench only by a fault that nobody names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from station.domain.diagnosis import Condition, DiagnosisRule
from station.domain.interlock import Interlock
from station.domain.quantity import unit_of
from station.settings.interlocks import check_unique
from station.settings.locate import Path
from station.settings.names import suggest
from station.settings.plans import steps_of
from station.settings.problem import Problem
from station.settings.schema import ConditionTable, DiagnosisFile, RuleTable
from station.settings.source import Source, tables
from station.settings.tree import StepEntry
from station.settings.validate import read

_GROUPS = ("when", "either", "unless")
_THRESHOLD = ("below", "above")
_BEYOND = ("failed", "low", "high")


@dataclass(slots=True)
class Known:
    """What a condition may speak of. `uses`: by measurement that an incoming plan requires, the steps that make it.

    `trips`: by interlock, the measurement that it stands for; None where the interlocks could not be read.
    """

    steps: Mapping[str, StepEntry]
    trips: Mapping[str, str | None] | None
    uses: Mapping[str, set[str]]

    @property
    def measured(self) -> set[str]:
        """Every measurement that some step can make."""
        return {name for spec in self.steps.values() for name in spec.measurements}

    def per_channel(self, name: str) -> bool:
        """Whether it comes once for left and once for right."""
        return any(name in spec.per_channel for spec in self.steps.values())


def know(steps: Mapping[str, StepEntry], plans: Sequence[Source], interlocks: Sequence[Interlock] | None) -> Known:
    """Gather what conditions are checked against; plans as they stand in their files."""
    uses: dict[str, set[str]] = {}
    for plan in plans:
        if plan.data.get("purpose") == "incoming":
            for step in steps_of(plan, steps):
                for _, name in step.requires:
                    uses.setdefault(name, set()).add(str(step.raw.get("use")))
    trips = None if interlocks is None else {interlock.name: interlock.measurement for interlock in interlocks}
    return Known(steps, trips, uses)


def read_diagnosis(source: Source, known: Known) -> tuple[tuple[DiagnosisRule, ...], list[Problem]]:
    """The rules of diagnosis, and what is wrong with them."""
    file, problems = read(DiagnosisFile, source.data, source)
    problems += check_unique(source, "rule", "id")
    for index, raw in tables(source.data.get("rule")):
        problems += _check_rule(source, ("rule", index), raw, known)
    if file is None or problems:
        return (), problems
    return tuple(_freeze(rule, known) for rule in file.rule), []


def _check_rule(source: Source, path: Path, raw: Mapping[str, Any], known: Known) -> Iterator[Problem]:
    conditions = [
        ((*path, group, place), condition) for group in _GROUPS for place, condition in tables(raw.get(group))
    ]
    if not raw.get("when") and not raw.get("either"):
        yield source.problem((*path, "when"), "is missing: the rule would always hold", "say of what it speaks")
    for at, condition in conditions:
        yield from _check_condition(source, at, condition, known)
    names = [condition.get("measurement") for at, condition in conditions if at[-2] != "unless"]
    counted = raw.get("channels")
    if counted not in (None, "any") and names and not any(known.per_channel(str(name)) for name in names):
        wrong = f"{counted!r}, but nothing that this rule asks for is measured by channel"
        yield source.problem((*path, "channels"), wrong, "remove it")


def _check_condition(source: Source, path: Path, raw: Mapping[str, Any], known: Known) -> Iterator[Problem]:
    trip, name = raw.get("trip"), raw.get("measurement")
    if (trip is None) == (name is None):
        yield source.problem(path, "speaks of no measurement and no trip, or of both", "give one of the two")
        return
    if trip is not None:
        yield from _check_trip(source, path, raw, known)
        return
    if not isinstance(name, str):
        return  # the schema has said so
    if name not in known.measured:
        yield source.problem((*path, "measurement"), f"no step measures `{name}`", suggest(name, known.measured))
        return
    if known.uses and name not in known.uses:  # a tree without incoming plans asks no rule
        wrong = f"no incoming plan requires `{name}`, so this would never hold"
        yield source.problem((*path, "measurement"), wrong, suggest(name, known.uses))
        return
    use = raw.get("use")
    if isinstance(use, str) and known.uses and use not in known.uses[name]:
        wrong = f"no step of this use measures `{name}` in an incoming plan"
        yield source.problem((*path, "use"), wrong, suggest(use, known.uses[name]))
    yield from _check_reads(source, path, raw, name)


def _check_trip(source: Source, path: Path, raw: Mapping[str, Any], known: Known) -> Iterator[Problem]:
    trip = raw["trip"]
    if isinstance(trip, str) and known.trips is not None and trip not in known.trips:
        yield source.problem((*path, "trip"), f"no interlock is called {trip!r}", suggest(trip, known.trips))
    for key in ("reads", "value", "by"):
        if key in raw:
            yield source.problem((*path, key), "a trip has happened or not", f"remove `{key}`")


def _check_reads(source: Source, path: Path, raw: Mapping[str, Any], name: str) -> Iterator[Problem]:
    reads = raw.get("reads")
    if reads is None:
        yield source.problem((*path, "reads"), "is missing", "say passed, failed, low, high, below or above")
        return
    if reads in _THRESHOLD and "value" not in raw:
        yield source.problem((*path, "value"), f"is missing: {reads} what?", f'write value = "… {unit_of(name)}"')
    if reads not in _THRESHOLD and "value" in raw:
        yield source.problem((*path, "value"), f"{reads!r} goes by the limit", 'remove it, or reads = "above"')
    if reads not in _BEYOND and "by" in raw:
        yield source.problem((*path, "by"), f"{reads!r} has no limit to go beyond", "remove it")
    for key in ("value", "by"):
        text = raw.get(key)
        if isinstance(text, str):
            yield from _check_amount(source, (*path, key), text, name)


def _check_amount(source: Source, path: Path, text: str, name: str) -> Iterator[Problem]:
    unit = unit_of(name)
    number, _, given = text.partition(" ")
    if not _is_number(number):
        yield source.problem(path, f"{text!r} is no number with a unit", f'write "10 {unit}"')
        return
    if given.strip() != unit and not (unit == "1" and not given.strip()):
        said = f"is in {given.strip()}" if given.strip() else "has no unit"
        yield source.problem(path, f"{text!r} {said}, `{name}` is in {unit}", f'write "{number} {unit}", converted')


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _freeze(rule: RuleTable, known: Known) -> DiagnosisRule:
    return DiagnosisRule(
        id=rule.id,
        area=rule.area,
        weight=rule.weight,
        text={"zh": rule.text.zh, "en": rule.text.en},
        parts={"zh": rule.parts.zh, "en": rule.parts.en} if rule.parts else {},
        channels=rule.channels,
        when=tuple(_condition(one, known) for one in rule.when),
        either=tuple(_condition(one, known) for one in rule.either),
        unless=tuple(_condition(one, known) for one in rule.unless),
    )


def _condition(one: ConditionTable, known: Known) -> Condition:
    return Condition(
        measurement=(known.trips or {}).get(one.trip) if one.trip else one.measurement,
        reads=one.reads or "failed",
        value=None if one.value is None else _amount(one.value),
        by=0.0 if one.by is None else _amount(one.by),
        on=one.on,
        use=one.use,
        trip=one.trip,
    )


def _amount(text: str) -> float:
    return float(text.partition(" ")[0])
