"""The seam between plant and audio twin: what audio asks of the output stage, and which switches it meets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.sim.leads import STRAIGHT, Leads


@dataclass(frozen=True, slots=True)
class Drive:
    """What audio asks of the output stage, per channel: mean of |load current| in A and power in the load in W."""

    mean_abs_a: tuple[float, float] = (0.0, 0.0)
    load_w: tuple[float, float] = (0.0, 0.0)

    def scaled(self, fraction: float) -> Drive:
        """The same drive for only a fraction of the time."""
        left_a, right_a = self.mean_abs_a
        left_w, right_w = self.load_w
        return Drive((left_a * fraction, right_a * fraction), (left_w * fraction, right_w * fraction))


SILENT = Drive()


@dataclass(frozen=True, slots=True)
class Output:
    """`terminals_v`: AC volts at the terminals, (n, 2); mean of |load current| (A) and load power (W) per channel."""

    terminals_v: NDArray[np.float64]
    mean_abs_a: tuple[float, float] = (0.0, 0.0)
    load_w: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class AudioPath:
    """What the audio interface meets: `live` says that the DUT's output stage reaches its terminals."""

    live: bool
    source: bool
    capture: bool
    loads: tuple[bool, bool]
    leads: Leads = STRAIGHT
