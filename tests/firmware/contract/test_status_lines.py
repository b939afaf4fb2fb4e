"""When the guard speaks: one answer and one status line for a frame, one for a change (cadence: test_waits.py)."""

from __future__ import annotations

from tests.firmware.contract.contract_host import Bench, fair
from tests.firmware.contract.line import frame


@fair
def test_a_frame_gets_one_answer_and_one_status_line_and_no_second_one(bench: Bench) -> None:
    """Over a while there are as many status lines as frames and periods: changes by frames are told with the answer."""
    bench.fresh()
    statuses, answers, begun = len(bench.statuses), len(bench.answers), bench.last().up
    asks = ["HB", "ARM NONCE", "ON 5", "OFF", "HB", "HV NONCE:5", "OFF", "STOP", "RESET", "HB", "ARM NONCE", "OFF",
            "ON 5", "STOP", "STOP", "RESET", "STAT"]  # fmt: skip
    for ask in asks:
        bench.ask(ask)
        bench.pump(0.005)
    bench.rest(0.03, beats=False)
    periods = (bench.last().up - begun) // 500 + 1
    assert len(bench.answers) - answers == len(asks)
    assert len(asks) <= len(bench.statuses) - statuses <= len(asks) + periods


@fair
def test_a_dropped_frame_is_not_answered_at_all(bench: Bench) -> None:
    bench.fresh()
    begin, begun, answers = len(bench.statuses), bench.last().up, len(bench.answers)
    for _ in range(20):
        bench.raw(frame(f"{bench.session} 900 PING") + b"junk\n")
        bench.pump(0.005)
    bench.rest(0.05, beats=False)
    assert len(bench.answers) == answers
    assert len(bench.statuses) - begin <= (bench.last().up - begun) // 500 + 1
    assert bench.now().bad >= 40


@fair
def test_every_change_of_state_and_of_causes_is_told_unasked_and_at_once(bench: Bench) -> None:
    """The best of a few, so that neither the 500 ms nor the load of the machine decides."""
    for wire, state in (("estop", "SAFE"), ("thermo", "TRIPPED"), ("lid", "ARMED"), ("estop", "ENERGISED")):
        delays = []
        for _ in range(4):
            bench.fresh(state)
            since = bench.wire(**{wire: 0})
            bench.told(lambda seen, name=wire.upper(): name in seen.causes, "the trip")  # type: ignore[misc]
            delays.append(bench.statuses[-1][0] - since)
        assert min(delays) < 20e6, (wire, state, delays)


@fair
def test_standard_output_tells_every_change_of_k_and_h_in_turn(bench: Bench) -> None:
    bench.fresh()
    bench.agree()
    begin = len(bench.changes)
    for _ in range(3):
        bench.go("ENERGISED")
        bench.ask("OFF")
        bench.shows(lambda seen: not seen.fb, "open contacts")
        bench.go("HV")
        bench.ask("OFF")
    bench.agree()
    told = [(item.what, item.level) for item in bench.changes[begin:]]
    assert told == [("k", 1), ("k", 0), ("h", 1), ("h", 0)] * 3
    stamps = [item.ns for item in bench.changes]
    assert stamps == sorted(stamps)
