"""From a symptom to its likely causes, the likeliest first, each with what to try. Pure: a table and who reads it.

What the words in braces stand for is in `Facts`. The same table stands in docs/finding-a-fault.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from drivers.errors import (
    AudioFault,
    DeviceRefused,
    DeviceTimeout,
    DriverError,
    PortError,
    PrinterNotReady,
    ProtocolError,
)


class Symptom(StrEnum):
    """What can be seen of a fault; the order is that of the page."""

    PORT_MISSING = "port missing"
    PERMISSION = "permission"
    PORT_BUSY = "port busy"
    PORT_BROKEN = "port broken"
    BUS_SILENT = "whole bus silent"
    ADDRESS_SILENT = "address silent"
    GARBAGE = "garbage"
    EXCEPTION = "exception"
    IMPOSSIBLE = "impossible reading"
    LINE_SILENT = "line silent"
    OTHER_INSTRUMENT = "other instrument"
    GUARD_SILENT = "guard silent"
    GUARD_FIGURES = "guard figures"
    LOOP_OPEN = "loop open"
    BUTTON_DOWN = "button down"
    PANEL_GONE = "panel gone"
    PRINTER_GONE = "printer gone"
    PRINTER_WAITS = "printer waits"
    SOUND = "sound"
    NETWORK_GONE = "network gone"
    NOT_ASKED = "not asked"
    SILENT = "silent"


CAUSES: Mapping[Symptom, tuple[str, ...]] = {
    Symptom.PORT_MISSING: (
        "{port} is not there: unplugged, or its adapter has no power; plug it in and look at `dmesg -w`",
        "plugged in under another name: {there}; the udev rule gives {port} by the adapter's serial number, and an "
        "adapter that was swapped has another: correct the rule (docs/installing-a-bench.md)",
        "the name in station.toml is misspelt: compare it with `ls /dev/bench-* /dev/serial/by-id`",
    ),
    Symptom.PERMISSION: (
        "{port} belongs to group {group} (mode {mode}) and user {user} is {membership}: "
        "`sudo usermod -aG {group} {user}`, then log in again; or run this as the daemon's user: "
        "`sudo -u bench station doctor`",
    ),
    Symptom.PORT_BUSY: (
        "{port} is held by {holder}: stop that program; is it the station itself, ask it: `station doctor` without "
        "--config of another bench",
        "ModemManager opens new adapters for some seconds: `sudo apt purge modemmanager`",
    ),
    Symptom.PORT_BROKEN: (
        "the adapter went away or failed while it was read: push the plug in, look at `dmesg -w`, swap the cable",
        "the hub or the Pi gives too little current: use a hub with its own supply",
    ),
    Symptom.BUS_SILENT: (
        "A and B are swapped at the adapter (makers disagree which is which): swap the two wires once",
        "the devices have no power, or the line is cut before the first: measure their supply and A to B (an idle "
        "line has 0.2 to 1 V)",
        "another speed: `baud` is {baud} here; `station doctor --listen {bus}` after correcting it",
        "no termination or bias, or more than two terminations: 120 ohm at both ends, nowhere else",
        "the adapter does not switch to sending: swap it",
    ),
    Symptom.ADDRESS_SILENT: (
        "its supply or its own plug on the bus: others on this bus answer, so adapter and trunk are good",
        "another address than {address}: `station doctor --listen {bus}` finds it",
        "its own speed differs from the bus's {baud}: a device set to another speed is silent alone",
        "its A and B are swapped at its own terminals",
    ),
    Symptom.GARBAGE: (
        "two devices have address {address} and answer at once: take one off",
        "the speed or parity is not {baud} 8N1 on this device: what it says arrives as other bytes",
        "noise: shield on one side, away from mains, 120 ohm at both ends only",
        "A and B without a common ground: join the grounds of adapter and devices",
    ),
    Symptom.EXCEPTION: (
        "another model hangs at address {address}: it answers and has no such register; compare its plate with "
        "`kind` ({kind})",
        "the register map in station.toml is of another firmware: compare `register` and `function` with its manual",
    ),
    Symptom.IMPOSSIBLE: (
        "the sensor behind it is broken, reversed or unplugged: the bus and the address are good",
        "another model or register map: type, word order, scale or bounds do not fit what it sends",
    ),
    Symptom.LINE_SILENT: (
        "it is switched off, or in a menu: switch it on, leave its menus",
        "its interface is set to another port (USB, GPIB) or another speed than {baud}: set it at the front panel",
        "a cable of the wrong kind: most instruments want a null-modem cable (pins 2 and 3 crossed)",
    ),
    Symptom.OTHER_INSTRUMENT: (
        "{port} leads to another instrument: two plugs or two udev rules are swapped",
        "a model that this driver does not know: compare what it answered with `kind` ({kind})",
    ),
    Symptom.GUARD_SILENT: (
        "the guard runs no guard firmware: flash it (docs/flashing-the-guard.md); its LED must blink",
        "the cable only charges: use one that carries data",
        "{port} is another device: two udev rules are swapped",
    ),
    Symptom.GUARD_FIGURES: ("the guard was built with other figures: flash it again (docs/flashing-the-guard.md)",),
    Symptom.LOOP_OPEN: (
        "the emergency stop is pressed, or the thermostat has opened: release it, let the load bank cool",
        "a plug or wire of the loop is off: a broken wire reads like a pressed button (docs/wiring-the-guard.md)",
        "closed contacts with K off: a contactor is welded or its mirror contact is not wired; mains stays off",
    ),
    Symptom.BUTTON_DOWN: (
        "somebody holds it, or something leans on it",
        "the button sticks, or its wire touches ground: pull its plug and look again",
    ),
    Symptom.PANEL_GONE: (
        "the GPIO chip has another label on this board: set `chip` in station.toml (`gpiodetect` lists them)",
        "another program holds the pins: `gpioinfo` names it",
        "user {user} may not open the chip: `sudo usermod -aG gpio {user}`, then log in again",
    ),
    Symptom.PRINTER_GONE: (
        "it is switched off, or its cable is out",
        "its address has changed: compare {port} with what it prints of itself",
        "it does not answer questions: set `answers = false` under [printer]",
    ),
    Symptom.PRINTER_WAITS: ("it says so itself: paper, head, ribbon or pause, see the message",),
    Symptom.SOUND: (
        "the interface is unplugged or off, or has another name: compare `port` with `cat /proc/asound/cards`",
        "another program plays or records on it: stop it (a sound server of a desktop does that)",
        "user {user} is not in group audio: `sudo usermod -aG audio {user}`, then log in again",
    ),
    Symptom.NETWORK_GONE: (
        "{port} cannot be reached: the converter is off, its cable is out, or its address has changed (`ping`)",
        "another program holds its only connection: stop that one",
    ),
    Symptom.NOT_ASKED: ("what was asked before it on the same wire took too long: mend that first",),
    Symptom.SILENT: ("it is switched off or not connected: look at its lamp and its plug",),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the texts name; empty where it is not known."""

    port: str = ""
    kind: str = ""
    bus: str = ""
    baud: str = ""
    address: str = ""
    there: str = "nothing else is plugged in"
    group: str = "dialout"
    mode: str = ""
    user: str = ""
    membership: str = "not in it"
    holder: str = "a program that only root can see (`sudo station doctor` names it)"


