"""The long trace for intermittent faults: a soak at a level of its own that listens for events and keeps their sound.

Delivers what the soak delivers. No dropout stops it; a trip, an abort or a lasting silence does, and after the
beginning of such a silence as much is still heard as the capture around it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.steps import soak
from station.steps.levels import rated_output_v
from station.steps.params import require
from station.steps.step import StepContext


@dataclass(frozen=True, slots=True)
class Params(soak.Params):
    """The soak's, and the level below rated power."""

    below_rated_db: float = 0.0

    def __post_init__(self) -> None:
        soak.Params.__post_init__(self)
        require("below_rated_db", self.below_rated_db, 0.0, 40.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records the measurements of the soak."""
    output_v = rated_output_v(context) / 10 ** (params.below_rated_db / 20.0)
    await soak.monitor(context, params, output_v, soak.Listener())
