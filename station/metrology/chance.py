"""How likely chance alone is: the tails of F and t, and of the range, without scipy: the station carries none."""

from __future__ import annotations

import math
from functools import lru_cache


def f_tail(ratio: float, degrees: float, against: float) -> float:
    """The probability that F with these degrees of freedom is above `ratio` (>= 0) by chance."""
    return incomplete_beta(against / 2.0, degrees / 2.0, against / (against + degrees * ratio))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for a, b > 0 and 0 <= x <= 1, to about 1e-14.

    The continued fraction of DLMF 8.17.22, evaluated by the modified Lentz method, on the side where it converges.
    """
    if not (a > 0.0 and b > 0.0 and 0.0 <= x <= 1.0):
        raise ValueError(f"incomplete beta of a={a}, b={b}, x={x}: a and b are above 0, x from 0 to 1")
    if x in (0.0, 1.0):
        return x
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    return front / (a * _fraction(a, b, x))


def _fraction(a: float, b: float, x: float) -> float:
    """1 + d1/(1 + d2/(1 + …)), from the front."""
    tiny = 1e-300
    value = upper = 1.0
    lower = 0.0
    for index in range(1, 10_000):
        m = index // 2
        if index % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1.0 / ((1.0 + d * lower) or tiny)
        upper = (1.0 + d / upper) or tiny
        step = upper * lower
        value *= step
        if abs(step - 1.0) < 1e-15:
            break
    return value


def t_tails(t: float, degrees: float) -> float:
    """The probability that Student's t with `degrees` of freedom is beyond ± `t` by chance: F of 1 and so many."""
    return f_tail(t * t, 1, degrees)


@lru_cache(maxsize=256)
def studentized_range_above(ratio: float, size: int, degrees: float) -> float:
    """The probability that the range of `size` normal values is above `ratio` estimated standard deviations.

    The estimate has `degrees` of freedom (> 2); its distribution by Wilson and Hilferty's cube root (1931), the mean
    over it by the trapezoid rule: at published 5 and 1 % points within 2 % of those.
    """
    spread = 2.0 / (9.0 * degrees)
    places = (0.5 * at for at in range(-10, 11))
    weighed = ((math.exp(-z * z / 2.0), max(0.0, 1.0 - spread + z * math.sqrt(spread))) for z in places)
    every = math.fsum(weight * range_above(ratio * root**1.5, size) for weight, root in weighed)
    return min(1.0, 0.5 * every / math.sqrt(2.0 * math.pi))


def range_above(ratio: float, size: int) -> float:
    """The probability that the range of `size` standard normal values is above `ratio`.

    1 - n ∫ phi(x) (Phi(x + w) - Phi(x))^(n-1) dx, by the trapezoid rule, which is exact to 1e-12 for such an integrand.
    """
    step = 0.05
    places = (-8.0 + step * at for at in range(321))
    inside = (math.exp(-x * x / 2.0) * (_phi(x + ratio) - _phi(x)) ** (size - 1) for x in places)
    return max(0.0, 1.0 - size * step / math.sqrt(2.0 * math.pi) * math.fsum(inside))


def _phi(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
