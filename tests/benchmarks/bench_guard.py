"""The guard alone, by hand: how long from a broken loop, and from the last heartbeat, to K off.

    python tests/benchmarks/bench_guard.py [trips] [heartbeat losses]

The firmware under MicroPython over its pty, several boards at once. Both ends of a heartbeat loss are CLOCK_MONOTONIC
stamps of the firmware itself: the LED, which toggles when a heartbeat is accepted, and K. A broken loop is stamped
before the edge is written to the board, so that the figure holds the pipe and the scheduler of this machine as well. A
witness on each processor, which only sleeps for 1 ms again and again at the boards' priority, tells when the machine
itself was late: a figure over its limit is a fault of the guard only if no witness was late just then.
Exit status 1 for such a fault: a trip over 5 ms, a loss over hb + 5 ms.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from drivers.sim.guard import InputName
from drivers.sim.guard_board import own_processor
from tests.drivers.guard_bench import BareHost, Rig

BOARDS = 4
HB_MS = 300
GRACE_MS = 5.0
LOOPS: tuple[InputName, ...] = ("estop", "thermo", "lid")
PATIENCE_S = 10.0


Trial = tuple[int, int]
"""CLOCK_MONOTONIC nanoseconds: what should lead to K off, and K off."""


class Guarded:
    """One board and its host."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.beaten_ns = 0
        self._hear, self.rig.twin._hear = self.rig.twin._hear, self._listen  # type: ignore[method-assign]
        self.host = BareHost(self.rig.port)
        self.host.hello()

    def _listen(self, data: bytes) -> None:
        for stamp_ns in re.findall(rb"LED \d (\d+)\n", self.rig.twin._rest + data):
            self.beaten_ns = int(stamp_ns)
        self._hear(data)

    def energise(self) -> None:
        """From TRIPPED to K on; again when this host was so slow that the guard tripped meanwhile."""
        until = time.monotonic() + PATIENCE_S
        while not self._try():
            if time.monotonic() > until:
                raise TimeoutError(f"K does not rise: {self.host.ask('STAT')[1]}")

    def _try(self) -> bool:
        while not self.host.ask("RESET")[0].accepted:  # until the inputs are debounced
            time.sleep(0.005)
        before = len(self.rig.changes)
        for verb in ("HB", f"ARM {self.host.nonce}", "ON 60"):
            if not self.host.ask(verb)[0].accepted:
                return False
        _, status = self.host.ask("HB")
        if not status.k:
            print(f"tripped before the trial: {status.cause}", file=sys.stderr)
        return status.k and ("k", 1) in [change[:2] for change in self.rig.changes[before:]]

    def break_loop(self, number: int) -> Trial:
        """From a broken loop to K off."""
        self.energise()
        name = LOOPS[number % len(LOOPS)]
        broken_ns = time.monotonic_ns()
        self.rig.twin.set_input(name, False)
        off_ns = self.rig.wait_for("k", 0)
        self.rig.twin.set_input(name, True)
        return broken_ns, off_ns

    def lose_heartbeat(self, number: int) -> Trial:
        """From the last accepted heartbeat to K off."""
        self.energise()
        time.sleep(0.001 * (number % 17))
        self.host.ask("HB")
        off_ns = self.rig.wait_for("k", 0)
        return self.beaten_ns, off_ns

    def close(self) -> None:
        self.host.close()
        self.rig.close()


WITNESS = """
import os, select, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
while not select.select([sys.stdin], [], [], 0)[0]:
    begin_ns = time.monotonic_ns()
    time.sleep(0.001)
    end_ns = time.monotonic_ns()
    if end_ns - begin_ns > 2_000_000:
        print(begin_ns, end_ns)
"""


class Witnesses:
    """One on each processor."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", WITNESS]
        self._processes = [
            subprocess.Popen([*command, str(cpu)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for cpu in os.sched_getaffinity(0)
        ]
        for process in self._processes:
            own_processor(process.pid)

    def end(self) -> list[Trial]:
        """When one of them slept for more than 2 ms."""
        outputs = [process.communicate("\n")[0] for process in self._processes]
        pairs = [line.split(" ") for output in outputs for line in output.splitlines()]
        return [(int(begin), int(end)) for begin, end in pairs]


def collect(boards: list[Guarded], count: int, trial: Callable[[Guarded, int], Trial]) -> list[Trial]:
    """`count` trials shared among the boards."""
    share = -(-count // len(boards))
    with ThreadPoolExecutor(len(boards), initializer=lambda: own_processor(threading.get_native_id())) as pool:
        each = pool.map(lambda board: [trial(board, number) for number in range(share)], boards)
        return [one for trials in each for one in trials]


def report(name: str, trials: list[Trial], wanted_ms: float, late: list[Trial]) -> bool:
    """One line; whether every one was within `GRACE_MS` of what was wanted, or the machine late meanwhile."""
    values = sorted((end - begin) / 1e6 for begin, end in trials)
    p50, p99 = (values[int(len(values) * share)] for share in (0.5, 0.99))
    over = [one for one in trials if (one[1] - one[0]) / 1e6 > wanted_ms + GRACE_MS]
    due = [(begin + int(wanted_ms * 1e6), end) for begin, end in over]
    faults = [one for one in due if not any(begin < one[1] and one[0] < end for begin, end in late)]
    print(f"{name}, {len(values)} times: p50 {p50:.2f} ms, p99 {p99:.2f} ms, max {values[-1]:.2f} ms")
    print(f"    over {wanted_ms + GRACE_MS:g} ms: {len(over)}, of these with the machine in time: {len(faults)}")
    return not faults


def main(trips: int, losses: int) -> int:
    """Run both; the exit status."""
    witnesses = Witnesses()
    boards = [Guarded() for _ in range(BOARDS)]
    try:
        broken = collect(boards[:1], trips, Guarded.break_loop)
        lost = collect(boards, losses, Guarded.lose_heartbeat)
    finally:
        for board in boards:
            board.close()
        late = witnesses.end()
    kept = [report("broken loop to K off", broken, 0, late), report("last heartbeat to K off", lost, HB_MS, late)]
    worst_ms = max(((end - begin) / 1e6 - 1 for begin, end in late), default=0.0)
    print(f"the machine itself: over 1 ms late {len(late)} times, at most {worst_ms:.2f} ms")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    counts = [int(argument) for argument in sys.argv[1:]]
    raise SystemExit(main(*(counts or [1000, 1000])))
