"""What lamps and buzzer say: the one table of it, for panel, page and docs.

Patterns by session state, by what is wanted beside a state (a badge, a trimmer turned), by a moment (a refusal) and by
a standing warning (a printer that is out), which changes no other lamp. Red and green are for voltage and belong to the
guard; the lamps here are blue (your turn), white (PASS), yellow (FAIL) and violet (the station). Never colour alone:
each pattern differs in rhythm or sound as well, and sounds differ in rhythm as well as in pitch.
A trip's violet lamp blinks a two-digit number (`station.safety.lamp_codes`): tens long, units short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.ports import Buzz, Lamp, LampState
from station.domain.guide import Hint
from station.domain.session_state import State

HIGH_HZ, MIDDLE_HZ, LOW_HZ = 1760.0, 1175.0, 587.0
"""Pitches that a small piezo still plays and that nobody confuses; a buzzer with one pitch plays the rhythm alone."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Lamps that are on or blink (seconds a period); all others are dark. `buzzer` sounds when the pattern begins."""

    lamps: Mapping[Lamp, LampState]
    buzzer: str = ""

    def full(self) -> dict[Lamp, LampState]:
        """Every lamp of the panel with its state."""
        return {lamp: self.lamps.get(lamp, DARK) for lamp in Lamp}


@dataclass(frozen=True, slots=True)
class Buzzer:
    """Beeps as (seconds on, seconds off); `hz` where the buzzer has pitches."""

    beeps: tuple[tuple[float, float], ...]
    repeats: bool = False
    meaning: str = ""
    hz: float = MIDDLE_HZ

    @property
    def length_s(self) -> float:
        """Of one time through."""
        return sum(on_s + off_s for on_s, off_s in self.beeps)


DARK = LampState(False)
ON = LampState(True)
SLOW = LampState(True, 2.0)
FAST = LampState(True, 0.5)
FLICKER = LampState(True, 0.2)
WINK = LampState(True, 3.0, lit_s=0.15)
"""A short flash every three seconds: seen by who looks, in nobody's way."""

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

BADGE = Pattern({Lamp.BLUE: FAST, Lamp.WHITE: SLOW}, "badge")
"""Instead of `PATTERNS[State.PROMPT]` where not OK or NG is wanted but a badge."""

GUIDES: Mapping[Hint, Pattern] = {
    "raise": Pattern({Lamp.BLUE: FAST}, "raise"),
    "lower": Pattern({Lamp.YELLOW: SLOW}, "lower"),
    "hold": Pattern({Lamp.BLUE: ON, Lamp.WHITE: SLOW}, "hold"),
    "done": Pattern({Lamp.BLUE: ON, Lamp.WHITE: ON}, "done"),
}
"""Over the state's own pattern while a hand is led."""

MOMENTS: Mapping[str, Pattern] = {
    "scan": Pattern({}, "scan"),
    "refused": Pattern({Lamp.BLUE: FLICKER, Lamp.YELLOW: FLICKER}, "refused"),
}
"""For a moment over everything but a trip; a pattern without lamps leaves them as they are."""
MOMENT_S = 1.0
"""Lamps of a moment are shown for so long at least."""

WARNINGS: Mapping[str, Pattern] = {"printer_out": Pattern({Lamp.VIOLET: WINK}, "printer_out")}
"""Standing beside whatever is shown, on a lamp that this leaves dark; its sound comes once, when it begins."""

IDENTIFY = Pattern(dict.fromkeys(Lamp, FAST), "prompt")
"""Shown for some seconds on the command `identify`."""

