"""Trips, status lines and lamps of the guard's core against contracts/guard-line.md."""

import pytest

from firmware.guard.guard_core import CAP, STATES
from tests.firmware.core_bench import Core


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
