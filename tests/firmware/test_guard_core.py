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


# ---- trips -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", ["estop", "lid", "thermo"])
def test_a_broken_loop_trips_where_the_contract_says(state: str, name: str) -> None:
    core = Core().to(state)
    before = core.causes
    setattr(core, name, False)
    core.step()
    if name == "lid" and state in ("SAFE", "TRIPPED"):
        assert core.guard.state == state
        assert core.causes == before
        return
    assert core.guard.state == "TRIPPED"
    assert not (core.guard.k or core.guard.h)
    assert core.causes == ([*before, name.upper()] if state == "TRIPPED" else [name.upper()])


def test_causes_of_one_pass_stand_in_the_order_of_the_table() -> None:
    core = Core().to("ENERGISED")
    core.guard.bound_s = 0
    core.ticks += 301
    core.thermo = core.lid = core.estop = False
    core.step()
    assert core.causes == ["ESTOP", "THERMO", "LID", "HEARTBEAT", "TIME"]
    assert core.statuses()[-1].split(" ")[9:11] == ["cause=ESTOP", "also=THERMO,LID,HEARTBEAT,TIME"]


def test_later_causes_come_in_order_each_once_and_never_the_first_again() -> None:
    core = Core().to("SAFE")
    for names in (["thermo"], ["estop"], ["thermo"], ["estop"]):
        for name in names:
            setattr(core, name, False)
        core.ms(5)
        core.estop = core.thermo = True
        core.ms(60)
    core.frame("STOP")
    core.frame("STOP")
    assert core.causes == ["THERMO", "ESTOP", "HOST"]


def test_a_trip_latches_and_only_reset_clears_it_without_energising() -> None:
    core = Core().to("ENERGISED")
    core.estop = False
    core.step()
    assert core.frame("RESET") == "NAK RESET INPUT"
    core.estop = True
    core.ms(49)
    assert core.frame("RESET") == "NAK RESET INPUT"
    core.ms(1)
    assert core.guard.state == "TRIPPED"
    assert core.frame("RESET") == "OK RESET"
    assert (core.guard.state, core.guard.k, core.guard.h) == ("SAFE", False, False)
    assert core.statuses()[-1].split(" ")[9:11] == ["cause=-", "also=-"]


def test_an_input_is_healthy_only_after_50_ms_without_a_break() -> None:
    core = Core().to("SAFE")
    core.lid = False
    core.step()
    assert not core.guard.lid
    core.lid = True
    core.ms(40)
    core.lid = False
    core.ms(1)
    core.lid = True
    core.ms(49)
    assert not core.guard.lid
    core.ms(1)
    assert core.guard.lid


def test_the_heartbeat_trips_after_more_than_its_limit() -> None:
    core = Core().to("ENERGISED")
    core.frame("HB")
    core.ms(300)
    assert core.guard.k
    core.ms(1)
    assert (core.guard.k, core.guard.cause) == (False, "HEARTBEAT")


def test_a_stale_heartbeat_feeds_nothing() -> None:
    core = Core().to("ENERGISED")
    led = core.guard.led
    core.ms(250)
    assert core.frame("HB", seq=1) == "NAK HB STALE"
    assert core.guard.led == led
    core.ms(51)
    assert core.guard.cause == "HEARTBEAT"


def test_the_bound_on_energised_time_is_a_trip() -> None:
    core = Core().to("ARMED")
    core.frame("ON 2")
    for _ in range(19):
        core.ms(100)
        core.frame("HB")
    core.ms(99)
    assert core.guard.k
    core.ms(1)
    assert (core.guard.state, core.guard.cause) == ("TRIPPED", "TIME")


def test_seconds_left_count_down_to_one_while_on_and_are_zero_when_off() -> None:
    core = Core().to("ARMED")
    core.frame("ON 2")
    assert "on_left=2 " in core.statuses()[-1]
    for _ in range(10):
        core.ms(100)
        core.frame("HB")
    core.ms(1)
    core.frame("STAT")
    assert "on_left=1 " in core.statuses()[-1]
    core.frame("OFF")
    assert "on_left=0 " in core.statuses()[-1]


def test_armed_lapses_after_ten_seconds_and_keeps_the_lid_locked() -> None:
    core = Core().to("ARMED")
    for _ in range(99):
        core.ms(100)
        core.frame("HB")
    core.ms(99)
    assert core.guard.state == "ARMED"
    core.ms(1)
    assert (core.guard.state, core.guard.cause, core.guard.lock) == ("SAFE", "-", True)


