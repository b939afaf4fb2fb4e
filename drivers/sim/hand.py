"""The technician's hand inside the simulated DUT: clips on the emitter resistors, the probe's tip, the bias trimmers.

A trimmer goes where it is told as a hand turns it, in small steps of wall time (a person is slow at any speed of the
simulation), and moves the bias at 25 degC; what temperature adds is the heatsink's (`thermal.py`).
"""

from __future__ import annotations

from typing import Literal

from drivers.sim.dut import Dut
from drivers.sim.thermal import Heatsink
from drivers.sim.world import PROBE_NODES

Side = Literal["left", "right"]
SIDES: tuple[Side, ...] = ("left", "right")
EMITTER_OHM = 0.22
"""Of the A-100; no key of a DUT file."""
TURN_MA_S = 60.0
"""How fast a hand turns, in mA a second of wall time."""
STEP_MA = 0.5
"""The smallest move of a finger on a trimmer."""
SHORTED_MV = 2000.0
"""Across the emitter resistor of a shorted output stage, until a fuse ends it."""


class Hand:
    """Clips off and the probe in its holder at first, trimmers as the DUT came. Not thread-safe: the plant locks."""

    def __init__(self, heatsink: Heatsink) -> None:
        self._heatsink = heatsink
        self.clips_on = False
        self._node = "none"
        self._goal_ma = [0.0, 0.0]
        self._at_wall_s: float | None = None

    def set_clips(self, on: bool) -> None:
        """Put the bias meter's clips on the emitter resistors of both channels, or take them off."""
        self.clips_on = on

    def touch(self, node: str) -> None:
        """Rest the probe's tip on a node. Raises `ValueError` for one that is not there."""
        if node not in PROBE_NODES:
            raise ValueError(f"{node}: no node for the probe; take one of {', '.join(PROBE_NODES)}")
        self._node = node

    def trim(self, side: Side, delta_ma: float) -> None:
        """Begin to turn a trimmer so that this much is added to the bias at 25 degC."""
        self._goal_ma[SIDES.index(side)] += delta_ma

    def turn(self, wall_s: float) -> None:
        """Let the fingers do what they can up to this wall time."""
        moved_ma = self._heatsink.trim_ma
        if self._at_wall_s is None or moved_ma == self._goal_ma:
            self._at_wall_s = wall_s
            return
        steps = int((wall_s - self._at_wall_s) * TURN_MA_S / STEP_MA)
        self._at_wall_s += steps * STEP_MA / TURN_MA_S
        for channel, goal_ma in enumerate(self._goal_ma):
            left_ma = goal_ma - moved_ma[channel]
            moved_ma[channel] += max(-steps * STEP_MA, min(steps * STEP_MA, left_ma))

    def emitter_mv(self, dut: Dut, rails: float) -> tuple[float, float]:
        """Across one emitter resistor of each channel; `rails` is how far the rails are up, 0 to 1."""
        volts = []
        for side, ma in zip(SIDES, self._heatsink.bias_ma(), strict=True):
            shorted = dut.output_short in (side, "both")
            volts.append(rails * (SHORTED_MV if shorted else ma * EMITTER_OHM))
        return volts[0], volts[1]

    def clipped_mv(self, dut: Dut, rails: float) -> tuple[float, float]:
        """What the bias meter sees: 0 while its clips are off."""
        return self.emitter_mv(dut, rails) if self.clips_on else (0.0, 0.0)

    def probe_v(self, dut: Dut, rails: float, outputs_v: tuple[float, float]) -> float:
        """What the probe's tip sees: a rail less its sag under the bias, an emitter resistor, an output."""
        what, _, side = self._node.rpartition("_")
        if not what:
            return 0.0
        channel = SIDES.index("left" if side == "left" else "right")
        if what == "output":
            return outputs_v[channel]
        if what == "emitter":
            return self.emitter_mv(dut, rails)[channel] / 1000.0
        sag_v = dut.rail_ohm * self._heatsink.bias_ma()[channel] / 1000.0
        volts = rails * max(0.0, dut.rail_v[channel] - sag_v)
        return volts if what == "rail_plus" else -volts
