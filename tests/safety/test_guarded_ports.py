"""The guarded ports over honest devices, in virtual time: what they refuse, and how they leave the bench."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest

from drivers.errors import DriverError, PermitDenied, ProtocolError
from drivers.ports import BondSetup, InsulationSetup
from station.domain.errors import StepError
from station.domain.sound import Stimulus
from station.safety.errors import LidHeld, Misrouted, OutputBridged, PlugLive, TerminalsLive
from station.safety.rules import AUDIO, ISOLATED_FROM, LOADS
from station.safety.snapshot import HvWish
from tests.safety.rig import Rig, Sensor, now, play

INSULATION = InsulationSetup(500.0, 1.0, 5.0)
TONE = Stimulus(1000.0, 0.5, 0.5, 0.5)


def assert_hv_is_given_back(rig: Rig) -> None:
    """H off, tester stopped, and (where the discharge could be proven) out of circuit."""
    assert not rig.guard.core.h and rig.guard.core.state in {"SAFE", "TRIPPED"}
    assert not rig.tester.running
    assert rig.kernel.wishes.hv is HvWish.OFF


# ---- tester ------------------------------------------------------------------------------------------------------


def test_insulation_runs_isolated_under_hv_and_everything_goes_back() -> None:
    async def scene(rig: Rig) -> None:
        reading = await rig.bench.tester.measure_insulation(INSULATION)
        assert reading.value == 80.0
        (seen,) = rig.tester.seen_while_running
        assert seen["tester"] and seen["h"] and not seen["fb"]
        assert not any(seen[role] for role in ISOLATED_FROM)
        assert_hv_is_given_back(rig)
        assert not rig.board.positions["tester"]
        assert rig.charge_v < 60.0, "the tester relay opened before the discharge was proven"
        await rig.settle()
        assert rig.causes == []
        await rig.bench.tester.measure_bond(BondSetup(25.0, 1.0, 0.3))
        assert rig.causes == []

    play(scene)


def test_the_tester_is_refused_while_mains_is_on() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        with pytest.raises(Misrouted):
            await rig.bench.tester.measure_insulation(INSULATION)
        assert rig.tester.seen_while_running == [] and not rig.board.positions["tester"]

    play(scene)


def test_a_plug_in_a_wall_socket_gets_no_test_voltage_and_no_tester_relay() -> None:
    async def scene(rig: Rig) -> None:
        rig.sensors["discharge"]._source = lambda: {"l_n_v": 230.0, "l_pe_v": 230.0, "n_pe_v": 0.2}
        with pytest.raises(PlugLive):
            await rig.bench.tester.measure_insulation(INSULATION)
        assert ("tester", True) not in rig.board.history and rig.tester.seen_while_running == []

    play(scene)


@pytest.mark.parametrize("fault", ["dead", "nan"])
def test_a_dead_discharge_voltmeter_is_not_0_volts(fault: str) -> None:
    async def scene(rig: Rig) -> None:
        if fault == "dead":
            rig.sensors["discharge"].dead = True
        else:
            rig.sensors["discharge"]._source = lambda: {"l_n_v": float("nan"), "l_pe_v": 0.0, "n_pe_v": 0.0}
        with pytest.raises(PlugLive):
            await rig.bench.tester.measure_insulation(INSULATION)
        assert rig.tester.seen_while_running == []

    play(scene)


@pytest.mark.parametrize("role", ["source", "load_left", "touch"])
def test_a_relay_that_does_not_open_bars_the_test_voltage(role: str) -> None:
    async def scene(rig: Rig) -> None:
        rig.board.positions[role] = True
        rig.board.stuck.add(role)
        with pytest.raises((DriverError, PermitDenied)):
            await rig.bench.tester.measure_insulation(INSULATION)
        assert rig.tester.seen_while_running == [] and "HV" not in rig.guard.said
        await rig.tripped()
        assert rig.causes[0] == ("relays", f"MISMATCH {role}")

    play(scene)


@pytest.mark.parametrize("after_s", [0.01, 0.05, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.62, 0.7, 1.0, 1.4, 1.6, 1.7])
def test_cancelling_an_insulation_test_anywhere_leaves_h_off_and_the_tester_stopped(after_s: float) -> None:
    async def scene(rig: Rig) -> None:
        task = asyncio.ensure_future(rig.bench.tester.measure_insulation(INSULATION))
        await asyncio.sleep(after_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert_hv_is_given_back(rig)
        assert not rig.board.positions["tester"]
        await rig.settle()
        assert rig.causes == []

    play(scene)


def test_a_second_cancellation_does_not_cut_the_clean_up_short() -> None:
    async def scene(rig: Rig) -> None:
        task = asyncio.ensure_future(rig.bench.tester.measure_insulation(INSULATION))
        await asyncio.sleep(1.4)
        assert rig.tester.running
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert_hv_is_given_back(rig)
        assert not rig.board.positions["tester"]

    play(scene)


def test_a_tester_that_fails_in_the_test_is_stopped_and_h_taken_away() -> None:
    async def scene(rig: Rig) -> None:
        rig.tester.fails = True
        with pytest.raises(DriverError):
            await rig.bench.tester.measure_insulation(INSULATION)
        assert_hv_is_given_back(rig)

    play(scene)


@pytest.mark.parametrize("act", ["estop", "lid", "stop"])
def test_what_trips_in_the_test_voids_the_reading(act: str) -> None:
    async def scene(rig: Rig) -> None:
        task = asyncio.ensure_future(rig.bench.tester.measure_insulation(INSULATION))
        await asyncio.sleep(1.4)
        assert rig.guard.core.h
        if act == "stop":
            rig.kernel.stop()
        else:
            setattr(rig.guard, act, False)
        await asyncio.sleep(0.02)
        assert not rig.guard.core.h
        with pytest.raises(PermitDenied):
            await task
        assert_hv_is_given_back(rig)

    play(scene)


def test_a_dut_that_does_not_discharge_trips_and_stays_on_the_tester() -> None:
    async def scene(rig: Rig) -> None:
        task = asyncio.ensure_future(rig.bench.tester.measure_insulation(INSULATION))
        await asyncio.sleep(1.4)
        rig.sensors["discharge"]._source = lambda: {"l_n_v": 0.0, "l_pe_v": 300.0, "n_pe_v": 0.0}
        with pytest.raises(PlugLive):
            await task
        assert ("discharge", "NOT_PROVEN") in rig.causes
        assert rig.board.positions["tester"] and not rig.guard.core.h
        with pytest.raises(PermitDenied):
            await rig.energise()

    play(scene)


# ---- mains -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.06, 0.065, 0.08, 0.1, 0.11, 0.13])
def test_cancelling_on_anywhere_leaves_mains_off(after_s: float) -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        task = asyncio.ensure_future(rig.bench.mains.on(60.0))
        await asyncio.sleep(after_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert rig.guard.core.state == "SAFE" and not rig.guard.core.k
        await rig.settle()
        assert rig.causes == []

    play(scene)


def test_mains_is_refused_while_the_tester_relay_is_closed() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        rig.kernel.testing = 1  # else a tester that nobody uses is taken out of circuit
        await rig.kernel.desk.close(rig.kernel.permits.routing, "tester")
        with pytest.raises(PermitDenied, match="tester"):
            await rig.energise()
        assert rig.guard.k_times == []

    play(scene)


def test_a_tester_relay_that_closes_by_itself_under_mains_trips() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.board.positions["tester"] = True
        await rig.tripped()
        assert rig.causes[0] in {("relays", "MISMATCH tester"), ("relays", "TESTER_ON_MAINS")}
        await rig.settle(0.1)
        assert not rig.guard.core.k

    play(scene)


def test_mains_is_not_asked_for_twice() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        with pytest.raises(Misrouted):
            await rig.energise()
        assert rig.guard.core.k

    play(scene)


def test_off_that_is_not_answered_trips_and_starves_the_guard() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.guard.deaf = True
        with pytest.raises(DriverError):
            await rig.bench.mains.off()
        assert ("guard", "HEARTBEAT") in rig.causes or ("guard", "OFF_FAILED") in rig.causes
        assert not rig.guard.core.k

    play(scene)


def test_the_bleed_resistor_is_never_on_mains() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        assert rig.board.positions["bleed"]
        await rig.energise()
        assert not rig.board.positions["bleed"]
        await rig.settle(2.0)
        assert not rig.board.positions["bleed"]
        await rig.bench.mains.off()
        await rig.settle()
        assert rig.board.positions["bleed"]

    play(scene)


# ---- drive -------------------------------------------------------------------------------------------------------


def test_drive_is_prepared_in_order_and_released_in_order() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.board.history.clear()
        await rig.bench.drive.prepare()
        assert [role for role, _ in rig.board.history] == ["fan", "load_left", "load_right", "capture", "source"]
        await rig.bench.sound.measure_tone(TONE)
        rig.board.history.clear()
        mutes = rig.sound.mutes
        await rig.bench.drive.release()
        assert rig.sound.mutes > mutes and rig.drive_until is None
        assert rig.board.history[:4] == [(role, False) for role in AUDIO]
        await rig.settle()
        assert rig.causes == []

    play(scene)


def test_nothing_is_driven_without_prepare_or_after_a_trip() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        with pytest.raises(PermitDenied):
            await rig.bench.sound.measure_tone(TONE)
        await rig.bench.drive.prepare()
        rig.kernel.stop()
        assert rig.drive_until is None
        with pytest.raises(PermitDenied):
            await rig.bench.sound.measure_tone(TONE)
        assert rig.sound.played == []

    play(scene)


def test_the_drive_permit_is_moved_on_by_scans_and_only_by_scans() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        for _ in range(20):
            await asyncio.sleep(0.05)
            assert rig.drive_until is not None and 0.0 < rig.drive_until - now() <= rig.rules.permit_s + 1e-6

    play(scene)


@pytest.mark.parametrize(
    ("terminal", "error"),
    [("left_plus_v", TerminalsLive), ("right_plus_v", TerminalsLive), ("left_minus_v", OutputBridged)],
)
def test_terminals_above_1_volt_keep_loads_and_capture_open(terminal: str, error: type[Exception]) -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.terminals[terminal] = -1.2
        with pytest.raises(error):
            await rig.bench.drive.prepare()
        for roles in (LOADS, ("capture",)):
            with pytest.raises(error):
                await rig.bench.routing.close(*roles)
        assert not any(on for role, on in rig.board.history if role in AUDIO)

    play(scene)


def test_a_dc_meter_that_does_not_answer_keeps_loads_open() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.sensors["dc"].dead = True
        with pytest.raises(DriverError):
            await rig.bench.drive.prepare()
        assert not any(on for role, on in rig.board.history if role in AUDIO)

    play(scene)


def test_a_fan_that_does_not_turn_bars_drive() -> None:
    async def scene(rig: Rig) -> None:
        rig.fan_turns = False
        await rig.energise()
        with pytest.raises(StepError, match="fan"):
            await rig.bench.drive.prepare()
        assert not rig.board.positions["load_left"] and rig.drive_until is None

    play(scene)


def test_a_fan_that_stops_under_drive_trips_and_blames_the_station() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        rig.fan_turns = False
        await rig.tripped()
        assert rig.causes[0] == ("fan", "LOW") and rig.kernel.trips[0].blames == "station"
        assert rig.drive_until is None

    play(scene)


def test_dc_under_drive_trips_after_its_time_and_blames_the_dut() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        rig.terminals["left_plus_v"] = 12.0
        await rig.tripped()
        trip = rig.kernel.trips[0]
        assert (trip.interlock, trip.blames, trip.measurement) == ("dc", "dut", "dc_offset_mv")

    play(scene)


def test_a_load_relay_that_drops_out_under_drive_trips() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        rig.board.positions["load_right"] = False
        await rig.tripped()
        assert rig.causes[0] == ("relays", "MISMATCH load_right") and rig.drive_until is None

    play(scene)


def test_a_load_is_removed_only_in_silence_and_then_only_small_levels_go_out() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        mutes = rig.sound.mutes
        await rig.bench.drive.unload(0.1)
        assert rig.sound.mutes > mutes and not rig.board.positions["load_left"]
        await rig.bench.sound.measure_tone(Stimulus(1000.0, 0.1, 0.1, 0.5))
        with pytest.raises(PermitDenied):
            await rig.bench.sound.measure_tone(Stimulus(1000.0, 0.11, 0.1, 0.5))
        with pytest.raises(PermitDenied):
            await rig.bench.sound.start_soak(Stimulus(1000.0, 0.05, 0.05, 10.0))
        await rig.bench.drive.prepare()
        assert rig.board.positions["load_left"]
        await rig.bench.sound.measure_tone(TONE)
        assert rig.causes == []

    play(scene)


def test_a_load_stays_in_circuit_if_muting_fails() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        rig.sound.mute_fails = True
        with pytest.raises(DriverError):
            await rig.bench.routing.open("load_left")
        assert rig.board.positions["load_left"] and rig.drive_until is None

    play(scene)


def test_release_opens_everything_even_if_muting_fails() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        rig.sound.mute_fails = True
        with pytest.raises(DriverError):
            await rig.bench.drive.release()
        assert not any(rig.board.positions[role] for role in AUDIO) and rig.drive_until is None

    play(scene)


def test_cancelling_a_measurement_mutes() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        task = asyncio.ensure_future(rig.bench.sound.measure_tone(TONE))
        await asyncio.sleep(0.1)
        assert rig.sound.playing
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not rig.sound.playing

    play(scene)


def test_cancelling_a_soak_mutes() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        stream = await rig.bench.sound.start_soak(TONE)
        task = asyncio.ensure_future(stream.advance(60.0))
        await asyncio.sleep(0.1)
        assert rig.sound.playing
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not rig.sound.playing

    play(scene)


def test_drive_does_not_come_back_with_the_next_on() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        await rig.bench.mains.off()
        assert rig.drive_until is None
        await rig.energise()
        await rig.settle()
        assert rig.drive_until is None and not any(rig.board.positions[role] for role in AUDIO)
        with pytest.raises(PermitDenied):
            await rig.bench.sound.measure_tone(TONE)

    play(scene)


def test_mains_and_tester_asked_for_at_once_never_meet() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        for first_s in (0.0, 0.1, 0.3, 0.5):
            test = asyncio.ensure_future(rig.bench.tester.measure_insulation(INSULATION))
            await asyncio.sleep(first_s)
            on = asyncio.ensure_future(rig.bench.mains.on(60.0))
            done = await asyncio.gather(test, on, return_exceptions=True)
            assert sum(isinstance(outcome, Misrouted) for outcome in done) == 1
            await rig.bench.mains.off()
        assert rig.causes == [] and all(not seen["fb"] for seen in rig.tester.seen_while_running)

    play(scene)


@pytest.mark.parametrize("after_s", [0.02, 0.1, 0.2, 0.3, 0.4])
def test_cancelling_prepare_anywhere_releases_drive(after_s: float) -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.settle()
        task = asyncio.ensure_future(rig.bench.drive.prepare())
        await asyncio.sleep(after_s)
        if not task.done():
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not any(rig.board.positions[role] for role in AUDIO) and rig.drive_until is None
        await rig.settle()
        assert rig.causes == []

    play(scene)


def test_loads_are_measured_open_and_prepare_closes_them() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        loads = await rig.bench.drive.measure_loads()
        assert loads["left"][0] == 8.01 and loads["right"][1] > 0.0
        assert not rig.board.positions["load_left"]
        with pytest.raises(PermitDenied):
            await rig.bench.sound.measure_tone(TONE)
        await rig.bench.drive.prepare()
        await rig.bench.sound.measure_tone(TONE)

    play(scene)


def test_a_load_bank_that_knows_its_resistance_judges_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def drifted(sensor: Sensor, readings: Mapping[str, float]) -> None:
        raise ProtocolError("load bank", f"left_ohm = {readings['left_ohm']} has drifted")

    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        monkeypatch.setattr(Sensor, "check_loads", drifted, raising=False)
        with pytest.raises(ProtocolError, match=r"left_ohm = 8.01 has drifted"):
            await rig.bench.drive.measure_loads()
        assert not rig.board.positions["load_left"] and rig.causes == []

    play(scene)


def test_the_fan_runs_on_after_drive_until_the_load_bank_is_cool() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        rig.degc["loadbank_degc"] = 90.0
        await rig.settle()
        await rig.bench.drive.release()
        await rig.bench.mains.off()
        await rig.settle(3.0)
        assert rig.board.positions["fan"] and rig.kernel.hot
        rig.degc["loadbank_degc"] = 59.0
        await rig.settle(3.0)
        assert rig.board.positions["fan"], "hysteresis"
        rig.degc["loadbank_degc"] = 50.0
        await rig.settle(3.0)
        assert not rig.board.positions["fan"]

    play(scene)


# ---- routing, touch, meters, lid ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["tester", "touch", "fan", "bleed", "contactor"])
def test_relays_of_other_ports_are_not_for_steps(role: str) -> None:
    async def scene(rig: Rig) -> None:
        history = list(rig.board.history)
        for act in (rig.bench.routing.close, rig.bench.routing.open):
            with pytest.raises(Misrouted):
                await act(role)
        assert rig.board.history == history

    play(scene)


@pytest.mark.parametrize("after_s", [0.05, 0.2, 0.5, 3.0])
def test_the_touch_network_leaves_the_protective_conductor_on_every_way_out(after_s: float) -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        task = asyncio.ensure_future(rig.bench.touch.measure(2.0))
        await asyncio.sleep(after_s)
        task.cancel()
        await asyncio.wait({task})
        assert not rig.board.positions["touch"]
        assert rig.causes == []

    play(scene)


def test_touch_current_is_not_measured_without_mains_or_under_drive() -> None:
    async def scene(rig: Rig) -> None:
        with pytest.raises(Misrouted):
            await rig.bench.touch.measure(1.0)
        await rig.energise()
        assert (await rig.bench.touch.measure(1.0)).value_ma == 0.12
        await rig.bench.drive.prepare()
        with pytest.raises(Misrouted):
            await rig.bench.touch.measure(1.0)
        assert rig.board.history.count(("touch", True)) == 1

    play(scene)


def test_a_reading_that_is_stale_or_failed_is_never_the_last_value() -> None:
    async def scene(rig: Rig) -> None:
        assert rig.bench.meters.latest("temperature.heatsink_degc") == 40.0
        rig.sensors["temperature"].dead = True
        await rig.settle(0.5)
        with pytest.raises(StepError, match="failed"):
            rig.bench.meters.latest("temperature.heatsink_degc")
        with pytest.raises(DriverError):
            await rig.bench.meters.fresh("temperature")
        for name in ("temperature.nothing", "nothing.degc"):
            with pytest.raises(StepError):
                rig.bench.meters.latest(name)

    play(scene)


def test_the_probe_is_armed() -> None:
    async def scene(rig: Rig) -> None:
        await rig.bench.meters.arm_probe()
        assert rig.sensors["inrush"].armed == 1

    play(scene)


def test_the_lid_is_released_after_the_bleed_time_and_locked_again_by_the_next_on() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.mains.off()
        began = now()
        await rig.kernel.release_lid()
        assert now() - began >= 9.5 and not rig.guard.core.lock
        await rig.energise()
        assert rig.guard.core.lock

    play(scene)


@pytest.mark.parametrize("what", ["mains on", "charged", "voltmeter dead"])
def test_the_lid_stays_locked_until_the_plug_is_proven_dead(what: str) -> None:
    async def scene(rig: Rig) -> None:
        if what == "mains on":
            await rig.energise()
        elif what == "charged":
            rig.sensors["discharge"]._source = lambda: {"l_n_v": 60.0, "l_pe_v": 0.0, "n_pe_v": 0.0}
        else:
            rig.sensors["discharge"].dead = True
        await rig.settle(12.0)
        with pytest.raises(LidHeld):
            await rig.kernel.release_lid()
        assert rig.guard.core.lock and "UNLOCK" not in rig.guard.said

    play(scene)


def test_de_energising_works_while_tripped() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        rig.guard.estop = False
        await rig.tripped()
        for act in _offs(rig):
            await act()
        assert not any(rig.board.positions[role] for role in AUDIO)
        assert rig.guard.core.state == "TRIPPED"

    play(scene)


def _offs(rig: Rig) -> tuple[Callable[[], Awaitable[None]], ...]:
    return rig.bench.mains.off, rig.bench.drive.release, rig.bench.sound.mute
