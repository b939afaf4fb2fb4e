"""Numbers as people read them: a value to the digits that its uncertainty leaves, limits, times."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

NOTHING = "—"


def decimals_for(uncertainty: float | None, value: float) -> int:
    """Decimals that show `uncertainty` to two significant digits (GUM 7.2.6), else four digits of `value`."""
    if uncertainty is not None and math.isfinite(uncertainty) and uncertainty > 0.0:
        return min(9, max(0, 1 - math.floor(math.log10(uncertainty))))
    if value == 0.0 or not math.isfinite(value):
        return 0
    return min(9, max(0, 3 - math.floor(math.log10(abs(value)))))


def number(value: float, digits: int = 4) -> str:
    """A number to `digits` significant digits without trailing zeros and without an exponent in the usual range."""
    if value == 0.0:
        return "0"
    if not 1e-6 <= abs(value) < 1e9:
        return f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def measured(value: float | None, uncertainty: float | None, bound: str | None, unit: str) -> str:
    """`0.0234 ± 0.0012 %`, `< 0.002 %` for a bound, a dash for what was not measured."""
    if value is None:
        return NOTHING
    sign = {"below": "< ", "above": "> "}.get(bound or "", "")
    if uncertainty is None or bound is not None or uncertainty <= 0.0:
        return with_unit(sign + number(value), unit)
    decimals = decimals_for(uncertainty, value)
    text = f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")  # + 0.0: no minus before a nought
    return with_unit(f"{sign}{text} ± {uncertainty:.{decimals}f}", unit)


def plain_value(value: float | None, bound: str | None, unit: str) -> str:
    """The value alone, for a sentence."""
    if value is None:
        return NOTHING
    return with_unit({"below": "< ", "above": "> "}.get(bound or "", "") + number(value), unit)


def limits(low: float | None, high: float | None, unit: str, to: str) -> str:
    """`≤ 0.1 %`, `≥ 5 MΩ`, `28 to 30 dB` (`to` is the word between); a dash where there is none."""
    if low is None and high is None:
        return NOTHING
    if low is None:
        return with_unit(f"≤ {number(high or 0.0)}", unit)
    if high is None:
        return with_unit(f"≥ {number(low)}", unit)
    if low == high:
        return with_unit(f"= {number(low)}", unit)
    return with_unit(f"{number(low)} {to} {number(high)}", unit)


def with_unit(text: str, unit: str) -> str:
    """Number and unit with a narrow no-break space."""
    return f"{text}\u202f{unit}" if unit else text


def duration(seconds: float) -> str:
    """`2:03:05`, `0:12`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def local_time(stamp: str, zone: tzinfo = UTC) -> str:
    """A UTC stamp in `zone`; what is none, or has no local time there, comes back as it is."""
    try:
        at = datetime.fromisoformat(stamp)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):  # the last hours of the year 9999 have no local time east of here
        return stamp


def zone_of(timezone: str) -> tuple[tzinfo, str]:
    """The zone and its name; UTC, and named so, where the machine does not know it."""
    try:
        return ZoneInfo(timezone), timezone
    except (ZoneInfoNotFoundError, ValueError):
        return UTC, "UTC"
