"""What each kind of device is asked by doctor. Reads alone: no question here takes a permit, and none needs one.

Opening a session on the guard (`HELLO`) energises nothing and leaves K and H off (contracts/guard-line.md).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from drivers.errors import DeviceTimeout
from drivers.ports import Device, Identity, LabelPrinter, Panel, RelayBoard, Sensor
from station.doctor.finding import NONE_ON_FILE, NOT_CALIBRATED
from station.doctor.words import guard_trouble, guard_words, read_out, relay_words
from station.safety.guard_line import unfit
from station.safety.rules import Rules

if TYPE_CHECKING:
    from station.assembly import Devices
    from station.settings.tree import DeviceSettings, StationSettings

STATUS_S = 1.2
"""A guard says how it is every 0.5 s; no word for so long is a silence (guard line, Trips)."""
LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device said; `trouble` is what is wrong with one that answers."""

    identity: Identity
    words: str
    trouble: str = ""
    symptom: str = ""
    told: bool = False
    """Not asked now: what is told is of an earlier question, with its age."""


Ask = Callable[[], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Question:
    """One device and how to ask it. Questions of one `wire` go one after the other, wires at the same time."""

    role: str
    kind: str
    port: str
    wire: str
    ask: Ask
    calibration: str = NOT_CALIBRATED
    """What is known of it beside the files; `NOT_CALIBRATED` for what measures nothing."""


def place_of(device: DeviceSettings, settings: StationSettings) -> str:
    """Where a device hangs, in words: its port, or its bus's port and its address there."""
    own = device.settings
    bus = settings.buses.get(getattr(own, "bus", ""))
    if bus is not None:
        return f"{wire_of(bus)} address {own.address}"
    return wire_of(device)


def wire_of(device: DeviceSettings) -> str:
    """The port of a device that has one of its own."""
    own = device.settings
    if hasattr(own, "i2c"):
        return f"/dev/i2c-{own.i2c} address 0x{own.address:02X}"
    for name in ("port", "path", "address", "chip"):
        found = getattr(own, name, None)
        if found is not None and found != "":
            return ", ".join(found) if isinstance(found, list | tuple) else str(found)
    return "-"


def questions_of(devices: Devices, *, owned: bool = False) -> tuple[Question, ...]:
    """Every configured device, in the order of the table: guard, buses, instruments, panel, scanner, printer, audio.

    `owned`: the daemon has the devices open, and its kernel alone opens the guard.
    """
    settings = devices.settings
    found = [_alone("guard", settings.guard, lambda: _ask_guard(devices, owned))]
    sensors = {poller.role: poller.sensor for poller in devices.pollers}
    order = {name: place for place, name in enumerate(settings.buses)}
    for role, device in sorted(
        settings.devices.items(), key=lambda item: order.get(getattr(item[1].settings, "bus", ""), len(order))
    ):
        ask = _ask_of(role, devices, sensors, owned)
        bus = getattr(device.settings, "bus", "")
        own = f"i2c {device.settings.i2c}" if hasattr(device.settings, "i2c") else role
        wire = f"bus {bus}" if bus in settings.buses else own
        calibration = NOT_CALIBRATED if role == "relays" else NONE_ON_FILE
        found.append(Question(role, device.kind, place_of(device, settings), wire, ask, calibration))
    found.append(_alone("panel", settings.panel, lambda: _ask_panel(devices.panel)))
    found.append(_alone("scanner", settings.scanner, lambda: _ask_scanner(devices.scanner)))
    printer = devices.printer
    if settings.printer is not None and printer is not None:
        found.append(_alone("printer", settings.printer, lambda: _ask_printer(printer)))
    audio: Any = settings.audio.settings
    calibrated = f"full scale {audio.output_full_scale_v:g} V out, {audio.input_full_scale_v:g} V in (station.toml)"
    found.append(replace(_alone("audio", settings.audio, lambda: _ask_audio(devices)), calibration=calibrated))
    return tuple(found)


def _alone(role: str, device: DeviceSettings, ask: Ask) -> Question:
    return Question(role, device.kind, wire_of(device), role, ask)


def _ask_of(role: str, devices: Devices, sensors: dict[str, Sensor], owned: bool) -> Ask:
    if role == "relays":
        channels = devices.settings.devices[role].settings.channels
        return lambda: _ask_relays(devices.relays, channels)
    if role in sensors:
        return lambda: _ask_sensor(sensors[role], owned)
    instrument: Device = devices.tester if role == "tester" else devices.touch
    return lambda: _ask_instrument(instrument)


async def _ask_guard(devices: Devices, owned: bool) -> Answer:
    guard = devices.guard
    if guard.hello is None and not owned:
        await guard.open()
    ends = time.monotonic() + STATUS_S
    while (status := guard.status) is None:
        if time.monotonic() >= ends:
            wrong = "the daemon has no line to it and tries again" if owned else "opened, but it says nothing"
            raise DeviceTimeout("guard", f"{wrong} for {STATUS_S:g} s; unplug it and plug it in again")
        await asyncio.sleep(LOOK_S)
    hello = guard.hello
    said = f", boot {hello.boot}, heartbeat {hello.hb_ms} ms" if hello else ""
    loops = guard_trouble(status)
    unfit_for_use = unfit(Rules(), hello)
    symptom = "loop open" if loops else "guard figures" if unfit_for_use else ""
    wrong = "; ".join(filter(None, (loops, unfit_for_use)))
    identity = Identity("guard/1", "", hello.firmware if hello else "")
    return Answer(identity, guard_words(status) + said, wrong, symptom)


async def _ask_relays(relays: RelayBoard, channels: dict[str, int]) -> Answer:
    identity = await relays.ensure_ready()
    return Answer(identity, relay_words(await relays.read_back(), channels))


async def _ask_sensor(sensor: Sensor, owned: bool) -> Answer:
    """A meter whose reading begins with a set-up is read in the daemon alone, which sets it up all the same."""
    identity = await sensor.ensure_ready()
    if not owned and getattr(sensor, "sets_up", False):
        return Answer(identity, "says who it is; not read, for that would set it up (the daemon does)")
    return Answer(identity, read_out(await sensor.read()))


async def _ask_instrument(instrument: Device) -> Answer:
    return Answer(await instrument.ensure_ready(), "says who it is")


async def _ask_panel(panel: Panel) -> Answer:
    identity = await panel.ensure_ready()
    down = sorted(button.value for button in await panel.read_buttons())
    wrong = f"{', '.join(name.upper() for name in down)} is down" if down else ""
    return Answer(identity, wrong or "no button is down", wrong, "button down" if down else "")


async def _ask_scanner(scanner: Device) -> Answer:
    return Answer(await scanner.ensure_ready(), "port open; a scan is its only word")


async def _ask_printer(printer: LabelPrinter) -> Answer:
    identity = await printer.ensure_ready()
    await printer.check()
    return Answer(identity, f"ready, {printer.language}, {printer.dpi} dpi")


async def _ask_audio(devices: Devices) -> Answer:
    await devices.ensure_sound()
    own: Any = devices.settings.audio.settings
    return Answer(devices.identities["audio"], f"open, {own.sample_rate_hz} Hz; nothing was played")
