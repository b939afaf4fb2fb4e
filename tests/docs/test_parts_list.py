"""The divider of the parts list: its figures are recomputed from its resistors."""

from __future__ import annotations

import math
import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "parts-list.md").read_text(encoding="utf-8")
INPUT_V, INPUT_KOHM = 4.9, 30.0
"""The interface's full scale, and its resistance a leg."""


def numbers(row: str) -> tuple[float, float]:
    """What the page says for 60 V and for 110 V in the row that begins so."""
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {row} |"))
    first, second = (re.search(r"[\d.]+", cell) for cell in line.split("|")[2:4])
    assert first is not None and second is not None
    return float(first[0]), float(second[0])


def parallel(*kohm: float) -> float:
    return 1.0 / sum(1.0 / one for one in kohm)


@pytest.mark.parametrize("bench", [0, 1], ids=["60 V", "110 V"])
def test_the_divider_is_what_its_resistors_make(bench: int) -> None:
    r1 = numbers("R1a, R1b, in series")[bench]
    r2 = numbers("R2a, R2b, in parallel")[bench]
    low = parallel(r2, r2, INPUT_KOHM)
    division = (2 * r1 + low) / low
    full_v = INPUT_V * division
    assert numbers("division")[bench] == pytest.approx(division, abs=0.01)
    assert numbers("full scale at the terminals")[bench] == pytest.approx(full_v, abs=0.1)
    current_ma = full_v / (2 * r1 + low)
    assert numbers("power in each R1 at full scale")[bench] == pytest.approx(current_ma**2 * r1 / 1e3, abs=0.001)
    peak_v = INPUT_V * math.sqrt(2.0)
    assert numbers("none")[bench] == pytest.approx(peak_v, abs=0.05)
    shorted = (r1 + low) / low
    assert numbers("R1a or R1b shorted")[bench] == pytest.approx(peak_v * division / shorted, abs=0.06)
    alone = parallel(r2, INPUT_KOHM)
    opened = (2 * r1 + alone) / alone
    assert numbers("R2a or R2b open")[bench] == pytest.approx(peak_v * division / opened, abs=0.06)
    for row, ratio in (("R1a or R1b shorted", division / shorted), ("R2a or R2b open", division / opened)):
        told = re.findall(r"([\d.]+) dB", next(line for line in PAGE.splitlines() if line.startswith(f"| {row} |")))
        assert float(told[bench]) == pytest.approx(20.0 * math.log10(ratio), abs=0.06)


@pytest.mark.parametrize(("bench", "rated_v", "spare_db"), [(0, 28.3, 6.7), (1, 49.0, 7.4)])
def test_full_scale_carries_the_rated_power_with_room(bench: int, rated_v: float, spare_db: float) -> None:
    full_v = numbers("full scale at the terminals")[bench]
    assert 20.0 * math.log10(full_v / rated_v) == pytest.approx(spare_db, abs=0.06)


@pytest.mark.parametrize("bench", [0, 1])
def test_the_divider_stands_mains_at_the_terminal(bench: int) -> None:
    line = next(line for line in PAGE.splitlines() if line.startswith("| 230 V mains"))
    watts, amperes = re.findall(r"([\d.]+) W", line), re.findall(r"([\d.]+) mA", line)
    r1 = numbers("R1a, R1b, in series")[bench] * 1e3
    assert float(watts[bench]) == pytest.approx((230.0 - 14.0) ** 2 / (2 * r1) / 2, abs=0.06)
    assert float(amperes[bench]) == pytest.approx((325.0 - 14.0) / (2 * r1) * 1e3, abs=0.5)


def test_the_loads_carry_twice_the_rated_power_at_the_thermostats_temperature() -> None:
    part = 300.0 * (200.0 - 75.0) / (200.0 - 25.0)
    assert part > 2 * 100.0 and 3 * part > 2 * 300.0
    assert f"{part:.0f} W and {3 * part:.0f} W" in PAGE
