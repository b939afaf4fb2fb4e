"""Whether the DUT outlet can carry a product: what the interlocks would trip at is what a product may take.

The bound is not written down twice. The outlet's breaker has 10 A (docs/parts-list.md), and the interlock on
`mains.power_w` for a family stands below it with a reserve; a device that is allowed more than that by its own limits
would be switched off and blamed while it is healthy. The peak at switch-on is held against `inrush.peak_a` likewise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from station.domain.interlock import Interlock
from station.settings.problem import Problem
from station.settings.source import Source, table

POWER, PEAK = "mains.power_w", "inrush.peak_a"
LIMITS: Mapping[str, Mapping[str, str]] = {
    "appliance": {"start_power_w": POWER, "work_power_w": POWER, "start_current_a": PEAK},
    "electronics": {"inrush_a": PEAK},
}
"""Of families on mains. Others are bounded by what they drive (`load_bank.py`) or by the bench's own supply."""


def check_outlet(products: Sequence[Source], interlocks: Sequence[Interlock]) -> Iterator[Problem]:
    """Appliances and electronics on mains whose rated power, or a limit, is above what trips."""
    for product in products:
        family = str(product.data.get("family"))
        if family not in LIMITS:
            continue
        yield from _check(product, ("rated_power_w",), product.data.get("rated_power_w"), POWER, interlocks)
        for name, reading in LIMITS[family].items():
            high = table(table(product.data.get("limits")).get(name)).get("high")
            yield from _check(product, ("limits", name, "high"), high, reading, interlocks)


def _check(
    product: Source, path: tuple[str, ...], value: Any, reading: str, interlocks: Sequence[Interlock]
) -> Iterator[Problem]:
    family = str(product.data.get("family"))
    rows = [row for row in interlocks if row.reading == reading and family in (row.families or (family,))]
    bounds = [(row.high, row.name) for row in rows if row.high is not None and row.reaction == "trip"]
    if not bounds or not isinstance(value, int | float) or isinstance(value, bool):
        return
    most, name = min(bounds)
    if value > most:
        unit = reading.rpartition("_")[2].upper()
        wrong = f"{value:g} {unit}, and interlock {name!r} switches off above {most:g} {unit}"
        yield product.problem(path, wrong, "test it on a bench with a larger feed")
