"""A configuration tree as values: the station's own settings, interlocks, and plans that resolve for a product.

`loading` builds a `Tree` out of checked files; nothing here reads a file or touches hardware.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import time
from typing import Any, Protocol

from station.domain.calibration import Calibration
from station.domain.diagnosis import DiagnosisRule
from station.domain.errors import SettingsError
from station.domain.interlock import Interlock
from station.domain.limit import Limit
from station.domain.measurement import CHANNELS
from station.domain.plan import Needs, NeedsPass, OnFail, Plan, PlanStep, Product, Purpose, Requirement

NOT_FOR_CLASS = {
    "I": frozenset({"supply_current"}),
    "II": frozenset({"supply_current", "earth_bond"}),
    "III": frozenset({"earth_bond", "insulation", "touch_current", "inrush", "mains_current"}),
}
"""Steps (`use`) that do not apply to a device by its protection class: I and II are not fed by the bench's DC supply,
II has no protective conductor, III no mains."""


class StepEntry(Protocol):
    """What settings must know of a catalogue entry of `station/steps/catalog.py` (StepSpec)."""

    @property
    def use(self) -> str: ...
    @property
    def params(self) -> type[Any]: ...
    @property
    def measurements(self) -> tuple[str, ...]: ...
    @property
    def per_channel(self) -> frozenset[str]: ...
    @property
    def needs(self) -> Needs: ...
    @property
    def items_of(self) -> Callable[[Mapping[str, Any]], Mapping[str, str]] | None: ...
    @property
    def plate(self) -> type | None: ...


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """A device of the bench: its kind in the drivers' catalogue, that kind's settings, and how often it is polled.

    `poll_s` is the seconds (wall time) between two readings of a sensor; 0.0 for what is not polled.
    """

    kind: str
    settings: Any
    poll_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Where the bench page listens; `lan`: on every interface, and then read-only for all but this machine."""

    port: int = 8088
    lan: bool = False


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """The folder that traces keep sound in, and how large it may become (10^6 bytes)."""

    path: str
    max_mb: float


@dataclass(frozen=True, slots=True)
class TlsNames:
    """Names of the credential files for mqtts://; they need not be there where the broker is on loopback."""

    ca: str = "ca.pem"
    certificate: str = "station.pem"
    key: str = "station-key.pem"
    crl: str | None = None


@dataclass(frozen=True, slots=True)
class StationSettings:
    """station.toml and the calibrations. `speed` is seconds of test time in a second, 1.0 with the monotonic clock."""

    name: str
    timezone: str
    language: str
    simulated: bool
    clock: str
    speed: float
    store_path: str
    captures: CaptureSettings
    control_socket: str
    mqtt_url: str
    receipt_keys: str
    guard: DeviceSettings
    buses: Mapping[str, DeviceSettings]
    devices: Mapping[str, DeviceSettings]
    panel: DeviceSettings
    scanner: DeviceSettings
    audio: DeviceSettings
    page: PageSettings = PageSettings()
    command_keys: str = ""
    """The credential file of the keys that sign commands; empty: the receipt keys."""
    tls: TlsNames = TlsNames()
    shift_ends: tuple[time, ...] = ()
    printer: DeviceSettings | None = None
    calibration_required: bool = False
    """Whether an instrument without any calibration may make a PASS (never, where this is true)."""
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    """By role, from calibration/ROLE.toml."""
    retention_days: int | None = None
    """What is older is deleted once it is receipted; None: nothing is."""


@dataclass(frozen=True, slots=True)
class StepTemplate:
    """One step of a plan before a product gives its limits. `limits` holds the keys that the plan itself gives."""

    id: str
    spec: StepEntry
    title: Mapping[str, str]
    params: Any
    requires: tuple[str, ...]
    on_fail: OnFail
    only_after_pass: bool
    limits: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PlanTemplate:
    """A plan before it is resolved for a product. `family` None: for every product."""

    id: str
    revision: str
    title: Mapping[str, str]
    purpose: Purpose
    label: bool
    max_mains_s: float
    family: str | None
    steps: tuple[StepTemplate, ...]
    fault_codes: tuple[str, ...] = ()
    needs_consent: bool = False
    needs_pass: NeedsPass | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """A checked configuration. `sha256` is of its content; comments and the order of keys do not count."""

    station: StationSettings
    interlocks: tuple[Interlock, ...]
    diagnosis: tuple[DiagnosisRule, ...]
    plans: Mapping[str, PlanTemplate]
    products: Mapping[str, Product]
    sha256: str

    def resolve(self, plan_id: str, product_id: str) -> Plan:
        """The plan with this product's limits. Raises `SettingsError` for an unknown id or a plan of another family."""
        template = self.plans.get(plan_id)
        if template is None:
            raise SettingsError(f"plan {plan_id!r} is not configured; there are {', '.join(sorted(self.plans))}")
        product = self.products.get(product_id)
        if product is None:
            raise SettingsError(
                f"product {product_id!r} is not configured; there are {', '.join(sorted(self.products))}"
            )
        if template.family not in (None, product.family):
            wrong = f"plan {plan_id!r} is for {template.family}, product {product_id!r} is of {product.family}"
            raise SettingsError(f"{wrong}; choose a plan of that family")
        return _resolve(template, product)


def not_for(protection_class: object) -> frozenset[str]:
    """Steps that do not apply to this protection class (as it stands in a product's file)."""
    return NOT_FOR_CLASS.get(str(protection_class), frozenset())


def merge_limit(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """A product's limit with what the plan gives put over it; bounds of the other sort (relative or not) go."""
    merged = {**base, **override}
    if "relative_percent" in override:
        merged = {key: value for key, value in merged.items() if key not in ("low", "high") or key in override}
    elif "low" in override or "high" in override:
        merged.pop("relative_percent", None)
    return merged


def content_sha256(content: object) -> str:
    """SHA-256 of the canonical JSON of `content`: sorted keys, no blanks, UTF-8."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


def _resolve(template: PlanTemplate, product: Product) -> Plan:
    plan = Plan(
        id=template.id,
        revision=template.revision,
        sha256="",
        title=template.title,
        purpose=template.purpose,
        label=template.label,
        steps=tuple(_resolve_step(step, product) for step in template.steps),
        max_mains_s=template.max_mains_s,
    )
    return replace(plan, sha256=content_sha256(asdict(plan)))


def _resolve_step(step: StepTemplate, product: Product) -> PlanStep:
    requires = []
    for name in step.requires:
        limit = limit_of(step, product, name)
        channels = CHANNELS if name in step.spec.per_channel else (None,)
        requires += [Requirement(name, limit, channel) for channel in channels]
    return PlanStep(
        id=step.id,
        use=step.spec.use,
        title=step.title,
        params=step.params,
        requires=tuple(requires),
        on_fail=step.on_fail,
        only_after_pass=step.only_after_pass,
        applicable=_applies(step, product),
    )


def _applies(step: StepTemplate, product: Product) -> bool:
    """Whether the product has what the step is about; only a guided step can be left out by its id."""
    if step.spec.use in not_for(product.protection_class):
        return False
    return step.spec.items_of is None or step.id not in product.without


def limit_of(step: StepTemplate, product: Product, name: str) -> Limit | None:
    """What this product's `name` is judged by in this step; None where neither of the two gives a limit."""
    base, override = product.limits.get(name), step.limits.get(name, {})
    if not override:
        return base
    merged = merge_limit(asdict(base) if base else {}, override)
    return Limit(**merged) if "source" in merged else None
