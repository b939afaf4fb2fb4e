"""Relays by any register map: permits, echoes, positions, watchdogs, and bits that share a register."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from drivers.errors import DriverError, PermitDenied, ProtocolError, SettingMismatch
from drivers.modbus.outputs import ModbusOutputs
from drivers.modbus.settings import IdentityField, IdentityFields, OutputField, OutputSettings
from drivers.sim.modbus_more import OutputsTwin
from drivers.sim.world import RELAY_ROLES
from station.safety.relays import RelayDesk
from tests.drivers.twin_bus import Allowed, Denied, TwinBus, twin_bus

COILS = {role: OutputField(16 + place) for place, role in enumerate(RELAY_ROLES)}
BITS = {role: OutputField(5, "holding", bit=place) for place, role in enumerate(("fan", "load_left", "bleed"))}
VALUES = {
    "fan": OutputField(0, "holding"),
    "bleed": OutputField(1, "holding", on=0xFF00, off=0x0001),
    "touch": OutputField(2, "holding", on=1, off=2, reads_off=0),
}
TESTER = {"tester": COILS["tester"]}
AT = 21


def board(one: TwinBus, outputs: Mapping[str, OutputField], **more: Any) -> ModbusOutputs:
    return ModbusOutputs(one.bus, OutputSettings("b", AT, outputs, **more))


async def test_coils_anywhere_are_relays_by_their_role() -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        relays = board(one, COILS, model="remote relays")
        assert (await relays.ensure_ready()).model == "remote relays"
        for channel, role in enumerate(RELAY_ROLES):
            await relays.write(channel, True, Allowed())
            assert [name for name, closed in one.world.relays.items() if closed] == [role]
            assert list(await relays.read_back()) == [name == role for name in RELAY_ROLES]
            await relays.write(channel, False, None)
        for channel in range(8):
            await relays.write(channel, True, Allowed())
        one.twins[AT].written.clear()
        await relays.all_off()
        assert not any(one.world.relays.values())
        assert len(one.twins[AT].written) == 8, "all in one write"


async def test_registers_of_their_own_take_the_maps_values() -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        twin, relays = one.twins[AT], board(one, VALUES)
        twin.words[:3] = [0, 1, 0]
        assert list(await relays.read_back()) == [False, False, False]
        for channel in range(3):
            await relays.write(channel, True, Allowed())
        assert (twin.words[:3], list(await relays.read_back())) == ([1, 0xFF00, 1], [True, True, True])
        await relays.all_off()
        assert twin.words[:3] == [0, 1, 2]
        with pytest.raises(ProtocolError, match=r"touch: holding register 2 reads 2, neither 1 \(on\) nor 0 \(off\)"):
            await relays.read_back()


@pytest.mark.parametrize("outputs", [COILS, VALUES, BITS], ids=["coils", "values", "bits"])
async def test_nothing_goes_on_without_a_permit_and_off_needs_none(outputs: Mapping[str, OutputField]) -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        relays = board(one, outputs)
        for permit in (Denied(), None):
            with pytest.raises(PermitDenied):
                await relays.write(0, True, permit)
        assert one.twins[AT].written == []
        await relays.write(0, False, None)
        assert [value for _, value in one.twins[AT].written] == [0]
        with pytest.raises(ValueError, match=r"output 9 is not within 0 to"):
            await relays.write(9, True, Allowed())


async def test_a_bit_keeps_those_beside_it_that_are_its_tables_own() -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        twin, relays = one.twins[AT], board(one, BITS)
        await relays.write(0, True, Allowed())
        await relays.write(1, True, Allowed())
        assert list(await relays.read_back()) == [True, True, False]
        await relays.write(1, False, None)
        assert (twin.words[5], list(await relays.read_back())) == (0b001, [True, False, False])
        twin.words[5] = 0b1111_0001  # bits that nobody named are not kept
        await relays.write(2, True, Allowed())
        assert twin.words[5] == 0b101
        await relays.all_off()
        assert twin.words[5] == 0


async def test_switching_off_never_puts_on_what_was_not_seen_on_just_now() -> None:
    """The module started anew and has let go of everything: an old picture of it must not close its relays again.

    Fan and bleed were put on and may be on at any time: they must not fall because another one does [23].
    """
    clock = [100.0]
    async with twin_bus({AT: OutputsTwin}) as one:
        twin = one.twins[AT]
        relays = ModbusOutputs(one.bus, OutputSettings("b", AT, BITS), lambda: clock[0])
        await relays.write(0, True, Allowed())
        await relays.write(1, True, Allowed())
        twin.words[5], clock[0] = 0, 102.0
        await relays.write(2, False, None)
        assert twin.words[5] == 0b001, "the fan, and no load"
        await relays.write(0, False, None)
        assert twin.words[5] == 0
        never_read = board(one, BITS)
        twin.words[5] = 0b010
        await never_read.write(2, False, None)
        assert twin.words[5] == 0


async def test_a_bit_that_was_switched_off_meanwhile_does_not_come_back_with_another() -> None:
    """Between reckoning the register and sending it, load_left goes off: the write is made anew without it."""

    class LateOff:
        asked = 0

        def check(self) -> None:
            self.asked += 1
            if self.asked == 1:
                off = asyncio.run_coroutine_threadsafe(started_off(), loop)
                off.result(5.0)

    loop, tasks = asyncio.get_running_loop(), []
    async with twin_bus({AT: OutputsTwin}) as one:
        twin, relays = one.twins[AT], board(one, BITS)
        await relays.write(1, True, Allowed())

        async def started_off() -> None:
            tasks.append(asyncio.ensure_future(relays.write(1, False, None)))
            await asyncio.sleep(0)  # it is under way; its bytes wait for this very thread

        permit = LateOff()
        await relays.write(0, True, permit)
        await asyncio.gather(*tasks)
        assert permit.asked == 2, "the permit is asked for each attempt"
        assert [value for register, value in twin.written if register == 5] == [0b010, 0b000, 0b001]


async def test_two_bits_of_a_register_may_go_on_at_the_same_time() -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        relays = board(one, BITS)
        await asyncio.gather(relays.write(0, True, Allowed()), relays.write(1, True, Allowed()))
        assert one.twins[AT].words[5] == 0b011


@pytest.mark.parametrize("outputs", [VALUES, BITS | TESTER], ids=["values", "bits and a coil"])
async def test_all_off_releases_everything_also_where_it_is_cancelled_at_once(
    outputs: Mapping[str, OutputField],
) -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        relays = board(one, outputs)
        for channel in range(len(outputs)):
            await relays.write(channel, True, Allowed())
        assert all(await relays.read_back())
        off = asyncio.ensure_future(relays.all_off())
        await asyncio.sleep(0)
        off.cancel()
        with pytest.raises(asyncio.CancelledError):
            await off
        await one.bus.read_holding(AT, 0, 1)  # in its turn, behind everything that de-energises
        after = [one.twins[AT].words[entry.register] for entry in outputs.values() if entry.function == "holding"]
        wanted = [entry.off if entry.bit is None else 0 for entry in outputs.values() if entry.function == "holding"]
        assert after == wanted
        assert not any(one.world.relays.values())


async def test_the_watchdog_is_written_and_read_back_before_anything_goes_on() -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        twin, relays = one.twins[AT], board(one, COILS, watchdog_register=9, watchdog_value=30)
        await relays.ensure_ready()
        assert twin.written == [], "asking who it is writes nothing"
        await relays.write(0, True, Allowed())
        assert twin.written == [(9, 30), (16, 1)]
        await relays.write(1, True, Allowed())
        assert twin.written[2:] == [(17, 1)], "it reads its value: nothing to write"
        twin.words[9] = 0  # the module started anew
        await relays.write(2, True, Allowed())
        assert twin.written[3:] == [(9, 30), (18, 1)]


async def test_with_a_watchdog_that_does_not_take_nothing_goes_on_and_all_goes_off() -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        twin, relays = one.twins[AT], board(one, COILS, watchdog_register=9, watchdog_value=30)
        one.world.relays["touch"], twin.stuck = True, frozenset({9})
        with pytest.raises(SettingMismatch, match=r"watchdog \(holding register 9\) reads 0 after 30 was written"):
            await relays.write(0, True, Allowed())
        assert not one.world.relays["load_left"]
        await relays.write(5, False, None)
        await relays.all_off()
        assert not any(one.world.relays.values())


async def test_another_module_at_the_address_is_refused() -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        who = IdentityFields(model=IdentityField(7, type="uint16", expect="0x4168"))
        with pytest.raises(SettingMismatch, match="its model is '0', the configuration expects '16744'"):
            await board(one, COILS, identity=who).ensure_ready()


async def test_every_output_is_tried_even_if_one_cannot_be_released() -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        relays = board(one, {"fan": OutputField(99), "load_left": OutputField(16)})  # there is no coil 99
        one.world.relays["load_left"] = True
        with pytest.raises(DriverError, match="exception"):
            await relays.all_off()
        assert not one.world.relays["load_left"]


async def test_the_stations_relay_desk_starts_on_it_and_proves_the_watchdog_before_the_fan() -> None:
    async with twin_bus({AT: OutputsTwin}) as one:
        own = OutputSettings("b", AT, COILS, watchdog_register=9, watchdog_value=30)
        desk = RelayDesk(ModbusOutputs(one.bus, own), own.channels, time.monotonic)
        one.world.relays["load_left"] = True  # left on by whoever was there before
        await desk.look()
        assert (desk.started, desk.trouble) == (True, None)
        assert [role for role, closed in one.world.relays.items() if closed] == ["fan"]
        assert one.twins[AT].written[:2] == [(9, 30), (16 + RELAY_ROLES.index("fan"), 1)]
        await desk.close(Allowed(), "capture")
        assert one.world.relays["capture"] and desk.commanded("capture")
