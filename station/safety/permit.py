"""Permits: the right to energise, alive only as long as scans go on completing.

A permit holds until the deadline that the last completed scan moved. A scan that refuses it, a trip, or scans that
stop coming end it; nothing here grants by itself. `check` is called from bus threads, inside the write.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from drivers.errors import PermitDenied

NAMES = ("routing", "hv", "test_voltage", "mains", "drive")
"""`hv`: the guard's H may be taken; `test_voltage`: the tester may be started, H being on."""


class LivePermit:
    """A `drivers.ports.Permit` with a deadline in monotonic seconds. Reads and swaps one tuple: safe across threads."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self.name = name
        self._clock = clock
        self._standing: tuple[float, str] = (-math.inf, "no scan has completed yet")

    def check(self) -> None:
        """Return if the write may go out now; raise `PermitDenied` with the reason otherwise."""
        until, reason = self._standing
        now = self._clock()
        if now < until:
            return
        if until > -math.inf:
            reason = f"the last scan that granted it is overdue by {now - until:.3f} s"
        raise PermitDenied(self.name, reason)

    @property
    def granted(self) -> bool:
        """Whether `check` would return now."""
        return self._clock() < self._standing[0]

    @property
    def reason(self) -> str:
        """Why the last scan refused it ("" while it stands)."""
        return self._standing[1]

    def grant(self, until: float) -> None:
        """Only the kernel, after a completed scan."""
        self._standing = (until, "")

    def revoke(self, reason: str) -> None:
        """At once; safe at any time and from any thread."""
        self._standing = (-math.inf, reason)


class AlwaysSafe:
    """A permit for relays whose safe state is closed (fan, bleed). Never for what energises the DUT."""

    def check(self) -> None:
        """Always returns."""


class Permits:
    """All permits of a bench by name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.routing = LivePermit("routing", clock)
        self.hv = LivePermit("hv", clock)
        self.test_voltage = LivePermit("test_voltage", clock)
        self.mains = LivePermit("mains", clock)
        self.drive = LivePermit("drive", clock)
        self.by_name: Mapping[str, LivePermit] = {name: getattr(self, name) for name in NAMES}

    def apply(self, refusals: Mapping[str, str], until: float) -> None:
        """Grant what has no refusal until `until`, revoke the rest. Revocations go first."""
        granted = []
        for name, permit in self.by_name.items():
            reason = refusals.get(name)
            if reason:
                permit.revoke(reason)
            else:
                granted.append(permit)
        for permit in granted:
            permit.grant(until)

    def revoke_all(self, reason: str) -> None:
        """Take every permit away at once."""
        for permit in self.by_name.values():
            permit.revoke(reason)
