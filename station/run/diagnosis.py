"""From what a run measured to where the fault is: the rules of config/diagnosis.toml applied. Pure.

A rule speaks of each channel by itself; what is measured once for the device counts for both. Strongest finding first,
one an area: a weaker rule of the same area is heard only where it rests on a measurement that none before it named.
A rule of which an `unless` was planned and not made (the run was cut short) weighs half: nothing has been ruled out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from station.domain.diagnosis import Condition, DiagnosisRule
from station.domain.measurement import CHANNELS
from station.domain.record import Finding, JudgedMeasurement, StepRecord, TripRecord
from station.domain.verdict import Verdict

Held = Mapping[str, tuple[str, ...]]
"""By channel (left, right) on which a condition holds: the references to what says so."""
UNPROVEN = 0.5
"""What is left of a rule's weight where a measurement that would have ruled it out was planned and not made."""


def diagnose(
    rules: Sequence[DiagnosisRule], steps: Sequence[StepRecord], trips: Sequence[TripRecord]
) -> tuple[Finding, ...]:
    """What `rules` infer from a run's steps and trips, strongest first; nothing from a run without a fault."""
    facts = _Facts(steps, trips)
    held = [(rule, *found) for rule in rules if (found := _weighed(rule, facts)) is not None]
    held.sort(key=lambda item: -item[1])  # stable: the file's order among equals
    findings: list[Finding] = []
    named: dict[str, set[str]] = {}
    for rule, weight, because in held:
        if rule.area in named and named[rule.area].issuperset(because):
            continue
        named.setdefault(rule.area, set()).update(because)
        findings.append(Finding(rule.area, dict(rule.text), because, weight, dict(rule.parts)))
    return tuple(findings)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What there is to look at."""

    steps: Sequence[StepRecord]
    trips: Sequence[TripRecord]

    def measured(self, name: str, use: str | None) -> Iterable[tuple[str, JudgedMeasurement]]:
        """(reference, measurement) of every measurement of that name, in the order of the run."""
        for step, m in self._rows(name, use):
            yield "/".join((step.id, m.name, *([m.channel] if m.channel else []))), m

    def left_open(self, condition: Condition, channels: Iterable[str]) -> bool:
        """Whether what the condition asks was planned on one of the channels and never came to be measured.

        A step that leaves a measurement out by itself (a silent channel has no response) leaves nothing open.
        """
        rows = list(self._rows(condition.measurement or "", condition.use))
        for channel in channels:
            its = [(step, m) for step, m in rows if m.channel == channel or m.channel not in CHANNELS]
            if all(m.value is None for _, m in its) and any(self._is_cut(step, m) for step, m in its):
                return True
        return False

    def _rows(self, name: str, use: str | None) -> Iterable[tuple[StepRecord, JudgedMeasurement]]:
        return ((s, m) for s in self.steps if use in (None, s.use) for m in s.measurements if m.name == name)

    def _is_cut(self, step: StepRecord, m: JudgedMeasurement) -> bool:
        """Whether step or run ended before the measurement could be made."""
        if m.verdict is Verdict.NOT_APPLICABLE:
            return False
        begun = [one.id for one in self.steps if one.started_at is not None]
        tripped = bool(self.trips) and begun[-1:] == [step.id]
        return step.started_at is None or step.verdict in (Verdict.ABORTED, Verdict.ERROR) or tripped

    def order(self, references: Iterable[str]) -> tuple[str, ...]:
        """Each once, in the order of the run's steps."""
        places = {step.id: place for place, step in enumerate(self.steps)}
        return tuple(sorted(dict.fromkeys(references), key=lambda ref: places.get(ref.split("/", 1)[0], len(places))))


def _weighed(rule: DiagnosisRule, facts: _Facts) -> tuple[float, tuple[str, ...]] | None:
    """What the rule weighs in this run and what speaks for it; None where it does not hold."""
    spoken = _spoken(rule, facts)
    if not spoken or (rule.channels != "any" and len(spoken) != {"one": 1, "both": 2}[rule.channels]):
        return None
    because = facts.order(reference for references in spoken.values() for reference in references)
    unproven = any(facts.left_open(one, spoken if one.on == "same" else CHANNELS) for one in rule.unless)
    return rule.weight * (UNPROVEN if unproven else 1.0), because


def _spoken(rule: DiagnosisRule, facts: _Facts) -> Mapping[str, list[str]]:
    """By channel on which the rule holds: what speaks for it."""
    spoken: dict[str, list[str]] = {channel: [] for channel in CHANNELS}
    for condition in rule.when:
        held = _held(condition, facts)
        for channel in [channel for channel in spoken if channel not in held]:
            del spoken[channel]
        for channel, references in spoken.items():
            references += held[channel]
    either = [_held(condition, facts) for condition in rule.either]
    if either:
        for channel in list(spoken):
            found = [held[channel] for held in either if channel in held]
            if found:
                spoken[channel] += [reference for references in found for reference in references]
            else:
                del spoken[channel]
    for condition in rule.unless:
        for channel in _held(condition, facts):
            spoken.pop(channel, None)
    return spoken


def _held(condition: Condition, facts: _Facts) -> Held:
    """On which channels the condition holds, and what says so."""
    held: dict[str, tuple[str, ...]] = {}
    if condition.trip is not None:
        if any(trip.interlock == condition.trip and trip.blames == "dut" for trip in facts.trips):
            held = dict.fromkeys(CHANNELS, _stands_for(condition, facts))
    else:
        for reference, m in facts.measured(condition.measurement or "", condition.use):
            if _reads(condition, m):
                for channel in (m.channel,) if m.channel in CHANNELS else CHANNELS:
                    held[channel] = (*held.get(channel, ()), reference)
    if condition.on == "same" or len(held) == len(CHANNELS):
        return held
    if condition.on == "both" or not held:
        return {}
    return dict.fromkeys(CHANNELS, tuple(reference for references in held.values() for reference in references))


def _stands_for(condition: Condition, facts: _Facts) -> tuple[str, ...]:
    """Where in the record a trip is to be found: the measurement that it stands for, the last that the run came to."""
    planned = [reference for reference, _ in facts.measured(condition.measurement or "", condition.use)]
    begun = {step.id for step in facts.steps if step.started_at is not None}
    reached = [reference for reference in planned if reference.split("/", 1)[0] in begun]
    return tuple(reached[-1:] or planned[:1])


def _reads(condition: Condition, m: JudgedMeasurement) -> bool:
    """Whether a measurement reads as the condition wants. A bound counts only where the truth beyond it would too."""
    if m.value is None:
        return False
    lower, higher = m.bound != "above", m.bound != "below"
    failed = m.verdict is Verdict.FAIL
    low = failed and lower and m.low is not None and m.value < m.low - condition.by
    high = failed and higher and m.high is not None and m.value > m.high + condition.by
    match condition.reads:
        case "passed":
            return m.verdict is Verdict.PASS
        case "failed":
            return low or high
        case "low":
            return low
        case "high":
            return high
        case "below":
            return lower and condition.value is not None and m.value < condition.value
        case "above":
            return higher and condition.value is not None and m.value > condition.value
