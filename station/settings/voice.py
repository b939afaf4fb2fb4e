"""How loud a bench is and what it may mute: [panel] of station.toml."""

from __future__ import annotations

from collections.abc import Iterator

from station.domain.panel_sounds import ALWAYS, LEAST_VOLUME, MUTABLE
from station.settings.names import suggest
from station.settings.problem import Problem
from station.settings.source import Source, table


def check_voice(source: Source) -> Iterator[Problem]:
    """A volume out of 0 to 1 or on a buzzer that has none, and sounds that nobody may mute or that are not there."""
    panel = table(source.data.get("panel"))
    volume, mute = panel.get("volume", 1.0), panel.get("mute", ())
    if isinstance(volume, int | float) and not isinstance(volume, bool):
        path = ("panel", "volume")
        if not 0.0 <= volume <= 1.0:
            yield source.problem(path, f"{volume:g} is no volume", "write a number from 0 to 1")
        elif volume != 1.0 and panel.get("kind") == "gpio-panel" and panel.get("tones") is not True:
            wrong = "a buzzer with one pitch of its own has no volume"
            yield source.problem(path, wrong, "remove it, or tones = true for a bare piezo")
    for index, name in enumerate(mute if isinstance(mute, list) else ()):
        entry = ("panel", "mute", index)
        if name in ALWAYS:
            wrong = f"{name!r} can never be muted: somebody must hear it"
            yield source.problem(
                entry, wrong, f"remove it; with tones, volume = 0 makes it as quiet as {LEAST_VOLUME:g}"
            )
        elif isinstance(name, str) and name not in MUTABLE:
            yield source.problem(entry, f"there is no sound {name!r}", suggest(name, MUTABLE))
