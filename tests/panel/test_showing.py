"""What is shown when several things are wanted at once: a state, guidance, a moment, a warning; and who is silenced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ports import Lamp
from station.domain.guide import Guide, Hint
from station.domain.measurement import Channel
from station.domain.panel_sounds import ALWAYS, MUTABLE
from station.domain.session_state import State
from station.panel.patterns import BADGE, BUZZERS, GUIDES, IDENTIFY, MOMENTS, PATTERNS, with_code
from station.panel.showing import Showing, Shown, Voice


class Stage:
    """A showing and a clock."""

    def __init__(self, voice: Voice | None = None) -> None:
        self.showing = Showing(voice or Voice())
        self.now_s = 0.0

    def now(self) -> Shown:
        return self.showing.now(self.now_s)

    def plays(self) -> str:
        return self.now().buzz.name

    def enter(self, state: State, code: int = 0) -> None:
        self.showing.enter(state, code, "answer")

    def turn(self, hint: Hint, channel: Channel = "left") -> None:
        self.showing.guide(Guide("bias_ma", 40.0, "mA", 45.0, 55.0, 50.0, hint, channel))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_prompt_for_a_badge_is_shown_and_heard_as_one(stage: Stage) -> None:
    stage.showing.enter(State.PROMPT, 0, "badge")
    assert stage.now().lamps == BADGE.full() and stage.plays() == "badge"
    stage.showing.enter(State.PROMPT, 0, "answer")
    assert stage.now().lamps == PATTERNS[State.PROMPT].full() and stage.plays() == "prompt"


def test_guidance_shows_in_a_run_and_changes_with_the_hint_alone(stage: Stage) -> None:
    stage.enter(State.ENERGISED)
    stage.turn("raise")
    first = stage.now()
    assert first.lamps == GUIDES["raise"].full() and first.buzz.name == "raise"
    for _ in range(20):
        stage.turn("raise")
    assert stage.now().number == first.number, "ten readings a second do not begin the tone anew"
    stage.turn("lower")
    assert stage.plays() == "lower"
    stage.showing.guide(None)
    assert stage.now().lamps == PATTERNS[State.ENERGISED].full() and stage.plays() == ""


def test_of_two_channels_the_one_to_turn_is_shown_and_both_must_be_done(stage: Stage) -> None:
    stage.enter(State.ENERGISED)
    told: list[tuple[Hint, Hint, Hint]] = [
        ("hold", "hold", "hold"), ("hold", "raise", "raise"), ("raise", "lower", "lower"), ("done", "hold", "hold"),
        ("done", "done", "done"),
    ]  # fmt: skip
    for left, right, shown in told:
        stage.turn(left, "left")
        stage.turn(right, "right")
        assert stage.plays() == shown


@pytest.mark.parametrize("state", [State.TRIPPED, State.PROMPT, State.FAIL])
def test_guidance_covers_no_trip_no_prompt_and_no_verdict(stage: Stage, state: State) -> None:
    stage.enter(State.ENERGISED)
    stage.turn("raise")
    stage.enter(state)
    stage.turn("lower")
    assert stage.now().lamps == PATTERNS[state].full() and stage.plays() == PATTERNS[state].buzzer
    stage.enter(State.ENERGISED)
    assert stage.plays() == "lower"


def test_a_refusal_is_seen_and_heard_over_a_prompt_which_then_goes_on(stage: Stage) -> None:
    stage.enter(State.PROMPT)
    stage.showing.moment("refused", stage.now_s)
    assert stage.now().lamps == MOMENTS["refused"].full() and stage.plays() == "refused"
    stage.now_s = 0.99
    assert stage.plays() == "refused"
    stage.now_s = 1.0
    assert stage.now().lamps == PATTERNS[State.PROMPT].full() and stage.plays() == "prompt"


def test_a_refusal_is_not_cut_short_by_a_state_without_a_sound(stage: Stage) -> None:
    stage.enter(State.PREPARING)
    stage.showing.moment("refused", stage.now_s)
    stage.enter(State.ENERGISED)
    assert stage.plays() == "refused"
    stage.now_s = 2.0
    assert stage.plays() == "" and stage.now().lamps == PATTERNS[State.ENERGISED].full()


def test_after_a_moment_a_verdict_does_not_sound_a_second_time(stage: Stage) -> None:
    stage.enter(State.PASS)
    assert stage.plays() == "pass"
    stage.showing.moment("scan", stage.now_s)
    stage.now_s = 1.0
    assert stage.plays() == "" and stage.now().lamps == PATTERNS[State.PASS].full()


def test_no_moment_and_no_warning_silences_a_trip(stage: Stage) -> None:
    stage.enter(State.TRIPPED, 24)
    lamps = with_code(PATTERNS[State.TRIPPED], 24).full()
    stage.showing.moment("refused", stage.now_s)
    assert stage.now().lamps == lamps and stage.plays() == "trip"
    stage.showing.warn("printer_out", True)
    assert stage.now().lamps == lamps and stage.plays() == "trip"
    assert stage.showing.silence() is False and stage.plays() == "trip"


def test_a_printer_that_is_out_winks_beside_every_state_and_is_heard_once(stage: Stage) -> None:
    stage.enter(State.READY)
    stage.showing.warn("printer_out", True)
    assert stage.now().lamps[Lamp.BLUE] == PATTERNS[State.READY].lamps[Lamp.BLUE]
    assert stage.now().lamps[Lamp.VIOLET].lit_s and stage.plays() == "printer_out"
    number = stage.now().number
    stage.showing.warn("printer_out", True)
    assert stage.now().number == number
    stage.enter(State.ERROR)
    assert stage.now().lamps == PATTERNS[State.ERROR].full(), "the violet lamp has more to say"
    stage.enter(State.WAITING)
    assert stage.now().lamps[Lamp.VIOLET].lit_s and stage.plays() == ""
    stage.showing.warn("printer_out", False)
    assert stage.now().lamps == PATTERNS[State.WAITING].full() and stage.plays() == ""


def test_a_warning_leaves_a_prompt_sounding(stage: Stage) -> None:
    stage.enter(State.PROMPT)
    stage.showing.warn("printer_out", True)
    assert stage.plays() == "prompt"


def test_a_prompt_that_was_silenced_stays_silent_and_the_next_one_sounds(stage: Stage) -> None:
    stage.enter(State.PROMPT)
    assert stage.showing.silence() is True and stage.plays() == ""
    assert stage.now().lamps == PATTERNS[State.PROMPT].full()
    stage.enter(State.PROMPT)
    stage.showing.moment("refused", stage.now_s)
    stage.now_s = 5.0
    assert stage.plays() == ""
    assert stage.showing.silence() is False, "the next press is the session's"
    stage.enter(State.ENERGISED)
    stage.enter(State.PROMPT)
    assert stage.plays() == "prompt"


def test_guidance_can_be_silenced_until_it_says_something_else(stage: Stage) -> None:
    stage.enter(State.ENERGISED)
    stage.turn("raise")
    assert stage.showing.silence() is True and stage.plays() == ""
    stage.turn("raise")
    assert stage.plays() == "" and stage.now().lamps == GUIDES["raise"].full()
    stage.turn("lower")
    assert stage.plays() == "lower"


def test_start_is_never_kept_from_a_session_that_could_start(stage: Stage) -> None:
    for state in State:
        if state not in (State.PROMPT, State.ENERGISED, State.PREPARING):
            stage.enter(state)
            stage.turn("raise")
            assert stage.showing.silence() is False, state
    stage.showing.stand_for_no_state(IDENTIFY)
    assert stage.showing.silence() is False


def test_a_quiet_bench_mutes_comfort_and_never_a_warning_of_danger() -> None:
    voice = Voice(0.0, frozenset({*MUTABLE, *ALWAYS}))
    for name in MUTABLE:
        assert voice.buzz(name).name == "" and voice.buzz(name).beeps == ()
    for name in ALWAYS:
        assert voice.buzz(name, 24).volume >= 0.5 and (voice.buzz(name, 24).beeps or voice.buzz(name, 24).code)
    loud = Voice(0.8, frozenset({"scan"}))
    assert loud.buzz("scan").name == "" and loud.buzz("pass").volume == loud.buzz("trip").volume == 0.8


STEPS = st.one_of(
    st.tuples(st.just("enter"), st.sampled_from([s for s in State if s is not State.TRIPPED])),
    st.tuples(st.just("turn"), st.sampled_from(list(GUIDES))),
    st.tuples(st.just("moment"), st.sampled_from(list(MOMENTS))),
    st.tuples(st.just("warn"), st.booleans()),
    st.tuples(st.just("silence"), st.none()),
    st.tuples(st.just("wait"), st.floats(0.0, 3.0)),
    st.tuples(st.just("guided"), st.none()),
)


@given(st.lists(STEPS, max_size=30))
def test_whatever_came_before_a_trip_sounds_and_blinks_its_number(steps: list[tuple[str, object]]) -> None:
    stage = Stage(Voice(0.1, frozenset(MUTABLE)))
    for what, value in steps:
        match what:
            case "enter":
                stage.enter(value)  # type: ignore[arg-type]
            case "turn":
                stage.turn(value)  # type: ignore[arg-type]
            case "moment":
                stage.showing.moment(str(value), stage.now_s)
            case "warn":
                stage.showing.warn("printer_out", value is True)
            case "silence":
                stage.showing.silence()
            case "guided":
                stage.showing.guide(None)
            case "wait":
                stage.now_s += float(value)  # type: ignore[arg-type]
        assert stage.plays() in BUZZERS
    stage.enter(State.TRIPPED, 56)
    assert stage.plays() == "trip" and stage.now().lamps[Lamp.VIOLET].code == 56
