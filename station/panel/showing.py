"""What the panel shows now, put together of the table: state, guidance, a moment, warnings, what was silenced. Pure.

From below: the state's pattern (or the one that stands for no state); a guide's over it, in a run; a moment's over
those, for as long as it lasts; warnings on lamps that all this leaves dark. A trip is never covered. What repeats goes
on after a moment; what was silenced stays silent until something else repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from drivers.ports import Buzz, Lamp, LampState
from station.domain.guide import Guide, Hint
from station.domain.measurement import Channel
from station.domain.panel_sounds import ALWAYS, LEAST_VOLUME
from station.domain.session_state import State
from station.panel.patterns import (
    BADGE,
    BUZZERS,
    GUIDES,
    MOMENT_S,
    MOMENTS,
    PATTERNS,
    WARNINGS,
    Pattern,
    buzz_of,
    with_code,
    with_warnings,
)

GUIDED = frozenset({State.PREPARING, State.ENERGISED})
FIRST_GUIDED: tuple[Hint, ...] = ("lower", "raise", "hold", "done")
"""Where channels are told different things, this one is shown: down before up, turning before waiting."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How loud the buzzer is (0 to 1) and which comfort sounds are mute; see `station.domain.panel_sounds`."""

    volume: float = 1.0
    mute: frozenset[str] = frozenset()

    def buzz(self, name: str, code: int = 0) -> Buzz:
        """A sound of the table as this bench plays it."""
        if name in ALWAYS:
            return buzz_of(name, max(self.volume, LEAST_VOLUME), code)
        return buzz_of("" if name in self.mute or self.volume <= 0.0 else name, self.volume, code)


@dataclass(frozen=True, slots=True)
class Shown:
    """Every lamp, and a sound from its beginning; `number` is another one whenever it must be shown anew."""

    number: int
    lamps: Mapping[Lamp, LampState]
    buzz: Buzz


@dataclass(slots=True)
class Showing:
    """The memory of what is wanted. Sounds begin when what they belong to does."""

    voice: Voice
    code: int = 0
    """What the violet lamp blinks, 0 for nothing."""
    _state: tuple[State, int, str] | None = (State.WAITING, 0, "answer")
    _below: Pattern = PATTERNS[State.WAITING]
    _hint: Hint | None = None
    _hints: dict[Channel | None, Hint] = field(default_factory=dict)
    _moment: Pattern | None = None
    _moment_until_s: float = 0.0
    _warnings: dict[str, Pattern] = field(default_factory=dict)
    _sound: str = PATTERNS[State.WAITING].buzzer
    """Of what is shown below a moment; repeats or has been played."""
    _play: str = PATTERNS[State.WAITING].buzzer
    """What the panel is told to play."""
    _number: int = 1

    def enter(self, state: State, code: int, asks: Literal["answer", "badge"]) -> None:
        """The session is in `state`; nothing new where it was before."""
        if (state, code, asks) == self._state:
            return
        self._state, self.code = (state, code, asks), code
        pattern = BADGE if state is State.PROMPT and asks == "badge" else PATTERNS[state]
        self._begin(with_code(pattern, code))

    def stand_for_no_state(self, pattern: Pattern) -> None:
        """`pattern` until a state is entered."""
        self._state, self.code = None, 0
        self._begin(pattern)

    def guide(self, guide: Guide | None) -> None:
        """Lead the hand on this channel; None: no more, on none."""
        if guide is None:
            self._hints.clear()
        else:
            self._hints[guide.channel] = guide.hint
        hint = next((one for one in FIRST_GUIDED if one in self._hints.values()), None)
        if hint == self._hint:
            return
        self._hint = hint
        if self._is_guided:
            self._change(GUIDES[hint].buzzer if hint is not None else "")

    def warn(self, name: str, on: bool) -> None:
        """Begin or end a standing warning. Raises `KeyError` for one that is not in the table."""
        warning = WARNINGS[name]
        if on is (name in self._warnings):
            return
        if on:
            self._warnings[name] = warning
        else:
            del self._warnings[name]
        quiet = not BUZZERS[self._sound].repeats and self._moment is None
        self._tell(warning.buzzer if on and quiet else self._play if BUZZERS[self._play].repeats else "")

    def moment(self, name: str, now_s: float) -> None:
        """Over what is shown for a moment. Raises `ValueError` for one that is not in the table."""
        if name not in MOMENTS:
            raise ValueError(f"moment {name!r}: not in the table; one of {', '.join(MOMENTS)}")
        if self._state is not None and self._state[0] is State.TRIPPED:
            return
        self._moment = MOMENTS[name]
        length_s = BUZZERS[self._moment.buzzer].length_s
        self._moment_until_s = now_s + (max(length_s, MOMENT_S) if self._moment.lamps else length_s)
        self._tell(self._moment.buzzer)

    def silence(self) -> bool:
        """Silence a prompt or the guidance; False where neither sounds."""
        prompting = self._state is not None and self._state[0] is State.PROMPT
        if not (prompting or self._is_guided) or not BUZZERS[self._sound].repeats:
            return False
        self._sound = ""
        if self._moment is None:
            self._tell("")
        return True

    def beep_code(self) -> None:
        """Beep the number that the violet lamp blinks, in place of the alarm."""
        self._sound = ""
        self._tell("code")

    def now(self, now_s: float) -> Shown:
        """What is to be shown at monotonic `now_s`."""
        if self._moment is not None and now_s >= self._moment_until_s:
            self._moment = None
            self._tell(self._sound if BUZZERS[self._sound].repeats else "")
        return Shown(self._number, self._lamps, self.voice.buzz(self._play, self.code))

    @property
    def _is_guided(self) -> bool:
        return self._state is not None and self._state[0] in GUIDED

    @property
    def _lamps(self) -> dict[Lamp, LampState]:
        pattern = GUIDES[self._hint] if self._hint is not None and self._is_guided else self._below
        if self._moment is not None and self._moment.lamps:
            pattern = self._moment
        return with_warnings(pattern.full(), self._warnings)

    def _begin(self, pattern: Pattern) -> None:
        guided = GUIDES[self._hint].buzzer if self._hint is not None and self._is_guided else ""
        self._below, self._sound = pattern, guided or pattern.buzzer
        if self._sound or self._moment is None:
            self._moment = None
            self._tell(self._sound)
        else:  # a silent state does not cut a refusal short
            self._tell(self._play)

    def _change(self, sound: str) -> None:
        self._sound = sound
        if self._moment is None:
            self._tell(sound)

    def _tell(self, sound: str) -> None:
        self._play = sound
        self._number += 1
