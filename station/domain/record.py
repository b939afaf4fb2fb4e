"""The record of a run, field by field as in contracts/record.md (`result/1.0`). Names here are names on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from station.domain.measurement import Bound, Channel, Curve
from station.domain.plan import Purpose
from station.domain.verdict import Verdict

ClockQuality = Literal["synced", "holdover", "unsynced"]


@dataclass(frozen=True, slots=True)
class ClockStamp:
    """How far a UTC stamp can be trusted. `max_error_ms` None: not known."""

    quality: ClockQuality
    max_error_ms: float | None
    boot_id: str


@dataclass(frozen=True, slots=True)
class DutInfo:
    """The device under test as scanned and as the product file names it."""

    product: str
    maker: str
    model: str
    serial_number: str
    imei: str | None = None


@dataclass(frozen=True, slots=True)
class PlanInfo:
    """Which plan was run, to the byte. `label`: whether a PASS of it earns a label; None: not said."""

    id: str
    revision: str
    sha256: str
    label: bool | None = None


@dataclass(frozen=True, slots=True)
class JudgedMeasurement:
    """A measurement with its limit and verdict. `value` None is never a PASS."""

    name: str
    value: float | None
    unit: str
    verdict: Verdict
    channel: Channel | None = None
    low: float | None = None
    high: float | None = None
    uncertainty: float | None = None
    bound: Bound | None = None
    limit_source: str | None = None
    conditions: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capture:
    """Sound that was kept on the bench around an event; the record names the file (contracts/mqtt.md, Envelope).

    `at_s` is test time since the step's sound began, as in its curves; the file holds `before_s` and `after_s` around
    it. `file` is the path below the bench's folder of captures.
    """

    file: str
    event: str
    at_s: float
    before_s: float
    after_s: float
    sample_rate_hz: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as it ran, or as it was skipped (then `attempt` 0 and no start).

    `signed_by`: the badge that signed it.
    """

    id: str
    use: str
    title: Mapping[str, str]
    verdict: Verdict
    attempt: int
    started_at: str | None
    duration_s: float
    measurements: tuple[JudgedMeasurement, ...] = ()
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()
    captures: tuple[Capture, ...] = ()
    signed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run is not a PASS; causes stand in the order of time."""

    step: str | None
    measurement: str | None
    channel: Channel | None
    text: str


@dataclass(frozen=True, slots=True)
class TripRecord:
    """An interlock that tripped in the run. `at_s` is test time since the run began."""

    interlock: str
    cause: str
    value: float | None
    limit: float | None
    blames: Literal["dut", "station"]
    at_s: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rules of diagnosis infer (incoming runs).

    `because`: measurements, as `step/name` or `step/name/channel`. `text` and `parts` (what it most likely is) by
    language.
    """

    area: str
    text: Mapping[str, str]
    because: tuple[str, ...]
    weight: float
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A part replaced, as the work order brought it; `source` is where it came from."""

    name: str
    number: str = ""
    quantity: int = 1
    source: str = ""


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument that took part. `model` and `serial_number` None: it does not say."""

    role: str
    kind: str
    model: str | None
    serial_number: str | None
    calibrated_until: str | None


@dataclass(frozen=True, slots=True)
class Handover:
    """A badge that took over during the run."""

    operator: str
    at: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The as-found or previous run of this work order or serial number.

    `rework`: the device came back within 30 days with the same cause. `note`: why that could not be decided, where it
    could not (the sentences stand in `station.domain.earlier`).
    """

    run_id: str
    purpose: Purpose | None = None
    verdict: str | None = None
    station: str | None = None
    ended_at: str | None = None
    rework: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """The whole record of a run; the body of `up/result`."""

    run_id: str
    run_no: int
    purpose: Purpose
    work_order: str | None
    operator: str | None
    second_operator: str | None
    repair_engineer: str | None
    dut: DutInfo
    plan: PlanInfo
    station: str
    software: str
    config_sha256: str
    simulated: bool
    speed: float
    started_at: str
    ended_at: str
    clock: ClockStamp
    duration_s: float
    verdict: Verdict
    causes: tuple[Cause, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    trips: tuple[TripRecord, ...] = ()
    findings: tuple[Finding, ...] = ()
    parts: tuple[Part, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    handovers: tuple[Handover, ...] = ()
    reference: Reference | None = None
