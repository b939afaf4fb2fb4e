"""The devices of station.toml against the drivers' catalogue: kinds, settings, addresses, ports, channels, roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from station.settings.locate import Path
from station.settings.names import has_reading_unit, nearest_of, suggest
from station.settings.problem import Problem
from station.settings.source import Source, table
from station.settings.tree import DeviceSettings
from station.settings.validate import read

POLL_S = 0.5
"""How often a sensor is polled unless its `poll_s` says otherwise."""

REST_S = 1.0
"""A bench at rest polls no more often than this."""

RELAY_ROLES = ("load_left", "load_right", "capture", "source", "tester", "touch", "fan", "bleed")

PORT_OF_PLACE = {"guard": "guard", "panel": "panel", "scanner": "scanner", "audio": "audio", "printer": "printer"}
PORT_OF_ROLE = {"relays": "relays", "tester": "tester", "touch": "touch"}
READINGS_OF_ROLE: Mapping[str, tuple[str, ...]] = {
    "mains": ("voltage_v", "power_w"),
    "temperature": ("heatsink_degc", "loadbank_degc"),
    "inrush": ("peak_a",),
    "dc": ("left_plus_v", "left_minus_v", "right_plus_v", "right_minus_v"),
    "discharge": ("l_n_v", "l_pe_v", "n_pe_v"),
    "fan": ("rpm",),
}
"""Sensors that no bench can do without, and what each must read."""


class Fault(Protocol):
    """What an entry finds wrong with its settings, at a key of the device's table."""

    @property
    def path(self) -> tuple[str | int, ...]: ...
    @property
    def wrong(self) -> str: ...
    @property
    def remedy(self) -> str: ...


class DriverEntry(Protocol):
    """What settings must know of an entry of `drivers/catalog.py` (Driver)."""

    @property
    def kind(self) -> str: ...
    @property
    def port(self) -> str: ...
    @property
    def settings(self) -> type[Any]: ...
    @property
    def channels(self) -> int: ...
    @property
    def twin(self) -> bool: ...
    def readings(self, settings: Any, /) -> Sequence[str]: ...
    def faults(self, settings: Any, /) -> Iterable[Fault]: ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A device table as it stands in the file. `entry` and `settings` are None where they could not be told."""

    path: Path
    raw: Mapping[str, Any]
    entry: DriverEntry | None
    settings: Any
    poll_s: float

    @property
    def place(self) -> str:
        return str(self.path[-1])

    def frozen(self) -> DeviceSettings:
        """The device as the daemon gets it; only where the tree is free of problems."""
        assert self.entry is not None and self.settings is not None
        return DeviceSettings(self.entry.kind, self.settings, self.poll_s)

    def readings(self) -> Mapping[str, str] | None:
        """Names of what it delivers and what each was most likely meant to be; None where that cannot be told.

        A misspelled name is said once, here where it stands, and not again wherever the right one is used.
        """
        if self.entry is None or self.settings is None:
            return None
        names = {name: name for name in self.entry.readings(self.settings)}
        needed = READINGS_OF_ROLE.get(self.place, ())
        for missing in (name for name in needed if name not in names):
            near = nearest_of(missing, [name for name in names if name not in needed])
            if near is not None:
                names[near] = missing
        return names


def place_devices(source: Source, drivers: Mapping[str, DriverEntry]) -> tuple[list[Placed], list[Problem]]:
    """Every device table of the file, read with the settings of its kind; and what is wrong with each by itself."""
    placed: list[Placed] = []
    problems: list[Problem] = []
    for path, raw in _device_tables(source):
        device, found = _place(source, path, raw, drivers)
        placed.append(device)
        problems += found
    return placed, problems


def check_devices(source: Source, placed: Sequence[Placed]) -> Iterator[Problem]:
    """What is wrong between the devices: buses, addresses, ports, channels, roles."""
    yield from _check_buses(source, placed)
    yield from _check_ports(source, placed)
    for device in placed:
        yield from _check_channels(source, device)
        yield from _check_relays(source, device)
        yield from _check_alive(source, device)
        if device.path[0] == "devices":
            yield from _check_readings(source, device)
    yield from _check_roles(source, placed)


def _device_tables(source: Source) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for place in PORT_OF_PLACE:
        if isinstance(source.data.get(place), dict):
            yield (place,), source.data[place]
    for group in ("buses", "devices"):
        for name, raw in table(source.data.get(group)).items():
            if isinstance(raw, dict):
                yield (group, name), raw


def _place(
    source: Source, path: Path, raw: Mapping[str, Any], drivers: Mapping[str, DriverEntry]
) -> tuple[Placed, list[Problem]]:
    kind, poll_s, problems = raw.get("kind"), raw.get("poll_s", 0.0), []
    entry = drivers.get(kind) if isinstance(kind, str) else None
    fitting = [name for name, driver in drivers.items() if _fits(path, driver)]
    if kind is None:
        problems.append(source.problem((*path, "kind"), "is missing", f"add `kind = …`: {', '.join(sorted(fitting))}"))
    elif entry is None:
        problems.append(source.problem((*path, "kind"), f"unknown driver kind {kind!r}", suggest(str(kind), fitting)))
    elif not _fits(path, entry):
        wrong = f"{kind!r} is a {entry.port}, which this place is not for"
        problems.append(source.problem((*path, "kind"), wrong, f"kinds for it: {', '.join(sorted(fitting))}"))
    is_sensor = entry is not None and entry.port == "sensor"
    if is_sensor and "poll_s" not in raw:
        poll_s = POLL_S
    elif "poll_s" in raw and (isinstance(poll_s, bool) or not isinstance(poll_s, int | float) or poll_s == 0):
        problems.append(source.problem((*path, "poll_s"), f"{poll_s!r} is no time between readings", "write seconds"))
    elif "poll_s" in raw and entry is not None and not is_sensor:
        problems.append(source.problem((*path, "poll_s"), f"a {entry.port} is not polled", "remove this key"))
    settings = None
    if entry is not None and _fits(path, entry):
        own = {key: value for key, value in raw.items() if key not in ("kind", "poll_s")}
        settings, found = read(entry.settings, own, source, path)
        problems += [_poll_meant(source, problem, path) for problem in found]
        if settings is not None:
            faults = entry.faults(settings)
            problems += [source.problem((*path, *fault.path), fault.wrong, fault.remedy) for fault in faults]
    return Placed(path, raw, entry, settings, poll_s), problems


def _poll_meant(source: Source, problem: Problem, path: Path) -> Problem:
    """`poll_ms` and `pol_s` are misspellings of the one key of ours among the kind's own."""
    key = problem.key.rsplit(".", 1)[-1]
    is_open = problem.wrong == "unknown key" and not problem.remedy.startswith("did you mean")
    if is_open and nearest_of(key, ["poll_s", "kind"]):
        return source.problem((*path, key), problem.wrong, suggest(key, ["poll_s", "kind"]))
    return problem


