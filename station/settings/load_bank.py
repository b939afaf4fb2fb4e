"""Whether the bench's load bank can take its products: the power with a reserve, and the resistance that they want."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from station.domain.plates import PLATES, AmplifierPlate
from station.settings.devices import Placed
from station.settings.problem import Problem
from station.settings.source import Source

RESERVE = 2.0
"""reference/safety.md: twice the rated power."""


def check_load_bank(products: Sequence[Source], placed: Sequence[Placed]) -> Iterator[Problem]:
    """Products that this bench's bank must not be driven with; nothing where its bank tells no ratings."""
    for bank in placed:
        if bank.entry is None or bank.entry.kind != "load-bank" or bank.settings is None:
            continue
        for product in products:
            if PLATES.get(str(product.data.get("family")), AmplifierPlate) is AmplifierPlate:
                yield from _check_product(product, bank)


def _check_product(product: Source, bank: Placed) -> Iterator[Problem]:
    own = bank.settings
    power_w: Any = product.data.get("rated_power_w")
    load_ohm: Any = product.data.get("load_ohm")
    most_w = own.rated_power_w / RESERVE
    if _is_number(power_w) and power_w > most_w > 0:
        wrong = f"{power_w:g} W, and {bank.place} ({own.rated_power_w:g} W a channel) may be driven with {most_w:g} W"
        yield product.problem(("rated_power_w",), wrong, "test it on a bench with a larger load bank")
    if not _is_number(load_ohm) or own.load_ohm <= 0 or load_ohm <= 0:
        return
    if abs(load_ohm / own.load_ohm - 1.0) > own.ohm_tolerance_percent / 100.0:
        wrong = f"{load_ohm:g} ohm, and the loads of {bank.place} have {own.load_ohm:g} ohm"
        remedy = "test it on a bench with such a load, or correct the bank's load_ohm"
        yield product.problem(("load_ohm",), wrong, remedy)


def _is_number(value: object) -> bool:
    """Else the schema has complained."""
    return isinstance(value, int | float) and not isinstance(value, bool)
