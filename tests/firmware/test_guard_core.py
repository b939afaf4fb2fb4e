"""The guard's core against contracts/guard-line.md, row by row; the contract's tables are written out here again."""

import pytest

from firmware.guard.guard_core import CAP, NEXT, STATES, VERBS, Guard
from tests.firmware.core_bench import Core

ANSWERS = {
    # verb: (argument, {state: what it becomes}); a state that is not named refuses with STATE
    "HELLO": ("", {"SAFE": "SAFE", "ARMED": "SAFE", "ENERGISED": "TRIPPED", "HV": "TRIPPED", "TRIPPED": "TRIPPED"}),
    "HB": ("", {state: state for state in STATES}),
    "ARM": ("NONCE", {"SAFE": "ARMED"}),
    "ON": ("9000", {"ARMED": "ENERGISED"}),
    "HV": ("NONCE:120", {"SAFE": "HV"}),
    "OFF": ("", {"SAFE": "SAFE", "ARMED": "SAFE", "ENERGISED": "SAFE", "HV": "SAFE", "TRIPPED": "TRIPPED"}),
    "STOP": ("", dict.fromkeys(STATES, "TRIPPED")),
    "RESET": ("", {"TRIPPED": "SAFE"}),
    "UNLOCK": ("", {"SAFE": "SAFE", "TRIPPED": "TRIPPED"}),
    "STAT": ("", {state: state for state in STATES}),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", ANSWERS)
def test_every_verb_in_every_state_does_what_the_contract_says(state: str, verb: str) -> None:
    core = Core(bleed_s=0).to(state)
    argument, becomes = ANSWERS[verb]
    frame = f"{verb} {argument.replace('NONCE', core.nonce)}".strip()
    core.guard.k_age = core.guard.off_age = 10_000 if state in ("SAFE", "TRIPPED") else core.guard.k_age
    answer = core.frame(frame)
    if state in becomes:
        assert answer.startswith(f"OK {verb}")
        assert core.guard.state == becomes[state]
    else:
        assert answer == f"NAK {verb} STATE"
        assert core.guard.state == state
    assert core.guard.k == (core.guard.state == "ENERGISED")
    assert core.guard.h == (core.guard.state == "HV")


def test_the_table_names_known_states_and_verbs_only() -> None:
    events = {*VERBS, "trip", "lapse"}
    assert all(state in STATES and event in events and to in STATES for (state, event), to in NEXT.items())
    assert all(NEXT[state, "trip"] == "TRIPPED" for state in STATES)


# ---- frames that are dropped -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    ["", "0123abcd", "0123abcd 5", "0123abcd 5 PING", "0123abcd 5 hb", "0123abcd 0 HB", "0123abcd 2147483648 HB",
     "0123abcd 05 HB", "0123abcd -5 HB", "0123abcd +5 HB", "0123abcd 5.0 HB", "0123ABCD 5 HB", "0123abc 5 HB",
     "0123abcde 5 HB", "0123abcg 5 HB", "0123abcd  5 HB", " 0123abcd 5 HB", "0123abcd 5 HB ", "0123abcd 5 HB 1",
     "0123abcd 5 OFF now", "0123abcd 5 HELLO 1", "0123abcd 5 ON", "0123abcd 5 ON x", "0123abcd 5 ON 05",
     "0123abcd 5 ON 5 5", "0123abcd 5 ON -1", "0123abcd 5 ARM", "0123abcd 5 ARM ", "0123abcd 5 ARM 00000002 5",
     "0123abcd 5 HV 00000002", "0123abcd 5 HV 00000002:", "0123abcd 5 HV 00000002:05", "0123abcd 5 HV 00000002:x",
     "0123abcd 5 HV 00000002:5:5", "0123abcd 5 HV 5"],
)  # fmt: skip
def test_a_malformed_frame_is_counted_and_nothing_else(body: str) -> None:
    core = Core().to("SAFE")
    sent, seq = len(core.sent), core.guard._seq
    core.guard.frame(body)
    assert core.guard.bad == 1
    assert len(core.sent) == sent
    assert core.guard._seq == seq
    assert core.guard.state == "SAFE"


def test_the_count_of_bad_frames_stops_at_its_cap() -> None:
    core = Core()
    core.guard.bad = CAP - 1
    core.guard.dropped()
    core.guard.dropped()
    assert core.guard.bad == CAP


# ---- session and SEQ -------------------------------------------------------------------------------------------
def test_nothing_is_heard_before_hello_except_off_and_stop() -> None:
    for verb in ("HB", "STAT", "RESET", "UNLOCK", "ARM 00000001", "ON 5", "HV 00000001:5"):
        assert Core().frame(verb) == f"NAK {verb.split(' ')[0]} STALE"
    assert Core().frame("OFF") == "OK OFF"
    core = Core()
    assert core.frame("STOP") == "OK STOP"
    assert core.causes == ["BOOT", "HOST"]


def test_a_seq_counts_once_also_when_the_frame_was_refused() -> None:
    core = Core().to("SAFE")
    assert core.frame("ON 5", seq=100) == "NAK ON STATE"
    assert core.frame("HB", seq=100) == "NAK HB STALE"
    assert core.frame("HB", seq=99) == "NAK HB STALE"
    assert core.frame("ARM ffffffff", seq=101) == "NAK ARM STALE"
    assert core.frame("STAT", seq=101) == "NAK STAT STALE"
    assert core.frame("STAT", seq=2147483647) == "OK STAT"
    assert core.frame("OFF", seq=2147483647) == "OK OFF"
    assert core.frame("STAT", seq=2147483647) == "NAK STAT STALE"


