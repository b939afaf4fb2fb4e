"""The soak whole: audio twin, transport and analysis in their processes, two channels at 48 kHz, every frame looked at.

By hand: python tests/benchmarks/bench_soak_whole.py [seconds of soak]. Goal: 240 times real time with all of it. The
pace is set to 1,000 and grants come every 10 ms, so that the figure is what the machine can do, not what it is told.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drivers.settings import AudioSettings
from drivers.sim.audio import AudioTwin
from drivers.sim.dut import Dut
from drivers.sim.plant import Plant
from station.domain.sound import Stimulus
from station.sound.client import SoundProcess
from station.sound.permit_page import PermitPage

PACE = 1000.0
SCAN_S = 0.01
SOURCE_V = 28.284 / 10 ** (29 / 20)


def plant() -> Plant:
    """A bench in the state of a soak."""
    made = Plant(Dut(), PACE, 3)
    made.set_contactor(True)
    for role in ("load_left", "load_right", "capture", "source", "fan"):
        made.set_relay(role, True)
    while not made.contactor_closed():
        time.sleep(0.001)
    return made


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def soak(sound: SoundProcess, seconds: float) -> None:
    """Play and look at `seconds`; prints the figures."""
    while (await sound.measure_tone(Stimulus(1000.0, 0.1, 0.1, 0.1)))[0].level_v.value < 1.0:
        pass  # the DUT takes its time to wake up
    assert sound.pid is not None
    began_s, twin_s, worker_s = time.perf_counter(), time.process_time(), cpu_s(sound.pid)
    stream = await sound.start_soak(Stimulus(1000.0, SOURCE_V, SOURCE_V, seconds))
    at_s = 0.0
    while at_s < seconds:
        at_s = (await stream.advance(min(at_s + 12.0, seconds))).end_s
    await stream.close()
    wall_s = time.perf_counter() - began_s
    print(f"{seconds:g} s of soak in {wall_s:.1f} s: {seconds / wall_s:.0f} x real time (goal: at least 240)")
    print(f"  twin and transport {1000 * (time.process_time() - twin_s) / seconds:.2f} ms of processor a second, "
          f"sound process {1000 * (cpu_s(sound.pid) - worker_s) / seconds:.2f} ms")  # fmt: skip


async def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 7200.0
    page, stop = PermitPage(), threading.Event()
    with tempfile.TemporaryDirectory() as folder, AudioTwin(plant(), f"{folder}/audio", 3) as twin:

        def scan() -> None:
            while not stop.wait(SCAN_S):
                page.grant(time.monotonic() + 1.0)
                twin.on_scan()

        scans = threading.Thread(target=scan)
        scans.start()
        sound = SoundProcess("audio-twin", AudioSettings(f"{folder}/audio", 4.0, 60.0), page)
        try:
            await sound.start()
            await soak(sound, seconds)
        finally:
            await sound.close()
            stop.set()
            scans.join()
            page.close()


if __name__ == "__main__":
    asyncio.run(main())
