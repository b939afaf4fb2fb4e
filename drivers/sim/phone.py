"""A simulated phone: battery, charger chip, port and what its board takes, as the bench's DC supply meets it.

Physical parameters, never results: volts and amps at the plug and at the battery follow from them. The charger chip is
a step-down converter that takes what the battery asks (constant current, then constant voltage) within its input limit,
and less where its own input would sag under `input_min_v`, which is how a bad port makes a phone charge slowly. The
battery's charge moves with the wall's clock and not `speed` times as fast: a demo waits for people and wires, and a
battery that filled up meanwhile would be judged for the bench's haste.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from drivers.sim.audio_path import Drive
from drivers.sim.device import Device
from drivers.sim.dut_file import Bounds
from drivers.sim.mains import Supply
from drivers.sim.thermal import Lag
from drivers.sim.world import FeedReading

LEAD_OHM = 0.1
"""From the supply to the plug of the charger's lead, where the meter looks."""
SUPPLY_A_MAX = 3.0
SUPPLY_OWN_W, SUPPLY_EFFICIENCY = 3.0, 0.85
RAMP_S = 1.0
_CHARGE_PERCENT = (-5.0, 0.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0)
_OPEN_V = (1.5, 3.0, 3.55, 3.66, 3.73, 3.77, 3.80, 3.85, 3.93, 4.02, 4.12, 4.24, 4.36)
"""Open-circuit volts of a lithium-ion cell for 4.4 V; below 0 % it is deeply discharged."""
_WAKES_V = 3.0


@dataclass(frozen=True, slots=True)
class PhoneDut:
    """The keys of a phone's DUT file, in their units; the defaults are a sound phone."""

    BOUNDS: ClassVar[Bounds] = {
        "supply_v": (0.0, 48.0), "port_ohm": (0.0, 1e9), "port_leak_ohm": (0.1, 1e9), "input_a": (0.0, 10.0),
        "input_min_v": (0.0, 48.0), "charge_a": (0.0, 10.0), "cutoff_v": (2.0, 10.0), "efficiency": (0.1, 1.0),
        "capacity_ah": (0.05, 100.0), "charge_percent": (-5.0, 100.0), "battery_ohm": (0.001, 100.0),
        "idle_ma": (0.0, 5000.0), "awake_ma": (0.0, 5000.0), "leak_ma": (0.0, 5000.0), "ambient_degc": (-50.0, 80.0),
    }  # fmt: skip
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    product: str = "example-s-5"
    maker: str = "Example"
    model: str = "S-5"
    supply_v: float = 5.0
    """What the bench's supply is set to for it."""
    port_ohm: float = 0.03
    port_leak_ohm: float = 1e9
    """Between the pins of the port."""
    input_a: float = 1.6
    input_min_v: float = 4.5
    charge_a: float = 1.5
    """Constant current into the battery."""
    cutoff_v: float = 4.4
    efficiency: float = 0.9
    capacity_ah: float = 4.0
    charge_percent: float = 55.0
    battery_ohm: float = 0.11
    idle_ma: float = 6.0
    """Of the board in flight mode, the screen dark."""
    awake_ma: float = 180.0
    leak_ma: float = 0.0
    """Beside either, through a part that leaks."""
    ambient_degc: float = 24.0
    wrong: tuple[str, ...] = ()
    """Items of guided checks that a person finds wrong."""


class PhoneDevice(Device):
    """See `Device`."""

    file: PhoneDut

    def __init__(self, dut: PhoneDut, speed: float) -> None:
        super().__init__(dut, Supply(inrush_a=4.0))
        self._speed = speed
        self._charge_ah = dut.capacity_ah * dut.charge_percent / 100.0
        self._flight = False
        self._ramp = Lag()
        self._powered = False

    def step(self, dt_s: float, powered: bool, drive: Drive, *, waiting: bool) -> float:
        self._powered = powered
        self._ramp.step(dt_s, 1.0 if powered else 0.0, RAMP_S)
        now = self.feed()
        self.supply.step(dt_s, SUPPLY_OWN_W + now.main_v * now.main_a / SUPPLY_EFFICIENCY if powered else 0.0)
        went_ah = now.battery_a * (dt_s / self._speed if waiting else dt_s) / 3600.0
        self._charge_ah = min(self.file.capacity_ah, self._charge_ah - went_ah)
        return 0.0

    def act(self, words: str) -> bool:
        """`flight 0|1`: in flight mode and dark, or awake and on the network."""
        match words.split():
            case ["flight", "0" | "1" as on]:
                self._flight = on == "1"
            case _:
                return False
        return True

    # ---- what instruments see --------------------------------------------------------------------------------
    def feed(self) -> FeedReading:
        dut, open_v = self.file, self._open_v()
        board_w = self._board_ma() / 1000.0 * open_v
        if not self._powered:
            amps = board_w / open_v if open_v > 0.0 else 0.0
            return FeedReading(0.0, 0.0, open_v - amps * dut.battery_ohm, amps)
        leak_a = min(SUPPLY_A_MAX, dut.supply_v / (LEAD_OHM + dut.port_leak_ohm))
        input_a = self._input_a(open_v, board_w, SUPPLY_A_MAX - leak_a)
        main_v = min(dut.supply_v - LEAD_OHM * (input_a + leak_a), leak_a * dut.port_leak_ohm)
        got_w = dut.efficiency * (dut.supply_v - input_a * (LEAD_OHM + dut.port_ohm)) * input_a - board_w
        battery_a = -self._amps_of(got_w, open_v)
        return FeedReading(main_v, input_a + leak_a, open_v - battery_a * dut.battery_ohm, battery_a)

    def _open_v(self) -> float:
        percent = 100.0 * self._charge_ah / self.file.capacity_ah
        return float(np.interp(percent, _CHARGE_PERCENT, _OPEN_V))

    def _board_ma(self) -> float:
        """Of a battery that is nearly empty the phone takes nothing but what leaks."""
        dut = self.file
        on_ma = 0.0 if self._open_v() < _WAKES_V else dut.idle_ma if self._flight else dut.awake_ma
        return on_ma + dut.leak_ma

    def _input_a(self, open_v: float, board_w: float, supply_a: float) -> float:
        """Into the charger chip: what the battery asks, or as much as input limit, port and supply let through."""
        dut, ohm = self.file, LEAD_OHM + self.file.port_ohm
        asked_a = max(0.0, min(dut.charge_a, (dut.cutoff_v - open_v) / dut.battery_ohm)) * self._ramp.value
        asked_w = (asked_a * (open_v + asked_a * dut.battery_ohm) + board_w) / dut.efficiency
        most_a = max(0.0, min(dut.input_a, (dut.supply_v - dut.input_min_v) / ohm, supply_a))
        root = dut.supply_v**2 - 4.0 * ohm * asked_w
        return min(most_a, (dut.supply_v - math.sqrt(root)) / (2.0 * ohm)) if root > 0.0 else most_a

    def _amps_of(self, watts: float, open_v: float) -> float:
        """Into the battery at this power; out of it where that is negative."""
        ohm = self.file.battery_ohm
        if watts < 0.0:
            return watts / max(open_v, 0.1)
        return (math.sqrt(open_v**2 + 4.0 * ohm * watts) - open_v) / (2.0 * ohm)
