"""Scans: from a line of a scanner to a complete ticket, or to what is missing or contradicts. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from station.domain.imei import Fault, is_bare, read_imei
from station.domain.plan import NeedsPass, Purpose
from station.domain.work_order import EarlierRun, Ticket, WorkOrder
from station.run.needs import next_purpose
from station.run.session_events import Refuse
from station.run.session_texts import list_steps, say

BADGE_S = 1800.0
"""A badge older than this (monotonic seconds) signs nothing any more."""
PREFIXES: Mapping[str, str] = {
    "OP": "operator", "WO": "work_order", "SN": "serial_number", "IM": "imei", "PR": "product", "PL": "plan",
}  # fmt: skip
_VALUE = re.compile(r"[!-~]{1,48}")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What choosing and starting a plan takes, beside its purpose. `family` None: for every product.

    `two_people`: it has a mutual inspection, so both badges are read by the bench's own scanner. `instruments`: the
    roles that its measurements hang on.
    """

    family: str | None = None
    steps: tuple[str, ...] = ()
    fault_codes: tuple[str, ...] = ()
    needs_consent: bool = False
    needs_pass: NeedsPass | None = None
    two_people: bool = False
    instruments: tuple[str, ...] = ()


NO_FACTS = PlanFacts()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the configuration holds: products with their family, plans with their purpose and the rest.

    `simulated`: of a simulated bench, where simulated runs count. `with_imei`: products that have one.
    """

    products: Mapping[str, str]
    plans: Mapping[str, Purpose]
    facts: Mapping[str, PlanFacts] = field(default_factory=dict)
    simulated: bool = False
    with_imei: frozenset[str] = frozenset()

    def facts_of(self, plan: str | None) -> PlanFacts:
        """The rest of a plan; nothing special where nothing is told."""
        return self.facts.get(plan or "", NO_FACTS)

    def fits(self, plan: str, product: str) -> bool:
        """Whether the plan is for this product's family."""
        return self.facts_of(plan).family in (None, self.products.get(product, ""))

    def default_plan(self, purpose: str, product: str, fault_code: str | None = None) -> str | None:
        """The plan of a purpose for a product. `incoming`: the one that names the fault code goes first.

        `outgoing` of an `audio-amplifier` is `outgoing-amplifier`; else the only plan of that purpose; else none.
        """
        family = self.products.get(product, "")
        fit = [plan for plan, its in self.plans.items() if its == purpose and self.fits(plan, product)]
        if purpose == "incoming" and fault_code is not None:
            for plan in fit:
                if fault_code in self.facts_of(plan).fault_codes:
                    return plan
        for by_name in (f"{purpose}-{family}", f"{purpose}-{family.rsplit('-', 1)[-1]}"):
            if by_name in fit:
                return by_name
        plain = [plan for plan in fit if not self.facts_of(plan).fault_codes]
        return plain[0] if len(plain) == 1 else None


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that was understood: which field and its value."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Scans:
    """What has been scanned or put in front since the last run.

    `badge_lost`: why the badge that was here is gone (a code of `session_texts`), until the next one. `earlier`: runs
    of the work order in front that this bench's own store knows. `step`: the one step of `plan` that was asked for.
    `badge_typed`: the badge came over the socket and not from the bench's scanner.
    """

    operator: str | None = None
    badge_at_s: float = 0.0
    badge_typed: bool = False
    shift_ends_at_s: float = math.inf
    badge_lost: str = ""
    work_order: WorkOrder | None = None
    earlier: tuple[EarlierRun, ...] = ()
    serial_number: str | None = None
    imei: str | None = None
    product: str | None = None
    plan: str | None = None
    step: str | None = None

    @property
    def empty(self) -> bool:
        """Nothing has been scanned (a badge that expired counts as nothing)."""
        return replace(self, badge_lost="") == Scans()

    @property
    def known_runs(self) -> tuple[EarlierRun, ...]:
        """Every earlier run of the work order in front that bench or centre know; one may be there twice."""
        return (*(self.work_order.history if self.work_order else ()), *self.earlier)

    def with_order(self, order: WorkOrder | None) -> Scans:
        """With `order` in front; what was known of another one goes with it."""
        same = order is not None and self.work_order is not None and order.number == self.work_order.number
        return replace(self, work_order=order, earlier=self.earlier if same else ())

    def chosen_product(self) -> str | None:
        """The work order's product, else the scanned one."""
        return (self.work_order.product if self.work_order else None) or self.product

    def chosen_plan(self, catalogue: Catalogue) -> str | None:
        """The scanned plan, else the default of the purpose: the work order's, else where its runs say that it stands.

        A purpose that only earlier runs suggest and that no plan serves gives way to `outgoing`.
        """
        if self.plan is not None:
            return self.plan
        product, order = self.chosen_product(), self.work_order
        if order is None or product is None:
            return None
        if order.purpose is not None:
            return catalogue.default_plan(order.purpose, product, order.fault_code)
        stands_at = next_purpose(self.known_runs)
        return catalogue.default_plan(stands_at, product, order.fault_code) or catalogue.default_plan(
            "outgoing", product
        )

    def serial_differs(self) -> bool:
        """The scanned serial number is not the one of the work order."""
        wanted = self.work_order.serial_number if self.work_order else None
        return wanted is not None and self.serial_number is not None and wanted != self.serial_number

    def missing(self, catalogue: Catalogue) -> tuple[str, ...]:
        """Fields that START still needs, in the order in which a technician scans them."""
        missing = [name for name in ("operator", "work_order", "serial_number") if getattr(self, name) is None]
        if self.chosen_product() in catalogue.with_imei and self.imei is None:
            missing.append("imei")
        if self.chosen_product() not in catalogue.products:
            missing.append("product")
        elif self.work_order is not None and self.chosen_plan(catalogue) not in catalogue.plans:
            missing.append("plan")
        return tuple(missing)

    def known_to(self, catalogue: Catalogue) -> Scans:
        """Without what another configuration no longer has."""
        front = self.work_order
        lost = front is not None and front.product is not None and front.product not in catalogue.products
        kept = self.plan in catalogue.plans and self.step in (None, *catalogue.facts_of(self.plan).steps)
        return replace(
            self.with_order(None if lost else front),
            product=self.product if self.product in catalogue.products else None,
            plan=self.plan if kept else None,
            step=self.step if kept else None,
        )

    def expire(self, now_s: float) -> Scans:
        """Without its badge once that is older than `BADGE_S`, or its shift is over."""
        if self.operator is None:
            return self
        if now_s >= self.shift_ends_at_s:
            return self._without_badge("shift_ended")
        return self if now_s - self.badge_at_s <= BADGE_S else self._without_badge("badge_expired")

    def _without_badge(self, why: str) -> Scans:
        return replace(
            self, operator=None, badge_at_s=0.0, badge_typed=False, shift_ends_at_s=math.inf, badge_lost=why
        )  # fmt: skip


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
    if name is None and catalogue.with_imei and is_bare(line):
        name, value = "imei", line
    if name is None:
        return Refuse("scan_unknown", say("scan_unknown", text=shown))
    if not _VALUE.fullmatch(value):
        return Refuse("scan_value", say("scan_value", text=shown))
    if name == "product":
        return _check_product(value, scans, catalogue)
    if name == "plan":
        return _check_plan(value, catalogue)
    if name == "imei":
        return _check_imei(value, scans.chosen_product(), catalogue)
    if name == "work_order" and (refused := order_refusal(assigned.get(value), scans, catalogue)) is not None:
        return refused
    return Scan(name, value)


