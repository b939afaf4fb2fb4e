"""What page and `watch` say of panel and run, put together of the tables of both rooms: lamps, words, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from station.domain.interlock import SENSOR_BLINK, Interlock
from station.domain.session_state import STATE_TITLES, State
from station.page.advice import Advice, LampRow, TripAdvice
from station.panel.patterns import BUZZERS, Pattern, every_pattern, rhythm_of
from station.run.lamp_advice import BESIDE, CODES, INTERLOCKS, OTHER_INTERLOCK, SENSOR, STATES, WHO
from station.run.lamp_page import beeps_in_words, pattern_in_words
from station.safety.lamp_codes import BLINKS
from station.safety.lamp_codes import SENSOR as SENSOR_MARK


def make_advice(interlocks: Sequence[Interlock]) -> Advice:
    """Lamps and advice of the panel and the run, and of this bench's own interlocks."""
    by_code = {row.code: row for row in interlocks}

    def trip(code: str) -> TripAdvice | None:
        if code in CODES:
            advice = CODES[code]
            return TripAdvice(advice.means, advice.do, WHO[advice.who], BLINKS.get(code, 0))
        row = by_code.get(code.removesuffix(SENSOR_MARK))
        if row is None:
            return None
        words = dict(row.text)
        means = (words.get("zh", row.name), words.get("en", row.name))
        if code.endswith(SENSOR_MARK):
            return TripAdvice(means, SENSOR.do, WHO[SENSOR.who], row.blink + SENSOR_BLINK)
        do, who = INTERLOCKS.get(row.code, OTHER_INTERLOCK[row.blames])
        return TripAdvice(means, do, WHO[who], row.blink)

    return Advice({state.value: pair for state, pair in STATES.items()}, _lamps(), trip)


def _lamps() -> dict[str, LampRow]:
    return {name: _lamp_row(name, pattern) for name, pattern in every_pattern().items()}


def _lamp_row(name: str, pattern: Pattern) -> LampRow:
    buzzer = BUZZERS[pattern.buzzer]
    beside = BESIDE.get(name)
    title, do = (beside.means, beside.do) if beside is not None else (_title(State(name)), STATES[State(name)])
    trip = name == State.TRIPPED.value
    return LampRow(
        tuple((lamp.value, "code" if trip else rhythm_of(its)) for lamp, its in pattern.lamps.items()),
        (pattern_in_words(pattern, "zh", number=trip), pattern_in_words(pattern, "en", number=trip)),
        (beeps_in_words(buzzer, "zh"), beeps_in_words(buzzer, "en")), title, do,
    )  # fmt: skip


def _title(state: State) -> tuple[str, str]:
    title = STATE_TITLES[state]
    return title["zh"], title["en"]