def _fits(path: Path, entry: DriverEntry) -> bool:
    if path[0] == "buses":
        return entry.port == "bus"
    if path[0] == "devices":
        return entry.port == PORT_OF_ROLE.get(str(path[-1]), "sensor")
    return entry.port == PORT_OF_PLACE[str(path[0])]


def _check_buses(source: Source, placed: Sequence[Placed]) -> Iterator[Problem]:
    buses = [device.place for device in placed if device.path[0] == "buses"]
    taken: dict[tuple[str, int], Placed] = {}
    for device in placed:
        bus, address = device.raw.get("bus"), device.raw.get("address")
        if isinstance(bus, str) and bus not in buses:
            yield source.problem((*device.path, "bus"), f"there is no bus {bus!r}", suggest(bus, buses))
        if not isinstance(address, int) or isinstance(address, bool):
            continue
        if not 1 <= address <= 247:
            yield source.problem((*device.path, "address"), f"{address} is no Modbus address", "use 1 to 247")
        elif isinstance(bus, str):
            other = taken.setdefault((bus, address), device)
            if other is not device and device.raw.get("shares") != other.place:
                wrong = f"address {address} on bus {bus} is already taken by {other.place}"
                yield source.problem((*device.path, "address"), wrong, "give one of the two another address")
        shares = device.raw.get("shares")
        if isinstance(shares, str) and isinstance(bus, str) and taken.get((bus, address), device).place != shares:
            wrong = f"no role {shares!r} stands before it with this bus and address"
            remedy = "name the role whose device it is, or remove this key"
            yield source.problem((*device.path, "shares"), wrong, remedy)


