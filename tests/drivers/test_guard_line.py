"""The guard line end to end: firmware/guard/ as it is, under the real MicroPython, over a real pty."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.ports import GuardState
from drivers.uart.guard_frame import encode
from tests.drivers.double_world import DoubleWorld
from tests.drivers.guard_bench import BareHost, Heart, Rig

NOISE_MS = 20.0
"""What a busy machine may add to the contract's milliseconds before a test calls it a fault of the guard."""


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.close()


@pytest.fixture
def host(rig: Rig) -> Iterator[BareHost]:
    host = BareHost(rig.port)
    yield host
    host.close()


def test_a_guard_starts_tripped_and_says_so_unasked(host: BareHost) -> None:
    status = host.status(lambda _: True)
    assert (status.state, status.cause, status.also, status.lock, status.k, status.h) == (
        GuardState.TRIPPED, "BOOT", (), True, False, False,
    )  # fmt: skip
    assert status.hb_age_ms == -1
    assert host.status(lambda _: True).up_ms >= 490


def test_the_way_to_energised_and_back(rig: Rig, host: BareHost) -> None:
    hello = host.hello()
    assert hello.rest.startswith("guard/1 fw=")
    assert hello.rest.endswith("hb=300 max_on=9000 bleed=10")
    assert host.ask("RESET")[1].state == GuardState.SAFE
    assert host.ask("HB")[1].hb_age_ms == 0
    assert host.ask(f"ARM {host.nonce}")[1].state == GuardState.ARMED
    reply, status = host.ask("ON 5")
    assert reply.accepted
    assert (status.state, status.k, status.h, status.on_left_s) == (GuardState.ENERGISED, True, False, 5)
    rig.wait_for("k", 1)
    heart = Heart(lambda: host.send("HB"))
    assert host.status(lambda now: now.fb).k
    heart.stop()
    assert host.ask("OFF")[1].state == GuardState.SAFE
    rig.wait_for("k", 0)
    assert not rig.ever("h", 1)


def test_test_voltage_stands_on_h_alone_and_for_its_seconds_only(rig: Rig, host: BareHost) -> None:
    host.hello()
    host.ask("RESET")
    host.ask("HB")
    heart = Heart(lambda: host.send("HB"))
    reply, status = host.ask(f"HV {host.nonce}:1")
    assert reply.accepted
    assert (status.state, status.h, status.k) == (GuardState.HV, True, False)
    on_ns = rig.wait_for("h", 1)
    off_ns = rig.wait_for("h", 0)
    heart.stop()
    assert 999.0 <= (off_ns - on_ns) / 1e6 <= 1005.0 + NOISE_MS
    assert host.status(lambda now: now.state == GuardState.TRIPPED).cause == "TIME"
    assert not rig.ever("k", 1)


def test_a_lost_heartbeat_takes_k_away_within_the_limit(rig: Rig, host: BareHost) -> None:
    host.energise()
    rig.wait_for("k", 1)
    before_ns = time.monotonic_ns()
    host.ask("HB")
    after_ns = time.monotonic_ns()
    off_ns = rig.wait_for("k", 0)
    assert (off_ns - before_ns) / 1e6 >= 300.0
    assert (off_ns - after_ns) / 1e6 <= 305.0 + NOISE_MS
    assert host.status(lambda now: now.state == GuardState.TRIPPED).cause == "HEARTBEAT"


@pytest.mark.parametrize("name", ["estop", "thermo", "lid"])
def test_a_broken_loop_takes_k_away_at_once_and_latches(rig: Rig, host: BareHost, name: str) -> None:
    host.energise()
    rig.wait_for("k", 1)
    heart = Heart(lambda: host.send("HB"))
    time.sleep(0.01)
    broken_ns = time.monotonic_ns()
    rig.twin.set_input(name, False)  # type: ignore[arg-type]
    off_ns = rig.wait_for("k", 0)
    heart.stop()
    assert 0 <= (off_ns - broken_ns) / 1e6 <= 5.0 + NOISE_MS
    rig.twin.set_input(name, True)  # type: ignore[arg-type]
    assert host.ask("STAT")[1].cause == name.upper()
    until = time.monotonic() + 3.0
    while not host.ask("RESET")[0].accepted:  # until the debouncing is over
        assert time.monotonic() < until
        time.sleep(0.005)
    assert len([change for change in rig.changes if change[:2] == ("k", 1)]) == 1


