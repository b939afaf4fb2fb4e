"""The sound process itself: a real child, a real socket, a software loopback behind the catalogue."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.errors import AudioFault, PermitDenied
from drivers.ports import Identity
from drivers.settings import AudioSettings
from station.assembly import Devices
from station.domain.sound import Stimulus
from station.sound.client import SoundProcess
from station.sound.permit_page import PermitPage

CATALOG = "tests.sound.loopback_device:CATALOG"
TONE = Stimulus(1000.0, 1.0, 0.5, 0.2)
Start = Callable[..., Awaitable[tuple[SoundProcess, PermitPage]]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a sound process over a loopback with the given physics; ends all of them afterwards."""
    running: list[tuple[SoundProcess, PermitPage]] = []

    async def begin(grace_s: float = 20.0, granted_s: float = 60.0, **physics: Any) -> tuple[SoundProcess, PermitPage]:
        page = PermitPage()
        settings = AudioSettings(json.dumps(physics), 2.0, 60.0)
        sound = SoundProcess("loopback", settings, page, catalog=CATALOG, grace_s=grace_s)
        running.append((sound, page))
        identity = await sound.start()
        assert identity.model == "loopback"
        page.grant(time.monotonic() + granted_s)
        return sound, page

    yield begin
    for sound, page in running:
        await sound.close()
        page.close()


async def until(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        await asyncio.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def resident_kb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])


async def test_a_tone_a_response_and_noise_are_measured_in_volts(start: Start) -> None:
    sound, _ = await start(gain=[1.0, 0.5], h3=0.001, noise=2e-6, crosstalk=1e-4)
    left, right = await sound.measure_tone(TONE)
    for reading, volts in ((left, 30.0), (right, 7.5)):
        assert reading.level_v.value == pytest.approx(volts, rel=2e-3)
        assert 0.002 < reading.level_v.uncertainty / volts < 0.004
        assert reading.total_v == pytest.approx(reading.level_v.value, rel=1e-4)
    assert left.thd_percent is not None and right.thd_percent is not None
    assert left.thd_percent.value == pytest.approx(0.025, rel=0.02)
    assert left.thd_percent.bound is None
    assert left.harmonics_dbc[1] == pytest.approx(-72.0, abs=0.2)
    frequencies = (20.0, 50.0, 100.0, 1000.0, 20000.0)
    for response, volts in zip(await sound.measure_response(frequencies, 0.4, 0.4), (12.0, 6.0), strict=True):
        assert [20 * math.log10(v.value / volts) for v in response.level_v] == pytest.approx([0.0] * 5, abs=0.01)
    for noise in await sound.measure_noise(0.5):
        flat_v = 2e-6 * math.sqrt(2.0 * 19980 / 24000) * 60.0
        assert noise.flat_v.value == pytest.approx(flat_v, rel=0.03)
        assert noise.a_weighted_v.value < noise.flat_v.value


async def test_a_silent_channel_is_a_bound_and_has_no_distortion(start: Start) -> None:
    sound, _ = await start(gain=[0.0, 1.0], noise=2e-6)
    left, right = await sound.measure_tone(TONE)
    assert left.level_v.bound == "below" and left.level_v.value < 1e-4
    assert left.thd_percent is None and left.thd_n_percent is None
    assert left.harmonics_dbc == (None,) * 9
    assert right.level_v.bound is None


async def test_distortion_under_the_interfaces_own_is_a_bound(start: Start) -> None:
    sound, _ = await start(noise=2e-6)
    left, _ = await sound.measure_tone(TONE)
    assert left.thd_percent is not None and left.thd_percent.bound == "below"
    assert 0.0005 < left.thd_percent.value < 0.002


async def test_an_overdriven_input_says_so(start: Start) -> None:
    """Of the interface's input, not of the device: no reading comes out of it, of a tone or of a response."""
    sound, _ = await start(gain=[2.5, 1.0], noise=2e-6)
    for measuring in (sound.measure_tone(TONE), sound.measure_response((20.0, 1000.0), 1.0, 0.5)):
        with pytest.raises(AudioFault, match="left clips at the interface's own full scale, 60 V rms"):
            await measuring


async def test_what_cannot_be_played_is_refused_by_name(start: Start) -> None:
    sound, _ = await start()
    for stimulus, why in (
        (Stimulus(1000.0, 2.01, 0.0, 0.2), "2.01 V rms on left"),
        (Stimulus(1000.0, 0.0, -1.0, 0.2), "-1 V rms on right"),
        (Stimulus(20.0, 1.0, 1.0, 0.2), "at least 0.25 s"),
        (Stimulus(30000.0, 1.0, 1.0, 0.2), "30000 Hz"),
        (Stimulus(1000.0, 1.0, 1.0, 999.0), "999 s"),
    ):
        with pytest.raises(ValueError, match=why):
            await sound.measure_tone(stimulus)
    assert sound.alive


