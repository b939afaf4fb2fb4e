"""Captures on a real disk: what is in a file, what happens where it cannot be written, and who gives way."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from station.domain.sound import Watch
from station.sound import capture_files
from station.sound.capture_files import CaptureWriter, Whole
from station.sound.protocol import CapturePlace, KeepSound
from station.sound.trace_events import Heard
from station.sound.trace_keeper import Keeper

RATE_HZ = 8000
RUN = "0190-run"


def noise(seconds: float = 1.0, seed: int = 1) -> np.ndarray:  # type: ignore[type-arg]
    random = np.random.default_rng(seed)
    return random.uniform(-1.2, 1.2, (round(seconds * RATE_HZ), 2)).astype(np.float32)


def settled(writer: CaptureWriter) -> CaptureWriter:
    writer.close()
    deadline = time.monotonic() + 20.0
    while not writer.is_idle:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return writer


def write(folder: Path, *seconds: float, run: str = RUN, max_mb: float = 100.0) -> CaptureWriter:
    """Captures of so many seconds, one after the other."""
    writer = CaptureWriter(CapturePlace(str(folder), run, max_mb), RATE_HZ, "full scale: 60 V")
    for number, length_s in enumerate(seconds, 1):
        for part in range(int(length_s)):
            writer.frames(number, noise(seed=part))
        writer.whole(number, Whole(f"{number}-level-9.0.flac", "level", 9.0, length_s - 1.0, 1.0))
    return settled(writer)


@pytest.fixture
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that leaves nothing to results, so that a small one can be filled."""
    monkeypatch.setattr(capture_files, "RESERVE_BYTES", 0)


def test_a_capture_holds_what_was_captured_to_24_bit_and_clips_beyond_full_scale(tmp_path: Path) -> None:
    (capture,) = write(tmp_path, 3.0).captures
    path = tmp_path / capture.file
    assert capture.file == f"{RUN}/1-level-9.0.flac"
    assert (capture.event, capture.at_s, capture.before_s, capture.after_s) == ("level", 9.0, 2.0, 1.0)
    assert (capture.sample_rate_hz, capture.size_bytes) == (RATE_HZ, path.stat().st_size)
    assert capture.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    found, rate_hz = soundfile.read(path)
    wanted = np.clip(np.concatenate([noise(seed=part) for part in range(3)]), -1.0, 1.0)
    assert (rate_hz, soundfile.info(path).subtype, found.shape) == (RATE_HZ, "PCM_24", wanted.shape)
    assert np.abs(found - wanted).max() < 2.0**-22
    with soundfile.SoundFile(path) as file:
        assert file.comment == "full scale: 60 V"
    assert list((tmp_path / RUN).iterdir()) == [path]


def test_the_oldest_runs_give_way_and_nothing_else_does(tmp_path: Path) -> None:
    for age, run in ((300, "a"), (200, "b"), (100, "c")):
        write(tmp_path, 4.0, run=run)
        os.utime(tmp_path / run, (time.time() - age,) * 2)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("not a capture")
    size = sum(file.stat().st_size for file in (tmp_path / "a").iterdir())
    write(tmp_path, 4.0, max_mb=2.5 * size / 1e6)
    assert sorted(path.name for path in tmp_path.iterdir()) == [RUN, "c", "letters"]


def test_a_run_that_alone_is_too_much_keeps_what_fits_and_says_so(tmp_path: Path) -> None:
    size = write(tmp_path / "try", 4.0).captures[0].size_bytes
    writer = write(tmp_path, 4.0, 4.0, 4.0, max_mb=2.5 * size / 1e6)
    assert [capture.file for capture in writer.captures] == [f"{RUN}/{n}-level-9.0.flac" for n in (1, 2)]
    assert writer.lost[0].startswith("capture 3 is missing: captures.max_mb of ")


def test_a_folder_that_may_not_be_read_is_not_ours_and_costs_no_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lost+found").mkdir(mode=0)
    whole = Path.iterdir

    def as_another_user(path: Path) -> Iterator[Path]:
        if path.name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return iter(whole(path))

    monkeypatch.setattr(Path, "iterdir", as_another_user)
    write(tmp_path, 4.0, run="old")
    os.utime(tmp_path / "old", (time.time() - 100.0,) * 2)
    size = sum(file.stat().st_size for file in (tmp_path / "old").iterdir())
    writer = write(tmp_path, 4.0, max_mb=1.5 * size / 1e6)
    assert (len(writer.captures), writer.lost) == (1, ())
    assert sorted(path.name for path in tmp_path.iterdir()) == [RUN, "lost+found"], "the bound is kept all the same"


def test_bounds_that_cannot_be_measured_cost_no_capture_that_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path) -> list[Path]:
        raise OSError(5, "Input/output error", str(folder))

    monkeypatch.setattr(capture_files, "runs_of", broken)
    writer = write(tmp_path, 4.0)
    assert (len(writer.captures), writer.lost) == (1, ())


