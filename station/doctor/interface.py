"""Whether the audio interface is good enough for the distortion limits of this bench: its loopback against each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from station.doctor.around import Point
from station.metrology.loopback import distortion_limits, own_thd_db, too_poor
from station.settings.calibrations import AUDIO

if TYPE_CHECKING:
    from station.settings.tree import Tree

LOOK = "station calibrate audio --loopback"


def interface_of(tree: Tree) -> Point:
    """What its own loopback showed, or what station.toml claims of it where nobody has looked."""
    own: Any = tree.station.audio.settings
    calibration = tree.station.calibrations.get(AUDIO)
    loopback = None if calibration is None else calibration.current.loopback
    thd_db = own_thd_db(own.own_thd_db, loopback)
    if loopback is None or calibration is None:
        words = f"own THD {thd_db:g} dB as station.toml claims; its loopback is not on record ({LOOK})"
    else:
        words = f"own THD {thd_db:.1f} dB, noise {loopback.noise_db:.1f} dB, by its loopback and station.toml"
    poor = too_poor(thd_db, distortion_limits(tree.products))
    if not poor:
        return Point("interface", True, words)
    return Point("interface", False, poor[0], f"take a better interface, or look at its level and cables: {LOOK}")
