"""What is wrong with a map of outputs before anything is switched: for `station check`, at the key where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.kinds import Fault
from drivers.modbus.map_faults import REGISTER_MAX, bit_fault, block_faults, identity_faults, register_fault
from drivers.modbus.settings import OutputField, OutputSettings


def output_faults(own: OutputSettings) -> Iterator[Fault]:
    """Everything that is wrong with a map of outputs. Which roles a bench needs is judged elsewhere."""
    yield from block_faults(own.block_max, own.gap_max)
    yield from identity_faults(own.identity)
    before: list[tuple[str, OutputField]] = []
    for role, entry in own.outputs.items():
        path = ("outputs", role)
        yield from register_fault(path, entry.register)
        yield from _of_output(path, entry)
        other = next((name for name, taken in before if _same(entry, taken)), None)
        if other is not None:
            wrong = f"{entry.function} {entry.register} is already {other}"
            yield Fault((*path, "register"), wrong, "give each relay a place of its own")
        before.append((role, entry))
    yield from _of_watchdog(own)


def _same(one: OutputField, other: OutputField) -> bool:
    if (one.function, one.register) != (other.function, other.register):
        return False
    return one.bit is None or other.bit is None or one.bit == other.bit


def _of_output(path: tuple[str, ...], entry: OutputField) -> Iterator[Fault]:
    plain = OutputField(entry.register, entry.function)
    whole = entry.function == "holding" and entry.bit is None
    for key in ("bit", "on", "off", "reads_on", "reads_off"):
        value = getattr(entry, key)
        if key == "bit" and entry.function == "holding":
            yield from bit_fault(path, value, 16)
        elif value != getattr(plain, key) and not whole:
            kind = "coil" if entry.function == "coil" else "bit"
            yield Fault((*path, key), f"a {kind} is on or off and has none", "remove this key")
        elif value is not None and key != "bit" and not 0 <= value <= REGISTER_MAX:
            yield Fault((*path, key), f"{value} does not fit a register", f"use 0 to {REGISTER_MAX}")
    if entry.on == entry.off:
        yield Fault((*path, "off"), f"is {entry.off} like `on`", "write the value that releases the relay")
    on = entry.on if entry.reads_on is None else entry.reads_on
    off = entry.off if entry.reads_off is None else entry.reads_off
    if on == off and entry.on != entry.off:
        key = "reads_off" if entry.reads_off is not None else "reads_on"
        yield Fault((*path, key), f"on and off both read {on}", "write what each reads back as")


def _of_watchdog(own: OutputSettings) -> Iterator[Fault]:
    register, value = own.watchdog_register, own.watchdog_value
    if (register is None) != (value is None):
        missing, there = ("watchdog_value", "watchdog_register") if value is None else (
            "watchdog_register", "watchdog_value")  # fmt: skip
        yield Fault((missing,), f"is missing beside `{there}`", "give both, or neither")
    for key, number in (("watchdog_register", register), ("watchdog_value", value)):
        if number is not None and not 0 <= number <= REGISTER_MAX:
            yield Fault((key,), f"{number} does not fit", f"use 0 to {REGISTER_MAX}")
    used = {entry.register: role for role, entry in own.outputs.items() if entry.function == "holding"}
    if register in used:
        yield Fault(("watchdog_register",), f"{register} is already {used[register]}", "name the watchdog's own")
