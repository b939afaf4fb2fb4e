"""What DIN VDE 0701-0702 asks of a product's limits: the earth bond by the length of its cord, the rest by its class.

A product that says `cord_m` need not give `limits.earth_bond_ohm`: it is derived here, with its rule as the source. A
limit of its own may be stricter, never looser. Each begun 7.5 m counts whole: the standard's own table has steps (5 m
0.3 ohm, 12.5 m 0.4, 20 m 0.5 … more than 50 m 1.0), as the manual of a tester made for it prints them (Gossen Metrawatt
METRATESTER 5+, 5.3, secondary). The figures by class: Fluke 6200, manual, appendix A (secondary). Of heating above
3.5 kW, for which the standard has others, no bench of this house has the feed (`outlet.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from station.domain.limit import Limit
from station.settings.problem import Problem
from station.settings.source import Source, table

EARTH_BOND = "earth_bond_ohm"
SHORT_M, SHORT_OHM = 5.0, 0.3
PER_M, PER_OHM = 7.5, 0.1
MOST_OHM = 1.0
STANDARD = "DIN VDE 0701-0702 (secondary)"
BY_CLASS: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "I": (("touch_current_ma", "high", 3.5),),
    "II": (("insulation_mohm", "low", 2.0), ("touch_current_ma", "high", 0.5)),
}
"""By protection class: a limit, its bound, and the loosest that it may be. Of class I it is the current of the
protective conductor, which the bench's network stands in; its insulation (1 Mohm) is a gate of `plan_safety.py`."""


def earth_bond_ohm(cord_m: float) -> float:
    """The largest resistance from the plug's PE to accessible metal, with a cord of this length (to 16 A)."""
    begun = max(0, math.ceil(round((cord_m - SHORT_M) / PER_M, 9)))
    return round(min(MOST_OHM, SHORT_OHM + PER_OHM * begun), 6)


def derived(product: Mapping[str, Any]) -> dict[str, Limit]:
    """Limits that this product's file need not give, by name: the earth bond of class I with a known cord."""
    cord_m: Any = product.get("cord_m")
    if product.get("protection_class") != "I" or not _is_number(cord_m) or cord_m < 0.0:
        return {}
    if EARTH_BOND in table(product.get("limits")):
        return {}
    rule = f"{SHORT_OHM:g} ohm to {SHORT_M:g} m, {PER_OHM:g} ohm more per begun {PER_M:g} m, at most {MOST_OHM:g} ohm"
    return {EARTH_BOND: Limit(f"{STANDARD}: cord of {cord_m:g} m; {rule}", high=earth_bond_ohm(cord_m))}


def check_class(source: Source) -> Iterator[Problem]:
    """Limits of a product that are looser than the standard allows its class, or its cord."""
    product, limits = source.data, table(source.data.get("limits"))
    rows = list(BY_CLASS.get(str(product.get("protection_class")), ()))
    cord_m: Any = product.get("cord_m")
    if product.get("protection_class") == "I" and _is_number(cord_m) and cord_m >= 0.0:
        rows.append((EARTH_BOND, "high", earth_bond_ohm(cord_m)))
    for name, bound, most in rows:
        given: Any = table(limits.get(name)).get(bound)
        if name not in limits or not (given is None or _is_number(given)):
            continue
        if given is None or (given < most if bound == "low" else given > most):
            of = f"with a cord of {cord_m:g} m" if name == EARTH_BOND else f"in class {product['protection_class']}"
            at = "at least" if bound == "low" else "at most"
            wrong = f"{'no bound' if given is None else f'{given:g}'}, and {STANDARD} wants {at} {most:g} {of}"
            remedy = f"write {bound} = {most:g} or stricter"
            remedy += ", or remove the limit: it follows from cord_m" if name == EARTH_BOND else ""
            yield source.problem(("limits", name, bound), wrong, remedy)


def _is_number(value: Any) -> bool:
    """Else the schema has complained."""
    return isinstance(value, int | float) and not isinstance(value, bool)
