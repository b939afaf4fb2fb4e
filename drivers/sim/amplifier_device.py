"""The amplifier as a device: its heatsink, supply and rails, and the hands that reach into it."""

from __future__ import annotations

from drivers.sim.amplifier import Amplifier
from drivers.sim.audio_path import SILENT, Drive
from drivers.sim.device import Device, Voice
from drivers.sim.dut import Dut
from drivers.sim.hand import SIDES, Hand
from drivers.sim.mains import Supply
from drivers.sim.thermal import Heatsink, Lag
from drivers.sim.world import PROBE_NODES

_SHORT_INRUSH_A = 110.0
_SHORT_W = 900.0
_TRIM_MA_MAX = 10_000.0


class AmplifierDevice(Device):
    """See `Device`."""

    file: Dut

    def __init__(self, dut: Dut, speed: float) -> None:
        shorts = {"none": 0, "left": 1, "right": 1, "both": 2}[dut.output_short]
        super().__init__(dut, Supply(dut.inrush_a + (_SHORT_INRUSH_A if shorts else 0.0)))
        self._speed = speed
        self._short_w = shorts * _SHORT_W
        self.heatsink = Heatsink(dut)
        self.hand = Hand(self.heatsink)
        self._rails = Lag()
        self._case = Lag(dut.ambient_degc)

    def step(self, dt_s: float, powered: bool, drive: Drive, *, waiting: bool) -> float:
        dut = self.file
        asked = drive if powered and not self.heatsink.protection_open and dut.output_short == "none" else SILENT
        drawn_w = sum(rail_v * amps for rail_v, amps in zip(dut.rail_v, asked.mean_abs_a, strict=True))
        load_w = sum(asked.load_w)
        short_w = self._short_w if powered else 0.0
        taken_w = dut.idle_power_w + drawn_w + self.heatsink.bias_drift_w() + short_w if powered else 0.0
        self.supply.step(dt_s, taken_w)
        self._heat(dt_s, drawn_w - load_w + short_w, powered, waiting)
        warm_degc = dut.ambient_degc + 0.9 * (self.heatsink.degc - dut.ambient_degc)
        self._case.step(dt_s, warm_degc, 40.0)
        self._rails.step(dt_s, 1.0 if powered else 0.0, 0.05 if powered else 0.6)
        return load_w

    def _heat(self, dt_s: float, loss_w: float, powered: bool, waiting: bool) -> None:
        """Between plays most wall time is the station's own, on its wires; it does not warm the sink `speed` times.

        Otherwise every run would stand under power for an hour of plant time before its soak. With the bias meter's
        clips on, warming up is what is waited for, so there it does.
        """
        idle = waiting and not self.hand.clips_on and self.heatsink.flow_w(loss_w, powered) > 0.0
        self.heatsink.step(dt_s / self._speed if idle else dt_s, loss_w, powered)

    def turn(self, wall_s: float) -> None:
        self.hand.turn(wall_s)

    def live(self, powered: bool) -> bool:
        return powered and not self.heatsink.protection_open and self.file.output_short == "none"

    def hot_degc(self) -> float:
        return self.heatsink.degc

    def case_degc(self) -> float:
        return self._case.value

    def outputs_v(self) -> tuple[float, float]:
        dut, rails = self.file, self._rails.value
        connected = 0.0 if self.heatsink.protection_open else 1.0
        volts = [offset_mv / 1000.0 * rails * connected for offset_mv in dut.dc_offset_mv]
        for channel, name in enumerate(("left", "right")):
            if dut.output_short in (name, "both"):
                volts[channel] = dut.rail_v[channel] * rails
        return volts[0], volts[1]

    def probe_v(self) -> float:
        return self.hand.probe_v(self.file, self._rails.value, self.outputs_v())

    def bias_mv(self) -> tuple[float, float]:
        return self.hand.clipped_mv(self.file, self._rails.value)

    def voice(self, rate_hz: int, load_ohm: float) -> Voice:
        return Amplifier(self.file, rate_hz, load_ohm)

    @property
    def dropouts(self) -> tuple[tuple[float, float], ...]:
        return self.file.dropouts

    def act(self, words: str) -> bool:
        """`clips 0|1`, `probe NODE` (one of `PROBE_NODES`), `trim left|right DELTA_MA`."""
        match words.split():
            case ["clips", "0" | "1" as on]:
                self.hand.set_clips(on == "1")
            case ["probe", node] if node in PROBE_NODES:
                self.hand.touch(node)
            case ["trim", side, delta] if side in SIDES and (delta_ma := _milliamps(delta)) is not None:
                self.hand.trim(SIDES[SIDES.index(side)], delta_ma)
            case _:
                return False
        return True


def _milliamps(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= _TRIM_MA_MAX else None
