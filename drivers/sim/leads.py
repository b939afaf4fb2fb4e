"""The leads between bench and DUT, and what can be wrong with them: crossed, missing, shorted.

    interface out -- source lead -- [DUT] -- speaker lead --+-- relay -- load
                                                            +-- relay -- capture lead -- interface in
                                                            +-- DC meter

Channels are the bench's. An open source lead lets the DUT's input pick up hum; a short is a bridge at the bench's end,
so that the DUT drives the lead alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

Lead = Literal["joined", "open", "short"]
Place = Literal["source", "speaker", "capture", "load"]
Pair = tuple[Lead, Lead]
SIDES = ("left", "right")
PLACES: tuple[Place, ...] = ("source", "speaker", "capture", "load")
LEAD_OHM, BRIDGE_OHM = 0.05, 0.01
"""Of a speaker lead's two wires, and of what shorts it."""
PICKUP_V = 0.0005
"""Hum at an input that nothing is joined to, V rms: a lead's length in a workshop, into some ten kilohm."""

T = TypeVar("T")
_JOINED: Pair = ("joined", "joined")


@dataclass(frozen=True, slots=True)
class Leads:
    """Every lead by channel (index 0 left, 1 right), and which pairs are exchanged."""

    source: Pair = _JOINED
    speaker: Pair = _JOINED
    capture: Pair = _JOINED
    load: Pair = _JOINED
    sources_crossed: bool = False
    speakers_crossed: bool = False
    looped: bool = False
    """The interface's outputs on its own inputs by a cable, at its sockets: nothing of it reaches DUT or relays."""

    def loaded(self, loads: tuple[bool, bool]) -> tuple[bool, bool]:
        """Whether current flows from each output of the DUT, by its own channels; `loads` are the bench's relays."""
        return self._of_dut([on and self.speaker[c] != "open" and self.load[c] != "open" for c, on in enumerate(loads)])

    def shorted(self, loads: tuple[bool, bool]) -> tuple[bool, bool]:
        """Whether each output of the DUT looks into a lead alone."""
        return self._of_dut(
            [
                self.speaker[c] == "short" or (on and self.speaker[c] == "joined" and self.load[c] == "short")
                for c, on in enumerate(loads)
            ]
        )

    def hum_v(self) -> tuple[float, float]:
        """Hum at each input of the DUT, by its own channels, V rms."""
        volts = [PICKUP_V if lead == "open" else 0.0 for lead in self.source]
        return (volts[1], volts[0]) if self.sources_crossed else (volts[0], volts[1])

    def heard(self, channel: int) -> bool:
        """Whether the interface hears this channel of the bench at all."""
        return self.capture[channel] == "joined" and self.speaker[channel] != "open"

    def _of_dut(self, of_bench: list[T]) -> tuple[T, T]:
        left, right = of_bench
        return (right, left) if self.speakers_crossed else (left, right)


STRAIGHT = Leads()
NAMES: dict[str, Leads] = {
    "straight": STRAIGHT,
    "swapped": Leads(sources_crossed=True),
    "speakers-swapped": Leads(speakers_crossed=True),
    "loopback": Leads(looped=True),
}
SHORT_FOR = {"left-open": "speaker-open-left", "right-open": "speaker-open-right"}
FAULTS = tuple(
    f"{place}-{fault}-{side}"
    for place in PLACES
    for fault in ("open", "short")
    for side in SIDES
    if (place, fault) != ("capture", "short")
)


def leads_of(words: str) -> Leads:
    """`straight`, `swapped`, `source-short-left speaker-open-right` …: all of them together. Raises `ValueError`."""
    leads = STRAIGHT
    for word in (SHORT_FOR.get(word, word) for word in words.split() or ["?"]):
        if word in NAMES:
            leads = _both(leads, NAMES[word])
        elif word in FAULTS:
            place, fault, side = word.split("-")
            pair = list(getattr(leads, place))
            pair[SIDES.index(side)] = fault
            changed: dict[str, Any] = {place: tuple(pair)}
            leads = replace(leads, **changed)
        else:
            raise ValueError(f"{word}: no leads; take {', '.join((*NAMES, *SHORT_FOR, *FAULTS))}")
    return leads


def _both(leads: Leads, more: Leads) -> Leads:
    """What `more` has wrong put over what `leads` have."""
    changed: dict[str, Any] = {name: getattr(more, name) for name in Leads.__slots__}
    return replace(leads, **{name: value for name, value in changed.items() if value != getattr(STRAIGHT, name)})
