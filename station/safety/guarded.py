"""Puts the room together: a kernel from devices, and the bench that steps see from the kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from drivers.ports import Guard, RelayBoard, SafetyTester, Sensor, TouchCurrentMeter
from station.domain.clock import TestClock
from station.domain.interlock import Interlock
from station.domain.sound import Sound
from station.safety.bench import Bench
from station.safety.drive import GuardedDrive
from station.safety.kernel import Kernel
from station.safety.latch import Latch
from station.safety.mains import GuardedMains
from station.safety.meters import TableMeters
from station.safety.pollers import Poller, Pollers
from station.safety.readings import ReadingTable
from station.safety.relays import RelayDesk
from station.safety.routing import GuardedRouting
from station.safety.rules import Rules
from station.safety.sound import GuardedSound
from station.safety.tester import GuardedTester
from station.safety.touch import GuardedTouch


def build_kernel(
    guard: Guard,
    board: RelayBoard,
    channels: Mapping[str, int],
    sensors: Mapping[str, tuple[Sensor, float]],
    interlocks: Sequence[Interlock],
    latch: Latch,
    drive_sink: Callable[[float | None], None],
    clock: Callable[[], float] = time.monotonic,
    rules: Rules | None = None,
) -> Kernel:
    """A kernel over devices; starts nothing. `sensors`: device and `poll_s` by role. `clock`: monotonic seconds."""
    table = ReadingTable()
    pollers = Pollers(Poller(role, sensor, poll_s, table, clock) for role, (sensor, poll_s) in sensors.items())
    desk = RelayDesk(board, channels, clock)
    return Kernel(guard, desk, pollers, table, interlocks, latch, drive_sink, clock, rules)


def build_bench(
    kernel: Kernel, tester: SafetyTester, touch: TouchCurrentMeter, sound: Sound, clock: TestClock
) -> Bench:
    """The guarded ports that steps see; `clock` is test time."""
    guarded_sound = GuardedSound(kernel, sound)
    routing = GuardedRouting(kernel, guarded_sound)
    return Bench(
        mains=GuardedMains(kernel, clock),
        tester=GuardedTester(kernel, tester, clock),
        touch=GuardedTouch(kernel, touch, clock),
        routing=routing,
        drive=GuardedDrive(kernel, routing, guarded_sound),
        meters=TableMeters(kernel),
        sound=guarded_sound,
    )
