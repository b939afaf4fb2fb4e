"""How a twin's instrument errs: one fixed error, drawn once from a seed, and noise at every reading.

The bounds are those of contracts/cli.md ("The twins' instruments err like real ones"). A fixed error stays within 70 %
of its bound, so that noise and the step of the register never carry a reading over it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

INSIDE = 0.7


@dataclass(frozen=True, slots=True)
class Bounds:
    """Hard bounds of an instrument: fraction of the reading, unit of the reading, and the noise's in both."""

    relative: float = 0.0
    absolute: float = 0.0
    noise_relative: float = 0.0
    noise_absolute: float = 0.0


class Instrument:
    """One quantity of one instrument. The same `seed` (any text) gives the same instrument for ever."""

    def __init__(self, seed: str, bounds: Bounds) -> None:
        draw = random.Random(seed)
        self._gain = 1.0 + INSIDE * bounds.relative * draw.uniform(-1.0, 1.0)
        self._offset = INSIDE * bounds.absolute * draw.uniform(-1.0, 1.0)
        self._noise = draw
        self._bounds = bounds

    def read(self, truth: float) -> float:
        """What the instrument shows for `truth`."""
        noise = self._bounds.noise_absolute + abs(truth) * self._bounds.noise_relative
        return truth * self._gain + self._offset + noise * self._noise.uniform(-1.0, 1.0)
