"""Sessions, SEQ, nonces and replay: who is heard, and that a recorded conversation never energises."""

from __future__ import annotations

import time

import pytest

from tests.firmware.contract.contract_host import COMMAND, Bench, fair
from tests.firmware.contract.line import SEQ_MAX, frame

ASKS = ["HB", "ARM 00000000", "ON 5", "HV 00000000:5", "RESET", "UNLOCK", "STAT"]


@fair
def test_before_hello_everything_is_stale_but_off_and_stop(booted: Bench) -> None:
    booted.session = "00000000"
    for ask in ASKS:
        assert booted.ask(ask) == f"NAK {ask.split(' ')[0]} STALE"
    assert booted.ask("OFF", seq=1) == "OK OFF"
    assert booted.last().causes == ("BOOT",)
    assert booted.ask("STOP", seq=1) == "OK STOP"
    assert booted.last().causes == ("BOOT", "HOST")
    assert booted.ask("STAT") == "NAK STAT STALE"  # OFF and STOP have opened nothing
    booted.hello()
    assert booted.ask("STAT") == "OK STAT"


@pytest.mark.parametrize("state", ["SAFE", "ARMED", "ENERGISED", "HV", "TRIPPED"])
@fair
def test_a_stale_frame_is_answered_and_changes_nothing(bench: Bench, state: str) -> None:
    bench.fresh(state)
    used = bench.seq
    for ask in ["HB", "ARM NONCE", "ON 5", "HV NONCE:5", "RESET", "UNLOCK", "STAT"]:
        verb = ask.split(" ")[0]
        assert bench.ask(ask, seq=used) == f"NAK {verb} STALE"
        assert bench.ask(ask, seq=1) == f"NAK {verb} STALE"
        assert bench.ask(ask, session="fedcba98", seq=SEQ_MAX) == f"NAK {verb} STALE"
        assert bench.last().state == state
    assert bench.ask("STAT", seq=used + 1) == "OK STAT"


@fair
def test_a_stale_heartbeat_does_not_feed(bench: Bench) -> None:
    bench.fresh("ENERGISED")
    used = bench.seq
    since = bench.raw(frame(bench.body("HB")))
    for _ in range(12):
        bench.pump(0.03)
        bench.raw(frame(f"{bench.session} {used} HB"))
        bench.raw(frame(f"fedcba98 {SEQ_MAX} HB"))
    assert bench.told(lambda seen: seen.state == "TRIPPED", "the trip").causes == ("HEARTBEAT",)
    assert bench.switched("k", 0, since).ns - since >= 299e6


@fair
def test_seq_may_jump_but_never_stand_or_fall(bench: Bench) -> None:
    bench.fresh()
    for seq, answer in ((50, "OK"), (50, "NAK"), (49, "NAK"), (51, "OK"), (1_000_000, "OK"), (999_999, "NAK"),
                        (SEQ_MAX - 1, "OK"), (SEQ_MAX, "OK"), (SEQ_MAX, "NAK"), (1, "NAK")):  # fmt: skip
        assert bench.ask("STAT", seq=seq).startswith(answer)
    assert bench.ask("OFF", seq=SEQ_MAX) == "OK OFF"
    bench.hello()
    assert bench.ask("STAT") == "OK STAT"


@fair
def test_a_refused_frame_uses_its_seq_up_and_a_stale_or_dropped_one_does_not(bench: Bench) -> None:
    bench.fresh()
    for ask, answer in (("ON 5", "STATE"), ("ARM ffffffff!", "STALE"), ("HV NONCE:0", "RANGE"),
                        ("ARM NONCE", "HEARTBEAT"), ("RESET", "STATE")):  # fmt: skip
        assert bench.ask(ask).endswith(answer)
        assert bench.ask("STAT", seq=bench.seq) == "NAK STAT STALE"
    bench.raw(frame(f"{bench.session} {bench.seq + 500} PING"))
    bench.raw(frame(f"{bench.session} {bench.seq + 500} ON x"))
    assert bench.ask("STAT", session="fedcba98", seq=bench.seq + 500) == "NAK STAT STALE"
    assert bench.ask("STAT") == "OK STAT"


@fair
def test_stale_off_and_stop_act_and_leave_session_and_seq_as_they_are(bench: Bench) -> None:
    for ask, state in (("OFF", "SAFE"), ("STOP", "TRIPPED")):
        for live, what in (("ENERGISED", "k"), ("HV", "h"), ("ARMED", None)):
            for session, seq in ((None, 1), ("fedcba98", SEQ_MAX)):
                bench.fresh(live)
                used = bench.seq
                since = time.monotonic_ns()
                assert bench.ask(ask, session=session, seq=seq) == f"OK {ask}"
                assert bench.last().state == state
                if what:
                    bench.switched(what, 0, since)
                assert bench.ask("STAT", session="fedcba98", seq=SEQ_MAX) == "NAK STAT STALE"
                assert bench.ask("STAT", seq=used + 1) == "OK STAT"


@fair
def test_off_and_stop_of_the_session_use_their_seq_up(bench: Bench) -> None:
    for ask in ("OFF", "STOP"):
        bench.fresh()
        assert bench.ask(ask, seq=70) == f"OK {ask}"
        assert bench.ask("STAT", seq=70) == "NAK STAT STALE"
        assert bench.ask("STAT", seq=71) == "OK STAT"


