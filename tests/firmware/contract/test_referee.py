"""The referee itself: a conversation by the book passes, and every liberty that a guard might take is objected to."""

from __future__ import annotations

import pytest

from tests.firmware.contract.line import frame
from tests.firmware.contract.model import Model

HELLO = "0123abcd 1 OK HELLO guard/1 fw=1 boot=00000001 nonce=00000002 hb=300 max_on=9000 bleed=10"
AGAIN = HELLO.replace("abcd 1", "abcd 3").replace("nonce=00000002", "nonce=00000003")
Talk = list[tuple[str, str]]


def status(state: str, up: int, **fields: object) -> tuple[str, str]:
    """A status line; what is not named is as in SAFE."""
    told = {"k": 0, "h": 0, "lock": 1, "fb": 0, "estop": 1, "lid": 1, "thermo": 1, "cause": "-", "also": "-",
            "hb_age": -1, "on_left": 0, "bad": 0} | fields  # fmt: skip
    return "<", f"S state={state} {' '.join(f'{name}={value}' for name, value in told.items())} up={up}"


def say(ask: str, answer: str) -> Talk:
    seq_verb = ask.split(" ")
    return [(">", f"0123abcd {ask}"), ("<", f"0123abcd {seq_verb[0]} {answer}")]


BOOT: Talk = [status("TRIPPED", 0, cause="BOOT"), status("TRIPPED", 500, cause="BOOT")]
SAFE: Talk = [*BOOT, (">", "0123abcd 1 HELLO"), ("<", HELLO), status("TRIPPED", 600, cause="BOOT"),
              *say("2 RESET", "OK RESET"), status("SAFE", 610)]  # fmt: skip
BEAT: Talk = [*SAFE, *say("3 HB", "OK HB"), status("SAFE", 620, hb_age=0)]
ARMED: Talk = [*BEAT, *say("4 ARM 00000002", "OK ARM"), status("ARMED", 630, hb_age=10)]
ON: Talk = [*ARMED, *say("5 ON 3", "OK ON"), status("ENERGISED", 640, k=1, hb_age=20, on_left=3)]
HV: Talk = [*BEAT, *say("4 HV 00000002:3", "OK HV"), status("HV", 630, h=1, hb_age=10, on_left=3)]
TRIP: Talk = [*ON, status("TRIPPED", 921, cause="HEARTBEAT", hb_age=301)]


def judge(talk: Talk) -> Model:
    model = Model()
    for way, body in talk:
        if way == ">":
            model.sent(frame(body))
        else:
            model.received(body)
    return model


