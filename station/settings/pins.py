"""The GPIO pins of the panel: every button and lamp, each on a pin of its own (a STOP on START's pin kills)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from station.settings.devices import Placed
from station.settings.locate import Path
from station.settings.names import nearest_of, suggest
from station.settings.problem import Problem
from station.settings.source import Source, table

BUTTONS = ("start", "stop", "ok", "ng", "reset")
LAMPS = ("blue", "white", "yellow", "violet")
NAMES: Mapping[str, tuple[str, ...]] = {"buttons": BUTTONS, "lamps": LAMPS}
PIN_MAX = 27
"""BCM numbers of a Pi's 40-pin header: 0 to 27."""


def check_pins(source: Source, panel: Placed) -> Iterator[Problem]:
    """What is wrong with the pins of a GPIO panel; nothing for panels of other kinds."""
    if panel.entry is None or panel.entry.kind != "gpio-panel":
        return
    for group, known in NAMES.items():
        named = panel.raw.get(group)
        if isinstance(named, dict):  # else the schema has complained
            yield from _check_names(source, (*panel.path, group), named, known)
    taken: dict[int, str] = {}
    for path, pin in _pins(panel):
        name = ".".join(path[len(panel.path) :])
        if not 0 <= pin <= PIN_MAX:
            yield source.problem(path, f"there is no GPIO {pin} on the header", f"use 0 to {PIN_MAX} (BCM numbers)")
        elif taken.setdefault(pin, name) != name:
            wrong = f"GPIO {pin} is already taken by {taken[pin]}"
            yield source.problem(path, wrong, "one pin, one button, lamp or buzzer: name the right one")


def _check_names(source: Source, path: Path, group: Mapping[str, object], known: tuple[str, ...]) -> Iterator[Problem]:
    meant = set()
    for name in group:
        if name not in known:
            meant.add(nearest_of(name, known))
            yield source.problem((*path, name), "the panel has none of this name", suggest(name, known))
    for name in known:
        if name not in group and name not in meant:
            yield source.problem((*path, name), "is missing", f"add `{name} = <pin>`")


def _pins(panel: Placed) -> Iterator[tuple[tuple[str, ...], int]]:
    place = tuple(str(part) for part in panel.path)
    named = [((*place, group, name), pin) for group in NAMES for name, pin in table(panel.raw.get(group)).items()]
    for path, pin in (*named, ((*place, "buzzer"), panel.raw.get("buzzer"))):
        if isinstance(pin, int) and not isinstance(pin, bool):
            yield path, pin