def test_a_flicker_shorter_than_a_pass_trips_as_well(rig: Rig, host: BareHost) -> None:
    host.energise()
    rig.wait_for("k", 1)
    rig.twin.set_input("estop", False)
    rig.twin.set_input("estop", True)
    rig.wait_for("k", 0)
    assert host.status(lambda now: now.state == GuardState.TRIPPED).cause == "ESTOP"


def test_a_replayed_recording_never_energises(rig: Rig, host: BareHost) -> None:
    host.energise()
    host.ask("OFF")
    recorded = list(host.sent)
    rig.twin.reset()
    rig.changes.clear()
    host.status(lambda now: now.cause == "BOOT" and now.up_ms < 400)
    for frame in recorded * 3:
        host.raw(frame)
    host.session, host.seq = "5e55104e", 0
    status = host.ask("STAT")[1]
    assert not status.k
    assert not rig.ever("k", 1)
    assert not rig.ever("h", 1)


def test_a_hello_trips_what_is_energised(rig: Rig, host: BareHost) -> None:
    host.energise()
    rig.wait_for("k", 1)
    reply, status = host.ask("HELLO")
    assert reply.accepted
    assert (status.state, status.cause) == (GuardState.TRIPPED, "LINK")
    rig.wait_for("k", 0)


def test_off_and_stop_act_without_papers(rig: Rig, host: BareHost) -> None:
    host.energise()
    rig.wait_for("k", 1)
    host.raw(encode("ffffffff 1 OFF"))
    rig.wait_for("k", 0)
    assert host.status(lambda now: now.state == GuardState.SAFE).cause is None
    host.raw(encode("ffffffff 1 STOP"))
    assert host.status(lambda now: now.state == GuardState.TRIPPED).cause == "HOST"
    assert host.ask("RESET")[0].accepted, "a stale STOP leaves session and SEQ as they are"


def test_ctrl_c_and_noise_are_counted_and_change_nothing(rig: Rig, host: BareHost) -> None:
    host.energise()
    heart = Heart(lambda: host.send("HB"))
    rig.wait_for("k", 1)
    bad = host.ask("STAT")[1].bad
    heart.stop()  # so that no frame falls into the middle of the noise
    host.raw(b"\x03\x03\x04\x00\xff\n" + b"A" * 5000 + b"\n" + b"\n" + b"0badcafe 1 HB*0000\n")
    status = host.ask("STAT")[1]
    assert status.bad == bad + 4
    assert status.k
    assert status.up_ms > 0


def test_a_host_that_does_not_read_delays_nothing(rig: Rig, host: BareHost) -> None:
    host.energise()
    rig.wait_for("k", 1)
    heart = Heart(lambda: [host.send("STAT") for _ in range(12)] + [host.send("HB")], period_s=0.01)
    rig.wait_beats(150, deadline_s=20.0)  # some 400 KB of answers: more than the pty and the guard keep
    broken_ns = time.monotonic_ns()
    rig.twin.set_input("estop", False)
    off_ns = rig.wait_for("k", 0)
    heart.stop()
    assert (off_ns - broken_ns) / 1e6 <= 5.0 + NOISE_MS
    assert host.status(lambda now: now.state == GuardState.TRIPPED, deadline_s=10.0).cause == "ESTOP"


def test_a_burst_of_frames_gets_an_answer_and_a_status_each_in_order(host: BareHost) -> None:
    host.hello()
    first = host.seq + 1
    for _ in range(40):
        host.send("STAT")
    bodies = [host.line() for _ in range(80)]
    assert [body.split(" ")[1] for body in bodies[::2]] == [str(first + index) for index in range(40)]
    assert all(body.startswith("S state=") for body in bodies[1::2])


def test_a_weld_trips_and_bars_reset_until_it_opens(rig: Rig, host: BareHost) -> None:
    host.energise()
    rig.wait_for("k", 1)
    rig.twin.set_feedback("1")
    assert host.ask("OFF")[1].state == GuardState.SAFE
    assert host.status(lambda now: now.state == GuardState.TRIPPED).cause == "WELD"
    assert host.ask("RESET")[0].rest == "FEEDBACK"
    rig.twin.set_feedback("auto")
    host.status(lambda now: not now.fb)
    assert host.ask("RESET")[0].accepted


