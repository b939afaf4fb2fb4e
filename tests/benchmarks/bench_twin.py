"""The audio twin alone, by hand: how many times real time, and what a second of two channels costs.

    python tests/benchmarks/bench_twin.py [seconds]

Prints the twin's own cost (amplifier table, noise, plant) without transport, and with it: driver, socket, shared
memory, at the fastest pace the plant takes. Ratios of one run only; nothing here is asserted.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from drivers.audio.twin import TwinAudio
from drivers.sim.audio import AudioTwin
from drivers.sim.audio_capture import Repeating
from drivers.sim.audio_interface import Interface
from drivers.sim.dut import Dut
from drivers.sim.plant import Plant

RATE_HZ = 48000
SPEED = 1000.0


class Always:
    """A permit that holds."""

    def check(self) -> None:
        return


def running_plant() -> Plant:
    """A plant in the state of a soak."""
    plant = Plant(Dut(), SPEED, seed=1)
    for role in ("load_left", "load_right", "source", "capture", "fan"):
        plant.set_relay(role, True)
    plant.set_contactor(True)
    while not plant.contactor_closed():
        time.sleep(0.001)
    return plant


def period() -> np.ndarray:
    """1 kHz at rated power."""
    one = 0.2517 * np.sin(2.0 * np.pi * np.arange(480) / 48)
    return np.repeat(one[:, None], 2, axis=1).astype(np.float32)


def report(name: str, seconds: int, wall_s: float, cpu_s: float) -> None:
    """One line: times real time, and processor milliseconds a second of two channels."""
    print(f"{name}: {seconds / wall_s:.0f} x real time, {1000.0 * cpu_s / seconds:.3f} ms of processor a second")


def bench_alone(seconds: int) -> None:
    """The twin without transport."""
    plant = running_plant()
    repeating = Repeating(plant, Interface(plant, RATE_HZ, 1, 4.0, 60.0), period(), 4800)
    out = np.empty((RATE_HZ, 2), dtype=np.float32)
    plant.hold()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for _ in range(seconds):
        repeating.fill(out)
    report("twin alone", seconds, time.perf_counter() - wall_s, time.process_time() - cpu_s)


def bench_served(seconds: int) -> None:
    """The twin with driver, socket and shared memory, paced at `SPEED`."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "audio")
        stop = threading.Event()
        with AudioTwin(running_plant(), path, seed=1) as twin:

            def scan() -> None:
                while not stop.wait(0.005):
                    twin.on_scan()

            threading.Thread(target=scan, daemon=True).start()
            audio = TwinAudio(path)
            stream = audio.stream(period(), 4800, Always())
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            for _ in range(seconds):
                stream.read(RATE_HZ)
            report(
                f"twin served (at most {SPEED:g} x)", seconds, time.perf_counter() - wall_s, time.process_time() - cpu_s
            )
            audio.close()
            stop.set()


if __name__ == "__main__":
    length = int(sys.argv[1]) if len(sys.argv) > 1 else 7200
    bench_alone(length)
    bench_served(length)
