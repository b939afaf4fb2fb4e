"""[panel] volume and mute: comfort may be quiet, what warns may not, and what has no effect is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.domain.panel_sounds import ALWAYS, MUTABLE
from station.settings.source import read_source
from station.settings.voice import check_voice
from tests.docs.pages import ROOT

SHIPPED = (ROOT / "config" / "station.toml").read_text(encoding="utf-8")


def problems(folder: Path, **changed: str) -> list[str]:
    text = SHIPPED
    for old, new in {"tones = true": "tones", "volume = 1.0": "volume", "mute = []": "mute"}.items():
        assert old in text
        if new in changed:
            text = text.replace(old, f"{new} = {changed[new]}")
    (folder / "station.toml").write_text(text, encoding="utf-8")
    source, found = read_source(folder, "station.toml")
    assert source is not None and not found
    return [f"{problem.key}: {problem.wrong}; {problem.remedy}" for problem in check_voice(source)]


def test_the_shipped_voice_is_clean_and_every_comfort_sound_may_be_mute(tmp_path: Path) -> None:
    assert problems(tmp_path) == []
    assert problems(tmp_path, mute=str(list(MUTABLE)).replace("'", '"'), volume="0.3") == []


@pytest.mark.parametrize("name", ALWAYS)
def test_what_must_be_heard_cannot_be_muted(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, mute=f'["scan", "{name}"]')
    assert problem.startswith(f"panel.mute[2]: '{name}' can never be muted")


def test_a_sound_that_is_not_there_gets_the_nearest_name(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, mute='["redy"]')
    assert "no sound 'redy'" in problem and "`ready`" in problem


def test_a_volume_must_be_one_and_needs_a_buzzer_that_has_it(tmp_path: Path) -> None:
    assert ["from 0 to 1" in problem for problem in problems(tmp_path, volume="1.5")] == [True]
    (problem,) = problems(tmp_path, volume="0.5", tones="false")
    assert "has no volume" in problem and "tones = true" in problem