def test_a_contactor_that_drops_out_trips(rig: Rig, host: BareHost) -> None:
    host.energise()
    heart = Heart(lambda: host.send("HB"))
    rig.wait_for("k", 1)
    time.sleep(0.12)
    rig.twin.set_feedback("0")
    rig.wait_for("k", 0)
    heart.stop()
    assert host.status(lambda now: now.state == GuardState.TRIPPED).cause == "DROPOUT"


def test_k_and_h_move_the_plant_and_its_contacts_are_the_feedback() -> None:
    world = DoubleWorld()
    rig = Rig(world=world)
    host = BareHost(rig.port)
    try:
        host.energise()
        heart = Heart(lambda: host.send("HB"))
        rig.wait_for("k", 1)
        assert world.contactor_closed()
        assert host.status(lambda now: now.fb).k
        heart.stop()
        host.ask("OFF")
        rig.wait_for("k", 0)
        assert not world.contactor_closed()
        host.status(lambda now: not now.fb)
        host.ask("HB")
        assert host.ask(f"HV {host.nonce}:5")[0].accepted
        rig.wait_for("h", 1)
        assert world.tester_enabled()
        world.set_contactor(True)  # as a person with a screwdriver would
        rig.wait_for("h", 0)
        assert not world.tester_enabled()
        assert host.ask("STAT")[1].cause == "WELD"
    finally:
        host.close()
        rig.close()


def test_the_lid_is_released_after_the_bleed_time_and_locked_by_the_next_arm() -> None:
    rig = Rig(settings={"BLEED_S": 1})
    host = BareHost(rig.port)
    try:
        assert host.hello().rest.endswith("bleed=1")
        host.ask("RESET")
        assert host.ask("UNLOCK")[0].rest == "BLEED"
        host.status(lambda now: now.up_ms > 1000)
        assert not host.ask("UNLOCK")[1].lock
        rig.wait_for("lock", 0)
        host.ask("HB")
        assert host.ask(f"ARM {host.nonce}")[1].lock
        rig.wait_for("lock", 1)
    finally:
        host.close()
        rig.close()


def test_a_power_cycle_of_the_board_is_a_new_boot_with_everything_off(rig: Rig, host: BareHost) -> None:
    boot = host.hello().rest.split("boot=")[1][:8]
    host.energise()
    rig.wait_for("k", 1)
    rig.twin.reset()
    rig.wait_for("k", 0)
    host.status(lambda now: now.cause == "BOOT" and now.up_ms < 400)
    assert host.hello().rest.split("boot=")[1][:8] != boot


def test_a_guard_that_hangs_is_off_within_its_watchdogs_second(rig: Rig, host: BareHost) -> None:
    host.energise()
    rig.wait_for("k", 1)
    assert rig.twin.pid is not None
    hung_ns = time.monotonic_ns()
    os.kill(rig.twin.pid, signal.SIGSTOP)
    off_ns = rig.wait_for("k", 0)
    assert (off_ns - hung_ns) / 1e9 <= 2.0
    assert host.status(lambda now: now.cause == "BOOT" and now.up_ms < 400).state == GuardState.TRIPPED


def test_an_idle_guard_leaves_the_processor_alone(rig: Rig, host: BareHost) -> None:
    host.status(lambda _: True)
    before = _processor_ns(rig)
    time.sleep(0.5)
    assert _processor_ns(rig) - before < 0.5e9 * 0.05


def _processor_ns(rig: Rig) -> int:
    return int(Path(f"/proc/{rig.twin.pid}/schedstat").read_text().split()[0])


def test_simulate_guard_serves_the_port_and_prints_every_change() -> None:
    program = "from station.cli.simulate_guard import serve_guard; raise SystemExit(serve_guard())"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout and process.stderr
    try:
        host = BareHost(json.loads(process.stdout.readline())["port"])
        host.energise()
        name, value, on_ns = process.stdout.readline().split(" ")
        assert (name, value) == ("k", "1")
        assert abs(time.monotonic_ns() - int(on_ns)) < 2e9
        process.stdin.write("lid 0\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith("k 0 ")
        assert host.status(lambda now: now.state == GuardState.TRIPPED).cause == "LID"
        process.stdin.write("thermo 2\nquit\n")
        process.stdin.flush()
        assert process.wait(5.0) == 0
        assert "use estop|lid|thermo 0|1" in process.stderr.read()
        host.close()
    finally:
        process.kill()
        process.communicate()
