"""The guard's lamps in a word (contracts/guard-line.md, Lamps): red, green, neither, unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.ports import GuardState, GuardStatus
from station.safety.voltage import SILENT_S, voltage_of

SAFE = GuardStatus(
    GuardState.SAFE, k=False, h=False, lock=True, fb=False, estop=True, lid=True, thermo=True, cause=None, also=(),
    hb_age_ms=10, on_left_s=0, bad=0, up_ms=1000, received_at=100.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("state", "fb", "word"),
    [
        (GuardState.SAFE, False, "off"), (GuardState.SAFE, True, "on"), (GuardState.ARMED, False, "on"),
        (GuardState.ENERGISED, True, "on"), (GuardState.HV, False, "on"), (GuardState.TRIPPED, False, "out"),
        (GuardState.TRIPPED, True, "on"),
    ],
)  # fmt: skip
def test_the_word_is_the_lamp_that_is_lit(state: GuardState, fb: bool, word: str) -> None:
    assert voltage_of(replace(SAFE, state=state, fb=fb), 100.5) == word


def test_of_a_silent_guard_nothing_is_claimed() -> None:
    assert voltage_of(SAFE, 100.0 + SILENT_S + 0.01) == "unknown"
    assert voltage_of(None, 100.0) == "unknown"
