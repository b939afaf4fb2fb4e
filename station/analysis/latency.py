"""How late a capture is, from the energy that a tone with a known start has missed so far.

A tone has no unique correlation peak; its onset has. With the gain known from the steady part, the energy that is
missing at a moment inside the steady part, over the power, is the delay: sub-sample fine on a clean tone.
"""

from __future__ import annotations

import numpy as np

from station.analysis.levels import Samples


def onset_latency(captured: Samples, source: Samples, steady: slice) -> float | None:
    """Delay in frames of `captured` (n,) behind `source` (n,); `steady` lies where both have settled, whole cycles.

    None when there is nothing to compare (either silent).
    """
    heard = np.square(np.asarray(captured, dtype=np.float64))
    sent = np.square(np.asarray(source, dtype=np.float64))
    power, heard_power = float(sent[steady].mean()), float(heard[steady].mean())
    if power <= 0.0 or heard_power <= 1e-9:
        return None
    missing = float(sent[: steady.stop].sum()) - float(heard[: steady.stop].sum()) * power / heard_power
    return missing / power
