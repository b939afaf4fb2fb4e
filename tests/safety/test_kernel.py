"""The kernel in virtual time, over the real core of the guard's firmware."""

from __future__ import annotations

import asyncio
import time

import pytest

from drivers.errors import DriverError, PermitDenied
from station.safety.causes import kind_of, verdict_of
from tests.safety.rig import MemoryLatch, Rig, now, play


def test_a_daemon_that_starts_beside_a_booted_guard_is_tripped_until_a_person_resets() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        assert rig.causes == [("guard", "BOOT")]
        assert await rig.kernel.reset() == ()
        assert rig.causes == [] and rig.guard.core.state == "SAFE"
        await rig.settle()
        assert rig.causes == [] and rig.guard.k_times == []

    play(scene, reset=False)


def test_mains_comes_on_and_goes_off() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        assert rig.guard.core.k
        await rig.settle(5.0)
        assert rig.causes == []
        await rig.bench.mains.off()
        assert not rig.guard.core.k
        await rig.settle(5.0)
        assert rig.causes == []

    play(scene)


@pytest.mark.parametrize(
    ("act", "cause", "verdict"),
    [("estop", "ESTOP", "ABORTED"), ("lid", "LID", "ABORTED"), ("thermo", "THERMO", "ERROR")],
)
def test_an_input_of_the_guard_trips_and_blames(act: str, cause: str, verdict: str) -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        setattr(rig.guard, act, False)
        await rig.tripped()
        assert not rig.guard.core.k
        assert rig.causes[0] == ("guard", cause)
        assert verdict_of(rig.kernel.trips[0]) == verdict

    play(scene)


def test_releasing_the_emergency_stop_re_enables_nothing() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        permit = rig.kernel.permits.mains
        rig.guard.estop = False
        await rig.tripped()
        rig.guard.estop = True  # the button is out again; what it tripped stays tripped
        await rig.settle(30.0)
        assert rig.guard.core.state == "TRIPPED" and not rig.guard.core.k and not permit.granted
        assert rig.causes[0] == ("guard", "ESTOP")
        with pytest.raises(PermitDenied):
            await rig.energise()
        assert await rig.kernel.reset() == ()
        await rig.settle(30.0)
        assert not rig.guard.core.k and len(rig.guard.k_times) == 2, "RESET restarts nothing either"

    play(scene)


def test_the_stop_button_switches_off_at_once_and_needs_a_reset() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        began = now()
        rig.kernel.stop()
        assert not rig.kernel.permits.mains.granted
        await rig.guard.wait_off()
        assert now() - began < 0.02
        assert rig.causes == [("stop", "STOP")] and kind_of(rig.kernel.trips[0]) == "person"
        with pytest.raises(PermitDenied):
            await rig.energise()
        await rig.settle()
        assert await rig.kernel.reset() == ()
        await rig.settle()
        assert not rig.guard.core.k and rig.causes == []

    play(scene)


def test_a_stop_that_the_guard_never_hears_still_takes_mains_away_because_heartbeats_stop() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.guard.deaf = True
        began = now()
        rig.kernel.stop()
        await rig.guard.wait_off()
        assert now() - began < 0.4

    play(scene)


def test_heartbeats_are_withheld_from_a_guard_that_ignores_a_trip() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        refused = rig.guard.stop

        async def lost() -> None:
            await asyncio.sleep(0.5)

        rig.guard.stop = lost  # type: ignore[method-assign]
        rig.kernel.stop()
        rig.guard.said.clear()
        await rig.settle(0.25)
        assert "HB" not in rig.guard.said
        await rig.settle(0.3)
        assert rig.guard.core.state == "TRIPPED" and rig.guard.core.cause == "HEARTBEAT"
        rig.guard.stop = refused  # type: ignore[method-assign]

    play(scene)


def test_a_late_scan_is_a_trip_and_permits_expire_with_it() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        permit = rig.kernel.permits.mains
        assert permit.granted
        loop = asyncio.get_running_loop()
        loop.now_us += 160_000  # type: ignore[attr-defined]
        with pytest.raises(PermitDenied, match="overdue"):
            permit.check()
        await rig.tripped()
        assert rig.causes[0] == ("scan", "LATE")
        await rig.settle(0.5)
        assert not rig.guard.core.k

    play(scene)


