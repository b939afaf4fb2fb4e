"""What is known of a run before power, and how a run that was cut off becomes a record all the same.

The journal commits a `RunDraft` before anything is energised and each step as it ends. After a crash the draft
and the steps so far are all there is; `close_as_aborted` makes the one record of that run out of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.measurement import Channel
from station.domain.plan import Plan, Purpose, Requirement
from station.domain.quantity import unit_of
from station.domain.record import (
    Cause,
    ClockStamp,
    DutInfo,
    Instrument,
    JudgedMeasurement,
    Part,
    PlanInfo,
    Record,
    Reference,
    StepRecord,
)
from station.domain.verdict import Verdict, worst
from station.domain.work_order import EarlierRun


@dataclass(frozen=True, slots=True)
class PlannedMeasurement:
    """A measurement that the plan requires. A relative limit has no bounds before its reference is measured."""

    name: str
    unit: str
    channel: Channel | None = None
    low: float | None = None
    high: float | None = None
    limit_source: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of the plan with all that it must deliver."""

    id: str
    use: str
    title: dict[str, str]
    measurements: tuple[PlannedMeasurement, ...]
    applicable: bool = True


@dataclass(frozen=True, slots=True)
class RunDraft:
    """Everything of a `Record` that is known before power; fields as there. `planned` is in the plan's order.

    `history`: earlier runs as the work order brought them, from any bench; kept with the run, no part of its record.
    """

    run_id: str
    purpose: Purpose
    work_order: str | None
    operator: str | None
    second_operator: str | None
    repair_engineer: str | None
    dut: DutInfo
    plan: PlanInfo
    planned: tuple[PlannedStep, ...]
    station: str
    software: str
    config_sha256: str
    simulated: bool
    speed: float
    started_at: str
    clock: ClockStamp
    parts: tuple[Part, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    reference: Reference | None = None
    history: tuple[EarlierRun, ...] = ()


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that was begun and never finished: its draft and the steps that were committed, in order."""

    run_no: int
    draft: RunDraft
    steps: tuple[StepRecord, ...]


def planned_steps(plan: Plan) -> tuple[PlannedStep, ...]:
    """The steps of `plan` as a draft lists them. Raises `ValueError` for a name without a unit."""
    return tuple(
        PlannedStep(step.id, step.use, dict(step.title), tuple(_planned(r) for r in step.requires), step.applicable)
        for step in plan.steps
    )


def _planned(requirement: Requirement) -> PlannedMeasurement:
    limit = requirement.limit
    low, high = limit.bounds(None) if limit else (None, None)
    source = limit.source if limit else None
    return PlannedMeasurement(requirement.name, unit_of(requirement.name), requirement.channel, low, high, source)


def step_not_made(planned: PlannedStep) -> StepRecord:
    """The record of a step that was never made: all its measurements null and SKIPPED (or NOT_APPLICABLE)."""
    verdict = Verdict.SKIPPED if planned.applicable else Verdict.NOT_APPLICABLE
    measurements = tuple(
        JudgedMeasurement(m.name, None, m.unit, verdict, m.channel, m.low, m.high, limit_source=m.limit_source)
        for m in planned.measurements
    )
    return StepRecord(planned.id, planned.use, planned.title, verdict, 0, None, 0.0, measurements)


CUT_OFF = "the station stopped in the middle of the run"


def close_as_aborted(run: UnfinishedRun, ended_at: str, broke: str | None = None) -> Record:
    """The record of a run that was cut off: what was measured, the rest SKIPPED, ABORTED (ERROR where a step was one).

    `ended_at` is the UTC stamp of the closing. `broke`: why the station could not keep the run to its end, where it is
    still the one that knows: the last cause, and an ERROR. The duration is the test time of
    the steps that were committed: what the step in hand took is not known.
    """
    draft = run.draft
    made = {step.id: [s for s in run.steps if s.id == step.id] for step in run.steps}
    steps = tuple(record for planned in draft.planned for record in made.pop(planned.id, [step_not_made(planned)]))
    surplus = tuple(step for attempts in made.values() for step in attempts)
    in_time = tuple(_cause(step, m) for step in run.steps for m in step.measurements if _speaks_against(m))
    return Record(
        run_id=draft.run_id,
        run_no=run.run_no,
        purpose=draft.purpose,
        work_order=draft.work_order,
        operator=draft.operator,
        second_operator=draft.second_operator,
        repair_engineer=draft.repair_engineer,
        dut=draft.dut,
        plan=draft.plan,
        station=draft.station,
        software=draft.software,
        config_sha256=draft.config_sha256,
        simulated=draft.simulated,
        speed=draft.speed,
        started_at=draft.started_at,
        ended_at=ended_at,
        clock=draft.clock,
        duration_s=sum(step.duration_s for step in run.steps),
        verdict=worst([Verdict.ERROR if broke else Verdict.ABORTED, *(step.verdict for step in run.steps)]),
        causes=(*in_time, Cause(None, None, None, broke or CUT_OFF)),
        steps=steps + surplus,
        parts=draft.parts,
        instruments=draft.instruments,
        reference=draft.reference,
    )


def _speaks_against(measurement: JudgedMeasurement) -> bool:
    return measurement.verdict in (Verdict.FAIL, Verdict.ERROR)


def _cause(step: StepRecord, m: JudgedMeasurement) -> Cause:
    value = "not measured" if m.value is None else f"{m.value:g} {m.unit}"
    limits = ", ".join(f"{word} {bound:g}" for word, bound in (("low", m.low), ("high", m.high)) if bound is not None)
    return Cause(step.id, m.name, m.channel, f"{m.name} {value}" + (f" (limit {limits} {m.unit})" if limits else ""))