async def test_without_a_permit_nothing_drives_but_noise_is_measured(start: Start) -> None:
    sound, page = await start(noise=1e-6)
    page.revoke()
    with pytest.raises(PermitDenied):
        await sound.measure_tone(TONE)
    with pytest.raises(PermitDenied):
        await sound.measure_response((1000.0,), 0.1, 0.1)
    assert (await sound.measure_noise(0.2))[0].flat_v.value > 0.0
    page.grant(time.monotonic() + 60.0)
    assert (await sound.measure_tone(TONE))[0].level_v.bound is None


async def test_drive_stops_by_itself_when_the_kernel_grants_no_more(start: Start) -> None:
    sound, page = await start(pace=1.0)
    began = time.monotonic()
    page.grant(began + 0.5)
    with pytest.raises(PermitDenied, match="ran out"):
        await sound.measure_tone(Stimulus(1000.0, 1.0, 1.0, 20.0))
    assert time.monotonic() - began < 15.0


async def test_the_soak_stops_by_itself_when_the_kernel_grants_no_more(start: Start) -> None:
    sound, page = await start(pace=20.0)
    stream = await sound.start_soak(Stimulus(1000.0, 1.0, 1.0, 3600.0))
    assert (await stream.advance(1.0)).end_s >= 1.0
    page.grant(time.monotonic() + 0.2)
    with pytest.raises(PermitDenied):
        await stream.advance(3000.0)
    await stream.close()
    page.grant(time.monotonic() + 60.0)
    assert (await sound.measure_tone(TONE))[0].level_v.bound is None


async def test_a_killed_process_is_an_audio_fault_for_whoever_waits_and_for_all_later(start: Start) -> None:
    sound, _ = await start(pace=1.0)
    waiting = asyncio.create_task(sound.measure_tone(Stimulus(1000.0, 1.0, 1.0, 20.0)))
    await asyncio.sleep(0.1)
    assert sound.pid is not None
    os.kill(sound.pid, signal.SIGKILL)
    with pytest.raises(AudioFault, match="ended by itself"):
        await waiting
    assert not sound.alive
    with pytest.raises(AudioFault):
        await sound.measure_noise(0.2)
    await sound.mute()


async def test_a_stopped_process_counts_as_hung_and_is_killed(start: Start) -> None:
    sound, _ = await start(grace_s=0.5)
    assert sound.pid is not None
    os.kill(sound.pid, signal.SIGSTOP)
    with pytest.raises(AudioFault, match="within"):
        await sound.measure_tone(TONE)
    assert not sound.alive and sound.fault is not None