def test_a_dead_poller_is_a_trip_and_reset_revives_it() -> None:
    async def scene(rig: Rig) -> None:
        rig.sensors["inrush"].broken = True
        await rig.tripped()
        assert rig.causes == [("poller", "DEAD inrush")]
        assert "ZeroDivisionError" in rig.kernel.watched.last_words["inrush"]
        rig.sensors["inrush"].broken = False
        await rig.settle()
        assert await rig.kernel.reset() == ()
        await rig.settle()
        assert rig.causes == []

    play(scene)


def test_a_sensor_that_fails_trips_only_while_it_is_needed() -> None:
    async def scene(rig: Rig) -> None:
        rig.sensors["temperature"].dead = True
        await rig.settle()
        assert rig.causes == []
        with pytest.raises(PermitDenied, match="heatsink"):
            await rig.energise()
        assert rig.guard.k_times == []
        rig.sensors["temperature"].dead = False
        await rig.settle()
        await rig.energise()
        rig.sensors["temperature"].dead = True
        await rig.tripped()
        assert rig.causes[0] == ("heatsink", "FAILED") and verdict_of(rig.kernel.trips[0]) == "ERROR"

    play(scene)


def test_a_hot_dut_trips_and_is_blamed_with_its_measurement() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.degc["heatsink_degc"] = 101.0
        await rig.tripped()
        trip = rig.kernel.trips[0]
        assert (trip.interlock, trip.cause, trip.value, trip.limit) == ("heatsink", "HIGH", 101.0, 100.0)
        assert trip.measurement == "heatsink_degc" and verdict_of(trip) == "FAIL"
        await rig.settle(0.1)
        assert not rig.guard.core.k

    play(scene)


def test_a_guard_that_is_powered_up_anew_trips_and_comes_back_only_by_reset() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.guard.power_up()
        await rig.settle(3.0)
        assert rig.causes[0] in {("guard", "BOOT"), ("guard", "LOST")}
        assert rig.guard.core.state == "TRIPPED" and not rig.guard.core.k
        assert await rig.kernel.reset() == ()
        await rig.settle()
        assert rig.causes == [] and not rig.guard.core.k

    play(scene)


def test_an_unplugged_guard_trips_reconnects_and_energises_nothing() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.guard.unplug()
        await rig.tripped(0.2)
        assert rig.causes[0] == ("guard", "LOST")
        await rig.settle(0.5)
        assert not rig.guard.core.k
        rig.guard.unplugged = False
        await rig.settle(3.0)
        assert rig.guard.hello is not None and not rig.guard.core.k
        assert rig.kernel.trips and await rig.kernel.reset() == ()
        await rig.settle()
        assert not rig.guard.core.k and rig.causes == []

    play(scene)


def test_a_guard_that_says_nothing_for_1_2_seconds_is_a_trip() -> None:
    async def scene(rig: Rig) -> None:
        rig.guard.frozen = True
        began = now()
        await rig.tripped()
        assert rig.causes[0] == ("guard", "SILENT") and 1.15 < now() - began < 1.4
        rig.guard.frozen = False

    play(scene)


def test_reset_is_refused_while_an_input_is_not_healthy_and_says_why() -> None:
    async def scene(rig: Rig) -> None:
        rig.guard.estop = False
        await rig.tripped()
        assert any("estop" in reason for reason in await rig.kernel.reset())
        assert rig.kernel.trips
        rig.guard.estop = True
        await rig.settle()
        assert await rig.kernel.reset() == ()

    play(scene)


def test_a_stop_pressed_during_reset_is_not_lost() -> None:
    async def scene(rig: Rig) -> None:
        rig.guard.estop = False
        await rig.tripped()
        rig.guard.estop = True
        await rig.settle()
        reset = asyncio.ensure_future(rig.kernel.reset())
        await asyncio.sleep(0.001)
        rig.kernel.stop()
        assert any("tripped again" in reason for reason in await reset)
        assert rig.kernel.trips

    play(scene)


def test_a_weld_sets_the_service_latch_durably_and_forbids_reset_and_arming() -> None:
    async def scene(rig: Rig) -> None:
        rig.latch.fails = 2
        await rig.energise()
        rig.guard.welded = True
        with pytest.raises(DriverError):
            await rig.bench.mains.off()
        await rig.tripped()
        assert ("guard", "WELD") in rig.causes
        await rig.settle(4.0)
        assert rig.latch.reason is not None and rig.latch.reason.startswith("WELD")
        rig.guard.welded = False
        await rig.settle()
        assert any("service latch" in reason for reason in await rig.kernel.reset())

    play(scene)


