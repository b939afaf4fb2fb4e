"""Blink codes: a two-digit number as flashes that a person counts. Pure; shared by every panel that has a lamp.

Tens are long flashes, units short ones, then a pause. Neither digit is 0, so that there is always something to count.
"""

from __future__ import annotations

LONG_S, SHORT_S, DARK_S = 0.9, 0.2, 0.4
"""A long flash, a short one, and the dark between two of a digit."""
BETWEEN_S, PAUSE_S = 1.2, 3.0
"""The dark between tens and units, and before the code begins again."""

Flashes = tuple[tuple[float, float], ...]


def is_code(code: int) -> bool:
    """Whether `code` can be blinked: two digits, none of them 0."""
    return 11 <= code <= 99 and code % 10 != 0


def flashes(code: int) -> Flashes:
    """The code as (seconds lit, seconds dark), once. Raises `ValueError` for what is no code."""
    if not is_code(code):
        raise ValueError(f"blink code {code}: two digits are needed, none of them 0")
    tens, units = divmod(code, 10)
    long = [(LONG_S, DARK_S)] * (tens - 1) + [(LONG_S, BETWEEN_S)]
    short = [(SHORT_S, DARK_S)] * (units - 1) + [(SHORT_S, PAUSE_S)]
    return tuple(long + short)


def is_lit(code: int, at_s: float) -> tuple[bool, float]:
    """Whether the lamp is lit `at_s` seconds after the code was first begun, and for how long it stays as it is."""
    sequence = flashes(code)
    left_s = at_s % sum(lit + dark for lit, dark in sequence)
    for lit_s, dark_s in sequence:
        if left_s < lit_s:
            return True, lit_s - left_s
        left_s -= lit_s
        if left_s < dark_s:
            return False, dark_s - left_s
        left_s -= dark_s
    return False, 0.0  # rounding at the very end of the pause
