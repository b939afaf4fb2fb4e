"""From what a step handed over to what goes on record: every requirement answered, every cause named. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from station.domain.calibration_words import NOT_JUDGED
from station.domain.errors import StepError
from station.domain.judge import guard_words, judge
from station.domain.measurement import Channel, Curve, Measurement
from station.domain.plan import PlanStep, Requirement
from station.domain.quantity import unit_of
from station.domain.record import Capture, Cause, JudgedMeasurement, StepRecord
from station.domain.verdict import Verdict, worst

Key = tuple[str, Channel | None]
Against = Callable[[str, str], str | None]
"""Why a measurement (by name and the step's `use`) proves nothing, whatever it says; None where it may be judged."""
FINE = (Verdict.PASS, Verdict.NOT_APPLICABLE)


@dataclass(slots=True)
class Harvest:
    """What a step has handed over so far in this attempt."""

    measured: dict[Key, Measurement] = field(default_factory=dict)
    skipped: set[Key] = field(default_factory=set)
    curves: list[Curve] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    signed_by: str | None = None
    second_operator: str | None = None

    def take(self, measurement: Measurement) -> None:
        """Keep one measurement. Raises `StepError` if it was handed over before: no second try in one attempt."""
        key = (measurement.name, measurement.channel)
        if key in self.measured:
            raise StepError(f"{_label(*key)}: measured twice in one attempt; the first value stands")
        self.measured[key] = measurement


@dataclass(frozen=True, slots=True)
class Judged:
    """A step's record and its causes in the order in which its measurements were made."""

    record: StepRecord
    causes: tuple[Cause, ...]


def judge_step(
    step: PlanStep,
    harvest: Harvest,
    *,
    ended: Verdict | None,
    why: Cause | None,
    failed_before: bool,
    started_at: str,
    duration_s: float,
    against: Against = lambda measurement, use: None,
) -> Judged:
    """Judge every requirement of `step`. What stands `against` the instruments of one makes it an ERROR.

    `ended` is None when the step came to its end by itself; otherwise what ended it (FAIL: a trip that blames the
    DUT, ABORTED, ERROR) and `why`. What is then missing was not made: SKIPPED. A step that ended by itself and left
    a requirement open is an ERROR, never a PASS.
    """
    unfit = {r.name: words for r in step.requires if (words := against(r.name, step.use))}
    judged = {(r.name, r.channel): _judge_one(r, harvest, r.name in unfit) for r in step.requires}
    failed = failed_before or any(m is not None and m.verdict is Verdict.FAIL for m in judged.values())
    causes = [_cause(step, judged[key], unfit) for key in harvest.measured if _speaks_against(judged.get(key))]
    measurements = []
    for requirement in step.requires:
        key = (requirement.name, requirement.channel)
        answer = judged[key]
        if answer is None:
            answer = _missing(requirement, key, harvest, ended, failed)
            if answer.verdict is Verdict.ERROR:
                causes.append(Cause(step.id, *key, f"{_label(*key)} was required and not measured"))
        measurements.append(answer)
    if why is not None:
        causes.append(why)
    verdicts = [m.verdict for m in measurements] or [Verdict.PASS]
    record = StepRecord(
        step.id,
        step.use,
        dict(step.title),
        worst([*verdicts, *([ended] if ended else [])]),
        1,
        started_at,
        duration_s,
        tuple(measurements),
        tuple(harvest.curves),
        (*harvest.notes, *_surplus(step, harvest)),
        tuple(harvest.captures),
        harvest.signed_by,
    )
    return Judged(record, tuple(causes))


def judge_run(
    done: Sequence[StepRecord], ended: Verdict | None, causes: Sequence[Cause]
) -> tuple[Verdict, tuple[Cause, ...]]:
    """The verdict of a run from its steps, what ended it and the causes so far; and what is to be said besides.

    The worst wins. PASS needs proof, and what is no PASS needs a cause on record: else it is an ERROR that says so.
    """
    verdict = worst([*(step.verdict for step in done), *([ended] if ended else [])])
    lacking: list[str] = []
    if verdict in (Verdict.SKIPPED, Verdict.NOT_APPLICABLE):  # nothing failed and yet something was not made
        verdict = Verdict.ERROR
        lacking.append("a planned step was not made and nothing says why")
    proofs = [m for step in done for m in step.measurements if m.verdict is Verdict.PASS]
    if verdict is Verdict.PASS and not proofs:
        verdict = Verdict.ERROR
        lacking.append("no measurement was made and passed: that proves nothing")
    if verdict is not Verdict.PASS and not (causes or lacking):
        verdict = Verdict.ERROR
        lacking.append("no PASS, and no cause on record: treat as a station fault")
    return verdict, tuple(Cause(None, None, None, text) for text in lacking)


def _speaks_against(measurement: JudgedMeasurement | None) -> bool:
    return measurement is not None and measurement.verdict in (Verdict.FAIL, Verdict.ERROR)


def _judge_one(requirement: Requirement, harvest: Harvest, unfit: bool) -> JudgedMeasurement | None:
    measurement = harvest.measured.get((requirement.name, requirement.channel))
    if measurement is None:
        return None
    limit = requirement.limit
    low, high = limit.bounds(measurement.reference) if limit else (None, None)
    verdict = Verdict.ERROR if unfit else judge(measurement, limit)
    guard = None if unfit else guard_words(measurement, limit, verdict)
    return JudgedMeasurement(
        name=requirement.name,
        value=_finite(measurement.value),
        unit=unit_of(requirement.name),
        verdict=verdict,
        channel=requirement.channel,
        low=_finite(low),
        high=_finite(high),
        uncertainty=_finite(measurement.uncertainty),
        bound=measurement.bound,
        limit_source=limit.source if limit else None,
        conditions=_conditions(measurement.conditions) | ({"guard_band": guard} if guard else {}),
    )


def _conditions(conditions: Mapping[str, str | float]) -> dict[str, str | float]:
    return {k: v for k, v in conditions.items() if not isinstance(v, float) or math.isfinite(v)}


def _missing(
    requirement: Requirement, key: Key, harvest: Harvest, ended: Verdict | None, failed: bool
) -> JudgedMeasurement:
    excused = ended is not None or (key in harvest.skipped and failed)
    limit = requirement.limit
    low, high = limit.bounds(None) if limit else (None, None)
    return JudgedMeasurement(
        requirement.name, None, unit_of(requirement.name), Verdict.SKIPPED if excused else Verdict.ERROR,
        requirement.channel, _finite(low), _finite(high), limit_source=limit.source if limit else None,
    )  # fmt: skip


def _surplus(step: PlanStep, harvest: Harvest) -> list[str]:
    required = {(r.name, r.channel) for r in step.requires}
    return [
        f"measured, not asked for by the plan: {_label(*key)} = {m.value}"
        for key, m in harvest.measured.items()
        if key not in required
    ]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _label(name: str, channel: Channel | None) -> str:
    return f"{name} ({channel})" if channel else name


def _cause(step: PlanStep, m: JudgedMeasurement | None, unfit: Mapping[str, str]) -> Cause:
    assert m is not None
    if m.name in unfit:
        return Cause(step.id, m.name, m.channel, f"{_label(m.name, m.channel)}{NOT_JUDGED}{unfit[m.name]}")
    if m.conditions.get("answer") == "NG":  # a person's answer reads better than 0 against 1
        return Cause(step.id, m.name, m.channel, f'{m.name}: NG to "{m.conditions.get("asked", m.name)}"')
    sign = {"above": "> ", "below": "< ", None: ""}[m.bound]
    unit = "" if m.unit == "1" else f" {m.unit}"
    value = "could not be measured" if m.value is None else f"{sign}{m.value:.4g}{unit}"
    bounds = [f"{word} {bound:.4g}" for word, bound in (("at least", m.low), ("at most", m.high)) if bound is not None]
    limit = f"limit {' and '.join(bounds)}" if bounds else "there is no limit to judge it by"
    guard = f"; {m.conditions['guard_band']} (± {m.uncertainty:.2g})" if "guard_band" in m.conditions else ""
    return Cause(step.id, m.name, m.channel, f"{_label(m.name, m.channel)}: {value}; {limit}{guard}")
