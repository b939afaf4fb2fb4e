"""Buttons: from polled sets of what is down to presses, debounced, with stuck buttons told and ignored.

Pure; the polling lives in `panel_task`. A press counts after `DEBOUNCE_POLLS` polls in a row, so that a spike on
a long wire is no START. A button that is down at the first poll, or for longer than `STUCK_S`, is stuck: it is
told once and ignored until it has been up for `DEBOUNCE_POLLS` polls.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.ports import Button

DEBOUNCE_POLLS = 3
STUCK_S = 10.0


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """A person pressed a button of the panel. Nothing else in the house makes this event."""

    button: Button


@dataclass(frozen=True, slots=True)
class ButtonStuck:
    """A button was down at power-up or stayed down: it is ignored until it comes up."""

    button: Button


ButtonEvent = ButtonPressed | ButtonStuck


@dataclass(slots=True)
class _Track:
    down_polls: int = 0
    up_polls: int = 0
    down_since_s: float = 0.0
    pressed: bool = False
    ignored: bool = False


class ButtonScan:
    """The memory between polls. Make a new one after the panel was lost: what is down then was not pressed now."""

    def __init__(self) -> None:
        self._tracks = {button: _Track() for button in Button}
        self._first = True

    def poll(self, down: frozenset[Button], now_s: float) -> tuple[ButtonEvent, ...]:
        """What `down` at monotonic `now_s` means. STOP comes first where several happen at once."""
        events: list[ButtonEvent] = []
        for button in sorted(Button, key=lambda one: one is not Button.STOP):
            track = self._tracks[button]
            event = self._down(button, track, now_s) if button in down else self._up(track)
            if event is not None:
                events.append(event)
        self._first = False
        return tuple(events)

    def _down(self, button: Button, track: _Track, now_s: float) -> ButtonEvent | None:
        track.up_polls = 0
        if track.ignored:
            return None
        if self._first:
            track.ignored = True
            return ButtonStuck(button)
        if track.down_polls == 0:
            track.down_since_s = now_s
        track.down_polls += 1
        if not track.pressed and track.down_polls >= DEBOUNCE_POLLS:
            track.pressed = True
            return ButtonPressed(button)
        if track.pressed and now_s - track.down_since_s > STUCK_S:
            track.ignored = True
            return ButtonStuck(button)
        return None

    def _up(self, track: _Track) -> ButtonEvent | None:
        track.up_polls += 1
        if not track.pressed and not track.ignored:
            track.down_polls = 0
        elif track.up_polls >= DEBOUNCE_POLLS:
            track.down_polls, track.pressed, track.ignored = 0, False, False
        return None