@fair
def test_hello_is_accepted_always_and_starts_seq_anew(bench: Bench) -> None:
    bench.fresh()
    assert bench.ask("STAT", seq=1000) == "OK STAT"
    old = bench.session
    told = bench.hello(seq=7)
    assert bench.ask("STAT", session=old, seq=2000) == "NAK STAT STALE"
    assert bench.ask("STAT", seq=7) == "NAK STAT STALE"
    assert bench.ask("STAT", seq=8) == "OK STAT"
    again = bench.ask("HELLO", seq=8)  # even of the same session and with a SEQ that is used up
    assert again.startswith("OK HELLO guard/1 ")
    assert told["nonce"] not in again
    assert f"boot={told['boot']}" in again
    assert bench.ask("STAT", seq=9) == "OK STAT"


@fair
def test_hello_forgets_the_heartbeat(bench: Bench) -> None:
    bench.fresh()
    bench.ask("HB")
    assert bench.now().hb_age >= 0
    bench.hello()
    assert bench.last().hb_age == -1
    assert bench.ask("ARM NONCE") == "NAK ARM HEARTBEAT"
    bench.ask("HB")
    assert bench.ask("ARM NONCE") == "OK ARM"


@fair
def test_the_nonce_is_fresh_at_every_hello_and_older_ones_are_worth_nothing(bench: Bench) -> None:
    bench.fresh()
    nonces = [bench.nonce] + [bench.hello()["nonce"] for _ in range(40)]
    assert len(set(nonces)) == len(nonces)
    bench.ask("HB")
    for nonce in (
        *nonces[:-1],
        bench.nonce.upper() + "!",
        bench.nonce[:-1],
        bench.nonce + "0",
        "00000000",
        bench.session,
    ):
        assert bench.ask(f"ARM {nonce}") == "NAK ARM STALE"
        assert bench.ask(f"HV {nonce}:5") == "NAK HV STALE"
    bench.ask("HB")
    assert bench.ask("ARM NONCE") == "OK ARM"


@fair
def test_a_nonce_holds_as_long_as_its_session(bench: Bench) -> None:
    bench.fresh()
    for ask in ("ARM NONCE", "ARM NONCE", "HV NONCE:2", "ARM NONCE"):
        bench.ask("HB")
        assert bench.ask(ask).startswith("OK")
        assert bench.ask("OFF") == "OK OFF"


def test_boot_and_nonce_differ_from_one_power_up_to_the_next(bench: Bench) -> None:
    other = Bench(COMMAND)
    try:
        mine, theirs = bench.hello(), other.hello()
    finally:
        other.close()
    assert mine["boot"] != theirs["boot"]
    assert mine["nonce"] != theirs["nonce"]
    assert {name: mine[name] for name in ("hb", "max_on", "bleed")} == {"hb": "300", "max_on": "9000", "bleed": "10"}


@pytest.mark.parametrize("live", ["ENERGISED", "HV"])
@fair
def test_a_recorded_conversation_replayed_never_energises(bench: Bench, live: str) -> None:
    bench.fresh()
    bench.ask("STOP")
    record: list[bytes] = []
    bench.session, bench.seq = "c0ffee00", 0
    for ask in ("HELLO", "RESET", "HB", *(["ARM NONCE", "ON 5"] if live == "ENERGISED" else ["HV NONCE:5"]), "HB"):
        body = bench.body(ask)
        record.append(frame(body))
        answer = bench.ask(ask, seq=bench.seq)
        assert answer.startswith("OK"), answer
        bench.nonce = answer.split("nonce=")[1].split(" ")[0] if ask == "HELLO" else bench.nonce
    assert bench.last().state == live
    granted = len(bench.changes)
    for order in (record, record[1:], record[::-1], record * 3, sorted(record)):
        for whole in (True, False):
            bench.ask("STAT", seq=SEQ_MAX)
            if whole:
                bench.raw(b"".join(order))
            else:
                for piece in order:
                    bench.raw(piece)
                    bench.pump(0.002)
            bench.until(lambda: bench.model is not None and not bench.model.owed, "all answers")
            assert not bench.last().k and not bench.last().h
    bench.fresh()
    bench.agree()
    assert [item for item in bench.changes[granted:] if item.what != "lock" and item.level] == []


@fair
def test_a_conversation_replayed_to_another_guard_never_energises(bench: Bench, booted: Bench) -> None:
    bench.hello()
    bench.fresh()
    asks = ["RESET", "HB", "ARM NONCE", "ON 5", "HV NONCE:5"]
    record = b"".join(frame(body) for body in [f"{bench.session} 1 HELLO", *(bench.body(ask) for ask in asks)])
    booted.raw(record)
    booted.until(lambda: len(booted.answers) == 6, "six answers")
    assert [answer.split(" ", 2)[2] for _, answer in booted.answers[1:]] == [
        "OK RESET", "OK HB", "NAK ARM STALE", "NAK ON STATE", "NAK HV STALE"]  # fmt: skip
    assert not booted.changes
