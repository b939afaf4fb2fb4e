"""What is on the bench: the work order, the person and the device, as scanned or assigned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from station.domain.measurement import Curve
from station.domain.record import Part, Reference


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run that was made before, on any bench, as the centre tells it (`history[]` of `assign`).

    `causes` are texts, `areas` the areas of its findings, `measurements` values by `name` or `name/channel`.
    `clock_quality`: of the stamps, where known. `simulated`: made on a simulated bench. `failed`: the device failed in
    it, whatever the verdict became (a STOP after it makes it ABORTED). `unsigned`: told over the bench's own socket.
    """

    run_id: str
    purpose: str
    verdict: str
    ended_at: str
    station: str | None = None
    plan: str | None = None
    work_order: str | None = None
    serial_number: str | None = None
    causes: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    measurements: Mapping[str, float] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    clock_quality: str | None = None
    simulated: bool = False
    failed: bool = False
    unsigned: bool = False


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A work order as the centre assigned it; a typed one has only its number (`assigned` False).

    `priority`: the higher, the sooner. `data_consent`: the customer agreed that the test may touch their data (phones).
    `weight`: about as many bytes of memory does it take, mostly for the curves of its history.
    """

    number: str
    product: str | None = None
    serial_number: str | None = None
    purpose: str | None = None
    fault_code: str | None = None
    repair_engineer: str | None = None
    parts: tuple[Part, ...] = ()
    priority: int = 0
    data_consent: bool = False
    history: tuple[EarlierRun, ...] = ()
    assigned: bool = False
    weight: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Everything that a run must know before START: complete, or there is no run.

    `step`: only this step of the plan (an engineering run), None for the whole plan. `proof`: the PASS of another plan
    that this one stands on, where its plan asks for one. `imei`: of a phone, or its MEID; None for other devices.
    """

    operator: str
    work_order: WorkOrder
    serial_number: str
    product: str
    plan: str
    step: str | None = None
    proof: Reference | None = None
    imei: str | None = None