def test_a_disk_that_must_keep_room_for_results_takes_no_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_files, "RESERVE_BYTES", 10**18)
    writer = write(tmp_path, 3.0)
    assert writer.captures == () and "are left to results" in writer.lost[0]
    assert list((tmp_path / RUN).iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB; skips where none may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", place], capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.usefixtures("plenty")
def test_a_full_disk_costs_the_capture_and_leaves_no_piece_of_it(small_disk: Path) -> None:
    writer = write(small_disk, 2.0, 30.0, 2.0)
    assert [capture.file for capture in writer.captures] == [f"{RUN}/{n}-level-9.0.flac" for n in (1, 3)]
    assert len(writer.lost) == 1 and writer.lost[0].startswith("capture 2 is missing: "), writer.lost
    assert sorted(path.name for path in (small_disk / RUN).iterdir()) == ["1-level-9.0.flac", "3-level-9.0.flac"]


def test_a_file_that_was_never_ended_is_not_taken_for_whole(tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "torn.flac", "w", RATE_HZ, 2, "PCM_24") as file:
        file.write(noise(30.0))
        file.flush()
        (tmp_path / "capture.part").write_bytes((tmp_path / "torn.flac").read_bytes())
    with pytest.raises((OSError, soundfile.LibsndfileError)):
        capture_files._require_whole(tmp_path / "capture.part", 30 * RATE_HZ)
    capture_files._require_whole(tmp_path / "torn.flac", 30 * RATE_HZ)


def test_without_the_library_the_note_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert write(tmp_path, 2.0).lost == (
        'capture 1 is missing: the package "soundfile" is not installed (extra "audio"), which writes FLAC',
    )


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "captures").write_text("a file where the folder should be")
    assert "Not a directory" in write(tmp_path / "captures", 2.0).lost[0]


def test_a_disk_that_does_not_follow_costs_the_capture_and_nobody_waits(tmp_path: Path) -> None:
    writer = CaptureWriter(CapturePlace(str(tmp_path), RUN, 100.0), RATE_HZ, "of a test")
    second = noise()
    for _ in range(2000):
        writer.frames(1, second)
    writer.whole(1, Whole("1-level-9.0.flac", "level", 9.0, 1999.0, 1.0))
    assert settled(writer).captures == ()
    assert writer.lost == ("capture 1 is missing: more than 150 s of sound waited for the disk, which is too slow",)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# ---- the windows around events ---------------------------------------------------------------------------------
def keeper(folder: Path, watch: Watch, seconds: int, *dropouts_s: float, cut_off: bool = False) -> Keeper:
    """A trace of so many seconds whose frames carry their own number, silent on left at these moments."""
    kept = Keeper(KeepSound(watch, CapturePlace(str(folder), RUN, 100.0)), RATE_HZ, "of a test")
    for second in range(seconds):
        while kept.is_behind:  # as the reader does that is ahead of the clock
            time.sleep(0.001)
        number = np.arange(second * RATE_HZ, (second + 1) * RATE_HZ, dtype=np.float32) / 2.0**23
        frames = np.stack((number, number), axis=1)
        silences = tuple((at_s, 0.2) for at_s in dropouts_s if second <= at_s < second + 1)
        kept.push(frames, Heard(second, second + 1.0, (1.0, 1.0), (0.02, 0.02), (silences, ()), (0.0, 0.0)))
    kept.end(cut_off)
    return kept


def held(folder: Path, kept: Keeper) -> list[tuple[str, list[int]]]:
    """Event, and the seconds of the stream from which and up to which every file holds it, by its frames' numbers."""
    deadline = time.monotonic() + 20.0
    while (found := kept.kept(False)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    files = []
    for capture in found.captures:
        samples, _ = soundfile.read(folder / capture.file)
        assert len(samples) == round((capture.before_s + capture.after_s) * RATE_HZ)
        numbers = np.round(2.0**23 * samples[:, 0]).astype(int)
        assert np.all(np.diff(numbers) == 1), "gapless"
        files.append((capture.event, [numbers[0] / RATE_HZ, (numbers[-1] + 1) / RATE_HZ]))
    return files


WATCH = Watch(before_s=30.0, after_s=30.0)


def test_an_event_has_30_s_before_and_30_s_after_it(tmp_path: Path) -> None:
    assert held(tmp_path, keeper(tmp_path, WATCH, 200, 100.5)) == [("dropout", [70.5, 130.5])]


def test_windows_that_overlap_become_one_file(tmp_path: Path) -> None:
    assert held(tmp_path, keeper(tmp_path, WATCH, 400, 100.0, 155.0, 300.0)) == [
        ("dropout", [70, 185]), ("dropout", [270, 330]),
    ]  # fmt: skip


def test_events_without_end_make_files_of_bounded_length_without_a_gap_between(tmp_path: Path) -> None:
    watch = Watch(capture_s_max=100.0, captures_max=3)
    kept = keeper(tmp_path, watch, 600, *(float(at_s) for at_s in range(50, 600, 10)))
    assert held(tmp_path, kept) == [("dropout", [20, 120]), ("dropout", [120, 220]), ("dropout", [220, 320])]
    found = kept.kept(False)
    assert found is not None and any("events after capture 3, the last, were not kept" in m for m in found.missing)


def test_what_there_is_is_kept_at_both_ends_of_the_trace(tmp_path: Path) -> None:
    assert held(tmp_path, keeper(tmp_path, WATCH, 200, 5.0, 190.0)) == [("dropout", [0, 35]), ("dropout", [160, 200])]


def test_a_trace_that_is_cut_off_keeps_the_last_30_s(tmp_path: Path) -> None:
    assert held(tmp_path, keeper(tmp_path, WATCH, 200, cut_off=True)) == [("cut-off", [170, 200])]
    assert held(tmp_path, keeper(tmp_path, WATCH, 210, 200.0, cut_off=True)) == [("dropout", [170, 210])]


def test_without_a_folder_the_events_are_known_and_nothing_is_kept() -> None:
    kept = Keeper(KeepSound(WATCH, None), RATE_HZ, "of a test")
    kept.push(noise(), Heard(0, 1.0, (None, 1.0), (None, 0.02), (((0.5, 0.2),), ()), (0.0, 0.0)))
    kept.end(False)
    found = kept.kept(False)
    assert found is not None and found.captures == () and len(found.events) == 1
    assert found.missing == ("there is no folder for captures: nothing was kept",)