def test_a_current_off_uses_its_seq_and_a_stale_one_leaves_session_and_seq() -> None:
    core = Core().to("SAFE")
    core.frame("OFF", seq=50)
    assert core.frame("STAT", seq=50) == "NAK STAT STALE"
    core.frame("OFF", session="ffffffff", seq=2147483647)
    core.frame("OFF", seq=3)
    assert core.frame("STAT", seq=51) == "OK STAT"


def test_a_dropped_frame_uses_no_seq() -> None:
    core = Core().to("SAFE")
    core.guard.frame("0123abcd 70 ON 05")
    assert core.frame("STAT", seq=70) == "OK STAT"


def test_hello_opens_a_session_at_its_own_seq_with_a_fresh_nonce() -> None:
    core = Core().to("SAFE")
    old = core.nonce
    core.frame("HELLO", seq=7)
    assert core.nonce != old
    assert core.guard.hb_age == -1
    assert core.frame("STAT", seq=7) == "NAK STAT STALE"
    assert core.frame("HB", seq=8) == "OK HB"
    assert core.frame(f"ARM {old}", seq=9) == "NAK ARM STALE"
    assert core.frame(f"ARM {core.nonce}", seq=10) == "OK ARM"


def test_hello_tells_version_boot_nonce_and_settings() -> None:
    core = Core(hb_ms=250, max_on_s=100, bleed_s=3)
    assert core.frame("HELLO") == "OK HELLO guard/1 fw=1.0.0 boot=00000001 nonce=00000002 hb=250 max_on=100 bleed=3"


def test_settings_out_of_their_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="hb_ms is 5000; it must be 50 to 1000"):
        Guard(lambda: "00000000", print, hb_ms=5000)


# ---- refusals --------------------------------------------------------------------------------------------------
def spoil(core: Core, reason: str) -> None:
    """Make one reason for a refusal true."""
    guard = core.guard
    match reason:
        case "HEARTBEAT":
            guard.hb_age = guard.hb_ms
        case "INPUT":
            guard.lid = False
        case "FEEDBACK":
            guard.fb = True
        case "BLEED":
            guard.off_age = 9_999


@pytest.mark.parametrize(
    ("state", "frame", "reasons"),
    [
        ("SAFE", "ARM {nonce}", ["HEARTBEAT", "INPUT", "FEEDBACK"]),
        ("SAFE", "HV {nonce}:5", ["HEARTBEAT", "INPUT", "FEEDBACK"]),
        ("TRIPPED", "RESET", ["INPUT", "FEEDBACK"]),
        ("SAFE", "UNLOCK", ["FEEDBACK", "BLEED"]),
        ("TRIPPED", "UNLOCK", ["FEEDBACK", "BLEED"]),
    ],
)
def test_of_several_reasons_the_first_of_the_contract_is_told(state: str, frame: str, reasons: list[str]) -> None:
    for first in range(len(reasons)):
        core = Core().to(state)
        core.guard.off_age = 10_000
        for reason in reasons[first:]:
            spoil(core, reason)
        before = core.guard.state
        assert core.frame(frame.format(nonce=core.nonce)).split(" ")[2] == reasons[first]
        assert core.guard.state == before


def test_stale_comes_before_state_and_state_before_range_and_range_before_all_else() -> None:
    core = Core().to("TRIPPED")
    core.guard.fb = True
    assert core.frame("HV ffffffff:999") == "NAK HV STALE"
    assert core.frame(f"HV {core.nonce}:999") == "NAK HV STATE"
    core = Core().to("SAFE")
    core.guard.hb_age, core.guard.lid = -1, False
    assert core.frame(f"HV {core.nonce}:121") == "NAK HV RANGE"
    assert core.frame(f"HV {core.nonce}:120") == "NAK HV HEARTBEAT"


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [("0", "NAK ON RANGE"), ("1", "OK ON"), ("9000", "OK ON"), ("9001", "NAK ON RANGE"), ("9" * 90, "NAK ON RANGE")],
)
def test_on_takes_one_second_to_the_limit(seconds: str, answer: str) -> None:
    assert Core().to("ARMED").frame(f"ON {seconds}") == answer


@pytest.mark.parametrize(
    ("seconds", "answer"), [("0", "NAK HV RANGE"), ("1", "OK HV"), ("120", "OK HV"), ("121", "NAK HV RANGE")]
)
def test_hv_takes_one_to_120_seconds(seconds: str, answer: str) -> None:
    core = Core().to("SAFE")
    assert core.frame(f"HV {core.nonce}:{seconds}") == answer


def test_arming_needs_a_heartbeat_younger_than_the_limit() -> None:
    core = Core().to("SAFE")
    core.ms(299)
    assert core.frame(f"ARM {core.nonce}") == "OK ARM"
    core = Core().to("SAFE")
    core.ms(300)
    assert core.frame(f"ARM {core.nonce}") == "NAK ARM HEARTBEAT"


def test_the_lid_unlocks_only_after_the_bleed_time_and_locks_again_when_armed() -> None:
    core = Core(bleed_s=2).to("ENERGISED")
    core.ms(200)
    core.frame("OFF")
    core.ms(1999)
    assert core.frame("UNLOCK") == "NAK UNLOCK BLEED"
    core.ms(1)
    assert core.frame("UNLOCK") == "OK UNLOCK"
    assert not core.guard.lock
    core.frame("HB")
    core.frame(f"ARM {core.nonce}")
    assert core.guard.lock
    core.frame("OFF")
    assert core.guard.lock


def test_a_test_voltage_starts_the_bleed_time_anew() -> None:
    core = Core(bleed_s=2).to("SAFE")
    core.ms(3000)
    core.frame("HB")
    core.frame(f"HV {core.nonce}:1")
    core.frame("OFF")
    assert core.frame("UNLOCK") == "NAK UNLOCK BLEED"
