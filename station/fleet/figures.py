"""What a whole fleet counted so far."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """Written by every light station of a process; read by whoever shows it."""

    connects: int = 0
    """CONNECTs sent."""
    refused: int = 0
    """Tries that found nobody, or were told no."""
    births: int = 0
    """Those that the broker acknowledged."""
    online: int = 0
    """Stations whose latest birth the broker has acknowledged, and that are still there."""
    lost: int = 0
    """Links that ended after the birth."""
    telemetry: int = 0
    telemetry_skipped: int = 0
    """Turns of a whole second that this process came too late for."""
    runs: int = 0
    posted: int = 0
    """Messages that need a receipt."""
    published: int = 0
    """PUBLISHes of them, repeats included."""
    receipts: int = 0
    """Rows settled by a verified receipt."""
    repeated: int = 0
    """Receipts for rows that were settled before."""
    quarantined: int = 0
    strange: int = 0
    """Receipts that do not verify, of another hash, or of nobody here."""
    commands: int = 0
    last_error: str = ""
    unsettled: dict[str, float] = field(default_factory=dict)
    """When each message without a receipt was posted (monotonic seconds), the oldest first."""

    @property
    def waiting(self) -> int:
        """Messages without a receipt."""
        return len(self.unsettled)
