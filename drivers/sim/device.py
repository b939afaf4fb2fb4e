"""What is inside a simulated DUT: physics between its plug, its sockets, its case and a person's hands.

The plant owns the bench (contactor, relays, leads, load bank, clock) and steps one device under its lock; a family's
device is a class of its own beside this one. Everything here is what a box without anything in it does.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.sim.audio_path import Drive, Output
from drivers.sim.mains import Supply
from drivers.sim.world import OPEN_CIRCUIT, FeedReading

Values = NDArray[np.float64]
NO_FEED = FeedReading(0.0, 0.0, 0.0, 0.0)


class DutFile(Protocol):
    """The keys that every simulated DUT's file has."""

    @property
    def product(self) -> str: ...
    @property
    def ambient_degc(self) -> float: ...


class Voice(Protocol):
    """The device as the audio interface meets it: source volts (n, 2) at its input, volts at its terminals out."""

    noise_v: Values
    """Sigma of white noise at the terminals, by channel, shape (2,)."""
    hum_v: Values
    """Rms of a 100 Hz line there, shape (2,)."""

    def gain(self, frequency_hz: Values) -> NDArray[np.complex128]:
        """Open-circuit gain at each of k frequencies, shape (2, k)."""

    def burst(self, source_v: Values, loads: tuple[bool, bool], shorts: tuple[bool, bool] = (False, False)) -> Output:
        """The answer to a bounded play that begins and ends in silence."""

    def steady(self, source_v: Values, loads: tuple[bool, bool], shorts: tuple[bool, bool] = (False, False)) -> Output:
        """The settled answer to one period that repeats for ever."""


class Mute:
    """A device that no sound goes through."""

    noise_v: Values = np.zeros(2)
    hum_v: Values = np.zeros(2)

    def gain(self, frequency_hz: Values) -> NDArray[np.complex128]:
        return np.zeros((2, len(frequency_hz)), dtype=np.complex128)

    def burst(self, source_v: Values, loads: tuple[bool, bool], shorts: tuple[bool, bool] = (False, False)) -> Output:
        return Output(np.zeros_like(source_v))

    steady = burst


class Device:
    """A box with a plug. `powered`: mains is at its plug; or, where the outlet feeds the bench's supply, at that."""

    def __init__(self, dut: DutFile, supply: Supply | None = None) -> None:
        self.file: Any = dut
        self.ambient_degc = dut.ambient_degc
        self.supply = supply if supply is not None else Supply(inrush_a=1.0)

    # ---- physics -------------------------------------------------------------------------------------------
    def step(self, dt_s: float, powered: bool, drive: Drive, *, waiting: bool) -> float:
        """Let `dt_s` pass; the power that goes into the bench's loads, W.

        `waiting`: no stream holds the clock, so most of this time is the station's own (see `Plant`).
        """
        self.supply.step(dt_s, 0.0)
        return 0.0

    def turn(self, wall_s: float) -> None:
        """Let a person's fingers do what they can up to this wall time."""

    def live(self, powered: bool) -> bool:
        """Whether what it plays reaches its terminals."""
        return powered

    # ---- electrical safety, as its file says (a device of class III has nothing to test) --------------------
    def insulation_mohm(self) -> float:
        return float(getattr(self.file, "insulation_mohm", OPEN_CIRCUIT))

    def earth_bond_ohm(self) -> float:
        earthed = getattr(self.file, "protection_class", "III") == "I"
        return float(self.file.earth_bond_ohm) if earthed else OPEN_CIRCUIT

    def touch_current_ma(self) -> float:
        return float(getattr(self.file, "touch_current_ma", 0.0))

    # ---- what instruments see --------------------------------------------------------------------------------
    def hot_degc(self) -> float:
        """Under the bench's thermocouple: a heatsink, or the hottest place that a hand may touch."""
        return self.ambient_degc

    def case_degc(self) -> float:
        """What the infrared thermometer looks at."""
        return self.ambient_degc

    def outputs_v(self) -> tuple[float, float]:
        """DC at its own outputs, left and right."""
        return 0.0, 0.0

    def probe_v(self) -> float:
        """DC volts at the node that the probe's tip touches; 0 in its holder."""
        return 0.0

    def bias_mv(self) -> tuple[float, float]:
        """Under the bias meter's clips; 0 while they are off."""
        return 0.0, 0.0

    def feed(self) -> FeedReading:
        """In the leads of the bench's DC supply and of the battery adapter."""
        return NO_FEED

    def voice(self, rate_hz: int, load_ohm: float) -> Voice:
        """It as the audio interface meets it."""
        return Mute()

    @property
    def dropouts(self) -> tuple[tuple[float, float], ...]:
        """(at_s, for_s): when both channels fall silent in a continuous stream."""
        return ()

    @property
    def side_dropouts(self) -> tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]:
        """The same of left alone and of right alone."""
        return (), ()

    # ---- what a person does ----------------------------------------------------------------------------------
    def act(self, words: str) -> bool:
        """Do what a hand does (`probe rail_5v`, `fixture coupler`); False where this device has no such thing."""
        return False
