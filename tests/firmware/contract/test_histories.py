"""Random histories: the running guard against the model of the contract, which judges in the host line by line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.firmware.contract.contract_host import Bench, fair
from tests.firmware.contract.line import SEQ_MAX, frame

Act = Callable[[Bench], object]


def ask(text: str) -> Act:
    return lambda bench: bench.ask(text)


def stale(text: str) -> Act:
    return lambda bench: bench.ask(text, seq=max(1, bench.seq - 1))


def foreign(text: str) -> Act:
    return lambda bench: bench.ask(text, session="fedcba98", seq=SEQ_MAX)


def junk(raw: bytes) -> Act:
    return lambda bench: bench.raw(raw.replace(b"\n", b"") + b"\n")


def wire(name: str, level: object) -> Act:
    def act(bench: Bench) -> None:
        """Standard input and the line are two ways: what must not overtake what follows is waited for."""
        bench.wire(**{name: level})
        if level == 0 or (name, level) == ("fb", 1):
            bench.shows(lambda seen: getattr(seen, name) == bool(level), f"{name} {level}")

    return act


def rest(ms: int, beats: bool) -> Act:
    return lambda bench: bench.rest(ms / 1000, beats)


def go(state: str) -> Act:
    return lambda bench: bench.fresh(state, 1)


def hello(seq: int) -> Act:
    return lambda bench: bench.hello(seq)


ASKS = ["HB", "HB", "HB", "ARM NONCE", "ARM NONCE", "ARM 00000000", "ON 1", "ON 60", "ON 0", "ON 9001", "HV NONCE:1",
        "HV NONCE:120", "HV NONCE:121", "HV 00000000:1", "OFF", "STOP", "RESET", "RESET", "UNLOCK", "STAT",
        "HELLO"]  # fmt: skip
ACTS: st.SearchStrategy[Act] = st.one_of(
    st.sampled_from(ASKS).map(ask),
    st.sampled_from(ASKS).map(ask),
    st.sampled_from(ASKS).map(stale),
    st.sampled_from(ASKS).map(foreign),
    st.binary(max_size=140).map(junk),
    st.just(frame("0123abcd 1 PING")).map(junk),
    st.builds(wire, st.sampled_from(["estop", "lid", "thermo"]), st.sampled_from([0, 1])),
    st.builds(wire, st.just("fb"), st.sampled_from(["auto", 0, 1])),
    st.builds(rest, st.sampled_from([2, 10, 30, 55, 110]), st.booleans()),
    st.builds(rest, st.sampled_from([310]), st.booleans()),
    st.sampled_from(["SAFE", "ARMED", "ENERGISED", "HV", "TRIPPED"]).map(go),
    st.sampled_from([1, 5, SEQ_MAX - 1000]).map(hello),
)
HISTORIES = st.tuples(
    st.sampled_from(["SAFE", "SAFE", "ARMED", "ENERGISED", "HV"]), st.lists(ACTS, min_size=4, max_size=14)
)
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


def play(bench: Bench, history: tuple[str, list[Act]]) -> None:
    """Play a history; the referee raises when the guard says what the contract does not."""
    state, acts = history
    bench.fresh(state)
    for act in acts:
        act(bench)
    bench.hello()  # another session may have been opened
    bench.agree()


@settings(max_examples=32, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(history=HISTORIES)
def test_the_guard_says_what_the_model_of_the_contract_says(bench: Bench, history: tuple[str, list[Act]]) -> None:
    fair(play)(bench, history)
    assert not (bench.last().k or bench.last().h)  # the HELLO at its end


@pytest.mark.byhand
@pytest.mark.timeout(3600)
@settings(max_examples=400, deadline=None, suppress_health_check=SLOW)
@given(history=HISTORIES)
def test_many_histories(bench: Bench, history: tuple[str, list[Act]]) -> None:
    fair(play)(bench, history)
    assert not (bench.last().k or bench.last().h)  # the HELLO at its end
