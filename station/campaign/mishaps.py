"""How each kind of happening is done to the world, and how it ends. The table of kinds is in `history`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from drivers.ports import Button
from station.campaign.bench import World
from station.campaign.history import START_US, Happening
from station.campaign.ports import Trouble

BUSES = {
    "a": ("relays", "mains", "temperature"),
    "b": ("inrush", "dc", "discharge", "fan", "loadbank"),
}
DEVICE_KINDS = (
    "silent", "late", "garbled", "stuck", "drifting", "foreign", "open_sensor", "shorted_sensor",
)  # fmt: skip
Do = Callable[[World, Happening], Callable[[], None] | None]
"""Does it; returns how it ends, if it ends."""


class Machine(Protocol):
    """Who runs the station's process: what befalls the machine befalls it."""

    def kill(self, down_us: int) -> None: ...

    def cut_power(self, down_us: int) -> None: ...

    def terminate(self, down_us: int) -> None: ...

    def stall(self, for_us: int) -> None: ...

    def scan(self, text: str) -> None: ...

    def socket(self, verb: str) -> None: ...


def plan_all(world: World, machine: Machine) -> None:
    """Put the whole history on the agenda."""
    for happening in world.history.happenings:
        world.later(START_US + happening.at_us, lambda now_us, one=happening: _do(world, machine, one))  # type: ignore[misc]


def _do(world: World, machine: Machine, one: Happening) -> None:
    world.note(f"* {one}")
    end: Callable[[], None] | None
    if one.kind in DEVICE_KINDS:
        end = _trouble(world, (one.target,), one)
    elif one.kind in _TO_MACHINE:
        _TO_MACHINE[one.kind](machine, one)
        return
    else:
        end = _TO_WORLD[one.kind](world, one)
    if end is not None and one.for_us:
        world.later(world.now_us + one.for_us, lambda now_us: _end(world, one, end))
    world.plant.settle(world.now_us)
    world.board.step(world.now_us)
    world.note_board_words()


def _end(world: World, one: Happening, end: Callable[[], None]) -> None:
    end()
    world.note(f"* over: {one.kind} {one.target}".rstrip())
    world.plant.settle(world.now_us)
    world.board.step(world.now_us)
    world.note_board_words()


def _trouble(world: World, roles: tuple[str, ...], one: Happening) -> Callable[[], None]:
    mine = {role: Trouble(one.kind, world.now_us, one.amount) for role in roles}
    world.troubles.update(mine)

    def end() -> None:
        for role, trouble in mine.items():
            if world.troubles[role] is trouble:  # a later trouble is not ended by an earlier one's end
                world.troubles[role] = Trouble()

    return end


def _bus_out(world: World, one: Happening) -> Callable[[], None]:
    return _trouble(world, BUSES[one.target], one)


def _sound_dead(world: World, one: Happening) -> Callable[[], None]:
    world.play(0.0)
    return _trouble(world, ("audio",), one)


def _relay_stuck(world: World, one: Happening) -> Callable[[], None]:
    world.stuck_relays.add(one.target)
    return lambda: world.stuck_relays.discard(one.target)


def _guard_reset(world: World, one: Happening) -> None:
    world.board.power_up(world.now_us)


def _flag(name: str) -> Do:
    def do(world: World, one: Happening) -> Callable[[], None]:
        setattr(world, name, True)
        return lambda: setattr(world, name, False)

    return do


def _guard_slow(world: World, one: Happening) -> Callable[[], None]:
    world.guard_delay_us = one.amount * 1000

    def end() -> None:
        world.guard_delay_us = 0

    return end


def _replay(world: World, one: Happening) -> None:
    for body in tuple(world.frames):
        if one.target == "whole" or body.endswith(" HB"):
            world.to_guard(body)
            world.watch()


def _input(world: World, one: Happening) -> Callable[[], None]:
    world.board.put_input(one.target, False, world.now_us)
    return lambda: world.board.put_input(one.target, True, world.now_us)


