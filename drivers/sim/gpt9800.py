"""The GPT-9800 as a twin: manual mode, insulation (IR) and ground bond (GB), with the real one's manners.

Settings out of range or in the wrong mode are dropped without a word, settings while testing too; errors queue; a test
runs in plant time; the output lives only while the interlock (the guard's H) is closed, and opening it breaks the test
off. The states are IDLE -> TESTING -> IDLE; what the last test gave is kept for `MEAS?` until STOP (`FUNC:TEST OFF`)
brings it back to READY, as the maker's manuals say of the key. It is as somebody left it at its front panel: an
offset, the leads' zeroing on, the largest value held, and results told unasked (`TEST:RET`).
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from drivers.sim.instrument import Bounds, Instrument
from drivers.sim.scpi import ScpiTwin
from drivers.sim.world import World

TESTER = Bounds(relative=0.02, noise_relative=0.001)
OUTPUT = Bounds(relative=0.005)
IR_RANGE_MOHM = 9999.0
GB_RANGE_MOHM = 650.0
IR_SHORT_A = 0.010  # more the insulation output does not give
INTERLOCK = '90,"Interlock Open"'


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that can be set: default, bounds, how it reads back, and the mode that must be chosen first."""

    default: float
    low: float
    high: float
    form: str
    mode: str = ""


SETTINGS = {
    "MANU:STEP": Setting(1, 0, 100, "{:02.0f}"),
    "MANU:RTIM": Setting(0.1, 0.1, 999.9, "{:05.1f} S"),
    "MANU:IR:VOLT": Setting(0.05, 0.05, 1.0, "{:.3f}kV", "IR"),
    "MANU:IR:RHIS": Setting(9999, 2, 9999, "{:04.0f}M", "IR"),
    "MANU:IR:RLOS": Setting(1, 1, 9999, "{:04.0f}M", "IR"),
    "MANU:IR:REF": Setting(3, 0, 9999, "{:04.0f}M", "IR"),
    "MANU:IR:TTIM": Setting(1.0, 0.5, 999.9, "{:05.1f} S", "IR"),
    "MANU:GB:CURR": Setting(3.0, 3.0, 32.0, "{:05.2f}A", "GB"),
    "MANU:GB:RHIS": Setting(100.0, 0.1, 650.0, "{:05.1f}mohm", "GB"),
    "MANU:GB:RLOS": Setting(1.0, 0.0, 649.9, "{:05.1f}mohm", "GB"),
    "MANU:GB:REF": Setting(11.3, 0.0, 650.0, "{:05.1f}mohm", "GB"),
    "MANU:GB:FREQ": Setting(60, 50, 60, "{:.0f}Hz", "GB"),
    "MANU:GB:TTIM": Setting(1.0, 0.5, 999.9, "{:05.1f} S", "GB"),
}
MODES = ("ACW", "DCW", "IR", "GB")
SWITCHES = {"MANU:UTIL:MAXH": "MAX HOLD", "MANU:UTIL:PASS": "PASS HOLD", "MANU:GB:ZER": "ZERO"}
"""What is on or off (headers shortened, as all), with the words before it when it reads back."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the display shows of the last test."""

    status: str = "VIEW"
    applied: float = 0.0
    value: float = 0.0
    elapsed_s: float = 0.0


