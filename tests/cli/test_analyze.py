"""`analyze FILE`: the JSON of contracts/cli.md, every format, exit statuses, what it says to people."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from station.analysis.recording import Figure
from station.cli.analyze import Choice, run_analyze
from station.cli.analyze_view import words
from station.cli.main import WRONG_USE, _verb
from tests.analysis.known_recordings import Truth, wave, write_wav

KEYS = ["channel", "frequency_hz", "level_dbfs", "dc_fs", "thd_percent", "thd_n_percent", "snr_db", "hum_dbc",
        "harmonics_dbc", "uncertainty", "below_floor"]  # fmt: skip
TRUTH = Truth(997.37, -6.0, 0.01, 0.1, snr_db=85.0, hum_dbc=-70.0)


def document(file: Path, capsys: pytest.CaptureFixture[str], **choice: Any) -> tuple[int, dict[str, Any], str]:
    status = run_analyze(Choice(file, choice.get("tone_hz"), choice.get("harmonics", 10), choice.get("plot"), True))
    said = capsys.readouterr()
    return status, json.loads(said.out), said.err


@pytest.mark.parametrize(
    ("kind", "rate_hz", "channels"),
    [("16", 44100, 1), ("24", 48000, 2), ("32", 96000, 2), ("f32", 192000, 1), ("f64", 88200, 3), ("24", 44100, 8)],
)
def test_every_format_gives_the_document_of_the_contract(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, rate_hz: int, channels: int
) -> None:
    file = write_wav(tmp_path / "a.wav", [wave(TRUTH, rate_hz, 0.3)] * channels, rate_hz, kind)
    status, found, said = document(file, capsys)
    assert status == 0 and said == ""
    assert list(found) == ["file", "sample_rate_hz", "channels"]
    assert found["file"] == str(file) and found["sample_rate_hz"] == rate_hz
    names = [channel["channel"] for channel in found["channels"]]
    many = [f"ch{i}" for i in range(1, channels + 1)]
    assert names == {1: ["mono"], 2: ["left", "right"]}.get(channels, many)
    true = TRUTH.figures(rate_hz, int(kind) if kind == "16" else None)
    for channel in found["channels"]:
        assert list(channel) == KEYS
        assert len(channel["harmonics_dbc"]) == 9
        for name in KEYS[1:8]:
            assert channel[name] == pytest.approx(true[name], abs=2 * channel["uncertainty"][name]), name
        for name in channel["below_floor"]:
            assert channel["harmonics_dbc"][int(name[1:]) - 2] is None
            assert channel["uncertainty"][name] > (true[name] or 0.0)


def test_flac_reads_as_wav(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "a.flac", wave(TRUTH, 48000, 0.3), 48000, subtype="PCM_24")
    status, found, _ = document(tmp_path / "a.flac", capsys)
    assert status == 0
    assert found["channels"][0]["thd_percent"] == pytest.approx(0.1, rel=0.01)


def test_the_last_harmonic_is_chosen_and_ends_under_nyquist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_wav(tmp_path / "a.wav", [wave(Truth(1000.0, thd_percent=1.0), 48000, 0.3)], 48000)
    channel = document(file, capsys, harmonics=3)[1]["channels"][0]
    assert len(channel["harmonics_dbc"]) == 2
    shares = Truth(1000.0, thd_percent=1.0).harmonics(48000)
    assert channel["thd_percent"] == pytest.approx(100 * math.hypot(shares[2], shares[3]), rel=1e-3)
    high = write_wav(tmp_path / "b.wav", [wave(Truth(15000.0), 48000, 0.3)], 48000)
    channel = document(high, capsys)[1]["channels"][0]
    assert channel["harmonics_dbc"] == [] and channel["thd_percent"] is None and "thd_percent" in channel["below_floor"]


def test_silent_and_clipped_channels_have_nulls_and_the_others_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = wave(TRUTH, 48000, 0.3)
    file = write_wav(tmp_path / "a.wav", [0 * good, good, 4 * good], 48000, dither=False)
    status, found, said = document(file, capsys)
    assert status == 0
    silent, heard, clipped = found["channels"]
    assert heard["thd_percent"] == pytest.approx(0.1, rel=0.01) and "error" not in heard
    for channel in (silent, clipped):
        assert [channel[name] for name in KEYS[1:8]] == [None] * 7
    assert silent["below_floor"] == ["level_dbfs", "dc_fs"] and silent["uncertainty"]["level_dbfs"] < -120
    assert silent["error"].startswith("Silent") and clipped["error"].startswith("Clipped")
    assert "ch1" in said and "ch3: clipped" in said


@pytest.mark.parametrize("level", [0.0, 4.0])
def test_a_recording_without_one_good_channel_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], level: float
) -> None:
    file = write_wav(tmp_path / "a.wav", [level * wave(TRUTH, 48000, 0.3)] * 2, 48000, dither=False)
    status, found, _ = document(file, capsys)
    assert status == 1 and len(found["channels"]) == 2


def test_the_wrong_channel_and_the_wrong_tone_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right = wave(Truth(1000.0, snr_db=90.0), 48000, 0.3), wave(Truth(400.0, snr_db=90.0), 48000, 0.3)
    file = write_wav(tmp_path / "a.wav", [left, right], 48000)
    status, found, said = document(file, capsys, tone_hz=1000.0)
    assert status == 0 and found["channels"][1]["frequency_hz"] is None
    assert "no tone at 1000 Hz, it is on left" in said
    assert document(file, capsys, tone_hz=5321.0)[0] == 1


def test_a_tone_at_the_ratio_of_two_rates_beside_its_place_is_a_wrong_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_wav(tmp_path / "a.wav", [wave(Truth(1000.0 * 44100 / 48000), 44100, 0.3)], 44100)
    status, _, said = document(file, capsys, tone_hz=1000.0)
    assert status == 1
    assert "918.75 Hz" in said and "was recorded at 48000 Hz" in said


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("a.wav", lambda p: write_wav(p, [wave(TRUTH, 8000, 0.3)], 8000), "wrong rate: 8000 Hz"),
        ("a.wav", lambda p: write_wav(p, [np.zeros(9000)] * 9, 48000), "at most 8"),
        ("a.wav", lambda p: write_wav(p, [wave(TRUTH, 48000, 0.05)], 48000), "too few"),
        ("a.wav", lambda p: write_wav(p, [np.zeros(0)], 48000), "too few"),
        ("a.wav", lambda p: p.write_text("no recording"), "analyze reads WAV and FLAC"),
        ("a.ogg", lambda p: soundfile.write(p, wave(TRUTH, 48000, 0.3), 48000), "does not hold the samples"),
    ],
)
def test_what_is_no_recording_exits_1_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, make: Any, said: str
) -> None:
    make(tmp_path / name)
    status, _, err = document(tmp_path / name, capsys)
    assert status == 1
    assert said in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["nowhere.wav"], ["a.wav", "--harmonics", "1"], ["a.wav", "--tone", "0"], ["a.wav", "--plot", "a.png"]],
)
def test_wrong_use_exits_2_with_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert _verb(["analyze", *arguments]) == WRONG_USE
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.strip().splitlines()) == 1


def test_a_plot_that_cannot_be_is_said_before_the_document_or_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = write_wav(tmp_path / "silent.wav", [np.zeros(9600)], 48000, dither=False)
    status, found, said = document(silent, capsys, plot=tmp_path / "a.svg")
    assert status == 1 and len(found["channels"]) == 1
    assert "no channel has a spectrum to draw" in said and not (tmp_path / "a.svg").exists()
    (tmp_path / "folder.svg").mkdir()
    (tmp_path / "loop.svg").symlink_to(tmp_path / "loop.svg")
    good = write_wav(tmp_path / "good.wav", [wave(TRUTH, 48000, 0.1)], 48000)
    for plot in ("folder.svg", "nowhere/a.svg", "loop.svg"):
        assert _verb(["analyze", str(good), "--json", "--plot", str(tmp_path / plot)]) == WRONG_USE
        said_too = capsys.readouterr()
        assert said_too.out == "" and plot in said_too.err


@pytest.mark.parametrize("form", ["RIFF", "RF64"])
def test_a_file_that_is_cut_off_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    if form == "RIFF":
        file = write_wav(tmp_path / "a.wav", [wave(TRUTH, 48000, 0.3)], 48000)
    else:
        file = tmp_path / "a.wav"
        soundfile.write(file, wave(TRUTH, 48000, 0.3), 48000, subtype="PCM_24", format="RF64")
    assert document(file, capsys)[::2] == (0, "")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) - 21600])
    status, found, said = document(file, capsys)
    assert status == 0 and found["channels"][0]["thd_percent"] is not None
    assert "a.wav: cut off: its head promises 43200 bytes of samples and 21600 are there" in said and "0.15 s" in said


def test_a_head_that_was_not_finished_is_said_and_one_of_a_pipe_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_wav(tmp_path / "a.wav", [wave(TRUTH, 48000, 0.3)], 48000)
    whole = file.read_bytes()
    file.write_bytes(whole[:40] + bytes(4) + whole[44:])
    status, _, said = document(file, capsys)
    assert status == 1 and "no samples, and 43200 bytes follow" in said
    file.write_bytes(whole[:40] + b"\xff\xff\xff\xff" + whole[44:])
    assert document(file, capsys)[::2] == (0, "")


def test_any_name_is_read_and_a_pipe_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "odd\udcff\x1b.wav"
    write_wav(file, [wave(TRUTH, 48000, 0.1)], 48000)
    status, found, _ = document(file, capsys, plot=tmp_path / "a.svg")
    assert status == 0 and found["file"].endswith("/odd\ufffd\x1b.wav")
    assert run_analyze(Choice(file, None, 10, None, False)) == 0
    assert "odd\\udcff\\x1b.wav" in capsys.readouterr().out
    assert "odd\\udcff" in "".join(ElementTree.parse(tmp_path / "a.svg").getroot().itertext())
    os.mkfifo(tmp_path / "pipe.wav")
    assert _verb(["analyze", str(tmp_path / "pipe.wav")]) == WRONG_USE
    assert "not a file" in capsys.readouterr().err


def test_people_get_a_table_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_wav(tmp_path / "a.wav", [wave(TRUTH, 48000, 0.3), 0 * wave(TRUTH, 48000, 0.3)], 48000, dither=False)
    assert run_analyze(Choice(file, None, 10, tmp_path / "a.svg", False)) == 0
    said = capsys.readouterr().out
    assert "THD (%)" in said and "left" in said and "±" in said
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "h2" in "".join(root.itertext())


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(0.1234567, 0.00012), "0.12346 ± 0.00012"),
        (Figure(-79.6, 2.3), "-79.6 ± 2.3"),
        (Figure(None, -123.4), "< -123.4"),
        (Figure(None, 0.00012), "< 0.00012"),
        (Figure(None, math.nan), "-"),
    ],
)
def test_a_figure_has_the_digits_that_it_is_worth(figure: Figure, text: str) -> None:
    assert words(figure) == text
