"""What an interface must show in its own loopback before a distortion limit may be judged with it. Pure, no numpy.

Its own distortion may add to the DUT's in full (same phase) or take away from it: at a limit of g it falsifies the
reading by at most its own ratio over g. `station/sound` takes the worse of settings and loopback into every reading.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from station.domain.calibration import Loopback
from station.domain.plan import Product

ERROR_MAX = 0.05
"""So far may the interface falsify a distortion at its limit: -86 dB for 0.1 % (reference/measurement.md)."""


def least_db(limit_percent: float) -> float:
    """The largest own THD, in dB re the fundamental, that a limit in per cent bears."""
    return 20.0 * math.log10(limit_percent / 100.0 * ERROR_MAX)


def own_thd_db(configured_db: float, loopback: Loopback | None) -> float:
    """What may be claimed: the worse of the settings and of what was found."""
    return configured_db if loopback is None else max(configured_db, loopback.thd_db)


def distortion_limits(products: Mapping[str, Product]) -> dict[str, float]:
    """The high limits of THD in per cent, by where they stand (`thd_percent of example-a-100`)."""
    return {
        f"{name} of {product.id}": limit.high
        for product in products.values()
        for name, limit in product.limits.items()
        if name.endswith("thd_percent") and limit.high is not None
    }


def too_poor(own_db: float, limits_percent: Mapping[str, float]) -> tuple[str, ...]:
    """A sentence for each limit (by where it stands) that an interface of this own THD is too poor for."""
    return tuple(
        f"its own THD of {own_db:.1f} dB falsifies {where} of {limit:g} % by up to "
        f"{100.0 * 10.0 ** (own_db / 20.0) / (limit / 100.0):.0f} %; below {least_db(limit):.1f} dB would be needed "
        f"for {100.0 * ERROR_MAX:g} %"
        for where, limit in limits_percent.items()
        if limit > 0.0 and own_db > least_db(limit)
    )