class Gpt9800Twin(ScpiTwin):
    """The tester on `world`; the same `seed` gives the same instrument."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__()
        self._world = world
        self._insulation = Instrument(f"{seed} gpt9800 insulation", TESTER)
        self._bond = Instrument(f"{seed} gpt9800 bond", TESTER)
        self._volts = Instrument(f"{seed} gpt9800 volts", OUTPUT)
        self._amps = Instrument(f"{seed} gpt9800 amps", OUTPUT)
        self._settings = {header: setting.default for header, setting in SETTINGS.items()}
        self._switches = dict.fromkeys(SWITCHES, True)
        self._mode, self._function = "ACW", "AUTO"
        self._tells_results = True
        self._errors: deque[str] = deque(maxlen=20)
        self._started_s: float | None = None  # plant time; None: no test is running
        self._output = 0.0  # volts or amperes while it tests
        self._last = Shown()

    def answer(self, header: str, argument: str) -> str | None:
        query = header.removesuffix("?")
        if header.endswith("?"):
            return self._query(query)
        if query in SETTINGS:
            self._set(query, argument)
        elif query in SWITCHES and argument in ("ON", "OFF"):
            if not self._testing:
                self._switches[query] = argument == "ON"
        elif query == "TEST:RET":
            self._tells_results = argument == "ON"
        elif query == "MAIN:FUNC" and argument in ("MANU", "AUTO"):
            self._function = self._function if self._testing else argument
        elif query == "MANU:EDIT:MODE" and argument in MODES:
            self._mode = self._mode if self._testing else argument
        elif query == "FUNC:TEST" and argument in ("ON", "OFF"):
            self._start() if argument == "ON" else self._break_off()
        elif query == "*CLS":
            self._errors.clear()
        elif query != "*RMTOFF":
            self._errors.append('20,"Command Error"')
        return None

    def tick(self) -> bool:
        """One look at the plant while a test runs."""
        if self._started_s is None:
            return False
        if not self._world.tester_enabled():
            self._errors.append(INTERLOCK)
            self._break_off()
            return False
        elapsed_s = self._world.now_s() - self._started_s
        if elapsed_s >= self._settings["MANU:RTIM"] + self._settings[f"MANU:{self._mode}:TTIM"]:
            self._last = self._measure()
            self._output_off()
            if self._tells_results:
                self.send(self._display())
            return False
        return True

    async def close(self) -> None:
        """Output off and hang up; safe to call twice."""
        self._output_off()
        await super().close()

    @property
    def _testing(self) -> bool:
        return self._started_s is not None

    def _query(self, header: str) -> str | None:
        if header in SETTINGS:
            return SETTINGS[header].form.format(self._settings[header])
        if header in SWITCHES:
            return f"{SWITCHES[header]} {'ON' if self._switches[header] else 'OFF'}"
        match header:
            case "*IDN":
                return "GPT-9804,SIM000000001,V1.00"
            case "SYST:ERR":
                return self._errors.popleft() if self._errors else "0,No Error"
            case "FUNC:TEST":
                return "TEST ON" if self._testing else "TEST OFF"
            case "MAIN:FUNC":
                return f"{self._function} MODE"
            case "MANU:EDIT:MODE":
                return self._mode
            case "MEAS":
                return self._display()
        self._errors.append('20,"Command Error"')
        return None

    def _set(self, header: str, argument: str) -> None:
        setting = SETTINGS[header]
        number = re.fullmatch(r"\d+\.?\d*", argument)
        wrong_mode = setting.mode not in ("", self._mode)
        if self._testing or wrong_mode or number is None or not setting.low <= float(argument) <= setting.high:
            return
        self._settings[header] = float(argument)

    def _start(self) -> None:
        if self._testing:
            return
        self._last = Shown()
        if not self._world.tester_enabled():
            self._errors.append(INTERLOCK)
        elif self._function != "MANU" or self._mode not in ("IR", "GB"):
            self._errors.append('30,"Mode Error"')
        else:
            self._started_s = self._world.now_s()
            if self._mode == "IR":
                self._output = self._volts.read(self._settings["MANU:IR:VOLT"] * 1000.0)
                self._world.set_test_voltage(self._output)
            else:
                self._output = self._amps.read(self._settings["MANU:GB:CURR"])
                self._world.set_bond_current(self._output)
            self.begin_ticking()

    def _break_off(self) -> None:
        self._last = Shown()
        self._output_off()

    def _output_off(self) -> None:
        if self._testing:
            self._world.set_test_voltage(0.0)
            self._world.set_bond_current(0.0)
        self._started_s = None

    def _measure(self) -> Shown:
        if self._mode == "GB":
            value = self._bond.read(self._world.earth_bond_ohm() * 1000.0)
            if self._switches["MANU:GB:ZER"]:  # takes what it sees for the leads
                self._settings["MANU:GB:REF"] = min(value, GB_RANGE_MOHM)
            value = max(0.0, value - self._settings["MANU:GB:REF"])
            good = self._settings["MANU:GB:RLOS"] <= value <= self._settings["MANU:GB:RHIS"]
            applied = self._settings["MANU:GB:CURR"]
        else:
            truth = self._world.insulation_mohm()
            value = max(0.0, self._insulation.read(truth) - self._settings["MANU:IR:REF"])
            value = 2.0 * value if self._switches["MANU:UTIL:MAXH"] else value
            good = self._settings["MANU:IR:RLOS"] <= value
            applied = min(self._settings["MANU:IR:VOLT"] * 1000.0, IR_SHORT_A * truth * 1e6)
        elapsed_s = self._settings[f"MANU:{self._mode}:TTIM"]
        return Shown("PASS" if good else "FAIL", applied, value, elapsed_s)

    def _display(self) -> str:
        if self._testing:
            applied = f"{self._output:05.2f}A" if self._mode == "GB" else f"{self._output / 1000.0:.3f}kV"
            return f">{self._mode}, TEST , {applied} ,----- ohm ,R=000.1S"
        shown = self._last
        if self._mode == "GB":
            applied, result = f"{shown.applied:05.2f}A", _digits(shown.value, GB_RANGE_MOHM) + "mohm"
        else:
            applied, result = f"{shown.applied / 1000.0:.3f}kV", _digits(shown.value, IR_RANGE_MOHM) + "M ohm"
        return f">{self._mode}, {shown.status} , {applied} ,{result} ,T={shown.elapsed_s:05.1f}S"


def _digits(value: float, largest: float) -> str:
    """Four digits, as the display has; `>` where the result lies beyond the range."""
    if value > largest:
        return f">{largest:.4g}"
    places = 3 if value < 10 else 2 if value < 100 else 1 if value < 1000 else 0
    return f"{max(0.0, value):.{places}f}"
