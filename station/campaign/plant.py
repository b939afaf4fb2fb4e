"""What is physically there: contactor, plug, DUT, load bank. Straight lines and steps, exact on any machine.

Two contactors in series break L and N; either can weld, both can drop out. What is on the plug decays once it is off,
fast through the bleed resistor. The heatsink and the load bank warm while they work. No control lives here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from station.campaign.virtual import US

CLOSE_US, OPEN_US = 15_000, 12_000
"""A contactor of this size: 10 to 25 ms to close, less to open."""
MAINS_V, PEAK_V, TEST_V = 230.0, 325.0, 500.0
BLEED_V_S, SELF_V_S = 300.0, 15.0
"""Fall of the plug's voltage with the bleed resistor across it, and of the DUT's own doing."""
IDLE_W, DRIVEN_W, SHORT_W = 38.0, 300.0, 2500.0
INRUSH_A = 14.0
AMBIENT_DEGC = 25.0
FAN_RPM = 1500.0
FAN_RUN_UP_US = 400_000


@dataclass(slots=True)
class Ramp:
    """A value that moves towards `goal` at `rate` a second, and has been at `value` at `since_us`."""

    value: float
    since_us: int = 0
    rate: float = 0.0
    goal: float = 0.0

    def at(self, now_us: int) -> float:
        """The value at `now_us`."""
        step = self.rate * (now_us - self.since_us) / US
        if self.goal > self.value:
            return min(self.goal, self.value + step)
        return max(self.goal, self.value - step)

    def steer(self, now_us: int, rate: float, goal: float) -> None:
        """From now on towards `goal`."""
        if rate != self.rate or goal != self.goal:
            self.value, self.since_us, self.rate, self.goal = self.at(now_us), now_us, rate, goal

    def jump(self, now_us: int, value: float) -> None:
        """Be at `value` at once."""
        self.value, self.since_us = value, now_us

    def crosses_us(self, level: float, now_us: int) -> int | None:
        """When it passes `level`, if it will."""
        value = self.at(now_us)
        if self.rate <= 0.0 or value == self.goal or not min(value, self.goal) <= level <= max(value, self.goal):
            return None
        return now_us + int(abs(level - value) / self.rate * US) + 1


@dataclass(slots=True)
class Dut:
    """The device on the bench. `plugged` and `on` False: it is not there, or its switch is off."""

    plugged: bool = True
    on: bool = True
    insulation_mohm: float = 80.0
    bond_ohm: float = 0.06
    touch_ma: float = 0.12
    inrush_a: float = INRUSH_A
    idle_w: float = IDLE_W
    dc_v: float = 0.008
    minus_v: float = 0.0
    """Of a bridged output: volts of all its terminals to chassis."""
    dead_left: bool = False
    heat_k_s: float = 0.05
    settles_degc: float = 61.0

    @property
    def good(self) -> bool:
        """Whether a PASS is deserved."""
        return self == Dut()


@dataclass(slots=True)
class Plant:
    """`closed` are the main contacts of both contactors; `relays` the true positions by role."""

    dut: Dut
    relays: dict[str, bool]
    pace: float = 1.0
    """What is warm or cool runs as much faster as test time does."""
    closed: list[bool] = field(default_factory=lambda: [False, False])
    welded: list[bool] = field(default_factory=lambda: [False, False])
    dropped: bool = False
    supply: bool = True
    """Mains of the building."""
    testing: bool = False
    """The insulation tester drives its voltage."""
    joined: bool = False
    """What is on the plug is the tester's, on L and N alike."""
    playing_v: float = 0.0
    peak_a: float = 0.0
    plug_v: Ramp = field(default_factory=lambda: Ramp(0.0))
    heatsink: Ramp = field(default_factory=lambda: Ramp(AMBIENT_DEGC, goal=AMBIENT_DEGC))
    load_bank: Ramp = field(default_factory=lambda: Ramp(AMBIENT_DEGC, goal=AMBIENT_DEGC))
    fan_since_us: int | None = None
    fan_broken: bool = False
    dc_fault_v: float = 0.0
    shorted: bool = False

    @property
    def live(self) -> bool:
        """Mains on the plug."""
        return self.supply and self.closed[0] and self.closed[1]

    @property
    def powered(self) -> bool:
        """The DUT works."""
        return self.live and self.dut.plugged and self.dut.on

    def settle(self, now_us: int) -> None:
        """Bring everything that follows from the present switches to `now_us`; call after each change."""
        if self.live or self.testing:
            self.plug_v.steer(now_us, 0.0, PEAK_V if self.live else TEST_V)
            self.plug_v.jump(now_us, PEAK_V if self.live else TEST_V)
            self.joined = not self.live
        else:
            self.plug_v.steer(now_us, BLEED_V_S if self.relays["bleed"] or self.relays["tester"] else SELF_V_S, 0.0)
        driven = self.powered and self.playing_v > 1.0
        dut = self.dut
        if driven and (self.relays["load_left"] or self.relays["load_right"]):
            self.heatsink.steer(now_us, self.pace * dut.heat_k_s, dut.settles_degc)
            self.load_bank.steer(now_us, self.pace * 0.2, 75.0 if self.fan_turns else 140.0)
        else:
            self.heatsink.steer(now_us, self.pace * 0.05, AMBIENT_DEGC)
            self.load_bank.steer(now_us, self.pace * (1.0 if self.fan_turns else 0.02), AMBIENT_DEGC)
        if not self.relays["fan"] or self.fan_broken:
            self.fan_since_us = None
        elif self.fan_since_us is None:
            self.fan_since_us = now_us

    @property
    def fan_turns(self) -> bool:
        """The fan is supplied and whole."""
        return self.relays["fan"] and not self.fan_broken

    def rpm(self, now_us: int) -> float:
        """The fan's speed."""
        if self.fan_since_us is None or now_us - self.fan_since_us < FAN_RUN_UP_US:
            return 0.0
        return FAN_RPM

    def power_w(self) -> float:
        """What the DUT takes from the mains."""
        if not self.powered:
            return 0.0
        if self.shorted:
            return SHORT_W
        return DRIVEN_W if self.playing_v > 1.0 else self.dut.idle_w

    def terminals(self) -> dict[str, float]:
        """Volts of the speaker terminals to chassis."""
        if not self.powered:
            return dict.fromkeys(("left_plus_v", "left_minus_v", "right_plus_v", "right_minus_v"), 0.0)
        minus, right = self.dut.minus_v, self.dut.minus_v + self.dut.dc_v
        left = minus + (self.dc_fault_v or self.dut.dc_v)
        return {"left_plus_v": left, "left_minus_v": minus, "right_plus_v": right, "right_minus_v": minus}

    def plug(self, now_us: int) -> dict[str, float]:
        """Volts between the plug's pins: mains, the test voltage (both poles to earth), or what is left of either."""
        if self.live:
            return {"l_n_v": MAINS_V, "l_pe_v": MAINS_V, "n_pe_v": 0.5}
        left_v = self.plug_v.at(now_us)
        if self.joined:
            return {"l_n_v": 0.0, "l_pe_v": left_v, "n_pe_v": left_v}
        return {"l_n_v": left_v, "l_pe_v": left_v, "n_pe_v": 0.0}

    def plug_volts(self, now_us: int) -> float:
        """The most between any two pins of the plug."""
        return max(self.plug(now_us).values())
