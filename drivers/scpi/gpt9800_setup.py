"""What the GPT-9800 is told before a test, and how each of it reads back. Pure; the dialogue is in `gpt9800.py`.

There is no step here for ACW or DCW, and none for more than 500 V: a withstand test cannot be asked for. Everything
that changes a result is set, whatever was left at the front panel: both limits, the offset (`REF`), the lead zeroing of
the bond test (`ZEROCHECK`: on, it would take the bond itself for the leads'), the ramp, and the utilities that would
hold the largest value instead of the settled one (`MAXH`) or stand still after a PASS (`PASS`).

Sources: the maker's manual (commands and their bounds), reference/devices.md, and answers of a GPT-9902A written down
in public (`0.100kV`, `001.0 S`, `60 Hz`, `AUTO MODE`). Not confirmed on a device: how `ZEROCHECK?`, `UTIL:MAXH?` and
`UTIL:PASS?` read back (the last word is compared), and whether resistances read back with their unit (both are taken).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from drivers.ports import BondSetup, InsulationSetup
from drivers.scpi.gpt9800_answers import NUMBER, WORD, read_back

VOLTAGE_V_MIN, VOLTAGE_V_MAX = 50.0, 500.0
CURRENT_A_MIN, CURRENT_A_MAX = 3.0, 32.0
TEST_S_MIN, TEST_S_MAX = 0.5, 999.9
LIMIT_MOHM_MAX = 9999.0
LIMIT_OHM_MAX = 0.65
RAMP_S = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """`header argument` is told, `header?` must read back the same: a word, or a number in `prefix` + `unit`.

    `unit` empty: the number may come without one.
    """

    header: str
    argument: str
    prefix: str = ""
    unit: str = ""

    @property
    def shape(self) -> str:
        """What `header?` is answered with."""
        return WORD if self.argument.isalpha() else NUMBER

    def holds(self, answer: re.Match[str]) -> bool:
        """Whether the answer says what was set."""
        if self.argument.isalpha():
            return answer["word"] == self.argument
        right_unit = not self.unit or (answer["of"] or "").upper() == self.unit.upper()
        return right_unit and math.isclose(
            read_back(answer, self.prefix), float(self.argument), rel_tol=1e-3, abs_tol=1e-6
        )


def insulation_steps(setup: InsulationSetup) -> tuple[Step, ...]:
    """IR at `setup`. Raises `ValueError` for more than 500 V DC and anything else that the tester does not have."""
    if not VOLTAGE_V_MIN <= setup.voltage_v <= VOLTAGE_V_MAX:
        raise ValueError(f"insulation at {setup.voltage_v} V is refused: {VOLTAGE_V_MIN:g} to at most 500 V DC")
    if not 0.0 < setup.low_mohm < LIMIT_MOHM_MAX:
        raise ValueError(f"low limit {setup.low_mohm} Mohm is not within 0 to {LIMIT_MOHM_MAX:g} Mohm")
    return (
        *_before("IR", setup.test_s),
        Step("MANU:IR:VOLT", f"{setup.voltage_v / 1000.0:.3f}", "k", "V"),
        Step("MANU:IR:RHIS", f"{LIMIT_MOHM_MAX:g}", "M"),  # before the low limit, which must lie below it
        Step("MANU:IR:RLOS", f"{setup.low_mohm:g}", "M"),
        Step("MANU:IR:REF", "0", "M"),
    )


def bond_steps(setup: BondSetup) -> tuple[Step, ...]:
    """GB at 50 Hz. Raises `ValueError` for what the tester does not have."""
    if not CURRENT_A_MIN <= setup.current_a <= CURRENT_A_MAX:
        raise ValueError(f"bond current {setup.current_a} A is not within {CURRENT_A_MIN:g} to {CURRENT_A_MAX:g} A")
    if not 0.0 < setup.high_ohm <= LIMIT_OHM_MAX:
        raise ValueError(f"high limit {setup.high_ohm} ohm is not within 0 to {LIMIT_OHM_MAX:g} ohm")
    return (
        *_before("GB", setup.test_s),
        Step("MANU:GB:CURR", f"{setup.current_a:.2f}", "", "A"),
        Step("MANU:GB:RHIS", f"{setup.high_ohm * 1000.0:.1f}", "m"),
        Step("MANU:GB:RLOS", "0", "m"),
        Step("MANU:GB:FREQ", "50", "", "Hz"),
        Step("MANU:GB:ZEROCHECK", "OFF"),
        Step("MANU:GB:REF", "0", "m"),
    )


def _before(mode: str, test_s: float) -> tuple[Step, ...]:
    if not TEST_S_MIN <= test_s <= TEST_S_MAX:
        raise ValueError(f"test time {test_s} s is not within {TEST_S_MIN:g} to {TEST_S_MAX:g} s")
    return (
        Step("MAIN:FUNC", "MANU"),
        Step("MANU:STEP", "1"),
        Step("MANU:EDIT:MODE", mode),
        Step("MANU:UTIL:MAXH", "OFF"),
        Step("MANU:UTIL:PASS", "OFF"),
        Step("MANU:RTIM", f"{RAMP_S:.1f}", "", "S"),
        Step(f"MANU:{mode}:TTIM", f"{test_s:.1f}", "", "S"),
    )
