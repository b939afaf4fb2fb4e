"""How much faster than real time the soak's analysis is, alone: two channels at 48 kHz, every frame looked at.

By hand: OPENBLAS_NUM_THREADS=1 python tests/benchmarks/bench_soak_analysis.py [seconds]. Goal: 1,000 times real time.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from drivers.settings import AudioSettings
from station.analysis.envelope import SilenceFinder, block_power
from station.analysis.fold import Folder
from station.analysis.tones import analyse_tone
from station.domain.sound import Stimulus
from station.sound.worker_captures import Interface
from station.sound.worker_soak import SoakMonitor
from tests.sound.loopback_device import LoopbackAudio

RATE = 48000
POOL = 8


def blocks() -> list[np.ndarray]:
    """A few different seconds of tone, harmonics and noise."""
    random = np.random.default_rng(1)
    time_s = np.arange(RATE) / RATE
    tone = 0.47 * np.sin(2 * np.pi * 1000 * time_s) + 1e-4 * np.sin(2 * np.pi * 3000 * time_s)
    return [(tone[:, None] + 2e-6 * random.standard_normal((RATE, 2))).astype(np.float32) for _ in range(POOL)]


def timed(what: str, repeats: int, call: object) -> None:
    began = time.perf_counter()
    for i in range(repeats):
        call(i)  # type: ignore[operator]
    each_ms = (time.perf_counter() - began) / repeats * 1000
    print(f"{what:<44}{each_ms:9.3f} ms a second of two channels {1000 / each_ms:9.0f} x real time")


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 7200
    settings = AudioSettings("{}", 2.0, 60.0)
    pool = blocks()
    monitor = SoakMonitor(Interface(LoopbackAudio(settings), settings), Stimulus(1000.0, 1.0, 1.0, float(seconds)))

    def push(i: int) -> None:
        monitor.push(pool[i % POOL])
        if i % 12 == 11:
            monitor.take()

    timed("the whole monitor, as in a soak", seconds, push)
    few = max(seconds // 10, 1)
    folder, finder = Folder(480, 10), SilenceFinder(1e-10)
    powers = block_power(pool[0], 48)[:, 0]
    timed("  fold: level and THD", few, lambda i: folder.fold(pool[i % POOL]))
    timed("  1 ms envelope", few, lambda i: block_power(pool[i % POOL], 48))
    timed("  silence finder (one channel)", few, lambda i: finder.push(powers))
    timed("  finite?", few, lambda i: np.isfinite(pool[i % POOL]).all())
    timed("windowed transform (one channel), for compare", max(few // 20, 1), lambda i: analyse_tone(
        pool[i % POOL][:, 0], RATE, 1000.0))  # fmt: skip


if __name__ == "__main__":
    main()
