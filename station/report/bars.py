"""The little bar beside each measurement: where the value lies within its limits. SVG by hand, no library.

Two limits stand at 20 % and 80 % of the bar and the scale between them is linear. One limit stands in the middle;
the scale is then bent, so that nought and infinity both fit on the paper. Large decibel figures are a ratio
already and stand on a straight scale of 20 dB either side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 150, 18
_TRACK_Y, _TRACK_H = 6, 6
_EDGE = 0.02


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps a value to 0 … 1 along the bar."""

    low: float | None
    high: float | None
    unit: str = ""

    def at(self, value: float) -> float:
        """The place of `value`, kept within the bar's ends."""
        if self.low is not None and self.high is not None:
            spread = (self.high - self.low) or 1.0
            place = 0.2 + 0.6 * (value - self.low) / spread
        else:
            place = self._bent(value, self.low if self.low is not None else self.high or 0.0)
        return min(1.0 - _EDGE, max(_EDGE, place))

    def _bent(self, value: float, limit: float) -> float:
        if self.unit == "dB" and abs(limit) >= 20.0:
            return 0.5 + (value - limit) / 40.0
        if limit > 0.0:
            ratio = max(0.0, value) / limit
            return ratio**2 / (1.0 + ratio**2) if ratio < 1e6 else 1.0
        return 0.5 + 0.5 * math.tanh((value - limit) / max(1.0, abs(limit) * 0.5))

    def allowed(self) -> tuple[float, float]:
        """The stretch of the bar that is within the limits."""
        if self.low is not None and self.high is not None:
            return self.at(self.low), self.at(self.high)
        return (0.5, 1.0) if self.low is not None else (0.0, 0.5)


def limit_bar(
    value: float | None,
    low: float | None,
    high: float | None,
    uncertainty: float | None,
    verdict: str,
    unit: str = "",
) -> str:
    """The bar as SVG, or nothing where there is no value or no limit."""
    if value is None or not math.isfinite(value) or (low is None and high is None):
        return ""
    scale = Scale(low, high, unit)
    begin, end = scale.allowed()
    parts = [
        f'<svg class="bar" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" aria-hidden="true">',
        f'<rect class="track" x="0" y="{_TRACK_Y}" width="{WIDTH}" height="{_TRACK_H}" rx="3"/>',
        f'<rect class="allowed" x="{begin * WIDTH:.1f}" y="{_TRACK_Y}" width="{(end - begin) * WIDTH:.1f}"'
        f' height="{_TRACK_H}"/>',
    ]
    parts += [
        f'<line class="limit" x1="{scale.at(limit) * WIDTH:.1f}" x2="{scale.at(limit) * WIDTH:.1f}" y1="2" y2="16"/>'
        for limit in (low, high)
        if limit is not None
    ]
    if uncertainty is not None and math.isfinite(uncertainty):
        left, right = (scale.at(value + sign * uncertainty) * WIDTH for sign in (-1.0, 1.0))
        if right - left > 1.0:
            parts.append(f'<line class="spread" x1="{left:.1f}" x2="{right:.1f}" y1="9" y2="9"/>')
    kind = "good" if verdict == "PASS" else "bad"
    parts.append(_marker(scale.at(value) * WIDTH, kind))
    return "".join(parts) + "</svg>"


def _marker(x: float, kind: str) -> str:
    """A dot within, a diamond outside: not colour alone."""
    if kind == "good":
        return f'<circle class="good" cx="{x:.1f}" cy="9" r="4.5"/>'
    return f'<path class="bad" d="M{x:.1f} 2.5l6.5 6.5l-6.5 6.5l-6.5 -6.5z"/>'
