"""How sure a share and a capability index are: 95 % intervals that hold for small numbers too.

Wilson's score interval for a share: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209, recommended for small numbers by
Brown, Cai and DasGupta, Statistical Science 16 (2001) 101. Of the index: A. F. Bissell, Applied Statistics 39 (1990)
331.
"""

from __future__ import annotations

import math

Z = 1.959963984540054
"""The standard normal value with 2.5 % beyond it."""


def wilson(hits: int, of: int) -> tuple[float, float] | None:
    """The 95 % interval of a share, None of nothing."""
    if of == 0:
        return None
    share, square = hits / of, Z * Z
    centre = (share + square / (2 * of)) / (1 + square / of)
    reach = Z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return (0.0 if hits == 0 else centre - reach), (1.0 if hits == of else centre + reach)


def capability(
    mean: float, deviation: float, count: int, low: float | None, high: float | None
) -> tuple[float, float, float] | None:
    """Ppk and its 95 % interval, from the overall standard deviation (n - 1); None where it is not defined.

    With one limit alone it is the index of that side. Not defined without a limit, without scatter, of fewer than two.
    """
    sides = [limit for limit in (low, high) if limit is not None]
    if not sides or count < 2 or deviation <= 0.0:
        return None
    upper = math.inf if high is None else (high - mean) / (3.0 * deviation)
    lower = math.inf if low is None else (mean - low) / (3.0 * deviation)
    index = min(upper, lower)
    reach = Z * math.sqrt(1.0 / (9.0 * count) + index * index / (2.0 * (count - 1)))
    return index, index - reach, index + reach
