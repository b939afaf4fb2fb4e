"""What lamps and buzzer say: one table by session state, one by event, one of buzzer patterns.

Red and green are for voltage and belong to the guard; the lamps here are blue (your turn), white (PASS),
yellow (FAIL) and violet (the station). Never colour alone: each state differs in rhythm or sound as well.
A trip's violet lamp blinks a two-digit number (`station.safety.lamp_codes`): tens long, units short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.ports import Lamp, LampState
from station.domain.session_state import State


@dataclass(frozen=True, slots=True)
class Pattern:
    """Lamps that are on or blink (seconds a period); all others are dark. `buzzer` sounds on entering the state."""

    lamps: Mapping[Lamp, LampState]
    buzzer: str = ""

    def full(self) -> dict[Lamp, LampState]:
        """Every lamp of the panel with its state."""
        return {lamp: self.lamps.get(lamp, DARK) for lamp in Lamp}


@dataclass(frozen=True, slots=True)
class Buzzer:
    """Beeps as (seconds on, seconds off)."""

    beeps: tuple[tuple[float, float], ...]
    repeats: bool = False
    meaning: str = ""


DARK = LampState(False)
ON = LampState(True)
SLOW = LampState(True, 2.0)
FAST = LampState(True, 0.5)

PATTERNS: Mapping[State, Pattern] = {
    State.WAITING: Pattern({Lamp.BLUE: SLOW}),
    State.SCAN_MISSING: Pattern({Lamp.BLUE: FAST}),
    State.WRONG_SERIAL: Pattern({Lamp.BLUE: FAST, Lamp.YELLOW: FAST}, "refused"),
    State.READY: Pattern({Lamp.BLUE: ON}, "ready"),
    State.PREPARING: Pattern({}),
    State.ENERGISED: Pattern({}),
    State.PROMPT: Pattern({Lamp.BLUE: FAST, Lamp.WHITE: FAST}, "prompt"),
    State.COOLING: Pattern({Lamp.BLUE: SLOW, Lamp.YELLOW: SLOW}, "hot"),
    State.PASS: Pattern({Lamp.WHITE: ON}, "pass"),
    State.FAIL: Pattern({Lamp.YELLOW: ON}, "fail"),
    State.ABORTED: Pattern({Lamp.YELLOW: SLOW, Lamp.VIOLET: SLOW}, "error"),
    State.ERROR: Pattern({Lamp.VIOLET: ON}, "error"),
    State.TRIPPED: Pattern({Lamp.VIOLET: FAST}, "trip"),
}


def with_code(pattern: Pattern, code: int) -> Pattern:
    """`pattern` with the violet lamp blinking `code`; the pattern itself for 0."""
    if not code:
        return pattern
    return Pattern({**pattern.lamps, Lamp.VIOLET: LampState(True, code=code)}, pattern.buzzer)


IDENTIFY = Pattern(dict.fromkeys(Lamp, FAST), "prompt")
"""Shown for some seconds on the command `identify`."""

BUZZERS: Mapping[str, Buzzer] = {
    "": Buzzer(()),
    "scan": Buzzer(((0.05, 0.0),), meaning="scan taken"),
    "refused": Buzzer(((0.4, 0.1), (0.4, 0.0)), meaning="not accepted; the page says why"),
    "ready": Buzzer(((0.1, 0.0),), meaning="everything is there: press START"),
    "prompt": Buzzer(((0.1, 0.1), (0.1, 0.7)), repeats=True, meaning="answer with OK or NG"),
    "hot": Buzzer(((0.2, 0.2), (0.2, 0.2), (0.2, 0.0)), meaning="hot: do not touch"),
    "pass": Buzzer(((0.1, 0.1), (0.1, 0.1), (0.5, 0.0)), meaning="PASS"),
    "fail": Buzzer(((0.8, 0.0),), meaning="FAIL"),
    "error": Buzzer(((0.2, 0.1), (0.2, 0.1), (0.8, 0.0)), meaning="aborted or station error"),
    "trip": Buzzer(((0.3, 0.3),), repeats=True, meaning="tripped: everything is off; OK or NG silences it"),
    "code": Buzzer((), meaning="the number that the violet lamp blinks, once"),
}

_COLOURS = {Lamp.BLUE: "blue", Lamp.WHITE: "white", Lamp.YELLOW: "yellow", Lamp.VIOLET: "violet"}


def describe(pattern: Pattern) -> str:
    """A pattern's lamps in words, for the docs and the page."""
    words = [_COLOURS[lamp] + _rhythm(state) for lamp, state in pattern.lamps.items() if state.on]
    return ", ".join(words) or "dark"


def _rhythm(state: LampState) -> str:
    if state.code:
        return f" blinking {state.code}"
    if not state.blink_s:
        return ""
    return " blinking fast" if state.blink_s <= FAST.blink_s else " blinking slowly"
