"""What the guard's red and green lamps say, as a word for watchers (contracts/guard-line.md, Lamps; EN 50191).

The lamps themselves hang on the guard. Nothing is decided by this word; of a guard that is silent green is not claimed.
"""

from __future__ import annotations

from typing import Literal

from drivers.ports import GuardState, GuardStatus

Voltage = Literal["on", "off", "out", "unknown"]
"""`on`: red. `off`: green. `out`: neither, out of operation (tripped). `unknown`: the guard does not say."""

SILENT_S = 1.2
"""A status older than this says nothing any more."""
_LIVE = (GuardState.ARMED, GuardState.ENERGISED, GuardState.HV)


def voltage_of(status: GuardStatus | None, now_s: float) -> Voltage:
    """The lamp that is lit now; `now_s` is monotonic."""
    if status is None or now_s - status.received_at > SILENT_S:
        return "unknown"
    if status.fb or status.k or status.h or status.state in _LIVE:
        return "on"
    return "off" if status.state is GuardState.SAFE else "out"