def _loops_out(world: World, one: Happening) -> Callable[[], None]:
    world.board.put_loops(False, world.now_us)
    return lambda: world.board.put_loops(True, world.now_us)


def _weld(world: World, one: Happening) -> None:
    world.plant.welded[int(one.target)] = True


def _dropout(world: World, one: Happening) -> Callable[[], None]:
    def put(dropped: bool) -> None:
        world.plant.dropped = dropped
        world.board.contacts(world.now_us)

    put(True)
    return lambda: put(False)


def _mirror(world: World, one: Happening) -> Callable[[], None]:
    world.board.mirror_broken = True
    return lambda: setattr(world.board, "mirror_broken", False)


def _fan_broken(world: World, one: Happening) -> Callable[[], None]:
    world.plant.fan_broken = True
    return lambda: setattr(world.plant, "fan_broken", False)


def _dc_fault(world: World, one: Happening) -> None:
    world.plant.dc_fault_v = float(one.amount)


def _short(world: World, one: Happening) -> None:
    world.plant.shorted = True


def _runaway(world: World, one: Happening) -> None:
    world.plant.dut.settles_degc, world.plant.dut.heat_k_s = 150.0, one.amount / 20


def _breaker(world: World, one: Happening) -> Callable[[], None]:
    def put(supply: bool) -> None:
        world.plant.supply = supply
        world.board.supply_changed(world.now_us)

    put(False)
    return lambda: put(True)


def _slow_disk(world: World, one: Happening) -> Callable[[], None]:
    world.disk_delay_us = one.amount * 1000
    return lambda: setattr(world, "disk_delay_us", 0)


def _utc_jump(world: World, one: Happening) -> None:
    world.utc_offset_s += one.amount


def _press(world: World, one: Happening) -> Callable[[], None]:
    button = Button(one.target)
    world.buttons |= {button}

    def end() -> None:
        world.buttons -= {button}

    return end


def _mash(world: World, one: Happening) -> None:
    """Every button in turn, 150 ms down, 100 ms up, for as long as it lasts."""
    for index in range(max(1, one.for_us // 250_000)):
        button = tuple(Button)[(index * 7 + one.at_us) % len(Button)]
        at_us = world.now_us + index * 250_000
        world.later(at_us, lambda now_us, which=button: _put_button(world, which, True))  # type: ignore[misc]
        world.later(at_us + 150_000, lambda now_us, which=button: _put_button(world, which, False))  # type: ignore[misc]


def _put_button(world: World, button: Button, down: bool) -> None:
    world.buttons = world.buttons | {button} if down else world.buttons - {button}


_TO_WORLD: dict[str, Do] = {
    "bus_out": _bus_out, "sound_dead": _sound_dead, "relay_stuck": _relay_stuck,
    "guard_reset": _guard_reset, "guard_unplugged": _flag("guard_lost"), "guard_deaf": _flag("guard_deaf"),
    "guard_slow": _guard_slow, "replay": _replay, "input": _input,
    "loops_out": _loops_out,
    "weld": _weld, "dropout": _dropout, "mirror": _mirror, "fan_broken": _fan_broken,
    "dc_fault": _dc_fault, "short": _short, "runaway": _runaway, "breaker": _breaker,
    "slow_disk": _slow_disk, "disk_full": _flag("disk_full"), "utc_jump": _utc_jump,
    "broker_out": _flag("broker_out"), "receipt_lost": _flag("receipts_lost"),
    "press": _press, "hold": _press, "mash": _mash,
}  # fmt: skip
_TO_MACHINE: dict[str, Callable[[Machine, Happening], None]] = {
    "stall": lambda machine, one: machine.stall(one.amount * 1000),
    "kill": lambda machine, one: machine.kill(one.for_us),
    "mains_out": lambda machine, one: machine.cut_power(one.for_us),
    "terminate": lambda machine, one: machine.terminate(one.for_us),
    "scan": lambda machine, one: machine.scan(one.target),
    "socket": lambda machine, one: machine.socket(one.target),
}
