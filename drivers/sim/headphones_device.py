"""Headphones as a device on the house's fixture, and the hands at both.

The fixture (docs/headphones.md) hangs on the DUT outlet: its amplifier plays only with mains on.
"""

from __future__ import annotations

from drivers.sim.audio_path import Drive
from drivers.sim.device import Device, Voice
from drivers.sim.headphones import Headphones
from drivers.sim.headphones_voice import HeadphonesVoice
from drivers.sim.mains import Supply

Cuts = tuple[tuple[float, float], ...]


class HeadphonesDevice(Device):
    """See `Device`. At first the switch is where the last run left it, at COUPLER, and the plug is in."""

    FIXTURE_W = 4.0
    file: Headphones

    def __init__(self, dut: Headphones, speed: float) -> None:
        super().__init__(dut, Supply(inrush_a=2.0))
        self.at_coupler = True
        self.plugged = True
        self.flexed = False

    def step(self, dt_s: float, powered: bool, drive: Drive, *, waiting: bool) -> float:
        self.supply.step(dt_s, self.FIXTURE_W if powered else 0.0)
        return 0.0

    def voice(self, rate_hz: int, load_ohm: float) -> Voice:
        return HeadphonesVoice(self.file, rate_hz, lambda: (self.at_coupler, self.plugged))

    @property
    def side_dropouts(self) -> tuple[Cuts, Cuts]:
        """A broken lead parts only while the cable is moved."""
        cuts: Cuts = self.file.dropouts if self.flexed else ()
        left, right = (cuts if self.file.broken in (side, "both") else () for side in ("left", "right"))
        return left, right

    def act(self, words: str) -> bool:
        """`fixture empty|plug|coupler|flex`: switch at IMPEDANCE and plug out; plug in; on the coupler; cable moved."""
        match words.split():
            case ["fixture", "empty"]:
                self.at_coupler = self.plugged = False
            case ["fixture", "plug"]:
                self.plugged = True
            case ["fixture", "coupler"]:
                self.at_coupler = self.plugged = True
            case ["fixture", "flex"]:
                pass
            case _:
                return False
        self.flexed = words.split()[1] == "flex"
        return True