def likely_causes(symptom: Symptom, facts: Facts) -> tuple[str, ...]:
    """The causes of a symptom with the facts put in."""
    words = {name: getattr(facts, name) for name in Facts.__slots__}
    return tuple(text.format(**words) for text in CAUSES[symptom])


def symptom_on_bus(error: DriverError) -> Symptom:
    """Of one device on a Modbus bus whose port is good; whether others answer is not known here."""
    match error:
        case DeviceRefused():
            return Symptom.EXCEPTION
        case ProtocolError():  # a driver names its model in brackets, the bus only port and address
            return Symptom.IMPOSSIBLE if error.device.endswith(")") else Symptom.GARBAGE
        case _:
            return Symptom.ADDRESS_SILENT


def symptom_alone(role: str, error: DriverError) -> Symptom:
    """Of a device with a wire of its own, whose port can be opened (as far as it has one)."""
    match role, error:
        case "guard", _:
            return Symptom.GUARD_SILENT
        case "panel", _:
            return Symptom.PANEL_GONE
        case "audio", _:
            return Symptom.SOUND
        case "printer", PrinterNotReady():
            return Symptom.PRINTER_WAITS
        case "printer", _:
            return Symptom.PRINTER_GONE
        case _, ProtocolError():
            return Symptom.OTHER_INSTRUMENT
        case _, DeviceTimeout():
            return Symptom.LINE_SILENT
        case _, DeviceRefused():
            return Symptom.IMPOSSIBLE
        case _, AudioFault():
            return Symptom.SOUND
        case _, PortError():
            return Symptom.PORT_BROKEN
        case _:
            return Symptom.SILENT
