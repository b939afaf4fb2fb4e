"""A limit: what a plan or product demands of a measurement, and the decision rule that applies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Decision = Literal["simple", "guarded"]


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds in the unit of the measurement's name; `source` says where they come from.

    With `relative_percent`, the bounds are that many per cent around the reference that the step measured.
    """

    source: str
    low: float | None = None
    high: float | None = None
    relative_percent: float | None = None
    decision: Decision = "simple"

    def bounds(self, reference: float | None) -> tuple[float | None, float | None]:
        """Low and high in absolute terms; (None, None) where a relative limit lacks its reference."""
        if self.relative_percent is None:
            return self.low, self.high
        if reference is None:
            return None, None
        spread = abs(reference) * self.relative_percent / 100.0
        return reference - spread, reference + spread