async def test_an_idle_process_that_hangs_is_noticed_though_nobody_asks(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.sound.client.PING_S", 0.05)
    sound, _ = await start(grace_s=0.5)
    assert sound.pid is not None
    os.kill(sound.pid, signal.SIGSTOP)
    await until(lambda: not sound.alive)


async def test_a_device_that_never_answers_is_a_fault(start: Start) -> None:
    sound, _ = await start(grace_s=1.0, hang=True)
    with pytest.raises(AudioFault, match="MeasureTone"):
        await sound.measure_tone(TONE)
    assert not sound.alive


async def test_a_process_with_a_stream_that_never_ends_goes_so_that_another_can_be_started(start: Start) -> None:
    sound, _ = await start(stuck=True)
    with pytest.raises(AudioFault, match="loopback: a stream of it never ended"):
        await sound.measure_tone(TONE)
    await until(lambda: not sound.alive)
    assert sound.fault == "the sound process ended by itself"


async def test_a_cancelled_caller_mutes_and_the_next_jobruns(start: Start) -> None:
    sound, _ = await start(pace=1.0)
    job = asyncio.create_task(sound.measure_tone(Stimulus(1000.0, 1.0, 1.0, 25.0)))
    await asyncio.sleep(0.2)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    began = time.monotonic()
    assert (await sound.measure_tone(TONE))[0].level_v.bound is None
    assert time.monotonic() - began < 15.0


async def test_mute_ends_a_tone_and_a_soak(start: Start) -> None:
    sound, _ = await start(pace=1.0)
    job = asyncio.create_task(sound.measure_tone(Stimulus(1000.0, 1.0, 1.0, 25.0)))
    await asyncio.sleep(0.2)
    await sound.mute()
    with pytest.raises(PermitDenied, match="muted"):
        await job
    stream = await sound.start_soak(Stimulus(1000.0, 1.0, 1.0, 3600.0))
    asking = asyncio.create_task(stream.advance(100.0))
    await asyncio.sleep(0.1)
    await sound.mute()
    with pytest.raises(PermitDenied):
        await asking
    with pytest.raises(AudioFault, match="no soak"):
        await stream.advance(200.0)
    assert sound.alive


async def test_closing_a_soak_while_somebody_waits_ends_both(start: Start) -> None:
    sound, _ = await start(pace=1.0)
    stream = await sound.start_soak(Stimulus(1000.0, 1.0, 1.0, 3600.0))
    asking = asyncio.create_task(stream.advance(1000.0))
    await asyncio.sleep(0.1)
    await stream.close()
    await stream.close()
    with pytest.raises(PermitDenied):
        await asking
    assert sound.alive


async def test_while_a_soak_runs_nothing_else_may_use_the_interface(start: Start) -> None:
    sound, _ = await start()
    stream = await sound.start_soak(Stimulus(1000.0, 1.0, 1.0, 3600.0))
    with pytest.raises(RuntimeError, match="soak"):
        await sound.measure_tone(TONE)
    await stream.close()
    assert (await sound.measure_tone(TONE))[0].level_v.bound is None


async def test_a_soak_reports_its_dropouts_over_the_process(start: Start) -> None:
    sound, _ = await start(noise=2e-6, dropouts=[[0.0, 0.1], [59.95, 0.1], [99.9, 0.1]])
    await sound.measure_tone(TONE)
    stream = await sound.start_soak(Stimulus(1000.0, 1.0, 1.0, 100.0))
    starts: list[float] = []
    for to_s in (12.0, 60.0, 84.0, 100.0):
        batch = await stream.advance(to_s)
        starts += [round(start_s, 1) for start_s, _ in batch.silences[0]]
    assert batch.end_s == 100.0
    assert starts == [0.0, 60.0]
    assert batch.open_silence_s[0] == pytest.approx(0.1, abs=0.002)
    await stream.close()


async def test_nan_from_the_device_is_an_audio_fault(start: Start) -> None:
    sound, _ = await start(nan=True)
    with pytest.raises(AudioFault, match="NaN"):
        await sound.measure_tone(TONE)
    assert sound.alive


async def test_an_unknown_kind_fails_to_start_and_leaves_no_process() -> None:
    page = PermitPage()
    sound = SoundProcess("gramophone", AudioSettings("{}", 2.0, 60.0), page, catalog=CATALOG)
    with pytest.raises(AudioFault, match="gramophone"):
        await sound.start()
    assert not sound.alive
    assert sound.pid is not None and not runs(sound.pid)
    page.close()


async def test_before_the_start_every_call_is_a_fault() -> None:
    page = PermitPage()
    sound = SoundProcess("loopback", AudioSettings("{}", 2.0, 60.0), page, catalog=CATALOG)
    with pytest.raises(AudioFault, match="not started"):
        await sound.measure_tone(TONE)
    await sound.close()
    page.close()


async def test_the_process_is_small_when_idle_and_goes_when_closed(start: Start) -> None:
    sound, _ = await start()
    await sound.measure_tone(TONE)
    assert sound.pid is not None
    assert resident_kb(sound.pid) <= 64 * 1024
    await sound.close()
    assert not runs(sound.pid)


DAEMON = """
import asyncio, os, sys, time
from drivers.settings import AudioSettings
from station.sound.client import SoundProcess
from station.sound.permit_page import PermitPage
from station.domain.sound import Stimulus

async def main():
    page = PermitPage()
    sound = SoundProcess("loopback", AudioSettings('{"pace": 1.0}', 2.0, 60.0), page, catalog=sys.argv[1])
    await sound.start()
    page.grant(time.monotonic() + 600)
    asyncio.create_task(sound.measure_tone(Stimulus(1000.0, 1.0, 1.0, 25.0)))
    await asyncio.sleep(0.1)
    print(sound.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_when_the_daemon_is_killed_the_sound_process_goes_too() -> None:
    root = Path(__file__).parents[2]
    daemon = subprocess.Popen([sys.executable, "-c", DAEMON, CATALOG], cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        daemon.kill()
        deadline = time.monotonic() + 15.0
        while runs(pid):
            assert time.monotonic() < deadline, "the sound process outlived the daemon"
            time.sleep(0.02)
    finally:
        daemon.kill()
        daemon.communicate()


def test_the_daemons_side_imports_no_numpy() -> None:
    code = "import sys, station.sound.client, station.sound.permit_page; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


async def test_another_interface_measures_nothing_and_is_asked_for_anew(start: Start) -> None:
    sound, _ = await start(plugged_over=True)
    heard = {"audio": await sound.identify()}
    assert heard["audio"].serial_number == "0"
    with pytest.raises(AudioFault, match="another interface answers: serial number 99, and it was serial number 0"):
        await sound.measure_noise(0.1)
    await until(lambda: not sound.alive)

    ensuring: Any = SimpleNamespace(sound=sound, identities=heard, _starting=asyncio.Lock())
    await Devices.ensure_sound(ensuring)
    assert sound.alive, "a new process, which was told who hangs there now"


class Swapped:
    """A live sound process whose interface was plugged over while it was idle; a new one is told."""

    alive = True

    async def identify(self) -> Identity:
        raise AudioFault("audio", "another interface answers")

    async def close(self) -> None:
        self.alive = False

    async def start(self) -> Identity:
        self.alive = True
        return Identity("loopback", "99")


async def test_who_the_interface_is_is_asked_of_a_live_process_too() -> None:
    devices: Any = SimpleNamespace(sound=Swapped(), identities={"audio": Identity("x", "0")}, _starting=asyncio.Lock())
    await Devices.ensure_sound(devices)
    assert devices.identities["audio"].serial_number == "99" and devices.sound.alive
