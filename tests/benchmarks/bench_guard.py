"""The guard alone, by hand: how long from a broken loop, and from the last heartbeat, to K off.

    python tests/benchmarks/bench_guard.py [trips] [heartbeat losses]

The firmware under MicroPython over its pty, several boards at once. Both ends of a heartbeat loss are CLOCK_MONOTONIC
stamps of the firmware itself: the LED, which toggles when a heartbeat is accepted, and K. A broken loop is stamped
before the edge is written to the board, so that the figure holds the pipe and the scheduler of this machine as well. A
witness, which only sleeps for 1 ms again and again at the boards' priority, tells how late the machine itself was.
Exit status 1 if a trip took longer than 5 ms or a loss longer than hb + 5 ms.
"""

from __future__ import annotations

import re
import subprocess
import sys
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

    def break_loop(self, number: int) -> float:
        """Milliseconds from a broken loop to K off."""
        self.energise()
        name = LOOPS[number % len(LOOPS)]
        broken_ns = time.monotonic_ns()
        self.rig.twin.set_input(name, False)
        off_ns = self.rig.wait_for("k", 0)
        self.rig.twin.set_input(name, True)
        return (off_ns - broken_ns) / 1e6

    def lose_heartbeat(self, number: int) -> float:
        """Milliseconds from the last accepted heartbeat to K off."""
        self.energise()
        time.sleep(0.001 * (number % 17))
        self.host.ask("HB")
        return (self.rig.wait_for("k", 0) - self.beaten_ns) / 1e6

    def close(self) -> None:
        self.host.close()
        self.rig.close()


WITNESS = """
import select, sys, time
late_ms = []
while not select.select([sys.stdin], [], [], 0)[0]:
    begin_ns = time.monotonic_ns()
    time.sleep(0.001)
    late_ms.append((time.monotonic_ns() - begin_ns) / 1e6 - 1)
late_ms.sort()
p99, over = late_ms[int(len(late_ms) * 0.99)], sum(one > 3 for one in late_ms)
print(f"this machine, {len(late_ms)} sleeps of 1 ms: late p99 {p99:.2f} ms, max {late_ms[-1]:.2f} ms; {over} over 3 ms")
"""


def collect(boards: list[Guarded], count: int, trial: Callable[[Guarded, int], float]) -> list[float]:
    """`count` trials shared among the boards; milliseconds, sorted."""
    share = -(-count // len(boards))
    with ThreadPoolExecutor(len(boards)) as pool:
        each = pool.map(lambda board: [trial(board, number) for number in range(share)], boards)
        return sorted(value for values in each for value in values)


def report(name: str, values: list[float], limit_ms: float) -> bool:
    """One line; whether the largest is within its limit."""
    p50, p99 = (values[int(len(values) * share)] for share in (0.5, 0.99))
    late = sum(value > limit_ms for value in values)
    spread = f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, max {values[-1]:.2f} ms"
    print(f"{name}, {len(values)} times: {spread}; {late} over {limit_ms:g} ms")
    return late == 0


def main(trips: int, losses: int) -> int:
    """Run both; the exit status."""
    witness = subprocess.Popen([sys.executable, "-c", WITNESS], stdin=subprocess.PIPE)
    own_processor(witness.pid)
    boards = [Guarded() for _ in range(BOARDS)]
    try:
        kept = [
            report("broken loop to K off", collect(boards[:1], trips, Guarded.break_loop), GRACE_MS),
            report("last heartbeat to K off", collect(boards, losses, Guarded.lose_heartbeat), HB_MS + GRACE_MS),
        ]
    finally:
        for board in boards:
            board.close()
        witness.communicate(b"\n")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    counts = [int(argument) for argument in sys.argv[1:]]
    raise SystemExit(main(*(counts or [1000, 1000])))
