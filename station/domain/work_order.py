"""What is on the bench: the work order, the person and the device, as scanned or assigned."""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.record import Part


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A work order as the centre assigned it; a typed one has only its number (`assigned` False)."""

    number: str
    product: str | None = None
    serial_number: str | None = None
    purpose: str | None = None
    fault_code: str | None = None
    repair_engineer: str | None = None
    parts: tuple[Part, ...] = ()
    assigned: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """Everything that a run must know before START: complete, or there is no run."""

    operator: str
    work_order: WorkOrder
    serial_number: str
    product: str
    plan: str
