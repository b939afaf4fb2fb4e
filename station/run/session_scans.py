"""Scans: from a line of a scanner to a complete ticket, or to what is missing or contradicts. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from station.domain.plan import Purpose
from station.domain.work_order import Ticket, WorkOrder
from station.run.session_events import Refuse
from station.run.session_texts import say

BADGE_S = 1800.0
"""A badge older than this (monotonic seconds) signs nothing any more."""
PREFIXES: Mapping[str, str] = {
    "OP": "operator", "WO": "work_order", "SN": "serial_number", "PR": "product", "PL": "plan",
}  # fmt: skip
_VALUE = re.compile(r"[!-~]{1,48}")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the configuration holds: products with their family, plans with their purpose."""

    products: Mapping[str, str]
    plans: Mapping[str, Purpose]

    def default_plan(self, purpose: str, product: str) -> str | None:
        """`outgoing` of an `audio-amplifier` is `outgoing-amplifier`; else the only plan of that purpose; else none."""
        family = self.products.get(product, "")
        for by_name in (f"{purpose}-{family}", f"{purpose}-{family.rsplit('-', 1)[-1]}"):
            if self.plans.get(by_name) == purpose:
                return by_name
        of_purpose = [plan for plan, its in self.plans.items() if its == purpose]
        return of_purpose[0] if len(of_purpose) == 1 else None


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that was understood: which field and its value."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Scans:
    """What has been scanned or put in front since the last run."""

    operator: str | None = None
    badge_at_s: float = 0.0
    badge_expired: bool = False
    work_order: WorkOrder | None = None
    serial_number: str | None = None
    product: str | None = None
    plan: str | None = None

    @property
    def empty(self) -> bool:
        """Nothing has been scanned (a badge that expired counts as nothing)."""
        return self == Scans() or self == Scans(badge_expired=True)

    def chosen_product(self) -> str | None:
        """The work order's product, else the scanned one."""
        return (self.work_order.product if self.work_order else None) or self.product

    def chosen_plan(self, catalogue: Catalogue) -> str | None:
        """The scanned plan, else the default of the work order's purpose (`outgoing` where it names none)."""
        if self.plan is not None:
            return self.plan
        product = self.chosen_product()
        if self.work_order is None or product is None:
            return None
        return catalogue.default_plan(self.work_order.purpose or "outgoing", product)

    def serial_differs(self) -> bool:
        """The scanned serial number is not the one of the work order."""
        wanted = self.work_order.serial_number if self.work_order else None
        return wanted is not None and self.serial_number is not None and wanted != self.serial_number

    def missing(self, catalogue: Catalogue) -> tuple[str, ...]:
        """Fields that START still needs, in the order in which a technician scans them."""
        missing = [name for name in ("operator", "work_order", "serial_number") if getattr(self, name) is None]
        if self.chosen_product() not in catalogue.products:
            missing.append("product")
        elif self.work_order is not None and self.chosen_plan(catalogue) not in catalogue.plans:
            missing.append("plan")
        return tuple(missing)

    def known_to(self, catalogue: Catalogue) -> Scans:
        """Without what another configuration no longer has."""
        front = self.work_order
        lost = front is not None and front.product is not None and front.product not in catalogue.products
        return replace(
            self,
            work_order=None if lost else front,
            product=self.product if self.product in catalogue.products else None,
            plan=self.plan if self.plan in catalogue.plans else None,
        )

    def expire(self, now_s: float) -> Scans:
        """Without its badge once that is older than `BADGE_S`."""
        if self.operator is None or now_s - self.badge_at_s <= BADGE_S:
            return self
        return replace(self, operator=None, badge_at_s=0.0, badge_expired=True)


@dataclass(frozen=True, slots=True)
class Complete:
    """A ticket and the purpose that goes on record with it."""

    ticket: Ticket
    purpose: Purpose