def _check_ports(source: Source, placed: Sequence[Placed]) -> Iterator[Problem]:
    taken: dict[str, Placed] = {}
    for device in placed:
        for key in ("port", "path", "address"):
            port = device.raw.get(key)
            if not isinstance(port, str):
                continue
            other = taken.setdefault(port, device)
            if other is not device:
                wrong = f"{port} is already used by {'.'.join(map(str, other.path))}"
                yield source.problem((*device.path, key), wrong, "one port, one device: name the right one")


def _check_channels(source: Source, device: Placed) -> Iterator[Problem]:
    channels = table(device.raw.get("channels"))
    count = device.entry.channels if device.entry else 0
    if count == 0:
        return  # an unknown kind, or one without channels: that is said already
    taken: dict[int, str] = {}
    for name, channel in channels.items():
        path = (*device.path, "channels", name)
        if not isinstance(channel, int) or isinstance(channel, bool):
            continue
        if not 0 <= channel < count:
            yield source.problem(path, f"there is no channel {channel}", f"use 0 to {count - 1}")
        elif taken.setdefault(channel, name) != name:
            wrong = f"channel {channel} is already taken by {taken[channel]}"
            yield source.problem(path, wrong, "give one of the two another channel")


def _check_relays(source: Source, device: Placed) -> Iterator[Problem]:
    """The roles of a relay board, by channel number or by register."""
    if device.entry is None or device.entry.port != "relays":
        return
    group, place = ("channels", "<channel>") if device.entry.channels else ("outputs", "{ register = … }")
    roles = table(device.raw.get(group))
    for name in roles:
        if name not in RELAY_ROLES:
            yield source.problem((*device.path, group, name), "unknown relay role", suggest(name, RELAY_ROLES))
    meant = {nearest_of(name, RELAY_ROLES) for name in roles if name not in RELAY_ROLES}
    for role in RELAY_ROLES:
        if role not in roles and role not in meant:
            yield source.problem((*device.path, group, role), "no relay has this role", f"add `{role} = {place}`")


def _check_alive(source: Source, device: Placed) -> Iterator[Problem]:
    """A counter must be allowed to stand still from one look to the next; a bench at rest looks every second."""
    alive = getattr(device.settings, "alive", None)
    if alive is None or alive.max_age_s <= 0 or not isinstance(device.poll_s, int | float):
        return
    least_s = 2.0 * max(device.poll_s, REST_S)
    if alive.max_age_s < least_s:
        wrong = f"{alive.max_age_s:g} s, but it is asked every {least_s / 2:g} s: it would seem to stand still"
        remedy = f"allow {least_s:g} s or more, or poll more often"
        yield source.problem((*device.path, "alive", "max_age_s"), wrong, remedy)


def _check_readings(source: Source, device: Placed) -> Iterator[Problem]:
    """Names of readings: misspelled, without a unit of the house, or missing."""
    readings = device.readings()
    if readings is None:
        return
    for name, meant in readings.items():
        group = "quantities" if name in table(device.raw.get("quantities")) else "channels"
        if name != meant:
            wrong = f"the role {device.place} has no such reading"
            yield source.problem((*device.path, group, name), wrong, suggest(name, [meant]))
        elif not has_reading_unit(name):
            wrong = "the name does not end in a unit of the house"
            yield source.problem((*device.path, group, name), wrong, "end it in one: degc, v, a, w, hz, rpm …")
    for name in READINGS_OF_ROLE.get(device.place, ()):
        if name not in readings.values():
            remedy = "add it, or name another kind" if len(readings) else "name another kind"
            yield source.problem(device.path, f"does not read `{name}`, which every bench needs", remedy)


def _check_roles(source: Source, placed: Sequence[Placed]) -> Iterator[Problem]:
    devices = {device.place: device for device in placed if device.path[0] == "devices"}
    known = (*PORT_OF_ROLE, *READINGS_OF_ROLE)
    for role in known:
        if role not in devices:
            near = nearest_of(role, [name for name in devices if name not in known])
            remedy = f"did you mean `{near}` to be it?" if near else f"add [devices.{role}]"
            yield source.problem(("devices", role), "no device has this role", remedy)
    probe = devices.get("inrush")
    if probe is not None and probe.settings is not None and getattr(probe.settings, "arm_register", None) is None:
        yield source.problem(
            ("devices", "inrush", "arm_register"), "is missing", "name the register that clears the hold"
        )
