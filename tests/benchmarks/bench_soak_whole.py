"""The soak whole: audio twin, transport and analysis in their processes, two channels at 48 kHz, every frame looked at.

By hand: python tests/benchmarks/bench_soak_whole.py [seconds of soak] [--trace]. Goal: 240 times real time with all of
it. The pace is set to 1,000 and grants come every 10 ms, so that the figure is what the machine can do and not what it
is told. With `--trace` the DUT drops out three times and the sound around each is kept as FLAC.
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
from drivers.sim.dut import Dropout, Dut
from drivers.sim.plant import Plant
from station.domain.sound import Stimulus, Watch
from station.sound.client import SoundProcess
from station.sound.permit_page import PermitPage

PACE = 1000.0
SCAN_S = 0.01
TRACE = "--trace" in sys.argv
DROPOUTS = tuple(Dropout(at_s, 0.3) for at_s in (60.0, 180.0, 280.0)) if TRACE else ()
SOURCE_V = 28.284 / 10 ** (29 / 20)


def plant() -> Plant:
    """A bench in the state of a soak."""
    made = Plant(Dut(dropouts=DROPOUTS), PACE, 3)
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
    stimulus = Stimulus(1000.0, SOURCE_V, SOURCE_V, seconds)
    stream = await (sound.start_trace(stimulus, Watch()) if TRACE else sound.start_soak(stimulus))
    at_s = 0.0
    while at_s < seconds:
        at_s = (await stream.advance(min(at_s + 12.0, seconds))).end_s
    await stream.close()
    kept = await stream.kept() if TRACE else None
    wall_s = time.perf_counter() - began_s
    print(f"{seconds:g} s of soak in {wall_s:.1f} s: {seconds / wall_s:.0f} x real time (goal: at least 240)")
    print(f"  twin and transport {1000 * (time.process_time() - twin_s) / seconds:.2f} ms of processor a second, "
          f"sound process {1000 * (cpu_s(sound.pid) - worker_s) / seconds:.2f} ms")  # fmt: skip
    for line in () if kept is None else (*kept.captures, *kept.missing):
        print(f"  {line}")


async def main() -> None:
    numbers = [argument for argument in sys.argv[1:] if argument != "--trace"]
    seconds = float(numbers[0]) if numbers else 7200.0
    page, stop = PermitPage(), threading.Event()
    with tempfile.TemporaryDirectory() as folder, AudioTwin(plant(), f"{folder}/audio", 3) as twin:

        def scan() -> None:
            while not stop.wait(SCAN_S):
                page.grant(time.monotonic() + 1.0)
                twin.on_scan()

        scans = threading.Thread(target=scan)
        scans.start()
        settings, captures = AudioSettings(f"{folder}/audio", 4.0, 60.0), (f"{folder}/captures", 1000.0)
        sound = SoundProcess("audio-twin", settings, page, captures=captures)
        sound.keep_under("bench")
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