def read_scan(text: str, scans: Scans, catalogue: Catalogue, assigned: Mapping[str, WorkOrder]) -> Scan | Refuse:
    """Understand one line, or say why not. What contradicts the work order's product is refused, either way round."""
    line = text.strip()
    prefix, colon, value = line.partition(":")
    name = PREFIXES.get(prefix.strip().upper()) if colon else None
    value = value.strip()
    shown = "".join(char if char.isprintable() else "?" for char in line[:_SHOWN])
    if name is None:
        return Refuse("scan_unknown", say("scan_unknown", text=shown))
    if not _VALUE.fullmatch(value):
        return Refuse("scan_value", say("scan_value", text=shown))
    if name == "product":
        return _check_product(value, scans, catalogue)
    if name == "plan" and value not in catalogue.plans:
        return Refuse("plan_unknown", say("plan_unknown", text=value))
    if name == "work_order" and (refused := order_refusal(assigned.get(value), scans, catalogue)) is not None:
        return refused
    return Scan(name, value)


def order_refusal(order: WorkOrder | None, scans: Scans, catalogue: Catalogue) -> Refuse | None:
    """Why `order` cannot be the next one: it names another product than the one scanned, or one that is not known."""
    if order is None or order.product is None:
        return None
    if order.product not in catalogue.products:
        return Refuse("order_unservable", say("order_unservable", number=order.number, product=order.product))
    if scans.product is None or order.product == scans.product:
        return None
    return Refuse("product_differs", say("product_differs", order=order.product, scanned=scans.product))


def _check_product(value: str, scans: Scans, catalogue: Catalogue) -> Scan | Refuse:
    if value not in catalogue.products:
        return Refuse("product_unknown", say("product_unknown", text=value))
    wanted = scans.work_order.product if scans.work_order else None
    if wanted is not None and wanted != value:
        return Refuse("product_differs", say("product_differs", order=wanted, scanned=value))
    return Scan("product", value)


def keep_scan(scan: Scan, scans: Scans, assigned: Mapping[str, WorkOrder], now_s: float) -> Scans:
    """`scans` with `scan` in it. A work order that is not on the list is a typed one: number only."""
    if scan.field == "operator":
        return replace(scans, operator=scan.value, badge_at_s=now_s, badge_expired=False)
    if scan.field == "work_order":
        return replace(scans, work_order=assigned.get(scan.value) or WorkOrder(scan.value))
    if scan.field == "serial_number":
        return replace(scans, serial_number=scan.value)
    if scan.field == "product":
        return replace(scans, product=scan.value)
    return replace(scans, plan=scan.value)


def complete(scans: Scans, catalogue: Catalogue) -> Complete | None:
    """The ticket if nothing is missing and nothing differs.

    A plan whose purpose is not the work order's makes an engineering run; a typed work order has no purpose of
    its own, so the plan's stands.
    """
    if scans.missing(catalogue) or scans.serial_differs():
        return None
    plan, product = scans.chosen_plan(catalogue), scans.chosen_product()
    if not (scans.operator and scans.work_order and scans.serial_number and plan and product):
        return None
    purpose = catalogue.plans[plan]
    wanted = scans.work_order.purpose
    ticket = Ticket(scans.operator, scans.work_order, scans.serial_number, product, plan)
    return Complete(ticket, purpose if wanted in (None, purpose) else "engineering")


@dataclass(slots=True)
class WorkOrders:
    """The work orders that wait at this bench, by number; at most `MOST`."""

    MOST = 200
    by_number: dict[str, WorkOrder] = field(default_factory=dict)

    def refusal(self, order: WorkOrder, catalogue: Catalogue) -> Refuse | None:
        """Why `order` cannot wait here, if so. A second assignment of a number replaces the first."""
        if order.product is not None and order.product not in catalogue.products:
            return Refuse("product_unknown", say("product_unknown", text=order.product))
        if order.number not in self.by_number and len(self.by_number) >= self.MOST:
            return Refuse("orders_full", say("orders_full", count=self.MOST))
        return None