def test_a_feedback_still_closed_100_ms_after_k_off_is_a_weld() -> None:
    core = Core().to("ENERGISED")
    core.ms(150)
    core.fb = True
    core.frame("OFF")
    core.ms(99)
    assert core.guard.state == "SAFE"
    core.ms(1)
    assert (core.guard.state, core.guard.cause) == ("TRIPPED", "WELD")
    assert core.frame("RESET") == "NAK RESET FEEDBACK"
    core.fb = False
    core.step()
    assert core.frame("RESET") == "OK RESET"


def test_a_slow_contactor_is_no_weld() -> None:
    core = Core().to("ENERGISED")
    core.ms(150)
    core.fb = True
    core.frame("OFF")
    core.ms(95)
    core.fb = False
    core.ms(200)
    assert core.guard.state == "SAFE"


def test_a_feedback_that_closes_by_itself_is_a_weld_at_once_and_at_boot_after_100_ms() -> None:
    core = Core().to("SAFE")
    core.ms(150)
    core.fb = True
    core.step()
    assert core.guard.cause == "WELD"
    core = Core()
    core.fb = True
    core.ms(99)
    assert core.causes == ["BOOT"]
    core.ms(1)
    assert core.causes == ["BOOT", "WELD"]


def test_a_contactor_that_closes_within_100_ms_and_stays_is_no_dropout() -> None:
    core = Core().to("ENERGISED")
    core.fb = False
    core.ms(100)
    core.fb = True
    core.ms(50)
    core.fb = False
    core.ms(4)
    core.fb = True
    core.ms(50)
    assert core.guard.k


def test_a_feedback_open_for_5_ms_from_100_ms_on_is_a_dropout() -> None:
    core = Core().to("ENERGISED")
    core.fb = False
    core.ms(104)
    assert core.guard.k
    core.ms(1)
    assert core.guard.cause == "DROPOUT"
    core = Core().to("ENERGISED")
    core.ms(200)
    core.fb = False
    core.step()
    core.ms(4)
    assert core.guard.k
    core.ms(1)
    assert core.guard.cause == "DROPOUT"


@pytest.mark.parametrize(
    ("state", "causes"),
    [("ENERGISED", ["LINK"]), ("HV", ["LINK"]), ("ARMED", ["-"]), ("SAFE", ["-"]), ("TRIPPED", ["BOOT"])],
)
def test_hello_is_a_trip_only_where_something_is_on(state: str, causes: list[str]) -> None:
    core = Core().to(state)
    core.frame("HELLO")
    assert core.causes == causes


# ---- status lines ----------------------------------------------------------------------------------------------
def test_a_status_comes_at_power_up_every_500_ms_and_at_every_change_once() -> None:
    core = Core()
    assert len(core.sent) == 1
    core.ms(499)
    assert len(core.sent) == 1
    core.ms(1)
    assert len(core.sent) == 2
    core.estop = False
    core.ms(10)
    assert len(core.sent) == 3
    assert "also=ESTOP " in core.sent[-1]


def test_a_change_that_a_frame_caused_is_told_once() -> None:
    core = Core().to("ENERGISED")
    before = len(core.sent)
    core.frame("STOP")
    core.ms(20)
    assert len(core.sent) == before + 2
    assert "state=TRIPPED k=0" in core.sent[-1]


def test_the_longest_status_fits_the_line() -> None:
    core = Core().to("ENERGISED")
    guard = core.guard
    guard.cause, guard.also = "HEARTBEAT", ("BOOT", "ESTOP", "THERMO", "LID", "TIME", "WELD", "DROPOUT", "LINK", "HOST")
    guard.hb_age = guard.bad = guard.up = CAP
    guard.bound_s, guard.state_age = 86400, 0
    guard._status()
    assert len(core.sent[-1]) <= 240
    assert "on_left=86400 bad=999999999 up=999999999" in core.sent[-1]


# ---- lamps -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("fb", [False, True])
def test_lamps_follow_the_contract(state: str, fb: bool) -> None:
    core = Core().to(state)
    core.guard.fb = fb
    assert core.guard.red == (fb or state in ("ARMED", "ENERGISED", "HV"))
    assert core.guard.green == (state == "SAFE" and not fb)


# ---- the board's own limit -------------------------------------------------------------------------------------
def test_leave_to_stand_is_what_is_left_of_heartbeat_and_bound() -> None:
    core = Core().to("ARMED")
    assert core.guard.leave_ms() == 0
    core.frame("ON 1")
    core.ms(100)
    assert core.guard.leave_ms() == 200
    for _ in range(8):
        core.frame("HB")
        core.ms(100)
    core.frame("HB")
    assert core.guard.leave_ms() == 100
    core.frame("OFF")
    assert core.guard.leave_ms() == 0
