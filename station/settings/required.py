"""Interlocks that no bench may be without, and the loosest form of each that `check` accepts.

A rule of interlocks.toml is for editing; that it is there, and worth something, is not. Each row holds for a bench that
has the device: `station check` finds a tree in which nobody watches it, or too loosely. Sources: invariants 12, 21 and
23 of reference/safety.md, contracts/cli.md, and the kernel's own figures; what is the house's choice says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from station.settings.problem import Problem
from station.settings.source import Source, table, tables, texts

ENERGISED, DRIVE = frozenset({"always", "energised"}), frozenset({"always", "energised", "drive"})


@dataclass(frozen=True, slots=True)
class Required:
    """`reading` must be watched in one of `when`; its bound, delay and age at most this loose."""

    reading: str
    when: frozenset[str]
    max_age_s: float
    low_min: float | None = None
    """The bound `low` at least this."""
    high_max: float | None = None
    """The bound `high` at most this."""
    for_s: float = 0.0
    """How long a violation may last before it trips."""
    why: str = ""

    @property
    def role(self) -> str:
        """The device that it hangs on."""
        return self.reading.partition(".")[0]

    def words(self) -> str:
        """As a maintainer would write it."""
        low = () if self.low_min is None else (f"low = {self.low_min:g} or more",)
        high = () if self.high_max is None else (f"high = {self.high_max:g} or less",)
        for_s = (f"for_s = {self.for_s:g} or less",) if self.for_s else ("no for_s",)
        return ", ".join((*low, *high, *for_s, f"max_age_s = {self.max_age_s:g} or less"))


REQUIRED: tuple[Required, ...] = (
    Required("temperature.heatsink_degc", ENERGISED, 5.0, high_max=100.0, why="contracts/cli.md: trip at 100 degC"),
    Required("temperature.loadbank_degc", ENERGISED, 5.0, high_max=120.0, why="below the guard's thermostat"),
    Required("mains.power_w", ENERGISED, 2.0, high_max=2000.0, why="invariant 23; the outlet's breaker is next"),
    Required(
        "discharge.l_n_v", ENERGISED, 5.0, low_min=150.0, for_s=2.0, why="invariant 9: what must prove 0 V sees mains"
    ),
    Required("dc.left_plus_v", DRIVE, 1.0, -2.0, 2.0, 0.1, why="invariant 21: 2 V DC for 100 ms"),
    Required("dc.right_plus_v", DRIVE, 1.0, -2.0, 2.0, 0.1, why="invariant 21: 2 V DC for 100 ms"),
    Required("fan.rpm", DRIVE, 5.0, low_min=500.0, why="invariants 11 and 23: fan confirmed while driven"),
)


BIAS = "bias"
"""What a step that has a hand turn the bias is called, and the role of the meter that it reads."""
BIAS_TIMES = 3.0
"""House: so many times what the trimmer is set to, and the output stage is in danger."""
BIAS_FOR_S, BIAS_AGE_S = 0.2, 3.0


def bias_rows(plans: Sequence[Source], products: Sequence[Source]) -> tuple[Required, ...]:
    """What must watch the bias meter where a plan uses `bias`: both channels, both ways round, for every product."""
    families = [
        plan.data.get("family")
        for plan in plans
        for _, step in tables(plan.data.get("step"))
        if step.get("use") == BIAS
    ]
    bounds = {
        BIAS_TIMES * own["bias_ma"] * own["emitter_ohm"]: str(own.get("id"))
        for own in (table(product.data) for product in products)
        if (own.get("family") in families or None in families)
        and all(isinstance(own.get(key), int | float) for key in ("bias_ma", "emitter_ohm"))
    }
    if not bounds:
        return ()
    most_mv = min(bounds)
    why = f"{BIAS_TIMES:g} x bias_ma x emitter_ohm of {bounds[most_mv]}; negative with the clips the wrong way round"
    most_mv = round(most_mv, 6)
    return tuple(
        Required(f"{BIAS}.{side}_mv", ENERGISED, BIAS_AGE_S, -most_mv, most_mv, BIAS_FOR_S, why)
        for side in ("left", "right")
    )


def check_required(
    source: Source, roles: Collection[str], more: Sequence[Required] = (), families: Collection[str] = ()
) -> Iterator[Problem]:
    """Interlocks that are missing or too loose for a bench with devices in `roles`; `more`: what its plans ask for.

    `families`: of the products it tests; a row that is for some families leaves the others to another row.

    Only for a file in which nothing else is wrong, so that a misspelled reading is not said twice. One row that holds
    is enough; where none does, the first on that reading is told what to tighten.
    """
    rows = tables(source.data.get("interlock"))
    for wanted in (*REQUIRED, *more):
        if wanted.role not in roles:
            continue
        found = [(index, raw) for index, raw in rows if raw.get("reading") == wanted.reading]
        if not found:
            wrong = f"nothing watches {wanted.reading} ({wanted.why})"
            whens = " or ".join(f'"{when}"' for when in sorted(wanted.when))
            yield source.problem(("interlock",), wrong, f"add one with when = {whens}, {wanted.words()}")
            continue
        held = [raw for index, raw in found if not list(_loose(source, index, raw, wanted))]
        if not held:
            yield from _loose(source, *found[0], wanted)
            continue
        unwatched = [one for one in sorted(families) if not any(_is_for(raw, one) for raw in held)]
        for index, raw in found:  # a loose row of theirs is told what it lacks, as if there were no other
            if raw not in held and any(_is_for(raw, one) for one in unwatched):
                yield from _loose(source, index, raw, wanted)
                unwatched = [one for one in unwatched if not _is_for(raw, one)]
        if unwatched:
            wrong = f"nothing watches {wanted.reading} for {', '.join(unwatched)} ({wanted.why})"
            yield source.problem(
                ("interlock", found[0][0], "families"), wrong, f"name them, or add one with {wanted.words()}"
            )


def _is_for(raw: Mapping[str, Any], family: str) -> bool:
    return not raw.get("families") or family in (name for _, name in texts(raw["families"]))


def _loose(source: Source, index: int, raw: Mapping[str, Any], wanted: Required) -> Iterator[Problem]:
    """What of one row is looser than it may be."""
    path, why = ("interlock", index), f"; {wanted.reading} must trip sooner ({wanted.why})"
    if raw.get("reaction", "trip") != "trip":
        yield source.problem((*path, "reaction"), f"a refusal does not switch off{why}", 'reaction = "trip"')
    when = raw.get("when", "energised")
    if when not in wanted.when:
        whens = " or ".join(f'"{one}"' for one in sorted(wanted.when))
        yield source.problem((*path, "when"), f'"{when}" is not enough{why}', f"write {whens}")
    low, high = raw.get("low"), raw.get("high")
    if wanted.low_min is not None and (low is None or low < wanted.low_min):
        said = "is missing" if low is None else f"{low:g} is too low"
        yield source.problem((*path, "low"), f"{said}{why}", f"write {wanted.low_min:g} or more")
    if wanted.high_max is not None and (high is None or high > wanted.high_max):
        said = "is missing" if high is None else f"{high:g} is too high"
        yield source.problem((*path, "high"), f"{said}{why}", f"write {wanted.high_max:g} or less")
    for key, most in (("for_s", wanted.for_s), ("max_age_s", wanted.max_age_s)):
        given = raw.get(key, 0.0)
        if given > most:
            remedy = f"write {most:g} or less" if most else "remove it"
            yield source.problem((*path, key), f"{given:g} s is too long{why}", remedy)