BUZZERS: Mapping[str, Buzzer] = {
    "": Buzzer(()),
    "scan": Buzzer(((0.05, 0.0),), meaning="scan taken", hz=HIGH_HZ),
    "refused": Buzzer(((0.4, 0.1), (0.4, 0.0)), meaning="not accepted; the page says why", hz=LOW_HZ),
    "ready": Buzzer(((0.1, 0.0),), meaning="everything is there: press START"),
    "prompt": Buzzer(((0.1, 0.1), (0.1, 0.7)), repeats=True, meaning="answer with OK or NG; START silences it"),
    "badge": Buzzer(
        ((0.1, 0.1), (0.4, 0.1), (0.1, 1.2)), repeats=True, meaning="scan a badge, or NG; START silences it"
    ),
    "hot": Buzzer(((0.2, 0.2), (0.2, 0.2), (0.2, 0.0)), meaning="hot: do not touch"),
    "pass": Buzzer(((0.1, 0.1), (0.1, 0.1), (0.5, 0.0)), meaning="PASS", hz=HIGH_HZ),
    "fail": Buzzer(((0.8, 0.0),), meaning="FAIL", hz=LOW_HZ),
    "error": Buzzer(((0.2, 0.1), (0.2, 0.1), (0.8, 0.0)), meaning="aborted or station error", hz=LOW_HZ),
    "trip": Buzzer(((0.3, 0.3),), repeats=True, meaning="tripped: everything is off; OK or NG silences it"),
    "code": Buzzer((), meaning="the number that the violet lamp blinks, once"),
    "raise": Buzzer(
        ((0.06, 0.08), (0.06, 0.4)), repeats=True, meaning="turn up; START silences the guidance", hz=HIGH_HZ
    ),
    "lower": Buzzer(((0.45, 0.55),), repeats=True, meaning="turn down; START silences the guidance", hz=LOW_HZ),
    "hold": Buzzer(((0.04, 1.96),), repeats=True, meaning="hands off, wait until it has settled"),
    "done": Buzzer(((0.1, 0.1), (0.1, 0.1), (0.1, 0.1), (0.4, 0.0)), meaning="settled", hz=HIGH_HZ),
    "printer_out": Buzzer(((0.2, 0.3), (0.2, 0.0)), meaning="the printer is out; labels wait", hz=LOW_HZ),
}

_COLOURS = {Lamp.BLUE: "blue", Lamp.WHITE: "white", Lamp.YELLOW: "yellow", Lamp.VIOLET: "violet"}


def every_pattern() -> dict[str, Pattern]:
    """The whole table by name, in the order in which docs and page print it."""
    states = {state.value: pattern for state, pattern in PATTERNS.items()}
    guides = {str(hint): pattern for hint, pattern in GUIDES.items()}
    return {**states, "badge": BADGE, **guides, **MOMENTS, **WARNINGS, "identify": IDENTIFY}


def buzz_of(name: str, volume: float = 1.0, code: int = 0) -> Buzz:
    """A named sound as the panel plays it. Raises `ValueError` for a name that is not in the table."""
    if name not in BUZZERS:
        raise ValueError(f"buzzer {name!r}: not in the table; one of {', '.join(filter(None, BUZZERS))}")
    buzzer = BUZZERS[name]
    return Buzz(name, buzzer.beeps, buzzer.repeats, buzzer.hz, volume, code if name == "code" else 0)


def with_code(pattern: Pattern, code: int) -> Pattern:
    """`pattern` with the violet lamp blinking `code`; the pattern itself for 0."""
    if not code:
        return pattern
    return Pattern({**pattern.lamps, Lamp.VIOLET: LampState(True, code=code)}, pattern.buzzer)


def with_warnings(lamps: Mapping[Lamp, LampState], warnings: Mapping[str, Pattern]) -> dict[Lamp, LampState]:
    """`lamps` with each warning's on those that are dark: a warning hides nothing."""
    shown = dict(lamps)
    for warning in warnings.values():
        shown |= {lamp: state for lamp, state in warning.lamps.items() if not shown.get(lamp, DARK).on}
    return shown


def describe(pattern: Pattern) -> str:
    """A pattern's lamps in words, for the docs and the page."""
    words = [_COLOURS[lamp] + _rhythm(state) for lamp, state in pattern.lamps.items() if state.on]
    return ", ".join(words) or "dark"


def rhythm_of(state: LampState) -> str:
    """The name of a lamp's rhythm: "code", "on", "wink", "flicker", "fast" or "slow"."""
    if state.code:
        return "code"
    if not state.blink_s:
        return "on"
    if state.lit_s:
        return "wink"
    if state.blink_s <= FLICKER.blink_s:
        return "flicker"
    return "fast" if state.blink_s <= FAST.blink_s else "slow"


def _rhythm(state: LampState) -> str:
    words = {
        "on": "",
        "wink": " winking",
        "flicker": " flickering",
        "fast": " blinking fast",
        "slow": " blinking slowly",
    }
    return f" blinking {state.code}" if state.code else words[rhythm_of(state)]
