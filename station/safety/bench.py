"""The bench as steps see it: a frozen record of guarded ports, no methods.

Guarded ports hold the permits; a step cannot energise except through them, and what they refuse is
`PermitDenied`, which a step does not catch. Readings come from the kernel's table, never from a bus of their own,
except where a step needs one fresh reading (`fresh`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from drivers.ports import Accuracy, BondSetup, InsulationSetup, TesterReading, TouchReading
from station.domain.measurement import Channel
from station.domain.sound import Sound


class Mains(Protocol):
    """The DUT's outlet, through the guard."""

    def limit(self, bound_s: float, family: str = "") -> None:
        """A run begins: all its ONs together may take at most `bound_s` of test time [14].

        `family`: the product's, which chooses the interlocks that are judged; unknown: all of them.
        """

    async def on(self, bound_s: float) -> None:
        """Arm and switch on for at most `bound_s` of test time. Waits for ENERGISED and for mains at the plug."""

    async def off(self) -> None:
        """Switch off; needs no permit."""


class Tester(Protocol):
    """The insulation and bond tester; its high voltage hangs on the guard's H, which this port takes and gives back."""

    @property
    def accuracy(self) -> Mapping[str, Accuracy]: ...

    async def measure_insulation(self, setup: InsulationSetup) -> TesterReading:
        """Route, read the routing back, prove the plug dead, HV, test, H off, discharge proven, route back."""

    async def measure_bond(self, setup: BondSetup) -> TesterReading:
        """The same for the bond test."""


class Touch(Protocol):
    """The touch-current meter, switched into the protective conductor only while it measures."""

    @property
    def accuracy(self) -> Mapping[str, Accuracy]: ...

    async def measure(self, settle_s: float) -> TouchReading:
        """Route, clear, wait `settle_s` of test time, read, route back."""


class Routing(Protocol):
    """Relays by role, every position read back after a change."""

    async def close(self, *roles: str) -> None:
        """Close these relays and prove it. Needs the routing permit; load and capture need quiet terminals (1 V)."""

    async def open(self, *roles: str) -> None:
        """Open these relays and prove it; needs no permit. The source is muted before a load is removed."""


class Meters(Protocol):
    """Readings by name, e.g. `mains.power_w`, `heatsink.degc`, `dc.left_plus_v`, `inrush.peak_a`."""

    async def fresh(self, role: str) -> Mapping[str, float]:
        """One reading taken now, of every quantity of that device (names without the role). Raises `DriverError`."""

    def latest(self, name: str) -> float:
        """The kernel's last good reading (`role.quantity`); raises `StepError` where it is stale or missing."""

    def accuracy(self, name: str) -> Accuracy:
        """Error bounds of `role.quantity`."""

    async def arm_probe(self) -> None:
        """Clear the peak-current hold and prove it."""


class DriveInterlock(Protocol):
    """The drive permit's bookkeeping: what must be true before sound may go out."""

    async def prepare(self) -> None:
        """Fan on and proven, loads closed and proven, terminals quiet: then the kernel may grant drive."""

    async def unload(self, source_max_v: float) -> None:
        """Mute, open the loads (proven); until `prepare`, drive is bounded to `source_max_v` V rms at the DUT's input.

        For the open-circuit voltage of the damping factor only (at most 1 W before the load came off).
        """

    async def measure_loads(self) -> Mapping[Channel, tuple[float, float]]:
        """Mute, open the loads, read the load bank's own ohmmeter: ohm and its uncertainty (k=2) by channel.

        Leaves the loads open; `prepare` closes them. Raises `DriverError`.
        """

    async def release(self) -> None:
        """Mute, open source, capture and loads (in that order); the fan runs on."""


@dataclass(frozen=True, slots=True)
class Bench:
    """All guarded ports of a bench."""

    mains: Mains
    tester: Tester
    touch: Touch
    routing: Routing
    drive: DriveInterlock
    meters: Meters
    sound: Sound