GOOD: list[Talk] = [
    TRIP,
    [*HV, status("TRIPPED", 900, estop=0, cause="ESTOP", hb_age=280)],
    [*ON, *say("6 OFF", "OK OFF"), status("SAFE", 700, fb=1, hb_age=80),
     status("TRIPPED", 801, fb=1, cause="WELD", hb_age=181)],
    [*ON, *say("6 UNLOCK", "NAK UNLOCK STATE"), status("ENERGISED", 700, k=1, fb=1, hb_age=80, on_left=2)],
    [*SAFE, (">", "0123abcd 3 PING"), *say("4 STAT", "OK STAT"), status("SAFE", 700, bad=1)],
    [*SAFE, status("SAFE", 1000), status("SAFE", 1500)],
]  # fmt: skip
WRONG: dict[str, Talk] = {
    "starts SAFE": [status("SAFE", 0)],
    "starts unlocked": [status("TRIPPED", 0, cause="BOOT", lock=0)],
    "K without ON": [*ARMED, status("ENERGISED", 640, k=1, hb_age=20, on_left=3)],
    "K in SAFE": [*SAFE, status("SAFE", 1000, k=1)],
    "ARM without a heartbeat": [*SAFE, *say("3 ARM 00000002", "OK ARM"), status("ARMED", 620)],
    "ARM with another nonce": [*BEAT, *say("4 ARM 00000003", "OK ARM"), status("ARMED", 630, hb_age=10)],
    "ON in SAFE": [*BEAT, *say("4 ON 3", "OK ON"), status("ENERGISED", 630, k=1, hb_age=10, on_left=3)],
    "ON beyond max_on": [*ARMED, *say("5 ON 9001", "OK ON"), status("ENERGISED", 640, k=1, hb_age=20, on_left=9001)],
    "ARM with an open lid": [*BEAT, *say("4 ARM 00000002", "OK ARM"), status("ARMED", 630, lid=0, hb_age=10)],
    "the wrong reason": [*SAFE, *say("3 ARM 00000003", "NAK ARM HEARTBEAT"), status("SAFE", 620)],
    "a refusal without a reason": [*BEAT, *say("4 ARM 00000002", "NAK ARM INPUT"), status("SAFE", 630, hb_age=10)],
    "a used SEQ": [*SAFE, *say("2 STAT", "OK STAT"), status("SAFE", 620)],
    "a refused frame's SEQ": [*SAFE, *say("3 ON 5", "NAK ON STATE"), status("SAFE", 620), *say("3 STAT", "OK STAT"),
                              status("SAFE", 630)],
    "an answer to a dropped frame": [*SAFE, (">", "0123abcd 3 PING"), ("<", "0123abcd 3 NAK STAT STATE")],
    "a dropped frame not counted": [*SAFE, (">", "0123abcd 3 PING"), *say("4 STAT", "OK STAT"), status("SAFE", 700)],
    "two answers": [*SAFE, *say("3 STAT", "OK STAT"), ("<", "0123abcd 3 OK STAT")],
    "a second status line": [*SAFE, *say("3 STAT", "OK STAT"), status("SAFE", 700), status("SAFE", 700)],
    "no trip for the heartbeat": [*ON, status("ENERGISED", 940, k=1, fb=1, hb_age=320, on_left=3)],
    "a heartbeat trip too early": [*ON, status("TRIPPED", 900, cause="HEARTBEAT", hb_age=280)],
    "no trip for the emergency stop": [*SAFE, status("SAFE", 1000, estop=0)],
    "no trip for the lid": [*HV, status("HV", 700, lid=0, h=1, hb_age=80, on_left=3)],
    "a trip for the lid in SAFE": [*SAFE, status("TRIPPED", 1000, lid=0, cause="LID")],
    "a trip out of nothing": [*SAFE, status("TRIPPED", 1000, cause="THERMO")],
    "no LINK": [*ON, (">", "0123abcd 6 HELLO"), ("<", AGAIN.replace("abcd 3", "abcd 6")),
                status("ENERGISED", 650, k=1, on_left=3)],
    "the nonce of before": [*SAFE, (">", "0123abcd 3 HELLO"), ("<", HELLO.replace("abcd 1", "abcd 3")),
                            status("SAFE", 650)],
    "an age that HELLO left": [*BEAT, (">", "0123abcd 3 HELLO"), ("<", AGAIN),
                               status("SAFE", 650, hb_age=30)],
    "a trip that leaves K on": [*ON, status("TRIPPED", 921, k=1, cause="HEARTBEAT", hb_age=301, on_left=3)],
    "a trip that clears itself": [*TRIP, status("SAFE", 1400, hb_age=780)],
    "the first cause replaced": [*TRIP, status("TRIPPED", 1000, estop=0, cause="ESTOP", also="HEARTBEAT", hb_age=380)],
    "a cause twice": [*TRIP, status("TRIPPED", 1000, estop=0, cause="HEARTBEAT", also="ESTOP,ESTOP", hb_age=380)],
    "causes of a pass in another order": [*TRIP, status("TRIPPED", 1000, estop=0, thermo=0, cause="HEARTBEAT",
                                                        also="THERMO,ESTOP", hb_age=380)],
    "RESET over a closed contact": [*TRIP, *say("6 RESET", "OK RESET"), status("SAFE", 950, fb=1, hb_age=330)],
    "UNLOCK before the bleeding": [*ON, *say("6 OFF", "OK OFF"), status("SAFE", 650, hb_age=30),
                                   *say("7 UNLOCK", "OK UNLOCK"), status("SAFE", 660, lock=0, hb_age=40)],
    "time backwards": [*SAFE, status("SAFE", 400)],
    "a leading zero": [*SAFE, ("<", status("SAFE", 1000)[1].replace("up=1000", "up=01000"))],
    "fields in another order": [*SAFE, ("<", status("SAFE", 1000)[1].replace("k=0 h=0", "h=0 k=0"))],
}  # fmt: skip


@pytest.mark.parametrize("talk", GOOD)
def test_a_conversation_by_the_book_passes(talk: Talk) -> None:
    assert judge(talk).up > 600


@pytest.mark.parametrize("name", WRONG)
def test_the_referee_objects(name: str) -> None:
    judge(WRONG[name][:-1] if WRONG[name][-1][0] == "<" and name not in ("starts SAFE", "starts unlocked") else [])
    with pytest.raises(AssertionError):
        judge(WRONG[name])