def order_refusal(order: WorkOrder | None, scans: Scans, catalogue: Catalogue) -> Refuse | None:
    """Why `order` cannot be the next one: it names another product than the one scanned, or one that is not known."""
    if order is None or order.product is None:
        return None
    if order.product not in catalogue.products:
        text = say("order_unservable", number=order.number, product=order.product)
        return Refuse("order_unservable", text, order.number)
    if scans.product is None or order.product == scans.product:
        return None
    text = say("product_differs", order=order.product, scanned=scans.product)
    return Refuse("product_differs", text, order.number)


def _check_plan(value: str, catalogue: Catalogue) -> Scan | Refuse:
    """`PLAN`, or `PLAN/STEP` for one step of it."""
    plan, slash, step = value.partition("/")
    if plan not in catalogue.plans:
        return Refuse("plan_unknown", say("plan_unknown", text=plan))
    steps = catalogue.facts_of(plan).steps
    if slash and step not in steps:
        return Refuse("step_unknown", say("step_unknown", plan=plan, step=step, steps=list_steps(steps)))
    return Scan("plan", value)


def _check_product(value: str, scans: Scans, catalogue: Catalogue) -> Scan | Refuse:
    if value not in catalogue.products:
        return Refuse("product_unknown", say("product_unknown", text=value))
    order = scans.work_order
    if order is not None and order.product not in (None, value):
        text = say("product_differs", order=order.product, scanned=value)
        return Refuse("product_differs", text, order.number)
    return Scan("product", value)