def test_a_latch_kept_from_before_refuses_mains_after_a_restart() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        assert any("service latch" in reason for reason in await rig.kernel.reset())
        with pytest.raises(PermitDenied):
            await rig.energise()
        assert rig.guard.k_times == []

    play(scene, latch=MemoryLatch("WELD: in an earlier run"), reset=False)


def test_ten_seconds_pass_between_off_and_on() -> None:
    async def scene(rig: Rig) -> None:
        for _ in range(3):
            await rig.energise()
            await rig.bench.mains.off()
        changes = rig.guard.k_times
        pauses = [on[0] - off[0] for off, on in zip(changes[1::2], changes[2::2], strict=False)]
        assert len(pauses) == 2 and min(pauses) >= rig.rules.min_off_s

    from station.safety.rules import Rules

    play(scene, Rules())


def test_the_bound_on_energised_time_is_held_by_the_station_too() -> None:
    async def scene(rig: Rig) -> None:
        await rig.bench.mains.on(2.0)
        began = now()
        await rig.tripped(3.0)
        assert now() - began <= 2.1
        assert rig.causes[0] in {("mains", "BOUND"), ("guard", "TIME")}
        assert verdict_of(rig.kernel.trips[0]) == "ERROR"
        await rig.settle(0.1)
        assert not rig.guard.core.k

    play(scene)


def test_shutting_down_with_mains_on_switches_off_first() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.kernel.close()
        assert not rig.guard.core.k
        assert rig.causes[0] == ("stop", "SHUTDOWN") and rig.drive_until is None

    play(scene)


def test_a_trip_is_latched_in_the_guard_before_the_daemon_goes_even_if_stops_are_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(rig: Rig) -> None:
        real, lost = rig.guard.stop, []

        async def lossy() -> None:
            if len(lost) < 5:
                lost.append("STOP")
                raise DriverError("guard", "no answer to STOP")
            await real()

        monkeypatch.setattr(rig.guard, "stop", lossy)
        assert rig.guard.core.state == "SAFE"
        rig.kernel.stop("SHUTDOWN")
        await rig.kernel.close()
        assert len(lost) == 5 and rig.guard.core.state == "TRIPPED"

    play(scene)


def test_the_guard_is_heard_only_once_a_scan_has_seen_its_trip() -> None:
    async def scene(rig: Rig) -> None:
        await rig.kernel.until(rig.kernel.has_heard, 2.0, "the guard's first word", tripped_too=True)
        assert rig.causes == [("guard", "BOOT")]

    play(scene, reset=False)


def test_a_scan_that_raises_ends_the_kernel_and_the_guard_starves(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        monkeypatch.setattr(rig.kernel.table, "snapshot", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await rig.kernel.wait_failed()
        assert rig.causes[0] == ("scan", "FAULT") and rig.drive_until is None
        rig.guard.said.clear()
        await rig.settle(0.5)
        assert "HB" not in rig.guard.said and not rig.guard.core.k
        monkeypatch.undo()

    play(scene)


def test_a_listener_that_raises_changes_nothing() -> None:
    heard = []

    def listener(trip: object) -> None:
        heard.append(trip)
        raise RuntimeError("a page went wrong")

    async def scene(rig: Rig) -> None:
        rig.kernel.listen(listener)
        await rig.energise()
        rig.guard.lid = False
        await rig.tripped()
        assert len(heard) == 1
        await rig.settle()
        assert rig.kernel.trips

    play(scene)


def test_the_fan_runs_from_the_start_until_the_load_bank_is_known_to_be_cool() -> None:
    async def scene(rig: Rig) -> None:
        rig.degc["loadbank_degc"] = 75.0
        await rig.settle()
        assert rig.board.history[0] == ("fan", True)
        await rig.settle(5.0)
        assert rig.board.positions["fan"] and rig.kernel.hot
        rig.degc["loadbank_degc"] = 57.0
        await rig.settle(2.0)
        assert not rig.board.positions["fan"] and not rig.kernel.hot
        rig.sensors["temperature"].dead = True
        await rig.settle(2.0)
        assert rig.board.positions["fan"]

    play(scene, reset=False)


def test_a_minute_of_scans_needs_no_real_time() -> None:
    async def scene(rig: Rig) -> None:
        began = time.monotonic()
        await rig.settle(60.0)
        assert time.monotonic() - began < 30.0
        assert rig.causes == []

    play(scene)
