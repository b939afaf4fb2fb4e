"""What the configuration files may hold: frozen values that pydantic reads strictly (see `validate`).

Keys of the files are the field names here. Devices' own keys are in `drivers/catalog.py`, a step's parameters in
its Params class; both are read the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from station.domain.diagnosis import HowMany, On, Reads
from station.domain.interlock import Blames, Reaction, When
from station.domain.limit import Decision
from station.domain.plan import Purpose

Words = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Positive = Annotated[float, Field(gt=0)]
Duration = Annotated[float, Field(ge=0)]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]

RETENTION_DAYS = (30, 36500)
"""Fewer, and a device that comes back within 30 days would not be known as rework."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a person reads, in both languages of the house."""

    zh: Words
    en: Words


# ---- station.toml ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class StationTable:
    """Who this bench is. The name is the common name of its certificate (contracts/mqtt.md)."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    timezone: Words
    language: Literal["zh", "en"] = "zh"
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class ClockTable:
    """Test time: `monotonic` on a real bench, `scaled` on the simulated one."""

    kind: Literal["monotonic", "scaled"] = "monotonic"
    speed: Annotated[float, Field(ge=1, le=240)] = 1.0


@dataclass(frozen=True, slots=True)
class StoreTable:
    """`retention_days`: what is older and receipted is deleted (docs/privacy.md); without it nothing ever is."""

    path: Words
    retention_days: Annotated[int, Field(ge=RETENTION_DAYS[0], le=RETENTION_DAYS[1])] | None = None


@dataclass(frozen=True, slots=True)
class CapturesTable:
    """Sound that traces keep: beside the store unless `path` says where, at most `max_mb` (10^6 bytes) in all."""

    path: Words | None = None
    max_mb: Annotated[float, Field(ge=10, le=1_000_000)] = 1000.0


@dataclass(frozen=True, slots=True)
class ControlTable:
    socket: Words


@dataclass(frozen=True, slots=True)
class MqttTable:
    """The broker, and the names of credential files: the centre's public keys that sign receipts, those that sign
    commands (with mqtt:// the same file where none is named), and for mqtts:// the authority's certificate, this
    station's, its key, and the authority's list of revoked ones (none is looked at where none is named)."""

    url: Words
    receipt_keys: Words
    command_keys: Words | None = None
    ca: Words = "ca.pem"
    certificate: Words = "station.pem"
    key: Words = "station-key.pem"
    crl: Words | None = None


@dataclass(frozen=True, slots=True)
class ShiftTable:
    """When shifts end, in the station's time zone: badges end with them."""

    ends: Annotated[tuple[ClockTime, ...], Field(max_length=12)]


@dataclass(frozen=True, slots=True)
class PageTable:
    """The bench page: for this machine alone, unless `lan` lets the workshop look on (never more than look)."""

    port: Annotated[int, Field(ge=1024, le=65535)] = 8088
    lan: bool = False


@dataclass(frozen=True, slots=True)
class CalibrationTable:
    """Whether an instrument without a calibration on file may make a PASS; one that is on file must be in force."""

    required: bool = False


@dataclass(frozen=True, slots=True)
class StationFile:
    """station.toml; tables of devices are read with the settings class of their kind."""

    station: StationTable
    store: StoreTable
    control: ControlTable
    mqtt: MqttTable
    guard: Mapping[str, Any]
    buses: Mapping[str, Mapping[str, Any]]
    devices: Mapping[str, Mapping[str, Any]]
    panel: Mapping[str, Any]
    scanner: Mapping[str, Any]
    audio: Mapping[str, Any]
    clock: ClockTable = field(default_factory=ClockTable)
    shift: ShiftTable = field(default_factory=lambda: ShiftTable(()))
    page: PageTable = field(default_factory=PageTable)
    captures: CapturesTable = field(default_factory=CapturesTable)
    calibration: CalibrationTable = field(default_factory=CalibrationTable)
    printer: Mapping[str, Any] = field(default_factory=dict)


# ---- plans and products ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class LimitTable:
    """A product's limit; see `station.domain.limit.Limit`."""

    source: Words
    low: float | None = None
    high: float | None = None
    relative_percent: Positive | None = None
    decision: Decision = "simple"


@dataclass(frozen=True, slots=True)
class OverrideTable:
    """A plan's limit: what is given replaces that part of the product's limit."""

    source: Words | None = None
    low: float | None = None
    high: float | None = None
    relative_percent: Positive | None = None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class StepTable:
    """One step of a plan. `requires` has no default: that a step proves nothing must be written down."""

    id: Name
    use: Words
    title: Text
    requires: tuple[str, ...]
    on_fail: Literal["continue", "no_mains", "mains_off", "no_drive"] = "continue"
    only_after_pass: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, OverrideTable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NeedsPassTable:
    """A PASS of another plan, for the same work order and serial number, that START asks for."""

    plan: Name
    within_h: Annotated[float, Field(gt=0, le=720)]


FaultCode = Annotated[str, Field(pattern=r"^[!-~]{1,48}$")]


@dataclass(frozen=True, slots=True)
class PlanFile:
    """plans/NAME.toml. Without a `family` the plan is for every product.

    `fault_codes`: of work orders for which this incoming plan goes before the plain one. `needs_consent`: START asks
    for the customer's consent that their data may be touched.
    """

    id: Name
    revision: Words
    title: Text
    purpose: Purpose
    max_mains_s: Positive
    step: Annotated[tuple[StepTable, ...], Field(min_length=1)]
    family: Name | None = None
    label: bool = False
    fault_codes: tuple[FaultCode, ...] = ()
    needs_consent: bool = False
    needs_pass: NeedsPassTable | None = None


@dataclass(frozen=True, slots=True)
class ProductFile:
    """products/NAME.toml, without what its family adds (`station.domain.plates`)."""

    id: Name
    maker: Words
    model: Words
    family: Name
    protection_class: Literal["I", "II", "III"]
    limits: Mapping[str, LimitTable] = field(default_factory=dict)
    without: tuple[Name, ...] = ()


# ---- interlocks and diagnosis ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class InterlockTable:
    """One rule; see `station.domain.interlock.Interlock`. `source` says where the bound comes from."""

    name: Name
    reading: Words
    max_age_s: Positive
    blames: Blames
    when: When
    code: Words
    blink: Annotated[int, Field(ge=11, le=99)]
    source: Words
    text: Text
    low: float | None = None
    high: float | None = None
    for_s: Duration = 0.0
    measurement: str | None = None
    reaction: Reaction = "trip"
    families: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class InterlockFile:
    interlock: Annotated[tuple[InterlockTable, ...], Field(min_length=1)]


Area = Literal[
    "output-stage", "signal-path", "power-supply", "reservoir", "ground-loop", "input-stage", "bias", "coupling",
    "compensation", "ground-return", "output-path", "feedback", "cooling", "contact", "bias-tracking",
    "mains-insulation", "earth",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConditionTable:
    """One condition; see `station.domain.diagnosis.Condition`. `value` and `by` are texts with a unit ("70 degC")."""

    measurement: Words | None = None
    trip: Words | None = None
    reads: Reads | None = None
    value: Words | None = None
    by: Words | None = None
    on: On = "same"
    use: Words | None = None


@dataclass(frozen=True, slots=True)
class RuleTable:
    """One rule of diagnosis: what it says of which area and how strongly (0 to 1), and when it holds."""

    id: Name
    area: Area
    weight: Annotated[float, Field(gt=0, le=1)]
    text: Text
    parts: Text | None = None
    channels: HowMany = "any"
    when: tuple[ConditionTable, ...] = ()
    either: tuple[ConditionTable, ...] = ()
    unless: tuple[ConditionTable, ...] = ()


@dataclass(frozen=True, slots=True)
class DiagnosisFile:
    rule: tuple[RuleTable, ...] = ()
