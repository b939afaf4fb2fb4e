"""The audio twin over its real socket: levels, noise, dropouts to the frame, grants, permits, a twin that dies."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.audio.twin import TwinAudio
from drivers.errors import AudioFault, PermitDenied, PortError
from drivers.sim.audio import AudioTwin
from drivers.sim.audio_grants import Grants
from drivers.sim.dut import Dropout, Dut, Sides
from drivers.sim.plant import Plant

RATE_HZ = 48000
INPUT_PEAK_V = 60.0 * 2.0**0.5
LATENCY = 144
RELAYS = ("load_left", "load_right", "source", "capture")
Frames = NDArray[np.float32]


class Switch:
    """A permit that the test can take away."""

    def __init__(self) -> None:
        self.held = True
        self.checks = 0

    def check(self) -> None:
        self.checks += 1
        if not self.held:
            raise PermitDenied("drive", "the test took it away")


class Rig:
    """A plant, its audio twin, a driver, and scans that complete as long as `scanning`."""

    def __init__(self, dut: Dut, folder: Path, speed: float = 1000.0) -> None:
        self.plant = Plant(dut, speed, seed=7)
        self.path = str(folder / "audio")
        self.twin = AudioTwin(self.plant, self.path, seed=7)
        self.audio = TwinAudio(self.path)
        self.permit = Switch()
        self.scanning = True
        self._stop = threading.Event()
        self._scans = threading.Thread(target=self._scan)

    def _scan(self) -> None:
        while not self._stop.wait(0.004):
            if self.scanning:
                self.twin.on_scan()

    def __enter__(self) -> Rig:
        self.twin.start()
        self._scans.start()
        for role in RELAYS:
            self.plant.set_relay(role, True)
        self.plant.set_contactor(True)
        deadline = time.monotonic() + 5.0
        while not self.plant.contactor_closed():
            assert time.monotonic() < deadline
            time.sleep(0.002)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._scans.join()
        self.audio.close()
        self.twin.close()


@contextmanager
def rig(tmp_path: Path, dut: Dut | None = None, speed: float = 1000.0) -> Iterator[Rig]:
    with Rig(dut or Dut(), tmp_path, speed) as bench:
        yield bench


def period(level: float = 0.25) -> Frames:
    sine = level * np.sin(2.0 * np.pi * np.arange(480) / 48 + 1.0)
    return np.repeat(sine[:, None], 2, axis=1).astype(np.float32)


def burst(seconds: float, level: float = 0.25) -> Frames:
    frames = round(seconds * RATE_HZ)
    fade = np.minimum(1.0, np.minimum(np.arange(frames), np.arange(frames)[::-1]) / 480.0)
    return (np.resize(period(level), (frames, 2)) * fade[:, None]).astype(np.float32)


def rms_v(frames: Frames) -> NDArray[np.float64]:
    return np.sqrt(np.square(frames.astype(np.float64)).mean(axis=0)) * INPUT_PEAK_V


def expected_v(level: float = 0.25) -> float:
    return level * 4.0 * 10.0 ** (29.0 / 20.0) * 8.0 / 8.04


def line_v(frames: Frames, frequency_hz: float) -> NDArray[np.complex128]:
    kernel = np.exp(-2j * np.pi * frequency_hz / RATE_HZ * np.arange(len(frames)))
    return np.asarray(kernel @ frames.astype(np.float64) / len(frames) * 2.0**0.5 * INPUT_PEAK_V)


def test_a_play_is_captured_at_its_level_behind_a_constant_latency(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        captured = bench.audio.play_and_capture(burst(0.5), bench.permit)
    assert captured.shape == (24000, 2)
    levels = rms_v(captured[4800:19200])
    assert 20.0 * np.abs(np.log10(levels / expected_v())).max() < 0.02
    assert abs(20.0 * math.log10(levels[0] / levels[1])) < 0.01
    assert rms_v(captured[:LATENCY]).max() < 0.001
    assert bench.permit.checks > 0


def test_the_interface_s_own_distortion_is_below_its_bound(tmp_path: Path) -> None:
    clean = replace(Dut(), h2_dbc=Sides(-300.0, -300.0), h3_dbc=Sides(-300.0, -300.0), noise_uv=Sides(0.0, 0.0))
    with rig(tmp_path, clean) as bench:
        captured = bench.audio.play_and_capture(burst(1.2), bench.permit)[4800:52800]
    harmonics = [np.abs(line_v(captured, 1000.0 * k)).max() for k in range(2, 11)]
    assert 20.0 * math.log10(math.hypot(*harmonics) / expected_v()) < -105.0


def test_noise_and_hum_are_those_of_the_dut_and_of_the_interface(tmp_path: Path) -> None:
    with rig(tmp_path, replace(Dut(), noise_uv=Sides(500.0, 80.0), hum_uv=Sides(30.0, 2000.0))) as bench:
        captured = bench.audio.play_and_capture(np.zeros((96000, 2), np.float32), None)
        bench.plant.set_relay("capture", False)
        unplugged = bench.audio.play_and_capture(np.zeros((48000, 2), np.float32), None)
    spectrum = np.abs(np.fft.rfft(captured.astype(np.float64) * INPUT_PEAK_V, axis=0)) / 96000 * 2.0**0.5
    spectrum[198:203] = 0.0  # hum
    band_uv = np.sqrt(np.square(spectrum[40:40001]).sum(axis=0)) * 1e6
    own_uv = 60.0 * 10.0 ** (-110.0 / 20.0) * 1e6
    assert band_uv == pytest.approx([math.hypot(500.0, own_uv), math.hypot(80.0, own_uv)], rel=0.02)
    assert np.abs(line_v(captured, 100.0)) * 1e6 == pytest.approx([30.0, 2000.0], abs=5.0)
    assert rms_v(unplugged) * 1e6 == pytest.approx([own_uv * (24000 / 19980) ** 0.5] * 2, rel=0.02)


def test_open_source_relay_and_dead_mains_are_silent(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        bench.plant.set_relay("source", False)
        assert rms_v(bench.audio.play_and_capture(burst(0.1), bench.permit)).max() < 0.001
        bench.plant.set_relay("source", True)
        assert rms_v(bench.audio.play_and_capture(burst(0.1), bench.permit)).min() > 10.0
        bench.plant.set_contactor(False)
        deadline = time.monotonic() + 5.0
        while bench.plant.contactor_closed():
            assert time.monotonic() < deadline
        assert rms_v(bench.audio.play_and_capture(burst(0.1), bench.permit)).max() < 0.001


def test_open_loads_lift_the_level_by_the_damping_factor(tmp_path: Path) -> None:
    with rig(tmp_path, replace(Dut(), output_impedance_ohm=Sides(0.16, 0.16))) as bench:
        loaded = line_v(bench.audio.play_and_capture(burst(0.5, 0.02), bench.permit)[4800:19200], 1000.0)
        bench.plant.set_relay("load_left", False)
        bench.plant.set_relay("load_right", False)
        unloaded = line_v(bench.audio.play_and_capture(burst(0.5, 0.02), bench.permit)[4800:19200], 1000.0)
    assert 1.0 / (np.abs(unloaded) / np.abs(loaded) - 1.0) == pytest.approx([50.0, 50.0], rel=0.01)


def test_a_stream_fades_in_behind_the_latency_and_stays_in_phase_for_minutes(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        stream = bench.audio.stream(period(), 4800, bench.permit)
        first = stream.read(RATE_HZ)
        assert rms_v(first[:LATENCY]).max() < 0.001
        assert rms_v(first[LATENCY : LATENCY + 480]).max() < 0.02 * expected_v()
        steady = line_v(first[RATE_HZ // 2 :], 1000.0)
        for frames in (RATE_HZ // 2, 480 * 7, 480 * 333, RATE_HZ, 30 * RATE_HZ, 31 * RATE_HZ):
            line = line_v(stream.read(frames), 1000.0)
            assert np.abs(line / steady - 1.0).max() < 1e-4
        stream.close()


def test_odd_pieces_of_a_stream_join_without_a_gap(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        stream = bench.audio.stream(period(), 0, bench.permit)
        pieces = [stream.read(frames) for frames in (1, 7, 479, 481, 12345, 50001, 99999)]
        stream.close()
    whole = np.concatenate(pieces)[LATENCY:].astype(np.float64)
    fold = whole[: len(whole) // 480 * 480].reshape(-1, 480, 2)
    assert np.abs(fold - fold.mean(axis=0)).max() < 2e-4


def test_dropouts_are_silent_to_the_frame_also_at_the_first_and_last_second(tmp_path: Path) -> None:
    dropouts = (Dropout(0.0, 0.1), Dropout(1.95, 0.1), Dropout(3.00001, 0.3), Dropout(9.9, 0.1))
    with rig(tmp_path, replace(Dut(), dropouts=dropouts)) as bench:
        stream = bench.audio.stream(period(), 0, bench.permit)
        frames = stream.read(10 * RATE_HZ)
        after = stream.read(RATE_HZ)
        bounded = bench.audio.play_and_capture(burst(0.3), bench.permit)
    silent = np.zeros(10 * RATE_HZ, dtype=bool)
    for at, last in ((0, 4800), (93600, 98400), (144000, 158400), (475200, 480000)):
        silent[at:last] = True
    table = after[:480]
    deviation = np.abs(frames - np.resize(table, frames.shape)).max(axis=1)
    assert np.abs(frames[silent]).max() < 3e-5
    assert deviation[~silent].max() < 2e-4
    assert min(deviation[first] for first in (4799, 93600, 98399, 144000, 158399, 475200)) > 0.01
    assert rms_v(after).min() > 0.99 * expected_v()
    assert rms_v(bounded[4800:9600]).min() > 0.99 * expected_v()  # bounded captures see no dropouts


def test_the_dut_s_protection_silences_both_channels_for_good(tmp_path: Path) -> None:
    dut = replace(Dut(), heatsink_j_per_k=20.0, protect_degc=40.0)
    with rig(tmp_path, dut) as bench:
        stream = bench.audio.stream(period(), 480, bench.permit)
        loud = [bool(rms_v(stream.read(RATE_HZ)).min() > 1.0) for _ in range(30)]
        stream.close()
        assert bench.plant.heatsink_degc() < 40.0
    opened = loud.index(False)
    assert 2 < opened < 12
    assert loud == [True] * opened + [False] * (30 - opened)


def test_plant_time_passes_with_the_frames_of_a_stream_and_with_nothing_else(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        stream = bench.audio.stream(period(), 480, bench.permit)
        start_s = bench.plant.now_s()
        stream.read(90 * RATE_HZ)
        assert bench.plant.now_s() - start_s == pytest.approx(90.0, abs=1e-6)
        time.sleep(0.02)
        assert bench.plant.now_s() - start_s == pytest.approx(90.0, abs=1e-6)
        assert bench.plant.heatsink_degc() == pytest.approx(25.0 + 36.0 * (1.0 - math.exp(-90.0 / 315.0)), abs=0.5)
        stream.close()
        deadline = time.monotonic() + 5.0
        while bench.plant.now_s() - start_s < 91.0:
            assert time.monotonic() < deadline


def test_without_scans_not_one_frame_more_than_twelve_seconds_comes(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        bench.scanning = False
        stream = bench.audio.stream(period(), 480, bench.permit)
        while bench.audio.ask({"do": "next", "frames": RATE_HZ})["frames"]:
            pass  # whatever scans before had granted
        for _ in range(5):
            bench.twin.on_scan()
        total = got = int(bench.audio.ask({"do": "next", "frames": RATE_HZ})["frames"])
        while got:
            got = int(bench.audio.ask({"do": "next", "frames": RATE_HZ})["frames"])
            total += got
        assert total == 12 * RATE_HZ
        stream.close()


def test_at_speed_one_frames_come_in_real_time_however_often_scans_complete() -> None:
    now_s = [50.0]
    grants = Grants(RATE_HZ, 1.0, monotonic=lambda: now_s[0])
    grants.begin()
    taken = 0
    for _ in range(1000):
        now_s[0] += 0.01
        grants.on_scan()
        taken += grants.take(10 * RATE_HZ, 0.0)
    assert taken == pytest.approx(10 * RATE_HZ, abs=2)


def test_nothing_is_granted_before_the_first_scan_nor_saved_up_before_a_start() -> None:
    now_s = [50.0]
    grants = Grants(RATE_HZ, 240.0, monotonic=lambda: now_s[0])
    now_s[0] += 60.0
    assert grants.take(100, 0.0) == 0
    grants.on_scan()
    grants.begin()
    assert grants.take(100, 0.0) == 0
    now_s[0] += 1.0
    assert grants.take(10**9, 0.0) == 12 * RATE_HZ


def test_a_lost_permit_stops_a_stream_before_the_next_block_and_mutes(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        stream = bench.audio.stream(period(), 480, bench.permit)
        stream.read(RATE_HZ)
        bench.permit.held = False
        with pytest.raises(PermitDenied):
            stream.read(RATE_HZ)
        stream.close()
        stream.close()
        with pytest.raises(AudioFault, match="closed"):
            stream.read(1)
        with pytest.raises(PermitDenied):
            bench.audio.play_and_capture(burst(0.1), bench.permit)
        with pytest.raises(PermitDenied):
            bench.audio.stream(period(), 480, bench.permit)


def test_a_source_that_is_not_silent_needs_a_permit_and_a_finite_shape(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        with pytest.raises(ValueError, match="permit"):
            bench.audio.play_and_capture(burst(0.1), None)
        with pytest.raises(ValueError, match="shape"):
            bench.audio.play_and_capture(np.zeros(100, np.float32), None)
        with pytest.raises(ValueError, match="NaN"):
            bench.audio.play_and_capture(np.full((10, 2), np.nan, np.float32), bench.permit)


def test_a_twin_that_dies_is_an_audio_fault_and_no_twin_a_port_error(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        stream = bench.audio.stream(period(), 480, bench.permit)
        stream.read(RATE_HZ)
        bench.twin.close()
        with pytest.raises(AudioFault, match="gone"):
            stream.read(600 * RATE_HZ)
        stream.close()
    with pytest.raises(PortError, match="no audio twin"):
        _ = TwinAudio(str(tmp_path / "nobody")).identity


def test_a_driver_that_hangs_up_leaves_the_plant_free_and_the_twin_ready(tmp_path: Path) -> None:
    with rig(tmp_path) as bench:
        stream = bench.audio.stream(period(), 480, bench.permit)
        stream.read(RATE_HZ)
        bench.audio._drop()  # as when its process is killed
        again = TwinAudio(bench.path)
        captured = again.play_and_capture(burst(0.2), bench.permit)
        again.close()
        assert rms_v(captured[2400:7200]).min() > 0.99 * expected_v()
        before_s = bench.plant.now_s()
        deadline = time.monotonic() + 5.0
        while bench.plant.now_s() == before_s:
            assert time.monotonic() < deadline


def test_another_frame_rate_is_refused_in_words(tmp_path: Path) -> None:
    with rig(tmp_path) as bench, pytest.raises(PortError, match="48000 Hz, not at 44100"):
        _ = TwinAudio(bench.path, 44100).identity
