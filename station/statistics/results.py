"""The figures as they are told, in tables, JSON and on the page: names here are names of `stats --json`."""

from __future__ import annotations

from dataclasses import dataclass

FEW = 25
"""Fewer values than this leave an index so uncertain that it is marked."""
Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`, with Wilson's 95 % interval; without a percentage of nothing."""

    hits: int
    of: int
    percent: float | None
    low_percent: float | None
    high_percent: float | None


@dataclass(frozen=True, slots=True)
class Yield:
    """Units of a product, or of a month. A unit is a serial number in a work order.

    `not_judged`: units that have ABORTED and ERROR runs alone; they are in neither share.
    """

    name: str
    first_pass: Share
    final: Share
    not_judged: int


@dataclass(frozen=True, slots=True)
class ParetoRow:
    """`count` of units (areas) or of FAIL runs (measurements). `units`: areas: named at all; measurements: met it."""

    product: str
    purpose: str
    name: str
    count: int
    percent: float
    cumulative_percent: float
    units: int


@dataclass(frozen=True, slots=True)
class Capability:
    """One measurement of one channel under one pair of limits. `outside`: values beyond them.

    `deviation` of one value is None. `bounds`: values known only as a bound, `no_value`: null, SKIPPED, NOT_APPLICABLE
    and ERROR; both are left out. `relative`: the limits are a percentage around what each device read elsewhere, and
    all figures are percent from there.
    """

    product: str
    step: str
    measurement: str
    channel: str | None
    unit: str
    low: float | None
    high: float | None
    n: int
    mean: float | None
    deviation: float | None
    least: float | None
    greatest: float | None
    outside: int
    ppk: float | None
    ppk_low: float | None
    ppk_high: float | None
    few: bool
    bounds: int
    no_value: int
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds: of a step test time, of a whole run wall time (`step` is then its verdict in brackets)."""

    plan: str
    step: str
    n: int
    median_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Rework:
    """Repairs that ended in a PASS at least 30 days ago, and how many of them came back within 30 days.

    `same_fault`: of those, the record of the return says so. `young`: repairs that are not 30 days old;
    `young_returned`: of those, back already. Both are in no share.
    """

    name: str
    returned: Share
    same_fault: int
    young: int
    young_returned: int


@dataclass(frozen=True, slots=True)
class Person:
    """What went through one person's hands."""

    badge: str
    first_pass: Share
    final: Share
    rework: Rework


@dataclass(frozen=True, slots=True)
class Counts:
    """What was looked at, and what of it said nothing."""

    runs: int
    by_purpose: dict[str, int]
    by_verdict: dict[str, int]
    not_judged_outgoing: int
    not_judged_after_a_failed_value: int
    without_work_order: int
    no_fault_found: int
    found_faulty: int
    values_without_limits: int
    values_with_one_allowed: int
    impossible_wall_time: int
    stamps_against_run_numbers: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """All figures of one selection."""

    counts: Counts
    yields: tuple[Yield, ...]
    months: tuple[Yield, ...]
    areas: tuple[ParetoRow, ...]
    causes: tuple[ParetoRow, ...]
    capabilities: tuple[Capability, ...]
    durations: tuple[Duration, ...]
    walls: tuple[Duration, ...]
    rework: tuple[Rework, ...]
    engineers: tuple[Person, ...]
    operators: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class GoldenChart:
    """One measurement of a golden unit against its centre. `level`: where it stands now; `off_sigma` of its mean.

    `percent_to_limit`: of the way from the centre to the plan's own limit on that side. `chance`: at most how often a
    bench in order shows as much somewhere among all charts of the unit. `means`: of the subgroups, `low` and `high` the
    control limits of a mean.
    """

    measurement: str
    channel: str | None
    unit: str
    checks: int
    state: str
    centre: float | None
    low: float | None
    high: float | None
    level: float | None
    off_sigma: float | None
    percent_to_limit: float | None
    chance: float | None
    since_run: int | None
    means: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GoldenUnit:
    """The control charts of a golden unit at a bench, what drifts first. `kept`: the limits are frozen ones."""

    station: str
    serial_number: str
    checks: int
    first_run: int
    last_run: int
    last_ended_at: str
    state: str
    kept: bool
    headline: str
    charts: tuple[GoldenChart, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that `stats` tells: of what, what was left out, in `words` what a reader must not overlook."""

    source: str
    sample: bool
    zone: str
    selection: dict[str, str | None]
    left_out: dict[str, int]
    words: tuple[str, ...]
    statistics: Statistics
    golden: tuple[GoldenUnit, ...]
