"""Random histories of a line and an instrument without manners: no answer is ever credited to another question.

Every answer names its question and which asking of it, and all have one shape, so that nothing but the line's own care
tells them apart. The same histories convict lines that lack a part of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from drivers.errors import DeviceTimeout, DriverError
from drivers.scpi.line import ScpiLine
from station.campaign.virtual import VirtualLoop
from tests.drivers.odd_instrument import IDENTITY, NOISE, VALUE, Dice, OddInstrument

BOUND_S = 60.0
"""No question may take longer: two attempts, each with at most some twenty introductions."""
DEEDS = 14
QUESTIONS = ("Q1?", "Q2?", "Q3?")


class Credited(AssertionError):
    """An answer was credited to a question that it does not belong to."""


class ShapelessLine(ScpiLine):
    """Takes the next line for the answer, whatever it looks like."""

    async def _listen(self, question: str, shape: str, strays: list[str]) -> re.Match[str]:
        return await super()._listen(question, shape if question == "*IDN?" else r".+", strays)


class TrustingLine(ScpiLine):
    """Never doubts what came before, except on a wire just opened."""

    def _doubt(self) -> None:
        if not self._last and not self._sent:
            super()._doubt()


class NoSecondCopyLine(ScpiLine):
    """Believes that an answer is said once."""

    async def _settle(self, shape: str | None) -> None:
        self._last = ""
        await super()._settle(shape)


class OneIdentityLine(ScpiLine):
    """Believes that the first identity is the one that it asked for last."""

    def _doubt(self) -> None:
        self._late = 0
        super()._doubt()


async def play(kind: type[ScpiLine], dice: Dice) -> int:
    """One history; returns how many questions were answered. Raises `Credited`, or what the line should not raise."""
    instrument = OddInstrument(dice)
    line = kind(instrument, IDENTITY)
    answered = 0
    for _ in range(DEEDS):
        deed = dice.throw(16)
        if deed < 11:
            answered += await ask(line, instrument, dice, QUESTIONS[dice.throw(3)], deed)
        elif deed == 11:
            with contextlib.suppress(DriverError):
                await asyncio.wait_for(line.tell("GO"), BOUND_S)
        elif deed == 12:
            instrument.say(NOISE[dice.throw(len(NOISE))])
        elif deed == 13:
            await asyncio.sleep((0.01, 0.3, 1.0, 3.0)[dice.throw(4)])
        else:
            instrument.plug(False)
            if deed == 14:
                await asyncio.sleep((0.01, 0.3, 1.0, 3.0)[dice.throw(4)])
            instrument.plug(deed == 14 or dice.throw(2) == 0)
    line.close()
    return answered


async def ask(line: ScpiLine, instrument: OddInstrument, dice: Dice, question: str, deed: int) -> int:
    asking = asyncio.ensure_future(line.ask(question, VALUE))
    if deed >= 8:  # something happens while the question waits
        await asyncio.sleep((0.0, 0.2, 0.9, 1.1)[dice.throw(4)])
        if deed == 8:
            asking.cancel()
        else:
            stop_at_once(line, instrument)
    try:
        answer = await asyncio.wait_for(asking, BOUND_S)
    except (DriverError, asyncio.CancelledError):
        return 0
    if answer[0] != instrument.latest.get(question):
        raise Credited(f"{question} got {answer[0]} instead of {instrument.latest.get(question)}")
    return 1


def stop_at_once(line: ScpiLine, instrument: OddInstrument) -> None:
    """A stop is on the wire before anything else happens, or the wire is not there."""
    try:
        line.tell_now("STOP")
    except DriverError:
        assert not instrument.is_open
    else:
        assert instrument.heard[-1] == (asyncio.get_running_loop().time(), "STOP")


def run(kind: type[ScpiLine], history: bytes) -> int:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(play(kind, Dice(history)))


def histories(seed: int, count: int) -> Iterator[bytes]:
    """The same for everybody: for the sabotages, and by hand for very many."""
    draw = random.Random(seed)
    return (draw.randbytes(draw.randint(20, 90)) for _ in range(count))


@settings(max_examples=3000, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(history=st.binary(min_size=20, max_size=90))
@example(history=bytes(40))
def test_no_answer_is_ever_credited_to_another_question(history: bytes) -> None:
    assert run(ScpiLine, history) <= DEEDS


def test_with_good_manners_every_question_is_answered() -> None:
    assert run(ScpiLine, bytes(60)) == DEEDS


class ScriptedInstrument(OddInstrument):
    """Says for each line it hears what the script says, so many seconds later each."""

    def __init__(self, script: list[tuple[str, list[tuple[float, str]]]]) -> None:
        super().__init__(Dice(b""))
        self._script = script

    def write(self, data: bytes) -> None:
        expected, lines = self._script.pop(0)
        assert data.decode().strip() == expected
        for delay_s, text in lines:
            asyncio.get_running_loop().call_later(delay_s, self.say, f"{text}\r\n".encode())


def test_an_identity_that_comes_late_and_twice_does_not_vouch_for_a_late_answer() -> None:
    me = "ACME,1,2,3"
    script = [
        ("*IDN?", [(0.1, me), (1.2, me)]),  # the copy is still under way when the next question has timed out
        ("Q1?", [(1.3, "100001")]),
        ("*IDN?", [(0.4, me), (0.5, me)]),  # now the copy of the first has come, and vouches for nothing
        ("*IDN?", [(0.5, me)]),
        ("Q2?", [(0.2, "200002")]),
    ]

    async def two_questions() -> str:
        line = ScpiLine(ScriptedInstrument(script), IDENTITY)
        with pytest.raises(DeviceTimeout):
            await line.ask("Q1?", VALUE)
        return (await line.ask("Q2?", VALUE))[0]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(two_questions()) == "200002"
    assert script == []


@pytest.mark.parametrize("kind", [ShapelessLine, TrustingLine, NoSecondCopyLine, OneIdentityLine])
def test_a_line_without_a_part_of_its_care_is_convicted(kind: type[ScpiLine]) -> None:
    with pytest.raises(Credited):
        for history in histories(1, 20_000):
            run(kind, history)


@pytest.mark.byhand
@pytest.mark.timeout(3600)
def test_100000_histories_credit_no_answer_to_another_question() -> None:
    answered = [run(ScpiLine, history) for history in histories(2, 100_000)]
    print(f"{len(answered)} histories, {sum(answered)} answers, none credited to another question")
    assert sum(answered) > len(answered)
