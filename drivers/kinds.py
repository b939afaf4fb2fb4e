"""What an entry of the drivers' catalogue is made of. Each family keeps its own entries in a `kinds.py` of its folder.

Nothing in those files imports a driver at import time: factories import inside the function, so that a daemon loads
only what its bench has, and `check` needs no hardware library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

PortName = Literal[
    "guard", "bus", "relays", "sensor", "probe", "tester", "touch", "panel", "scanner", "audio", "printer"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one device's settings beyond their types, at the key `path` of its table."""

    path: tuple[str | int, ...]
    wrong: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Driver:
    """A catalogue entry. `make(settings, buses)` builds the device; `buses` maps bus names to open buses.

    `readings(settings)` names what a sensor delivers, `channels` counts its relays or inputs (0: it has none),
    `faults(settings)` tells what contradicts itself or the device: they let `check` judge a configuration without
    opening anything. A `twin` has its place on a simulated bench only.
    """

    kind: str
    port: PortName
    settings: type[Any]
    make: Callable[[Any, Mapping[str, Any]], Any]
    readings: Callable[[Any], Sequence[str]] = lambda own: ()
    channels: int = 0
    twin: bool = False
    faults: Callable[[Any], Iterable[Fault]] = lambda own: ()
