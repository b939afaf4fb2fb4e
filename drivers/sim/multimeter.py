"""Two bench multimeters as twins, with their probes where the plant's hand-held probe is and their ohm leads on a load.

The XDM1041 has its own small set of commands and answers each with OK; the other one is a textbook SCPI meter with an
error queue. Both can be turned by hand (`turn_to`), which is what a driver must notice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from drivers.sim.instrument import Bounds, Instrument
from drivers.sim.scpi import ScpiTwin
from drivers.sim.world import World

VOLTS = Bounds(relative=0.0005, absolute=0.0002, noise_absolute=0.00005)
OHMS = Bounds(relative=0.001, noise_relative=0.0001)
OPEN_OHM = 1e12


class Multimeter(ScpiTwin):
    """What both have: a function, a range (0: automatic), and what the leads see."""

    overload = 9.9e37
    ranges: Mapping[str, tuple[float, ...]] = {"VOLT": (0.1, 1.0, 10.0, 100.0, 1000.0), "RES": (1e2, 1e3, 1e4, 1e8)}

    def __init__(self, world: World, seed: int) -> None:
        super().__init__()
        self._world = world
        self._volts = Instrument(f"{seed} multimeter volts", VOLTS)
        self._ohms = Instrument(f"{seed} multimeter ohms", OHMS)
        self.turn_to("VOLT")

    def turn_to(self, function: str) -> None:
        """Somebody turns the knob."""
        self.function, self.range = function, 0.0

    def power_cycle(self) -> None:
        """Off and on: the function and range of the factory."""
        self.turn_to("VOLT")

    def measure(self) -> float:
        """What the display shows, or `overload`."""
        if self.function == "VOLT":
            value = self._volts.read(self._world.probe_v())
        elif self.function == "RES":
            ohm = self._world.load_bank_ohm("load_left")
            value = self._ohms.read(OPEN_OHM if ohm is None else ohm)
        else:
            value = 0.0
        most = self.range or max(self.ranges.get(self.function, (1.0,)))
        return value if abs(value) <= 1.1 * most else self.overload


class XdmTwin(Multimeter):
    """The XDM1041; the same `seed` gives the same instrument."""

    overload = 1e9
    ranges: Mapping[str, tuple[float, ...]] = {
        "VOLT": (0.05, 0.5, 5.0, 50.0, 500.0, 1000.0),
        "RES": (500.0, 5e3, 50e3, 500e3, 5e6, 50e6),
    }

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self.rate, self.is_remote = "F", False

    def shorten(self, header: str) -> str:
        return header.upper()

    def power_cycle(self) -> None:
        super().power_cycle()
        self.rate, self.is_remote = "F", False

    def answer(self, header: str, argument: str) -> str | None:
        match header:
            case "*IDN?":
                return "OWON,XDM1041,SIM00041,V4.3.0,3"
            case "MEAS?" | "MEAS1?":
                return f"{self.measure():.6E}"
            case "FUNC?":
                return f'"{self.function}"'
            case "RANGE1?":
                most = self.range or max(self.ranges[self.function])
                return f"{most * 1e3:g} mV" if most < 1.0 else f"{most:g} V"
            case "RATE?":
                return self.rate
        return None if header.endswith("?") else "OK" if self._obeys(header, argument) else "nOK"

    def _obeys(self, header: str, argument: str) -> bool:
        if header == "SYST:REM":
            self.is_remote = True
        elif header == "RATE" and argument in ("S", "M", "F"):
            self.rate = argument
        elif header in ("CONF:VOLT:DC", "CONF:RES"):
            function = "VOLT" if header == "CONF:VOLT:DC" else "RES"
            wanted = 0.0 if argument in ("", "AUTO") else float(argument)
            if wanted and wanted not in self.ranges[function]:
                return False
            self.function, self.range = function, wanted
        else:
            return False
        return True


class TextbookMeterTwin(Multimeter):
    """A SCPI meter as the standard has it; commands that it does not know queue an error."""

    end = "\n"

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed)
        self._errors: deque[str] = deque(maxlen=20)

    def answer(self, header: str, argument: str) -> str | None:
        match header:
            case "*IDN?":
                return "SIMULATED,DMM6,SIM00006,1.0-2.0"
            case "SYST:ERR?":
                return self._errors.popleft() if self._errors else '+0,"No error"'
            case "READ?" | "MEAS?":
                return f"{self.measure():+.8E}"
            case "FUNC?" | "SENS:FUNC?":
                return f'"{self.function}"'
            case "VOLT:DC:RANG?" | "RES:RANG?":
                return f"{self.range or max(self.ranges[self.function]):+.8E}"
            case "CONF:VOLT:DC" | "CONF:RES":
                function = "VOLT" if header == "CONF:VOLT:DC" else "RES"
                wanted = float(argument or 0.0)
                if wanted and wanted not in self.ranges[function]:
                    self._errors.append('-222,"Data out of range"')
                else:
                    self.function, self.range = function, wanted
            case "SYST:REM" | "*CLS":
                pass
            case _:
                self._errors.append('-113,"Undefined header"')
        return None