def _check_imei(value: str, product: str | None, catalogue: Catalogue) -> Scan | Refuse:
    if product in catalogue.products and product not in catalogue.with_imei:
        return Refuse("imei_unwanted", say("imei_unwanted", product=product))
    number = read_imei(value)
    if isinstance(number, Fault):
        words = {"text": value, "digits": number.digits, "said": number.said, "wanted": number.wanted}
        return Refuse(number.code, say(number.code, **words))
    return Scan("imei", number)


def keep_scan(
    scan: Scan, scans: Scans, assigned: Mapping[str, WorkOrder], now_s: float, shift_ends_at_s: float = math.inf
) -> Scans:
    """`scans` with `scan` in it. A work order that is not on the list is a typed one: number only.

    Another serial number is another device, whose IMEI is to be scanned anew.
    """
    if scan.field == "operator":
        return replace(
            scans, operator=scan.value, badge_at_s=now_s, shift_ends_at_s=shift_ends_at_s, badge_lost=""
        )  # fmt: skip
    if scan.field == "work_order":
        return scans.with_order(assigned.get(scan.value) or WorkOrder(scan.value))
    if scan.field == "serial_number":
        kept = scans.imei if scans.serial_number in (None, scan.value) else None
        return replace(scans, serial_number=scan.value, imei=kept)
    if scan.field == "imei":
        return replace(scans, imei=scan.value)
    if scan.field == "product":
        return replace(scans, product=scan.value)
    plan, _, step = scan.value.partition("/")
    return replace(scans, plan=plan, step=step or None)


def complete(scans: Scans, catalogue: Catalogue) -> Complete | None:
    """The ticket if nothing is missing and nothing differs.

    A plan whose purpose is not the work order's makes an engineering run, and so does a single step of one; a typed
    work order has no purpose of its own, so the plan's stands.
    """
    if scans.missing(catalogue) or scans.serial_differs():
        return None
    plan, product = scans.chosen_plan(catalogue), scans.chosen_product()
    if not (scans.operator and scans.work_order and scans.serial_number and plan and product):
        return None
    purpose = catalogue.plans[plan]
    wanted = scans.work_order.purpose
    imei = scans.imei if product in catalogue.with_imei else None
    ticket = Ticket(scans.operator, scans.work_order, scans.serial_number, product, plan, scans.step, imei=imei)
    return Complete(ticket, purpose if wanted in (None, purpose) and scans.step is None else "engineering")


@dataclass(slots=True)
class WorkOrders:
    """The work orders that wait at this bench, by number, in the order in which they came; at most `MOST`, and together
    of at most `MOST_BYTES`.

    `accepted`: those that a technician has claimed here; the centre knows.
    """

    MOST = 200
    MOST_BYTES = 16_000_000
    by_number: dict[str, WorkOrder] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)

    def in_line(self) -> list[WorkOrder]:
        """Those of a higher priority first, then in the order in which they came."""
        return sorted(self.by_number.values(), key=lambda order: -order.priority)

    def drop(self, number: str) -> None:
        """It waits here no more."""
        self.by_number.pop(number, None)
        self.accepted.discard(number)

    def refusal(self, order: WorkOrder, catalogue: Catalogue) -> Refuse | None:
        """Why `order` cannot wait here, if so. A second assignment of a number replaces the first."""
        if order.product is not None and order.product not in catalogue.products:
            return Refuse("product_unknown", say("product_unknown", text=order.product))
        if order.number not in self.by_number and len(self.by_number) >= self.MOST:
            return Refuse("orders_full", say("orders_full", count=self.MOST))
        others = sum(one.weight for one in self.by_number.values() if one.number != order.number)
        if order.weight and others + order.weight > self.MOST_BYTES:
            text = say("orders_large", number=order.number, megabytes=self.MOST_BYTES // 1_000_000)
            return Refuse("orders_large", text)
        return None
