"""What the guarded ports and the kernel refuse with.

    StepError                   a step could not measure: the step is an ERROR
    +-- TerminalsLive           a speaker terminal is above 1 V to chassis: load and capture stay open
    |   +-- OutputBridged       ... and it is a minus terminal, so the output is bridged
    +-- ClipsOn                 the bias meter's clips are still on: no drive
    +-- PlugLive                the plug is not proven dead: no test voltage, no unlocking
    +-- LidOpen                 the lid is open: nothing is switched on, and nothing waits for it to shut
    +-- Misrouted               asked for relays that do not go together now
    StationError
    +-- PlugUnseen              mains is on and the discharge voltmeter does not see it: it proves nothing dead
    +-- LidHeld                 the lid stays locked
    +-- NotReady                an interlock refuses to let a run begin

A lost permit is `PermitDenied` (drivers.errors), which no step catches.
"""

from __future__ import annotations

from station.domain.errors import StationError, StepError


class TerminalsLive(StepError):
    """A speaker terminal reads more than 1 V to chassis. `volts` has all four by name."""

    def __init__(self, message: str, volts: dict[str, float]) -> None:
        super().__init__(message)
        self.volts = volts


class OutputBridged(TerminalsLive):
    """A minus terminal is not near chassis: the output is bridged and is refused."""


class ClipsOn(StepError):
    """The bias meter reads something where nobody adjusts: its clips are still on the device."""


class PlugLive(StepError):
    """The plug is not proven dead within the time allowed."""


class LidOpen(StepError):
    """Voltage was asked for while the lid is open: refused, because shutting a lid must never switch anything on."""


class Misrouted(StepError):
    """A relay was asked for that does not go with what is in circuit now, or does not exist on this bench."""


class PlugUnseen(StationError):
    """Mains is on and a pair of the plug reads nothing: the voltmeter, its wires or the contactor."""


class LidHeld(StationError):
    """The lid stays locked, and why."""


class NotReady(StationError):
    """A run is not begun, and why."""
