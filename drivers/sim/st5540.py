"""The Hioki ST5540 as a twin: between `:STARt` and `:STOP` it holds the largest touch current that the plant had.

It comes as somebody left it: another network, no measurement mode, automatic measurement. Settings are refused with an
execution error before a mode is chosen and while it measures; it says nothing about an error until asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.sim.instrument import Bounds, Instrument
from drivers.sim.scpi import ScpiTwin
from drivers.sim.world import World

METER = Bounds(relative=0.02, noise_relative=0.001)
COMMAND_ERROR, EXECUTION_ERROR = 0x20, 0x10
NO_JUDGEMENT, POSITIVE, AC = 3, 0, 1
WORDS: Mapping[str, Mapping[str, str]] = {
    "NETW": {name: name for name in ("A", "B1", "B2", "C", "D", "E", "F", "G")},
    "MODE": {"EART": "EARTH", "ENCL1": "ENCLOSURE1", "ENCL2": "ENCLOSURE2", "ENCL3": "ENCLOSURE3"},
    "CONF:AUTO": {"ON": "ON", "OFF": "OFF"},
    "CONF:COND": {"NORM": "NORMAL", "EART": "EARTH", "POW": "POWERSOURCE"},
    "CONF:POL": {"NORM": "NORMAL", "REV": "REVERSE"},
}
"""Short forms of what each setting takes, and the long form that it reads back."""


class St5540Twin(ScpiTwin):
    """The meter on `world`; the same `seed` gives the same instrument."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__()
        self._world = world
        self._meter = Instrument(f"{seed} st5540", METER)
        self._measuring = False
        self._maximum_ma = 0.0
        self._events = 0
        self.settings = {"NETW": "A", "MODE": "", "CONF:AUTO": "ON", "CONF:COND": "EARTH", "CONF:POL": "NORMAL"}

    def answer(self, header: str, argument: str) -> str | None:
        if header.removesuffix("?") in WORDS:
            return self._setting(header, argument.upper())
        match header:
            case "*IDN?":
                return "HIOKI,ST5540,SIM00002,V1.00"
            case "*ESR?":
                events, self._events = self._events, 0
                return str(events)
            case "MEAS:MAX?":
                return self._maximum()
            case "STAR" if not self._measuring and self.settings["MODE"]:
                self._measuring, self._maximum_ma = True, 0.0
                self.begin_ticking()
            case "STAR":
                self._events |= EXECUTION_ERROR
            case "STOP":
                self._measuring = False
            case "*CLS":
                self._events = 0
            case "HEAD":
                pass
            case _:
                self._events |= COMMAND_ERROR
        return None

    def tick(self) -> bool:
        """One look at the plant while a measurement runs."""
        if self._measuring:
            self._maximum_ma = max(self._maximum_ma, self._meter.read(self._world.touch_current_ma()))
        return self._measuring

    def _setting(self, header: str, argument: str) -> str | None:
        name, words = header.removesuffix("?"), WORDS[header.removesuffix("?")]
        if header.endswith("?"):
            return self.settings[name]
        long = next((long for short, long in words.items() if argument in (short, long)), None)
        if long is None or self._measuring or (name.startswith("CONF") and not self.settings["MODE"]):
            self._events |= EXECUTION_ERROR
        else:
            self.settings[name] = long
        return None

    def _maximum(self) -> str:
        self.tick()
        state = 1 if self._world.touch_line_open() else 2 if self._world.touch_pe_open() else 0
        return f"{self._maximum_ma / 1000.0:+.4E},{NO_JUDGEMENT},{POSITIVE},{state},{AC},0,0"
