"""The table of verbs: every verb in every state, every condition, and the first reason that applies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from tests.firmware.contract.contract_host import Bench, fair

STATES = ("SAFE", "ARMED", "ENERGISED", "HV", "TRIPPED")
SAME = {state: state for state in STATES}
# verb: what each state becomes; a state that is missing refuses with STATE
BECOMES = {
    "HELLO": {"SAFE": "SAFE", "ARMED": "SAFE", "ENERGISED": "TRIPPED", "HV": "TRIPPED", "TRIPPED": "TRIPPED"},
    "HB": SAME,
    "ARM NONCE": {"SAFE": "ARMED"},
    "ON 5": {"ARMED": "ENERGISED"},
    "HV NONCE:5": {"SAFE": "HV"},
    "OFF": {**dict.fromkeys(STATES, "SAFE"), "TRIPPED": "TRIPPED"},
    "STOP": dict.fromkeys(STATES, "TRIPPED"),
    "RESET": {"TRIPPED": "SAFE"},
    "STAT": SAME,
}  # fmt: skip
CAUSE = {("HELLO", "ENERGISED"): "LINK", ("HELLO", "HV"): "LINK"} | {("STOP", state): "HOST" for state in STATES}
OUTPUTS = {"ENERGISED": (True, False), "HV": (False, True)}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("ask", BECOMES)
@fair
def test_every_verb_in_every_state(bench: Bench, ask: str, state: str) -> None:
    bench.fresh(state)
    bench.ask("HB")
    before, verb = bench.now(), ask.split(" ")[0]
    answer = bench.ask(ask, seq=bench.seq + 1)
    after = bench.last()
    if state in BECOMES[ask]:
        assert answer.startswith(f"OK {verb}")
        assert after.state == BECOMES[ask][state]
        causes = (CAUSE[verb, state],) if (verb, state) in CAUSE else before.causes
        assert after.causes == (() if verb == "RESET" else causes)
    else:
        assert answer == f"NAK {verb} STATE"
        assert (after.state, after.causes) == (before.state, before.causes)
    assert (after.k, after.h) == OUTPUTS.get(after.state, (False, False))
    bench.seq += 1
    bench.until(lambda: (bench.levels["k"], bench.levels["h"]) == (after.k, after.h), "the same on standard output")


@pytest.mark.parametrize("state", STATES)
@fair
def test_unlock_is_refused_while_something_may_be_on(bench: Bench, state: str) -> None:
    bench.fresh("ENERGISED")
    bench.ask("OFF")
    bench.shows(lambda seen: not seen.fb, "the contacts open")
    bench.go(state)
    assert bench.ask("UNLOCK") == f"NAK UNLOCK {'BLEED' if state in ('SAFE', 'TRIPPED') else 'STATE'}"
    assert bench.last().lock


def conditions(*names: str) -> Iterator[dict[str, bool]]:
    """Every combination of conditions kept (True) or broken; the one with all kept comes last."""
    for kept in product((False, True), repeat=len(names)):
        yield dict(zip(names, kept, strict=True))


def refused(bench: Bench, verb: str, kept: dict[str, bool], argument: str) -> None:
    """Ask with some conditions broken; the reason is the first broken one, whatever else is broken."""
    reasons = ("session", "nonce", "range", "heartbeat", "input", "feedback")
    broken = [name for name in reasons if not kept.get(name, True)]
    reason = {"session": "STALE", "nonce": "STALE"}.get(broken[0], broken[0].upper())
    ask = f"{verb} {bench.nonce if kept['nonce'] else '00000000'}{argument}"
    assert bench.ask(ask, session=None if kept["session"] else "fedcba98") == f"NAK {verb} {reason}", (
        kept,
        bench.last(),
    )


def unready(bench: Bench, inputs: bool, feedback: bool, heartbeat: bool) -> int:
    """SAFE with these conditions; returns `up` since when. Closed contacts in SAFE are a WELD after 100 ms."""
    bench.fresh("SAFE" if feedback else "ENERGISED")
    if not feedback:
        bench.shows(lambda seen: seen.fb, "closed contacts")
        bench.wire(fb=1)
        bench.rest(0.04)
        bench.ask("OFF")
        bench.hello()  # also forgets the heartbeat
    since = bench.last().up
    if not inputs:
        bench.wire(lid=0)
        bench.shows(lambda seen: not seen.lid, "an open lid")
    if heartbeat:
        bench.ask("HB")
    return since


@pytest.mark.parametrize("heartbeat", [True, False])
@pytest.mark.parametrize("feedback", [True, False])
@pytest.mark.parametrize("inputs", [True, False])
@pytest.mark.parametrize("verb", ["ARM", "HV"])
@fair
def test_the_first_reason_that_applies_is_told(
    bench: Bench, verb: str, inputs: bool, feedback: bool, heartbeat: bool
) -> None:
    since = unready(bench, inputs, feedback, heartbeat)
    for kept in conditions("session", "nonce", *(["range"] if verb == "HV" else [])):
        kept |= {"heartbeat": heartbeat, "input": inputs, "feedback": feedback}
        if not all(kept.values()):
            if bench.last().up - since > (50 if not feedback else 200):
                since = unready(bench, inputs, feedback, heartbeat)
            refused(bench, verb, kept, "" if verb == "ARM" else ":120" if kept["range"] else ":121")
            assert bench.last().state == "SAFE"
    if inputs and feedback and heartbeat:
        assert bench.ask("ARM NONCE" if verb == "ARM" else "HV NONCE:120") == f"OK {verb}"


@fair
def test_a_state_that_does_not_fit_comes_before_range_and_after_the_nonce(bench: Bench) -> None:
    for state in ("ARMED", "ENERGISED", "HV", "TRIPPED"):
        bench.fresh(state)
        assert bench.ask("HV 00000000:0") == "NAK HV STALE"
        assert bench.ask("ARM 00000000") == "NAK ARM STALE"
        assert bench.ask("HV NONCE:0") == "NAK HV STATE"
        assert bench.ask("ARM NONCE") == "NAK ARM STATE"
        assert bench.ask("ON 0") == ("NAK ON RANGE" if state == "ARMED" else "NAK ON STATE")
    bench.fresh()
    assert bench.ask("ON 0") == "NAK ON STATE"


@fair
def test_reset_wants_healthy_inputs_and_then_open_contacts(bench: Bench) -> None:
    bench.fresh("TRIPPED")
    for wire in ("lid", "estop", "thermo"):
        bench.wire(**{wire: 0}, fb=1)
        bench.shows(lambda seen: not seen.healthy and seen.fb, "both")
        assert bench.ask("RESET") == "NAK RESET INPUT"
        bench.wire(**{wire: 1})
        bench.shows(lambda seen: seen.healthy, "healthy inputs")
        assert bench.ask("RESET") == "NAK RESET FEEDBACK"
        bench.wire(**{wire: 0}, fb="auto")
        bench.shows(lambda seen: not seen.healthy and not seen.fb, "open contacts")
        assert bench.ask("RESET") == "NAK RESET INPUT"
        assert bench.last().state == "TRIPPED"
        bench.wire(**{wire: 1})
    bench.shows(lambda seen: seen.healthy, "healthy inputs")
    assert bench.ask("RESET") == "OK RESET"
    assert (bench.last().state, bench.last().causes, bench.last().k, bench.last().h) == ("SAFE", (), False, False)


@fair
def test_unlock_wants_open_contacts_before_it_looks_at_the_bleeding(bench: Bench) -> None:
    bench.fresh("ENERGISED")
    bench.shows(lambda seen: seen.fb, "closed contacts")
    bench.wire(fb=1)
    bench.rest(0.04)
    bench.ask("OFF")
    assert bench.last().state == "SAFE"
    assert bench.ask("UNLOCK") == "NAK UNLOCK FEEDBACK"
    bench.shows(lambda seen: seen.state == "TRIPPED", "the weld")
    assert bench.ask("UNLOCK") == "NAK UNLOCK FEEDBACK"
    bench.wire(fb=0)
    bench.shows(lambda seen: not seen.fb, "open contacts")
    assert bench.ask("UNLOCK") == "NAK UNLOCK BLEED"


@fair
def test_a_heartbeat_must_be_younger_than_hb(bench: Bench) -> None:
    bench.fresh()
    for ask in ("ARM NONCE", "HV NONCE:5"):
        bench.ask("HB")
        bench.shows(lambda seen: seen.hb_age > 300, "an old heartbeat")
        assert bench.last().state == "SAFE"  # where no heartbeat is wanted
        assert bench.ask(ask) == f"NAK {ask.split(' ')[0]} HEARTBEAT"
        bench.ask("HB")
        assert bench.ask(ask) == f"OK {ask.split(' ')[0]}"
        bench.ask("OFF")


@fair
def test_a_heartbeat_is_accepted_in_every_state_and_its_age_is_told(bench: Bench) -> None:
    for state in STATES:
        bench.fresh(state)
        assert bench.ask("HB") == "OK HB"
        assert bench.last().hb_age in (0, 1)
        assert bench.shows(lambda seen: seen.hb_age >= 60, "an age").state == state


@fair
def test_the_bounds_of_on_and_hv(bench: Bench) -> None:
    for verb, way, longest in (("ON", "ARMED", 9000), ("HV", "SAFE", 120)):
        for n, answer in ((0, "NAK"), (longest + 1, "NAK"), (1, "OK"), (longest, "OK")):
            bench.fresh(way)
            bench.ask("HB")
            ask = f"ON {n}" if verb == "ON" else f"HV NONCE:{n}"
            assert bench.ask(ask) == (f"OK {verb}" if answer == "OK" else f"NAK {verb} RANGE")
            if answer == "OK":
                assert n - 1 <= bench.last().on_left <= n
            else:
                assert bench.last().on_left == 0
                assert bench.last().state == way


@fair
def test_refusals_switch_nothing_and_hv_never_closes_k(bench: Bench) -> None:
    bench.fresh("HV")
    for ask in ("ARM NONCE", "ON 5", "HV NONCE:9", "RESET", "UNLOCK"):
        assert bench.ask(ask).endswith("STATE")
        assert (bench.last().state, bench.last().k, bench.last().h) == ("HV", False, True)
    bench.fresh("ENERGISED")
    for ask in ("ARM NONCE", "ON 9000", "HV NONCE:9", "RESET", "UNLOCK"):
        assert bench.ask(ask).endswith("STATE")
        assert (bench.last().state, bench.last().k, bench.last().h) == ("ENERGISED", True, False)
    assert bench.last().on_left <= 60  # a second ON extends nothing
    bench.agree()
